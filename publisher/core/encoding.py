"""A file's bytes as text with LF line ends, or the exact place where they stop being text."""

from __future__ import annotations

import codecs
import re

from publisher.core.diagnostics import Findings

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


def decode(data: bytes, found: Findings) -> str | None:
    """The text without its byte order mark; None when the bytes are no text. Never guesses a character."""
    text = _decoded(data, found)
    if text is not None:
        text = lf_only(text)
        _report_controls(text, found)
    return text


def lf_only(text: str) -> str:
    """CRLF and lone CR as LF; U+2028, U+0085 and other breaks stay characters of their line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, found: Findings) -> str | None:
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _strictly(data, codec, len(bom), found)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as broken:
        if _is_damaged_utf8(data, broken):
            return _refuse(broken, "utf-8", 0, found)
    return _as_gb18030(data, found)


def _strictly(data: bytes, codec: str, skip: int, found: Findings) -> str | None:
    try:
        return data[skip:].decode(codec)
    except UnicodeDecodeError as broken:
        return _refuse(broken, codec, skip, found)


def _is_damaged_utf8(data: bytes, broken: UnicodeDecodeError) -> bool:
    """Whether this is UTF-8 with a fault rather than GB18030.

    The bytes of Chinese UTF-8 are nearly always valid GB18030 too (as nonsense), so this must be asked
    first. Read as UTF-8, Chinese GB18030 breaks at four characters out of five, a damaged file at a few.
    """
    if broken.reason == "unexpected end of data":  # valid up to a last character that was cut
        return True
    text = data.decode("utf-8", "surrogateescape")  # for counting alone
    whole = text.encode("utf-8", "ignore").decode("utf-8")
    bad = len(text) - len(whole)
    good = len(whole) - len(whole.encode("ascii", "ignore"))
    return good >= bad


def _as_gb18030(data: bytes, found: Findings) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as broken:
        return _refuse(broken, "gb18030", 0, found)
    if not _reads_like_chinese(text):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as broken:
            return _refuse(broken, "utf-8", 0, found)
    found.add("encoding-gb18030", 1)
    return text


def _reads_like_chinese(text: str) -> bool:
    """Latin-1, Big5 or Shift-JIS taken for GB18030 give rare characters; real text is mostly GB 2312."""
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    common = len(text.encode("gb2312", "ignore").decode("gb2312")) - (len(text) - foreign)
    return common * 2 >= foreign and not _PRIVATE_USE.search(text)


def _refuse(broken: UnicodeDecodeError, codec: str, skip: int, found: Findings) -> str | None:
    """Tell the place and give no text. `skip`: how many bytes stood before those that were decoded."""
    before = lf_only(broken.object[: broken.start].decode(codec))
    shown = broken.object[broken.start : min(broken.end, broken.start + 4)].hex(" ").upper()
    found.add("encoding-unknown", *_place(before, len(before)), bytes=shown, offset=broken.start + skip)
    return None


def _report_controls(text: str, found: Findings) -> None:
    for count, match in enumerate(_CONTROL.finditer(text)):
        if count == 10:  # enough to see what kind of file it is
            return
        found.add("control-character", *_place(text, match.start()), codepoint=f"U+{ord(match[0]):04X}")


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
