"""Whatever is written: reading never raises, every character is on the page, and no text takes long."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from urllib.parse import unquote

import html5lib
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from publisher.core.document import EntrySource
from publisher.core.entry import Entry, read_entry
from publisher.core.heading import ZERO_WIDTH
from publisher.core.markup import read_markdown
from publisher.core.reading_options import ReadingOptions
from publisher.core.urls import find_urls
from publisher.render.html import body_html, body_text, source_link_html
from publisher.render.phrases import Flavour, seen
from tests.render.factories import published, site

ANY = st.text(
    st.characters(exclude_categories=()), max_size=200
)  # control characters and lone surrogates too
PIECES = [
    "**", "*", "_", "`", "``", "~~", "[", "]", "(", ")", "!", "<", ">", "#", "##", "\\", "|", "&", ":", "：", "。",
    "\n", "\n\n", "\n\n", " ", "  ", "\t", "\u3000", "\u200b", "\u200d", "- ", "+ ", "1. ", "2. ", "3. ", "99) ",
    "1984. ", "| 甲 | 乙 |\n|--|:-:|\n", "| 一 | 二 | 三 |\n", "***", "---", "===", "~", "```", "~~~", "> ", "### ",
    "http://t.cn/A6abcd", "t.cn/abcd", "https://a.b/c?d=(e)", "http://t.cn/ab", "http://", "[全力以赴]", "[没有的]",
    "#话题#", "#甲##乙#", "`甲##乙`", "`话题`", "`code()`", "桥(0:00-7:59):", "尾（59:07-结束）：", "<br>", "<b>x</b>",
    "&amp;", "&#34;", "&nbsp;", "中文", "他说", "，", "“好”", "作者：某人", "2025年1月29日", "JANE DOE 某人",
    "【快讯】", "😀", "👨‍👩‍👧", "❤️", "abc", "A1 b2", "1.5", "![图](p.png)", "![](q.png)", "[词](u.pdf)",
    '[词](http://a.cn/路 "题")',
    "[](http://e.mp/ty)", "<a@b.cn>", "<http://x.y/z>", "來源：", "原文：", "\x00", "\x0b", "\u2028", "\xa0", "שלום",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(markdown: str, **options: object) -> Entry:
    source = EntrySource(number=1, label="1", markdown=markdown, line=3, body_line=5)
    return read_entry(source, options=ReadingOptions(**options))[0]  # type: ignore[arg-type]


# ---------------------------------------------------------------- never raises


@THOROUGH
@given(st.one_of(ANY, MARKDOWN), st.one_of(ANY, MARKDOWN), st.booleans(), st.sampled_from(["br", "join"]))
@example("", "", True, "br")
def test_any_text_is_an_entry(markdown: str, heading: str, heal: bool, breaks: str) -> None:
    source = EntrySource(heading=heading.replace("\n", " "), markdown=markdown, line=3, body_line=5)
    options = ReadingOptions(heal_lists=heal, soft_breaks=breaks)
    entry, found = read_entry(source, file="a.md", options=options)
    assert (entry, found) == read_entry(source, file="a.md", options=options)
    assert entry.is_empty == (not entry.title)
    assert len(entry.summary) <= 110
    assert entry.minutes >= 1
    assert len({topic.key for topic in entry.topics}) == len(entry.topics)
    assert len({link.url for link in entry.links}) == len(entry.links)
    assert entry.source_link is None or entry.source_link.url in {link.url for link in entry.links}
    lines = markdown.split("\n")
    for one in found:
        assert one.line == 3 or 5 <= one.line < 5 + len(lines)
        assert one.column >= 1


@settings(max_examples=150, deadline=None)
@given(st.one_of(ANY, MARKDOWN), st.sampled_from(["web", "feed", "mail"]))
def test_any_entry_is_a_fragment_that_parses_strictly(markdown: str, flavour: Flavour) -> None:
    one = published(markdown)
    html = f"{body_html(one, site(), flavour)}{source_link_html(one, site(), flavour)}"
    html5lib.HTMLParser(strict=True).parse(f"<!doctype html><html><body>{html}</body></html>")
    assert body_html(one, site(), flavour) == body_html(one, site(), flavour)
    assert isinstance(body_text(one, site()), str)


# ---------------------------------------------------------------- text in = text out


def letters(text: str) -> Counter[str]:
    """The characters that are words in any reading: marks, digits of lists and white space are left out."""
    return Counter(c for c in seen(text) if c.isalpha() or unicodedata.category(c) in ("So", "Mn"))


def on_the_page(entry: Entry, markdown: str) -> Counter[str]:
    """Every character of the entry's page: text and attribute values of its body and of what stands around it."""
    one = replace(published(markdown, media={name: f"media/{name}" for name in entry.media}), entry=entry)
    html = f"{body_html(one, site(), 'web')}{source_link_html(one, site(), 'web')}"
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    shown = ["".join(tree.itertext())]
    shown += [unquote(value) for element in tree.iter() for value in element.attrib.values()]
    shown += [] if entry.title_in_body else [entry.title]
    return letters("".join([*shown, *entry.byline, *(topic.name for topic in entry.topics)]))


