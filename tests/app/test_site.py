"""The site as files: the archive, topics and feeds of a whole publication, and that a run draws only what moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import etree

from publisher.app import hubs
from publisher.render.feed_check import check_feed
from tests.house import House, day_file, essay, essays

ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://daily.example.cn/"


def tagged(day: str, *topics: str) -> str:
    """A day of one entry for each of these topics."""
    return day_file(day, *(f"#{topic}# {essay(f'{day} {topic}')}" for topic in topics))


def run(house: House, day: str, text: str) -> dict[str, bytes]:
    """Publish one more day; the files whose bytes it changed."""
    before = house.site()
    house.write(day, text)
    house.once(f"{day} 08:00")
    return {path: data for path, data in house.site().items() if before.get(path) != data}


# --- topics


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_topic_has_a_page_and_a_feed_and_its_chips_lead_there(house: House) -> None:
    house.write("2025-01-28", tagged("2025-01-28", "茶与水"))
    house.write("2025-01-29", tagged("2025-01-29", "茶与水", "AI/模型"))
    house.once("2025-01-29 08:00")
    page = house.page("topics/茶与水/")
    assert "2025-01-28 茶与水的故事" in page
    assert "2025-01-29 茶与水的故事" in page
    assert 'href="/topics/%E8%8C%B6%E4%B8%8E%E6%B0%B4/"' in house.page("2025/01/29/")
    assert house.page("topics/").index("茶与水") < house.page("topics/").index("AI/模型")
    feed = house.site()["topics/茶与水/atom.xml"]
    assert check_feed("atom", feed) == []
    titles = [e.findtext(f"{ATOM}title") for e in etree.fromstring(feed).iter(f"{ATOM}entry")]
    assert titles == ["茶与水 2025-01-29 茶与水的故事"]  # the day before is archived: a page, in no feed
    assert "topics/%E8%8C%B6%E4%B8%8E%E6%B0%B4/atom.xml" in house.page("feeds.opml")


def test_hostile_topics_stay_in_their_folders(house: House) -> None:
    names = ("../../上", ".甲", "con字", "A" * 32, "ﷺ" * 30, "é´", "<b>&amp;", "茶?水", "100%", "a:b")
    house.write("2025-01-29", tagged("2025-01-29", *names))
    house.once("2025-01-29 08:00")
    folders = [path.name for path in (house.public / "topics").iterdir() if path.is_dir()]
    assert len(folders) >= 8
    assert all(len(name.encode()) < 200 and "/" not in name and not name.startswith(".") for name in folders)
    assert {path.parent for path in house.root.rglob("atom.xml")} - {house.public} == {
        house.public / "topics" / name for name in folders
    }
    links = etree.HTML(house.page("topics/")).xpath("//ul[@class='topics']//a/@href")
    assert sorted(unquote(urlsplit(link).path) for link in links) == sorted(
        f"/topics/{name}/" for name in folders
    )


def test_a_day_draws_only_the_topics_that_moved(house: House) -> None:
    house.write("2025-01-28", tagged("2025-01-28", "茶", "水"))
    house.once("2025-01-28 08:00")
    changed = run(house, "2025-01-29", tagged("2025-01-29", "茶", "木"))
    touched = {path.split("/")[1] for path in changed if path.count("/") == 2 and path.startswith("topics/")}
    assert touched == {"茶", "木"}
    drawn = house.rows(
        "SELECT path FROM outputs WHERE path LIKE 'topics/水/%' AND changed_at > '2025-01-28T12'"
    )
    assert drawn == []


def test_a_topic_vanishes_with_its_last_entry(house: House) -> None:
    house.write("2025-01-29", tagged("2025-01-29", "茶", "水"))
    house.once("2025-01-29 08:00")
    house.write("2025-01-29", tagged("2025-01-29", "水"))
    house.once("2025-01-29 09:00", accept_withdrawals=True)
    assert not house.exists("topics/茶/")
    assert not (house.public / "topics" / "茶").exists()
    assert "茶" not in house.page("topics/")


def test_a_large_topic_is_split_by_year(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("publisher.app.topic_files.NEWEST_ENTRIES", 2)
    for day in ("2023-05-01", "2024-05-01", "2024-06-01", "2025-01-29"):
        house.write(day, tagged(day, "茶"))
    house.once("2025-01-29 08:00")
    page = house.page("topics/茶/")
    assert "2024-06-01" in page
    assert "2023-05-01" not in page
    assert "/topics/%E8%8C%B6/2023/" in page
    assert "2023-05-01" in house.page("topics/茶/2023/")
    assert "2024-05-01" in house.page("topics/茶/2024/")


def test_what_is_published_today_leaves_a_topics_past_years_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.app.topic_files.NEWEST_ENTRIES", 2)
    for day in ("2023-05-01", "2024-05-01", "2024-06-01", "2025-01-28"):
        house.write(day, tagged(day, "茶"))
    house.once("2025-01-28 08:00")
    changed = run(house, "2025-01-29", tagged("2025-01-29", "茶"))
    assert {path for path in changed if path.startswith("topics/茶/") and path.endswith(".html")} == {
        "topics/茶/index.html", "topics/茶/2025/index.html",
    }  # fmt: skip


# --- what stands beside a text


def test_an_entry_names_older_ones_and_is_not_drawn_again_for_newer_ones(house: House) -> None:
    house.write("2025-01-28", tagged("2025-01-28", "茶"))
    house.once("2025-01-28 08:00")
    changed = run(house, "2025-01-29", tagged("2025-01-29", "茶"))
    assert not [path for path in changed if path.startswith("2025/01/28/") and path.count("/") == 4]
    (newer,) = (
        data
        for path, data in changed.items()
        if path.startswith("2025/01/29/") and b"data-body" in data and path.count("/") == 4
    )
    assert "相关文章" in newer.decode()
    assert "2025-01-28 茶的故事" in newer.decode()


def test_an_edited_title_moves_the_pages_that_name_it(house: House) -> None:
    house.write("2025-01-28", tagged("2025-01-28", "茶"))
    house.once("2025-01-28 08:00")
    run(house, "2025-01-29", tagged("2025-01-29", "茶"))
    text = tagged("2025-01-28", "茶").replace("2025-01-28 茶的故事", "改过的题目")
    house.write("2025-01-28", text)
    house.once("2025-01-29 10:00")
    pages = [data.decode() for path, data in house.site().items() if path.startswith("2025/01/29/")]
    assert any("改过的题目" in page for page in pages)


def test_a_day_shows_the_same_day_of_earlier_years(house: House) -> None:
    for day in ("2023-01-29", "2024-01-29", "2024-01-28"):
        house.write(day, essays(day, 2))
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    page = house.page("2025/01/29/")
    section = page.partition("往年今日")[2].partition("</section>")[0]
    assert section.index("/2024/01/29/") < section.index("/2023/01/29/")
    assert "/2024/01/28/" not in section
    assert "往年今日" not in house.page("2023/01/29/")


# --- the archive


def test_every_year_has_a_page_and_days_lead_to_their_month_in_it(house: House) -> None:
    for day in ("2023-12-31", "2024-02-29", "2025-01-29"):
        house.write(day, essays(day, 1))
    house.once("2025-01-29 08:00")
    assert 'id="m-2024-02"' in house.page("archive/2024/")
    assert "/archive/2024/#m-2024-02" in house.page("2024/02/29/")
    assert "3 天" in house.page("archive/")
    assert house.page("archive/").count("<table>") == 3


def test_a_day_draws_the_archive_of_its_own_year_alone(house: House) -> None:
    for day in ("2023-12-31", "2024-12-31"):
        house.write(day, essays(day, 1))
    house.once("2024-12-31 08:00")
    run(house, "2025-01-01", essays("2025-01-01", 1))
    changed = run(house, "2025-01-02", essays("2025-01-02", 1))
    assert {path for path in changed if path.startswith("archive/20")} == {"archive/2025/index.html"}


# --- feeds


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """No server is there that would have to be up to date before a hub asks it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubs, "SERVED_WITHIN_S", 0)
        yield


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, list[dict[str, bytes]]]:
    """Twelve days of six entries over the end of a month, and the feeds after each."""
    house = House(
        tmp_path_factory.mktemp("month"), feed={"window_entries": 20, "hub": "https://hub.example.net/"}
    )
    seen = []
    for n in range(12):
        day = str(date(2025, 1, 25) + timedelta(days=n))
        run(house, day, essays(day, 6))
        seen.append({path: data for path, data in house.site().items() if is_feed(path)})
    return house, seen


