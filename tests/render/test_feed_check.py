"""Every rule a feed must pass, each with a feed that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from feedgen.feed import FeedGenerator

from publisher.render import feeds
from publisher.render.feed_check import HARD_BYTES, check_feed
from tests.render.factories import AT
from tests.render.feed_sample import FORMATS, entries, feed_of

FIRST_ID = "tag:daily.example.org,2025-01-29:rrrrrrrrrr"
SECOND_ID = "tag:daily.example.org,2025-01-29:mmmmmmmmmm"


def text_of(kind: str) -> str:
    feed, templates = feed_of(*entries())
    return FORMATS[kind](feed, templates).decode()


def problems(kind: Any, text: str) -> str:
    return "\n".join(check_feed(kind, text.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_a_good_feed_has_no_problems(kind: str) -> None:
    assert problems(kind, text_of(kind)) == ""


RSS = [
    ("</channel>", "", "not well-formed"),
    ("河是黑的", "河\x0b是黑的", "not well-formed"),
    ("<rss ", "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss ", "document type"),
    ('version="2.0"', 'version="0.91"', "not RSS 2.0"),
    ("<title>每日一读</title>", "", "no title"),
    ("<link>https://daily.example.org/</link>", "", "no link"),
    ("<description>每天九篇</description>", "<description> </description>", "no description"),
    ("<language>zh-CN", "<language>zh_cn", "no language tag"),
    (
        "<link>https://daily.example.org/</link>",
        "<link>https://daily.example.org/archive/1.xml</link>",
        "home page",
    ),
    ('rel="self"', 'rel="next"', "rel='self'"),
    ("sy:updatePeriod>", "sy:UpdatePeriod>", "sy:UpdatePeriod"),
    ("<sy:updateFrequency>1", "<sy:updateFrequency>None", "sy:updateFrequency"),
    ("<sy:updatePeriod>daily", "<sy:updatePeriod>often", "sy:updatePeriod"),
    ("<ttl>60</ttl>", "<ttl>60</ttl><managingEditor>编者</managingEditor>", "e-mail address"),
    ("<dc:creator>江上渔</dc:creator>", "<author>江上渔</author>", "e-mail address"),
    ("<dc:creator>江上渔</dc:creator>", "<creator>江上渔</creator>", "knows no <creator>"),
    (SECOND_ID, FIRST_ID, "share the id"),
    ('isPermaLink="false"', 'isPermaLink="true"', "isPermaLink"),
    (f'<guid isPermaLink="false">{FIRST_ID}</guid>', "", "has no id"),
    (FIRST_ID, "just a word", "no URI"),
    ("Wed, 29 Jan 2025 08:00:08 +0800", "2025-01-29T08:00:08+08:00", "RFC 822"),
    ("Wed, 29 Jan 2025 08:00:08 +0800", "周三, 29 一月 2025 08:00:08 +0800", "RFC 822"),
    ("Wed, 29 Jan 2025 08:00:08 +0800", "Mon, 29 Jan 2025 08:00:08 +0800", "RFC 822"),
    ("Wed, 29 Jan 2025 08:00:08 +0800", "Wed, 32 Jan 2025 08:00:08 +0800", "RFC 822"),
    ("<pubDate>Wed, 29 Jan 2025 08:00:08 +0800</pubDate>", "", "RFC 822"),
    ("<title>城市里的小河为什么又清了</title>", "", "has no title"),
    (
        "<link>https://daily.example.org/2025/01/29/rrrrrrrrrr/</link>",
        "<link>/2025/</link>",
        "full web address",
    ),
    ("<description>The manual outlived the machine.</description>", "", "has no summary"),
    ("</item>", "<content:encoded>x</content:encoded></item>", "more than one encoded"),
    ("&lt;p&gt;The manual", "&lt;p onclick='x()'&gt;The manual", "security risk"),
    ("&lt;p&gt;The manual", "&lt;script&gt;x()&lt;/script&gt;&lt;p&gt;The manual", "security risk"),
    ("&lt;p&gt;The manual", "&lt;iframe&gt;&lt;/iframe&gt;&lt;p&gt;The manual", "security risk"),
    ("&lt;p&gt;The manual", "&lt;a href='/2025/'&gt;x&lt;/a&gt;&lt;p&gt;The manual", "no full address"),
    ("&lt;p&gt;The manual", "&lt;a href='#top'&gt;x&lt;/a&gt;&lt;p&gt;The manual", "no full address"),
    ("&lt;p&gt;The manual", "&lt;img src='//x/a.png'&gt;&lt;p&gt;The manual", "no full address"),
    (
        "&lt;p&gt;The manual",
        "&lt;a href='javascript:x()'&gt;x&lt;/a&gt;&lt;p&gt;The manual",
        "security risk",
    ),
    ("<channel>", "<channel><script xmlns='http://www.w3.org/1999/xhtml'/>", "XHTML element <script>"),
]

ATOM = [
    ("</feed>", "", "not well-formed"),
    ("http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "not Atom"),
    ("<title>每日一读</title>", "", "the feed has no title"),
    ("<id>urn:uuid:0f0e0d0c-0b0a-4009-8807-060504030201</id>", "", "the feed has no id"),
    ("<title>每日一读</title>", "<title>a</title><title>b</title>", "more than one title"),
    ('xml:lang="zh-CN"', 'xml:lang="zh_cn"', "no language tag"),
    ('xml:lang="en"', 'xml:lang=""', "no language tag"),
    ('rel="self"', 'rel="via"', "rel='self'"),
    (SECOND_ID, FIRST_ID, "share the id"),
    (f"<id>{FIRST_ID}</id>", "", "has no id"),
    ("2025-01-30T08:00:09+08:00", "2025-01-29T08:00:09+08:00", "share updated"),
    ("2025-01-30T08:00:09+08:00", "Thu, 30 Jan 2025 08:00:09 +0800", "RFC 3339"),
    ("2025-01-30T08:00:09+08:00", "2025-01-30T08:00:09", "RFC 3339"),
    ("2025-01-30T08:00:09+08:00", "2025-02-30T08:00:09+08:00", "RFC 3339"),
    ("<published>2025-01-29T08:00:08+08:00</published>", "", "no published"),
    ("<updated>2025-01-30T08:00:09+08:00</updated>", "", "no updated"),
    ('<content type="html">', '<content type="CDATA">', "type 'CDATA'"),
    ('<content type="html">', '<content type="xhtml">', "type 'xhtml'"),
    ('rel="related"', 'type="text/html"', "two alternate links"),
    (
        '<link rel="related" href="http://t.cn/A6RiVEr"',
        '<link rel="related" href="t.cn/A6RiVEr"',
        "full web address",
    ),
    ('term="梦"', 'term=""', "without a term"),
    ("<entry>", "<entry><script xmlns='http://www.w3.org/1999/xhtml'>x()</script>", "XHTML element <script>"),
    ("&lt;p&gt;The manual", "&lt;a href='page.html'&gt;x&lt;/a&gt;&lt;p&gt;The manual", "no full address"),
]

JSON = [
    ("{", "", "not JSON"),
    ("version/1.1", "version/2", "not JSON Feed"),
    ('"items": [', '"items": [1,', "list of objects"),
    ('"title": "每日一读"', '"title": ""', "no title"),
    ('"home_page_url": "https://daily.example.org/"', '"home_page_url": "/"', "full web address"),
    ('"feed_url": "https://daily.example.org/feed.json"', '"feed_url": ""', "rel='self'"),
    ("https://daily.example.org/feed.json", "https://elsewhere.example/feed.json", "home page"),
    ('"language": "zh-CN"', '"language": "zh_cn"', "no language tag"),
    (SECOND_ID, FIRST_ID, "share the id"),
    (f'"id": "{FIRST_ID}"', '"id": 1', "has no id"),
    ("2025-01-29T08:00:08+08:00", "29.1.2025", "RFC 3339"),
    ('"date_modified": "2025-01-30T08:00:09+08:00"', '"date_modified": null', "RFC 3339"),
    ('"name": "江上渔"', '"name": ""', "authors"),
    ('"梦"', '""', "tags"),
    ('"external_url": "http://t.cn/A6RiVEr"', '"external_url": "t.cn/A6RiVEr"', "full web address"),
    ("河是黑的", "河\\u000b是黑的", "control character"),
    ("河是黑的", "河\\ud800是黑的", "control character"),
    ("<p>The manual", "<script>x()</script><p>The manual", "security risk"),
    ('"title": "没有招牌的书店"', '"title": " "', "has no title"),
]


@pytest.mark.parametrize(("old", "new", "expected"), RSS)
def test_a_bad_rss_feed_is_caught(old: str, new: str, expected: str) -> None:
    assert_caught("rss", old, new, expected)


@pytest.mark.parametrize(("old", "new", "expected"), ATOM)
def test_a_bad_atom_feed_is_caught(old: str, new: str, expected: str) -> None:
    assert_caught("atom", old, new, expected)


@pytest.mark.parametrize(("old", "new", "expected"), JSON)
def test_a_bad_json_feed_is_caught(old: str, new: str, expected: str) -> None:
    assert_caught("json", old, new, expected)


def assert_caught(kind: str, old: str, new: str, expected: str) -> None:
    good = text_of(kind)
    assert old in good
    assert expected in problems(kind, good.replace(old, new))


def test_an_atom_feed_that_names_no_author_is_caught() -> None:
    good = text_of("atom")
    unsigned = good.replace("<author>", "<contributor>").replace("</author>", "</contributor>")
    assert "no author" in problems("atom", unsigned)
    nameless = good.replace("<name>", "<email>").replace("</name>", "</email>")
    assert "no author" in problems("atom", nameless)


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_a_feed_without_content_is_caught(kind: str) -> None:
    feed = json.loads(text_of("json"))
    content = feed["items"][0]["content_html"]
    escaped = content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    as_written = json.dumps(content, ensure_ascii=False)[1:-1] if kind == "json" else escaped
    assert as_written in text_of(kind)
    assert "has no content" in problems(kind, text_of(kind).replace(as_written, ""))


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"<", b"null", b"[]", b"{}", b"<html/>", b"\x00" * 9, b"[" * 100_000]
)
def test_whatever_is_no_feed_is_a_problem_and_never_an_exception(kind: Any, data: bytes) -> None:
    assert check_feed(kind, data)


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_a_feed_beyond_two_million_bytes_is_caught(kind: Any) -> None:
    padded = text_of(kind).encode() + b" " * (HARD_BYTES + 100_000)
    assert "bytes" in check_feed(kind, padded)[0]


def test_more_than_300_entries_are_caught() -> None:
    feed = json.loads(text_of("json"))
    feed["items"] = [feed["items"][0] | {"id": f"tag:x,2025:{k}"} for k in range(301)]
    assert problems("json", json.dumps(feed)) == "the feed has 301 entries; readers keep 300"


def test_entities_are_not_expanded() -> None:
    bomb = "<!DOCTYPE rss [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"
    assert "document type" in problems("rss", bomb + "<rss version='2.0'><channel>&b;</channel></rss>")


def raw_feedgen(fill: Callable[[Any], None]) -> Any:
    """feedgen as its manual shows it, without our extension."""
    generator = FeedGenerator()
    generator.id("https://daily.example.org/")
    generator.title("每日一读")
    generator.description("每天九篇")
    generator.language("zh-CN")
    generator.author({"name": "编者"})
    generator.updated(AT)
    generator.link(href="https://daily.example.org/atom.xml", rel="self")
    generator.link(href="https://daily.example.org/", rel="alternate")
    entry = generator.add_entry()
    entry.id("tag:daily.example.org,2025-01-29:aaaaaaaaaa")
    entry.title("标题")
    entry.published(AT)
    entry.updated(AT)
    entry.summary("摘要")
    entry.content("<p>正文</p>", type="html")
    entry.link(href="https://daily.example.org/1/", rel="alternate")
    fill(entry)
    return generator


def test_feedgen_used_as_its_manual_says_is_caught() -> None:
    assert check_feed("atom", raw_feedgen(lambda entry: None).atom_str()) == []
    naive = raw_feedgen(lambda entry: entry.link(href="http://t.cn/A6Abcd12", rel="related")).atom_str()
    assert "two alternate links" in "\n".join(check_feed("atom", naive))
    cdata = raw_feedgen(lambda entry: entry.content("<p>正文</p>", type="CDATA")).atom_str()
    assert "type 'CDATA'" in "\n".join(check_feed("atom", cdata))


def test_the_checks_are_for_what_we_serve() -> None:
    feed, templates = feed_of(*entries())
    assert check_feed("atom", feeds.rss(feed, templates))
    assert check_feed("rss", feeds.atom(feed, templates))
    assert check_feed("json", feeds.rss(feed, templates))
