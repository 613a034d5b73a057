"""Multipart forms, whole and crooked, for tests that throw them at whatever reads forms."""

from __future__ import annotations

from hypothesis import strategies as st

_PIECES = (
    b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"\n", b"Content-Disposition:", b" form-data;", b' name="t"', b" name*0*",
    b" name*0*=utf-8''x", b" name*=utf-8''%ff", b" name*1=a", b' filename="x"', b" filename*=utf-8''a",
    b"Content-Type: a/b;", b"name*0*", b"Content-Transfer-Encoding: base64", b";", b'"', b"\\", b"=", b":", b"''",
    b"\x00", b"\xff", b"v",
)  # fmt: skip
_PARAMETERS = (
    "boundary=b", 'boundary="b"', "boundary=", "boundary*0*", "boundary*0*=", "boundary*=utf-8''b", "boundary=\x00",
    "charset=undefined", "charset=\x00", "charset=hex", "charset=idna", "charset*=zz''%ff", "boundary=\u00e9", "=", "",
)  # fmt: skip


def multipart_bodies() -> st.SearchStrategy[bytes]:
    """Anything that looks like one, with headers that break parsers."""
    pieces = st.lists(st.sampled_from(_PIECES) | st.binary(max_size=5), max_size=14).map(b"".join)
    part = pieces.map(lambda head: b"--b\r\n" + head + b"\r\n\r\nv\r\n")
    return st.lists(part | pieces, max_size=4).map(lambda parts: b"".join(parts) + b"--b--\r\n")


def multipart_types() -> st.SearchStrategy[str]:
    """Content types of such a body."""
    said = st.lists(st.sampled_from(_PARAMETERS), max_size=3)
    return said.map(lambda some: "; ".join(("multipart/form-data", *some)))
