"""Bytes of pages as text, and titles that are safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.core.webpage import TITLE_LENGTH, clean_title, page_text, page_title

TITLE = "<title>镕基与“河湖”</title>"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TITLE.encode(), "text/html"),
        (TITLE.encode(), "text/html; charset=UTF-8"),
        (TITLE.encode("gb18030"), "text/html; charset=gb2312"),
        (TITLE.encode("gb18030"), 'text/html; charset="GBK"'),
        (TITLE.encode("gb18030"), ""),
        (b'<meta charset="gbk">' + TITLE.encode("gb18030"), "text/html"),
        (b"<meta http-equiv=x content='text/html; charset=gb2312'>" + TITLE.encode("gb18030"), "text/html"),
        (b"\xef\xbb\xbf" + TITLE.encode(), "text/html; charset=gbk"),
        (TITLE.encode("utf-16"), "text/html"),
        (TITLE.encode(), "text/html; charset=hex"),
        (TITLE.encode(), "text/html; charset=nonsense"),
        (TITLE.encode() + "半".encode()[:2], "text/html"),
    ],
)
def test_a_page_is_read_in_its_own_charset(body: bytes, content_type: str) -> None:
    assert page_title(page_text(body, content_type)) == "镕基与“河湖”"


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<TITLE lang=zh>\n  A &amp; B\t</TITLE>", "A & B"),
        ("<title></title><meta content='C' property='og:title'>", "C"),
        ("<title>never closed", "never closed"),
        ("<title>&#x202e;evil&#0;\u200b\u2066x</title>", "evil x"),
        ("no title", ""),
        ("", ""),
    ],
)
def test_the_title_is_found_and_cleaned(html: str, title: str) -> None:
    assert page_title(html) == title


@given(st.text(max_size=400))
def test_a_clean_title_is_one_short_visible_line(text: str) -> None:
    title = clean_title(text)
    assert len(title) <= TITLE_LENGTH
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in title)
    assert clean_title(clean_title("a<b")) == "a<b"


@settings(max_examples=50)
@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_read(body: bytes, content_type: str) -> None:
    page_title(page_text(body, content_type))


@pytest.mark.parametrize("piece", ["<title", "<meta ", "<title>", "<meta property=og:title ", "charset="])
def test_hostile_pages_take_linear_time(piece: str) -> None:
    page_title(page_text((piece * 60_000)[:262_144].encode()))
