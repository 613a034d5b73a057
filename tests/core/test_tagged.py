"""Topics have safe folders of their own, and entries are related to older ones alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.core.tagged import Tagged, by_topic, related
from publisher.core.topics import topic_key, topic_path, topic_slug

START = date(2025, 1, 1)


def tagged(n: int, *names: str, day: int = 0, sent: str = "2025") -> Tagged:
    return Tagged(n, START + timedelta(days=day), f"p{n}/", f"第{n}篇", names, sent)


# --- folders


@pytest.mark.parametrize(
    ("name", "slug"), [("大出海", "大出海"), ("DeepSeek", "deepseek"), ("AI 视频", "ai视频"), ("ＡＩ", "ai")]
)
def test_an_ordinary_topic_is_called_by_its_key(name: str, slug: str) -> None:
    assert topic_slug(name) == slug
    assert topic_path(name) == f"topics/{slug}/"


@pytest.mark.parametrize(
    "name",
    ["..", ".", "a/b", "a\\b", "../../etc/passwd", "con", "COM1", "a:b", "a?b", "a#b", "%2e%2e", "-", "a\0b", "é" * 400,
     "ﷺ" * 32, "👨‍👩‍👧" * 10, "\ud800", " ", "index.html", "a b\u202ec"],
)  # fmt: skip
def test_no_topic_leaves_its_folder_or_breaks_an_address(name: str) -> None:
    slug = topic_slug(name)
    assert 0 < len(slug.encode()) <= 200
    assert not set(slug) & set('./\\:?#%*"<>| \0')
    assert slug not in ("con", "com1")


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=30))
def test_topics_share_a_folder_only_when_they_are_one(names: list[str]) -> None:
    keys = {topic_key(name) for name in names}
    slugs = {topic_slug(name).casefold() for name in names}
    assert len(slugs) == len(keys)


def test_a_topic_cannot_pose_as_the_mark_of_another() -> None:
    assert topic_slug(topic_slug("a/b")) != topic_slug("a/b")


# --- lists


def test_spellings_of_one_topic_are_one_topic_under_the_first() -> None:
    topics = by_topic([tagged(1, "DeepSeek"), tagged(2, "deepseek", day=1), tagged(3, "Deep Seek", day=2)])
    assert list(topics) == ["deepseek"]
    line = topics["deepseek"].line(most=9)
    assert (line.name, line.entries, line.last_day) == ("DeepSeek", 3, START + timedelta(days=2))


def test_a_large_topic_says_how_many_entries_each_year_has() -> None:
    topic = by_topic([tagged(n, "茶", day=200 * n) for n in range(4)])["茶"]
    assert topic.line(most=4).years == ()
    assert topic.line(most=3).years == ((2026, 2), (2025, 2))


def test_its_feed_holds_what_was_sent_last_whatever_day_it_stands_under() -> None:
    late = tagged(1, "茶", sent="2025-03-01")
    topic = by_topic([late, tagged(2, "茶", day=1, sent="2025-02-01"), tagged(3, "茶", day=2, sent="")])["茶"]
    assert [one.id for one in topic.newest(20)] == [1, 2]


# --- related


def test_the_rarest_shared_topic_comes_first_and_of_each_the_newest() -> None:
    every = [tagged(n, "常见", day=n) for n in range(5)]
    rare = tagged(9, "罕见", day=1)
    last = tagged(10, "常见", "罕见", day=8)
    found = related(sorted([*every, rare, last], key=lambda one: one.day))
    assert [one.id for one in found[10]] == [9, 4, 3]


def test_entries_of_the_same_day_are_not_related() -> None:
    assert related([tagged(1, "茶"), tagged(2, "茶")]) == {}


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("甲乙丙丁"), max_size=3, unique=True), max_size=40), st.integers(0, 40)
)
def test_what_comes_later_never_moves_what_an_entry_is_related_to(topics: list[list[str]], cut: int) -> None:
    every = [tagged(n, *names, day=n // 3) for n, names in enumerate(topics)]
    earlier = every[:cut]
    whole = related(every)
    assert related(earlier) == {one.id: whole[one.id] for one in earlier if one.id in whole}
    for n, found in whole.items():
        assert len(found) <= 3
        assert all(one.day < every[n].day and set(one.names) & set(every[n].names) for one in found)
