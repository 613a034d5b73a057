"""Archive documents, the hub, the feed of a topic and the feed of days, as strangers read them."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from publisher.core.issue import IssueName
from publisher.render import feeds
from publisher.render.environment import Templates
from publisher.render.feed_check import check_feed
from tests.render.factories import AT, DAY, published, site
from tests.render.feed_sample import (
    ATOM,
    FORMATS,
    assert_atom_schema,
    assert_valid,
    entries,
    feed_of,
    visible,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "feeds"
FH = "{http://purl.org/syndication/history/1.0}"
HUB = "https://hub.example.net/?a=1&b=2"


def links(root: etree._Element) -> dict[str, str]:
    return {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}


def archived(**fields: object) -> tuple[feeds.Feed, Templates]:
    feed, templates = feed_of(*entries())
    document = replace(
        feed,
        path="archive/2025-01.atom.xml",
        older="archive/2024-12",
        archive=feeds.Archive(newer="archive/2025-02"),
    )
    return replace(document, **fields), templates


def test_the_feed_leads_to_the_newest_document_of_the_archive() -> None:
    feed, templates = feed_of(*entries())
    feed = replace(feed, older="archive/2025-01-3")
    made = assert_valid(feed, templates)
    root = etree.fromstring(made["atom"])
    assert links(root)["prev-archive"] == "https://daily.example.org/archive/2025-01-3.atom.xml"
    assert root.find(f"{FH}archive") is None
    assert json.loads(made["json"])["next_url"] == "https://daily.example.org/archive/2025-01-3.feed.json"


def test_an_archive_document_is_marked_and_leads_both_ways_and_back() -> None:
    feed, templates = archived()
    data = feeds.atom(feed, templates)
    assert check_feed("atom", data) == []
    root = etree.fromstring(data)
    assert root.find(f"{FH}archive") is not None
    assert links(root) == {
        "self": "https://daily.example.org/archive/2025-01.atom.xml",
        "alternate": "https://daily.example.org/",
        "current": "https://daily.example.org/atom.xml",
        "prev-archive": "https://daily.example.org/archive/2024-12.atom.xml",
        "next-archive": "https://daily.example.org/archive/2025-02.atom.xml",
    }
    own = etree.fromstring(feeds.atom(feed_of()[0], templates))
    assert root.findtext(f"{ATOM}id") == own.findtext(f"{ATOM}id")
    assert b'href="../feed.css"' in data.splitlines()[1]


def test_an_archive_document_without_neighbours_names_none() -> None:
    feed, templates = archived(older="", archive=feeds.Archive())
    assert set(links(etree.fromstring(feeds.atom(feed, templates)))) == {"self", "alternate", "current"}
    page = json.loads(feeds.json_feed(replace(feed, path="archive/2025-01.feed.json"), templates))
    assert "next_url" not in page


def test_all_formats_name_the_hub_and_themselves() -> None:
    feed, templates = feed_of(*entries())
    made = assert_valid(replace(feed, hub=HUB), templates)
    assert links(etree.fromstring(made["atom"]))["hub"] == HUB
    rss = links(etree.fromstring(made["rss"])[0])
    assert rss == {"hub": HUB, "self": "https://daily.example.org/rss.xml"}
    face = json.loads(made["json"])
    assert face["hubs"] == [{"type": "WebSub", "url": HUB}]
    assert face["feed_url"] == "https://daily.example.org/feed.json"


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_feedparser_finds_the_hub(kind: str) -> None:
    feed, templates = feed_of(*entries())
    data = FORMATS[kind](replace(feed, hub=HUB), templates)
    parsed = feedparser.parse(data, response_headers={"content-type": "application/xml"})
    assert parsed.bozo == 0
    assert HUB in [link.href for link in parsed.feed.links if link.rel == "hub"]


def test_without_a_hub_no_format_says_a_word_of_one() -> None:
    assert not [kind for kind, data in assert_valid(*feed_of(*entries())).items() if b"hub" in data]


def test_the_feed_of_a_topic_is_a_feed_of_its_own() -> None:
    whole, templates = feed_of(*entries())
    feed = replace(
        whole,
        path="topics/茶 & 水/atom.xml",
        page="topics/茶 & 水/",
        about="topics/茶",
        title="茶 & <水> · 每日一读",
    )
    data = feeds.atom(feed, templates)
    assert check_feed("atom", data) == []
    assert_atom_schema(data)
    root = etree.fromstring(data)
    assert root.findtext(f"{ATOM}id") != etree.fromstring(feeds.atom(whole, templates)).findtext(f"{ATOM}id")
    assert root.findtext(f"{ATOM}title") == "茶 & <水> · 每日一读"
    assert links(root)["alternate"] == "https://daily.example.org/topics/%E8%8C%B6%20&%20%E6%B0%B4/"
    assert b'href="../../feed.css"' in data.splitlines()[1]


# --- the feed of days


def daily(*shown: object, **overrides: object) -> bytes:
    feed, templates = feed_of(*shown, of=site(**overrides), updated=AT + timedelta(days=3))
    return feeds.daily(
        replace(feed, path=feeds.DAILY_PATH, about="daily", title="每日一读 · 每日一条"), templates
    )


def test_the_bytes_of_the_daily_feed_are_those_of_the_golden_file() -> None:
    """To accept a change: PUBLISHER_GOLDEN=write pytest tests/render/test_feed_archive.py, then read the diff."""
    data = daily(*entries())
    if os.environ.get("PUBLISHER_GOLDEN") == "write":
        (GOLDEN / "daily.xml").write_bytes(data)
    assert data.decode() == (GOLDEN / "daily.xml").read_text("utf-8")


def test_the_bytes_of_an_archive_document_are_those_of_the_golden_file() -> None:
    data = feeds.atom(*archived())
    if os.environ.get("PUBLISHER_GOLDEN") == "write":
        (GOLDEN / "archive.atom.xml").write_bytes(data)
    assert data.decode() == (GOLDEN / "archive.atom.xml").read_text("utf-8")


def test_an_issue_is_one_item_with_all_its_entries_in_their_order() -> None:
    data = daily(*entries())
    assert check_feed("atom", data) == []
    assert_atom_schema(data)
    today, before = etree.fromstring(data).findall(f"{ATOM}entry")
    assert today.findtext(f"{ATOM}id") == "tag:daily.example.org,2025-01-29:issue1"
    assert today.findtext(f"{ATOM}title") == "2025年1月29日 · 城市里的小河为什么又清了等 2 篇"
    text = visible(today.findtext(f"{ATOM}content"))
    assert text.index("这条河是黑的") < text.index("The manual outlived the machine")
    assert before.findtext(f"{ATOM}title") == "2025年1月28日 · 没有招牌的书店"


def test_an_items_id_stays_when_entries_are_edited_withdrawn_or_added() -> None:
    first, second, _ = entries()
    edited = replace(first, updated_at=AT + timedelta(days=9))
    ids = [
        etree.fromstring(daily(*shown)).findtext(f"{ATOM}entry/{ATOM}id")
        for shown in ((first, second), (edited, second), (second,))
    ]
    assert len(set(ids)) == 1


def test_two_issues_of_a_day_are_two_items() -> None:
    one, two = (published(f"正文{n}。", uid=f"u{n}", issue=IssueName(DAY, n)) for n in (1, 2))
    ids = [e.findtext(f"{ATOM}id") for e in etree.fromstring(daily(two, one)).findall(f"{ATOM}entry")]
    assert ids == ["tag:daily.example.org,2025-01-29:issue2", "tag:daily.example.org,2025-01-29:issue1"]


def test_a_hostile_title_stays_words() -> None:
    hostile = published(
        "正文。", uid="h", heading='<script>alert(1)</script> & "x"', title='<script>alert(1)</script> & "x"'
    )
    assert check_feed("atom", daily(hostile)) == []


def test_a_monstrous_issue_gives_titles_alone() -> None:
    huge = [published("字" * 200_000, uid=f"u{n}", at=AT - timedelta(seconds=n)) for n in range(3)]
    data = daily(*huge)
    assert check_feed("atom", data) == []
    assert len(data) < 100_000


def test_a_feed_of_days_without_entries_is_valid() -> None:
    assert check_feed("atom", daily()) == []