def is_feed(path: str) -> bool:
    return path in ("atom.xml", "feed.json", "rss.xml", "daily.xml") or path.startswith("archive/2025-")


def walk(files: dict[str, bytes]) -> list[str]:
    """Every entry's id that a reader finds who follows the feed and its archive."""
    found, path = [], "atom.xml"
    while path:
        root = etree.fromstring(files[path])
        found += [str(entry.findtext(f"{ATOM}id")) for entry in root.iter(f"{ATOM}entry")]
        links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
        path = str(links.get("prev-archive", "")).removeprefix(URL)
    return found


def walk_json(files: dict[str, bytes]) -> list[str]:
    found, path = [], "feed.json"
    while path:
        page = json.loads(files[path])
        found += [item["id"] for item in page["items"]]
        path = page.get("next_url", "").removeprefix(URL)
    return found


def test_feed_and_archive_together_hold_every_entry_on_every_day(
    month: tuple[House, list[dict[str, bytes]]],
) -> None:
    for n, files in enumerate(month[1], start=1):
        assert len(set(walk(files))) == len(set(walk_json(files))) == 6 * n


def test_a_document_of_the_archive_never_changes_but_for_the_way_to_the_next(
    month: tuple[House, list[dict[str, bytes]]],
) -> None:
    def lasting(data: bytes) -> bytes:
        return b"\n".join(line for line in data.splitlines() if b'rel="next-archive"' not in line)

    for before, after in zip(month[1], month[1][1:], strict=False):
        for path in before:
            if path.startswith("archive/"):
                assert lasting(before[path]) == lasting(after[path]), path


