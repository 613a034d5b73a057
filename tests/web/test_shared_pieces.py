"""The pieces that pages made when asked share: forms, the visitor's address, what a file is, how codings are chosen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from publisher.web import conditional
from publisher.web.answers import content_security_policy, page, security_headers
from publisher.web.counts import Counts, reader
from publisher.web.forms import FORM_BYTES, read_form
from publisher.web.kinds import kind_of
from publisher.web.visitors import Proxies
from tests.web.multipart import multipart_bodies, multipart_types

URLENCODED = "application/x-www-form-urlencoded"


def posted(
    body: bytes, content_type: str = URLENCODED, *, announced: str | None = "", piece: int = 1 << 20
) -> Request:
    """A request with this body; `announced` '' is its true length, None no length at all."""
    headers = [(b"content-type", content_type.encode())]
    if announced is not None:
        headers.append((b"content-length", (announced or str(len(body))).encode()))
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)] or [b""]
    events = [{"type": "http.request", "body": one, "more_body": True} for one in pieces]
    events[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return events.pop(0) if events else {"type": "http.disconnect"}

    return Request(
        {"type": "http", "method": "POST", "headers": headers, "path": "/", "query_string": b""}, receive
    )


_PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


def form(request: Request) -> dict[str, str]:
    return asyncio.run(read_form(request))


# ---------------------------------------------------------------- forms


def test_a_form_is_a_dictionary_of_text() -> None:
    assert form(posted("email=甲%40example.cn&cadence=weekly&x=".encode())) == {
        "email": "甲@example.cn", "cadence": "weekly", "x": "",
    }  # fmt: skip
    assert form(posted(b"List-Unsubscribe=One-Click")) == {"List-Unsubscribe": "One-Click"}
    assert form(posted(b"a=1&a=2")) == {"a": "1"}
    assert form(posted(b"")) == {}
    assert form(posted(b"a=%ff%fe")) == {"a": "\ufffd\ufffd"}


def test_a_mail_provider_may_post_the_one_click_as_multipart() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    assert form(posted(body, "multipart/form-data; boundary=b")) == {"List-Unsubscribe": "One-Click"}


def test_a_multipart_form_is_read_as_browsers_write_it() -> None:
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n{}\r\n{}\r\n'
    body = part.format("email", "", "", "甲@example.cn") + part.format(
        "x", "", "Content-Type: text/plain\r\n", ""
    )
    body += part.format("file", '; filename="a.txt"', "Content-Type: text/plain\r\n", "not wanted")
    body += part.format("email", "", "", "second") + part.format('a\\"b', "", "", "1\r\n2")
    found = form(
        posted((body + "--b--\r\n").encode(), 'multipart/form-data; charset=undefined; boundary="b"')
    )
    assert found == {"email": "甲@example.cn", "x": "", 'a"b': "1\r\n2"}


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: a/b;name*0*", "Content-Disposition: form-data; name*0*",
        "Content-Disposition: form-data; name*0*=", "Content-Disposition: form-data; name*=utf-8''%ff",
        "Content-Disposition: form-data; name*99999999999999999999=a", "Content-Disposition:", "Content-Disposition: ;",
    ],
)  # fmt: skip
def test_a_part_with_a_crooked_header_is_no_field(head: str) -> None:
    body = f"--x\r\n{head}\r\n\r\nv\r\n--x--\r\n".encode()
    assert form(posted(body, "multipart/form-data; boundary=x")) == {}


@pytest.mark.parametrize("announced", ["", None, "10"])
def test_ten_megabytes_are_refused_after_at_most_the_limit(announced: str | None) -> None:
    request = posted(b"email=" + b"a" * 10_000_000, announced=announced, piece=16_384)
    with pytest.raises(HTTPException) as caught:
        form(request)
    assert caught.value.status_code == 413


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (posted(b"{}", "application/json"), 415),
        (posted(b"x", "text/plain"), 415),
        (posted(b"a=1", announced="-5"), 400),
        (posted(b"a=1", announced="1e3"), 400),
        (posted(b"&".join(b"a%d=1" % n for n in range(1000))), 400),
        (posted(b"--b--\r\n", "multipart/form-data"), 400),
        (posted(b"--b--\r\n", "multipart/form-data; boundary="), 400),
        (posted(b"nonsense", "multipart/form-data; boundary=b"), 400),
        (posted(_PART * 51 + b"--b--\r\n", "multipart/form-data; boundary=b"), 400),
    ],
)
def test_what_is_no_form_is_refused(request_: Request, status: int) -> None:
    with pytest.raises(HTTPException) as caught:
        form(request_)
    assert caught.value.status_code == status


@given(
    st.binary(max_size=2000) | multipart_bodies(),
    st.sampled_from([URLENCODED, "multipart/form-data"]) | multipart_types(),
)
def test_any_bytes_are_a_form_or_are_refused(body: bytes, content_type: str) -> None:
    try:
        found = form(posted(body, content_type))
    except HTTPException as exc:
        assert exc.status_code in (400, 413, 415)  # noqa: PT017
    else:
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in found.items())
    assert FORM_BYTES == 65536


# ---------------------------------------------------------------- visitors


def scope(peer: str, *forwarded: str, header: str = "x-forwarded-for") -> dict[str, Any]:
    return {"client": (peer, 4711), "headers": [(header.encode(), one.encode()) for one in forwarded]}


LOCAL = Proxies(("127.0.0.0/8", "::1/128", "10.0.0.0/8"))


@pytest.mark.parametrize(
    ("asked", "visitor"),
    [
        (scope("203.0.113.7"), "203.0.113.7"),
        (scope("203.0.113.7", "198.51.100.1"), "203.0.113.7"),  # not our proxy: its word counts nothing
        (scope("127.0.0.1", "198.51.100.1"), "198.51.100.1"),
        (scope("127.0.0.1", "1.1.1.1, 198.51.100.1"), "198.51.100.1"),  # the first is the visitor's own claim
        (scope("127.0.0.1", "1.1.1.1", "198.51.100.1, 10.1.2.3"), "198.51.100.1"),
        (scope("127.0.0.1", "198.51.100.1:5060"), "198.51.100.1"),
        (scope("127.0.0.1", "[2001:db8::1]:443"), "2001:db8::1"),
        (scope("127.0.0.1", "unknown"), "127.0.0.1"),
        (scope("127.0.0.1", "198.51.100.1, garbage"), "127.0.0.1"),
        (scope("::ffff:203.0.113.7"), "203.0.113.7"),
        (scope("127.0.0.1"), "127.0.0.1"),
        (scope("127.0.0.1", "10.1.1.1"), "10.1.1.1"),
    ],
)
def test_the_visitor_is_who_our_proxy_saw(asked: dict[str, Any], visitor: str) -> None:
    assert str(LOCAL.visitor(asked)) == visitor


def test_networks_are_what_a_household_shares() -> None:
    assert LOCAL.network(scope("203.0.113.7")) == LOCAL.network(scope("203.0.113.200")) == "203.0.113.0/24"
    assert LOCAL.network(scope("2001:db8::1")) == "2001:db8::/64"
    assert LOCAL.network({"client": None, "headers": []}) == ""


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_header_breaks_the_telling(forwarded: str, peer: str) -> None:
    asked = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode("utf-8", "replace"))]}
    LOCAL.visitor(asked)
    LOCAL.visitor(asked | {"client": ("127.0.0.1", 1)})
    assert isinstance(LOCAL.network(asked), str)


def test_who_speaks_for_somebody_else_is_not_local() -> None:
    assert LOCAL.is_local(scope("127.0.0.1"))
    assert LOCAL.is_local(scope("::1"))
    assert not LOCAL.is_local(scope("10.1.1.1"))
    assert not LOCAL.is_local(scope("127.0.0.1", "127.0.0.1"))
    assert not LOCAL.is_local(scope("127.0.0.1", "for=1.1.1.1", header="forwarded"))


# ---------------------------------------------------------------- answers and kinds


def test_only_a_mail_that_is_shown_may_bring_styles() -> None:
    assert "unsafe-inline" not in content_security_policy()
    shown = page("<p>x", mail=True).headers
    assert "style-src 'self' 'unsafe-inline'" in shown["content-security-policy"]
    assert "script" not in shown["content-security-policy"]
    assert shown["cache-control"] == "no-store"


def test_transport_security_is_promised_by_sites_that_have_it() -> None:
    assert b"strict-transport-security" not in dict(security_headers("http://localhost:8000/"))
    assert b"strict-transport-security" in dict(security_headers("https://daily.example.cn/"))


@pytest.mark.parametrize(
    ("path", "kind", "holds_s"),
    [
        ("rss.xml", "feed", 0), ("topics/a/atom.xml", "feed", 0), ("daily.xml", "feed", 0),
        ("archive/2025-01.atom.xml", "feed", 86_400), ("archive/2025-01.feed.json", "feed", 86_400),
        ("index.html", "page", 0), ("sitemap/2025-01.xml", "asset", 0), ("feeds.opml", "asset", 0),
        (f"media/{'a' * 64}.png", "media", 31_536_000), ("media/logo.png", "asset", 0), ("no-ending", "asset", 0),
        (f"media/{'a' * 64}", "media", 31_536_000),
    ],
)  # fmt: skip
def test_a_path_says_what_a_file_is(path: str, kind: str, holds_s: int) -> None:
    found = kind_of(path)
    assert (found.kind, found.holds_s) == (kind, holds_s)


# ---------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        (b"", ""), (b"identity", ""), (b"gzip", "gzip"), (b"br", "br"), (b"gzip, deflate, br, zstd", "br"),
        (b"br;q=0.5, gzip", "gzip"), (b"br;q=0, gzip", "gzip"), (b"gzip;q=0", ""), (b"*", "br"), (b"*;q=0", ""),
        (b"gzip;q=1.0, *;q=0", "gzip"), (b"GZIP", "gzip"), (b"x-gzip", "gzip"), (b"br;q=abc, gzip;q=0.1", "gzip"),
        (b"deflate", ""), (b",,,", ""), (b"gzip;level=1", "gzip"), (b"br;q=nan", ""),
    ],
)  # fmt: skip
def test_the_best_coding_that_is_accepted(accept: bytes, best: str) -> None:
    assert conditional.coding(accept) == best


@given(st.binary(max_size=200))
def test_no_header_value_breaks_a_condition(value: bytes) -> None:
    assert conditional.coding(value) in ("", "gzip", "br")
    assert conditional.matches(value, frozenset({b"a-tag-nobody-guesses"})) == (value.strip() == b"*")
    seconds = conditional.seconds(value)
    assert seconds is None or isinstance(seconds, int)


@given(
    st.binary(max_size=40) | st.from_regex(rb"bytes=[0-9]{0,25}-[0-9]{0,25}", fullmatch=True),
    st.integers(0, 10**6),
)
def test_a_range_lies_within_the_bytes(value: bytes, size: int) -> None:
    found = conditional.byte_range(value, size)
    if isinstance(found, tuple):
        assert 0 <= found[0] < found[1] <= size


# ---------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("agent", "family", "subscribers"),
    [
        ("Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; like FeedFetcher-Google)", "feedly", 16),
        ("Feedbin feed-id:1373711 - 142 subscribers", "feedbin", 142),
        ("NewsBlur Feed Fetcher - 3 subscribers - http://www.newsblur.com/site/1 (Mozilla/5.0)", "newsblur", 3),
        ("Mozilla/5.0 (compatible; inoreader.com; 1 subscriber)", "inoreader", 1),
        ("Mozilla/5.0 (compatible; Miniflux/2.2.0; +https://miniflux.app)", "miniflux", None),
        ("FreshRSS/1.24 (Linux; https://freshrss.org)", "freshrss", None),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "browser", None),
        ("my-script/0.1", "my-script", None), ("", "unknown", None), ("\x00\xff", "unknown", None),
        ("x 99999999999999 subscribers", "x", None),
    ],
)  # fmt: skip
def test_readers_are_told_by_their_name(agent: str, family: str, subscribers: int | None) -> None:
    assert reader(agent.encode("latin-1")) == (family, subscribers)


def test_counts_stay_bounded_whatever_names_are_sent() -> None:
    counts = Counts()
    for n in range(5_000):
        letters = "".join(chr(97 + int(d)) for d in str(n))
        counts.polled(b"/topics/%d/atom.xml" % n, 200, f"bot{letters}/1.0 - {n} subscribers".encode())
    text = counts.text()
    assert b'publisher_feed_polls_total{reader="other",status="200"}' in text
    assert len(text.splitlines()) < 3_000
