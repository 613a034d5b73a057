"""WebSub: the hub hears of new feed bytes once, after they are in place, and its subscribers get them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.app import hubs
from tests.fake_hub import Hub, Reader
from tests.house import House, day_file, essay

FIRST = "2025-01-29 08:00"
SITE = "https://daily.example.cn/"


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "SERVED_WITHIN_S", 0.0)


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.write("2025-01-30", day_file("2025-01-30", essay("乙")))
    return house


@pytest.fixture
def hub(house: House) -> Iterator[Hub]:
    with Hub(read=lambda topic: (house.public / topic.removeprefix(SITE)).read_bytes()) as hub:
        house.configure(feed={"hub": hub.url})
        yield hub


def test_a_subscriber_of_the_hub_gets_the_new_feed(house: House, hub: Hub) -> None:
    with Reader(wants=f"{SITE}atom.xml") as reader:
        assert reader.subscribe(hub.url) == 202
        assert len(hub.subscriptions) == 1
        house.once(FIRST)
        assert reader.received == [(house.public / "atom.xml").read_bytes()]
        house.once("2025-01-30 08:00")
        assert len(reader.received) == 2
        assert "乙的故事" in reader.received[1].decode()


def test_the_hub_believes_nobody_who_did_not_ask(house: House, hub: Hub) -> None:
    with Reader(wants=f"{SITE}rss.xml") as reader:
        reader.wants = "something else by the time the hub asks"
        form = f"hub.mode=subscribe&hub.topic={SITE}rss.xml&hub.callback={reader.url}"
        import urllib.request

        with urllib.request.urlopen(hub.url, form.encode()) as answer:
            assert answer.status == 202
        assert hub.subscriptions == []


def test_every_feed_is_announced_once_a_publication_under_its_own_address(house: House, hub: Hub) -> None:
    house.once(FIRST)
    first = sorted(hub.published)
    assert {f"{SITE}atom.xml", f"{SITE}feed.json", f"{SITE}rss.xml"} <= set(first)
    assert len(first) == len(set(first))
    for topic in first:
        assert (house.public / topic.removeprefix(SITE)).exists()
    house.once("2025-01-29 09:00")
    house.tick("2025-01-29 09:01")
    assert sorted(hub.published) == first
    house.tick("2025-01-30 08:00")
    assert sorted(hub.published) == sorted(first * 2)


def test_a_hub_that_fails_is_asked_again_later_and_later_and_never_fails_the_run(
    house: House, hub: Hub
) -> None:
    hub.fails = 1000
    assert house.once(FIRST).outcome == "published"
    n = len(hub.published)
    assert n >= 3
    house.tick("2025-01-29 08:00")
    assert len(hub.published) == n
    house.tick("2025-01-29 08:01")
    assert len(hub.published) == 2 * n
    house.tick("2025-01-29 08:05")
    assert len(hub.published) == 2 * n
    hub.fails = 0
    house.tick("2025-01-29 08:06")
    assert len(hub.published) == 3 * n
    assert {row[0] for row in house.rows("SELECT state FROM hub_pings")} == {"done"}


def test_after_many_failures_it_is_left_alone_until_the_next_change(house: House, hub: Hub) -> None:
    hub.fails = 1000
    house.once(FIRST)
    for when in (
        "29 08:01",
        "29 08:06",
        "29 08:36",
        "29 10:36",
        "29 16:36",
        "30 04:36",
        "30 04:37",
        "30 07:00",
    ):
        house.tick(f"2025-01-{when}")
    assert {row[0] for row in house.rows("SELECT state FROM hub_pings")} == {"failed"}
    assert max(row[0] for row in house.rows("SELECT attempts FROM hub_pings")) == len(hubs.PAUSES) + 1
    hub.fails = 0
    house.tick("2025-01-30 08:00")
    assert {row[0] for row in house.rows("SELECT state FROM hub_pings")} == {"done"}


def test_no_hub_no_ping_and_nobody_is_there_is_no_failure(house: House) -> None:
    house.once(FIRST)
    assert house.rows("SELECT * FROM hub_pings") == []
    house.configure(feed={"hub": "http://127.0.0.1:9/"})
    assert house.once("2025-01-30 08:00").outcome == "published"
    assert {row[0] for row in house.rows("SELECT state FROM hub_pings")} == {"waiting"}


def test_another_hub_hears_of_everything_anew_and_the_old_one_is_forgotten(house: House, hub: Hub) -> None:
    house.once(FIRST)
    with Hub(read=hub.read) as other:
        house.configure(feed={"hub": other.url})
        house.once("2025-01-29 09:00")
        assert f"{SITE}atom.xml" in other.published
    assert {row[0] for row in house.rows("SELECT hub FROM hub_pings")} == {other.url}