def test_a_month_that_is_over_is_whole_in_the_archive(month: tuple[House, list[dict[str, bytes]]]) -> None:
    files = month[1][-1]
    january = [path for path in files if path.startswith("archive/2025-01") and path.endswith(".atom.xml")]
    held = [e for path in january for e in etree.fromstring(files[path]).iter(f"{ATOM}entry")]
    assert len(held) == 7 * 6


def test_every_feed_is_valid_and_the_daily_one_has_an_item_a_day(
    month: tuple[House, list[dict[str, bytes]]],
) -> None:
    for path, data in month[1][-1].items():
        kind = "json" if path.endswith(".json") else "rss" if path == "rss.xml" else "atom"
        assert check_feed(kind, data) == [], path  # type: ignore[arg-type]
    items = list(etree.fromstring(month[1][-1]["daily.xml"]).iter(f"{ATOM}entry"))
    assert [str(item.findtext(f"{ATOM}id")) for item in items] == [
        f"tag:daily.example.cn,2025-02-0{n}:issue1" for n in (5, 4, 3)
    ]


def test_the_hub_is_named_by_what_is_announced_to_it_alone(
    month: tuple[House, list[dict[str, bytes]]],
) -> None:
    named = {path for path, data in month[1][-1].items() if b"hub.example.net" in data}
    assert named == {"atom.xml", "rss.xml", "feed.json"}


def test_the_same_store_gives_the_same_site(month: tuple[House, list[dict[str, bytes]]]) -> None:
    house = month[0]
    before = house.site()
    for path in sorted(before, reverse=True):
        if path != ".publisher.json":
            (house.public / path).unlink()
    asyncio.run(house.app.once())
    assert {path: data for path, data in house.site().items() if before.get(path) != data} == {}
    assert set(house.site()) == set(before)


def test_an_edit_reaches_the_document_that_holds_the_entry(
    month: tuple[House, list[dict[str, bytes]]],
) -> None:
    house = month[0]
    text = (house.seeds / "2025-01-25.md").read_text("utf-8")
    house.write("2025-01-25", text.replace("的故事", "的故事（改）", 1))
    before = house.site()
    house.once("2025-02-05 12:00")
    changed = {path for path, data in house.site().items() if before.get(path) != data and is_feed(path)}
    assert changed == {"archive/2025-01.atom.xml", "archive/2025-01.feed.json"}


def test_the_page_that_is_not_there_offers_a_search(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    form = etree.HTML(house.page("404.html")).find(".//form")
    assert (form.get("method"), form.get("action")) == ("get", "/search")
    assert form.find(".//input").get("name") == "q"


# --- withdrawn entries


def test_the_page_of_a_withdrawn_entry_leads_to_its_day_as_long_as_that_has_a_page(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 2))
    published = house.once("2025-01-29 08:00").issue
    assert published is not None
    first, second = (f"2025/01/29/{entry.uid}/" for entry in published.entries)
    house.write("2025-01-30", essays("2025-01-30", 1))
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-30 08:00")
    assert '<p class="crumb"><a href="/2025/01/29/">' in house.page(second)
    house.remove("2025-01-29")
    house.once("2025-01-30 09:00", accept_withdrawals=True)
    assert not house.exists("2025/01/29/")
    for page in (house.page(first), house.page(second)):
        assert 'href="/2025/01/29/"' not in page
        assert '<time datetime="2025-01-29">' in page
        assert 'href="/archive/"' in page