DROPPED = re.compile(
    r"<br\s*/?>"  # a break
    r"|&(?:amp|nbsp|#34);"  # stand for a character
    r"|^\s*(?:原文|來源|来源)[：:]",  # the row of the source link says it
    re.MULTILINE,
)


@THOROUGH
@given(MARKDOWN)
@example("标题\n\n正文 http://t.cn/A6abcd")
@example("【快讯】这一条很长，后面还有许多字，超过了二十四个字的限度，所以留在正文里。")
@example("| a | b |\n|--|--|\n| 1 | 二 | 三 |")
@example("作者\n\n作者：某人\n\n2025年1月29日\n\n正文。")
@example(">" * 40 + "深处")
def test_every_letter_that_is_written_is_on_the_page(markdown: str) -> None:
    markdown = markdown.replace("\x00", "").replace("\x0b", "")  # a document that holds them is refused
    entry = read(markdown)
    missing = letters(DROPPED.sub("", markdown)) - on_the_page(entry, markdown)
    marks = markdown.count("#") + markdown.count("`")
    said_twice = letters("".join(topic.name for topic in entry.topics) * marks)  # a topic is shown once
    assert not missing - said_twice, (entry.title, entry.title_rule)


PROSE = st.text(st.sampled_from("山水字句ab1，。！？“”：；—… 😀🏳️‍🌈é&<שלום\n"), max_size=120)


@THOROUGH
@given(PROSE)
def test_prose_without_marks_is_shown_exactly(prose: str) -> None:
    entry = read(prose)
    one = replace(published(prose), entry=entry)
    shown = "".join(
        html5lib.parseFragment(body_html(one, site(), "web"), namespaceHTMLElements=False).itertext()
    )
    whole = shown if entry.title_in_body else entry.title + shown
    told = Counter(prose) - Counter(whole)
    assert not {
        c for c in told if not c.isspace() and c not in "：:" and c not in ZERO_WIDTH
    }  # a title's colon
    assert not Counter("".join(whole.split())) - Counter(prose)


@given(ANY)
def test_the_hash_sees_words_alone(text: str) -> None:
    text = re.sub(r"\s+", " ", text)
    plain = read(text).sha
    assert plain == read(text.replace(" ", " \r\n\u3000")).sha
    assert plain == read("\u200b".join(text)).sha
    assert (
        plain == read(unicodedata.normalize("NFD", text)).sha or "\ud800" <= max(text, default="") <= "\udfff"
    )
    assert plain != read(text + "字").sha


# ---------------------------------------------------------------- addresses


URLISH = st.lists(
    st.sampled_from(["http://", "https://", "t.cn/", "t.cn/A6abcd", "a.b", "/", "?", "(", ")", "[", "]", ".", ",", "见",
                     "。", "（", "）", "x", "9", " ", "例", "-", "&", "=", "*", "`"]),
    max_size=25,
).map("".join)  # fmt: skip


@THOROUGH
@given(st.one_of(ANY, URLISH))
def test_an_address_never_swallows_or_splits_chinese(text: str) -> None:
    at = 0
    for one in find_urls(text):
        written = text[one.start : one.end]
        assert at <= one.start < one.end <= len(text)
        assert written.isascii()
        assert one.url == written or one.url == f"http://{written}"
        assert not re.search(r"\s", written)
        at = one.end


@given(
    st.text(st.sampled_from("山水，。（）“”：；、"), min_size=1, max_size=10),
    st.sampled_from(["t.cn/A63abcde", "https://a.b/c?d=1#e"]),
)
def test_an_address_is_found_whole_between_chinese(chinese: str, url: str) -> None:
    text = f"{chinese}{url}{chinese}"
    assert [text[one.start : one.end] for one in find_urls(text)] == [url]


# ---------------------------------------------------------------- hostile texts take no longer than prose


HOSTILE = [
    "`", "`a ", "`a``b```c", "*", "**a ", "*a_b", "中**文", "~~a ", "[", "]", "[a](", "[a](b ", "[](<", '[a](b "', "![",
    "[a]", "[a](http://b.c)", "[[a](b)", "<", "<a ", "<http://a", "&", "&amp;", "\\", "\\*", ">", "> ", ">\n", "#",
    "#甲#", "`a##b`", "http://a.b/c ", "http://a", "t.cn/abcdef。", "<br>", " ", "\t", "|a", "。", "的的", "【", "- - ",
    "1. ", "\u200b", "\u200d", "👨‍👩‍👧", "e\u0301", "的", "a:b(0:00-", "(", "😀",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_about_as_long_as_prose(piece: str) -> None:
    """Quadratic work would take hundreds of times as long at this size, so the limit may be generous."""
    size = 60_000
    prose = ("天下大势，分久必合，合久必分。他说：“好。”\n\n" * size)[:size]
    expected = max(took(prose), 0.05)
    assert took((piece * size)[:size]) < 25 * expected


def took(markdown: str) -> float:
    began = time.process_time()
    one = published(markdown)
    body_html(one, site(), "web")
    return time.process_time() - began


def test_nesting_is_capped_and_nothing_of_it_is_lost() -> None:
    for mark in (">", "> ", "- ", "1. ", "> - "):
        deep = mark * 5_000 + "底"
        assert max(token.level for token in read_markdown(deep)) < 40
        assert "底" in read(deep).text
        assert letters(deep) == on_the_page(read(deep), deep)
