"""Whatever is written, feeds are well-formed, valid, and give every word back."""

from __future__ import annotations

import json
from datetime import timedelta

import feedparser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from publisher.core.issue import Correction
from publisher.core.link import LinkState
from publisher.render.environment import Templates
from publisher.render.feed_check import check_feed
from publisher.render.feed_items import clean, item_of, one_line
from publisher.render.feeds import window
from tests.render.factories import AT, link, published, site
from tests.render.feed_sample import ATOM, ENCODED, FORMATS, assert_valid, entries, feed_of, visible

ANY = st.text(st.characters(exclude_categories=()), max_size=60)  # control characters and lone surrogates too
HOSTILE = "]]><![CDATA[ &amp; <script>alert(1)</script> <!-- 👨‍👩‍👧‍👦 שלום \u202eabc\x00\x0b\ud83d\ufffe"


@settings(max_examples=60, deadline=None)
@given(title=ANY, body=ANY, summary=ANY, topics=st.lists(ANY, max_size=3), around=ANY)
@example(title=HOSTILE, body=HOSTILE, summary=HOSTILE, topics=[HOSTILE], around=HOSTILE)
@example(title="", body="", summary="", topics=[""], around="")
def test_any_text_anywhere_makes_valid_feeds(
    title: str, body: str, summary: str, topics: list[str], around: str
) -> None:
    one = published(
        clean(body),  # a document that holds what XML cannot is refused before it comes here
        title=title,
        summary=summary,
        topics=topics,
        byline=(around,),
        corrections=(Correction(at=AT, note=around),),
        source_link=link(f"https://example.com/{around}", text=around),
        links=[
            LinkState(url=f"https://example.com/{around}", target=around, target_title=around, verdict="dead")
        ],
    )
    place = site(title=title or "刊", description=summary, author=around)
    made = assert_valid(*feed_of(one, of=place))

    item = item_of(one, Templates(place))
    rss = etree.fromstring(made["rss"]).find("channel/item")
    atom = etree.fromstring(made["atom"]).find(f"{ATOM}entry")
    from_json = json.loads(made["json"])["items"][0]
    assert rss.findtext("title") == atom.findtext(f"{ATOM}title") == from_json["title"] == item.title
    assert (
        rss.findtext(ENCODED) == atom.findtext(f"{ATOM}content") == from_json["content_html"] == item.content
    )
    assert tuple(e.text for e in rss.findall("category")) == tuple(from_json.get("tags", ())) == item.topics
    assert feedparser.parse(made["atom"]).bozo == feedparser.parse(made["rss"]).bozo == 0
    if one_line(title):
        assert item.title == one_line(title)


WORDS = st.text(st.sampled_from("字词句段山水ab1 ，。“”—😀🏳️‍🌈é&<>שלום"), min_size=1, max_size=40).filter(
    str.strip
)


@settings(max_examples=40, deadline=None)
@given(paragraphs=st.lists(WORDS, min_size=1, max_size=4))
def test_every_paragraph_is_found_in_the_content(paragraphs: list[str]) -> None:
    one = published("\n\n".join(paragraphs), title="题", topics=(), byline=(), source_link=None)
    shown = "".join(visible(item_of(one, Templates(site())).content).split())
    assert "".join("".join(one.entry.text).split()) in shown


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), max_size=8),
    max_entries=st.integers(1, 40),
    max_bytes=st.integers(1, 60_000),
    order=st.randoms(use_true_random=False),
)
def test_a_window_is_the_newest_days_whole(
    sizes: list[int], max_entries: int, max_bytes: int, order: object
) -> None:
    many = [
        published(
            "一句话。",
            uid=f"{ago:05d}{k:05d}",
            day=day.date(),
            number=k + 1,
            at=day - timedelta(seconds=k),
            topics=(),
        )
        for ago, count in enumerate(sizes)
        for day in [AT - timedelta(days=ago)]
        for k in range(count)
    ]
    shuffled = list(many)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    chosen = window(shuffled, Templates(site()), max_entries=max_entries, max_bytes=max_bytes)
    assert list(chosen) == many[: len(chosen)]
    shown = {one.day for one in chosen}
    assert len(chosen) == sum(one.day in shown for one in many)
    assert bool(chosen) == bool(many)
    if len(shown) > 1:
        assert len(chosen) <= max_entries


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(sorted(FORMATS)),
    start=st.integers(0, 4_000),
    length=st.integers(0, 80),
    put=st.binary(max_size=12),
)
def test_the_check_never_raises_on_a_damaged_feed(kind: str, start: int, length: int, put: bytes) -> None:
    feed, templates = feed_of(*entries())
    data = FORMATS[kind](feed, templates)
    assert isinstance(check_feed(kind, data[:start] + put + data[start + length :]), list)
