"""The site changes while it is served: what is published is there at once, what is the same keeps its tags."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from publisher.web.files import Files
from publisher.web.health import health
from publisher.web.prepared import Preparing
from publisher.web.table import MEMORY_BYTES, Shelf
from tests.house import House, essays
from tests.web.serving import Served, serving


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 2))
    house.once("2025-01-28 08:00")
    return house


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Until it holds; a generous bound, so that a slow machine is no failure."""
    for _ in range(int(seconds * 50)):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came")


# ---------------------------------------------------------------- noticed


def test_what_another_process_publishes_is_noticed_by_itself(house: House) -> None:
    with serving(house) as running:
        before = running.get("/rss.xml")
        old_day = running.get("/2025/01/28/")
        assert running.get("/2025/01/29/").status_code == 404
        house.write("2025-01-29", essays("2025-01-29", 2))
        house.once("2025-01-29 08:00")
        until(lambda: running.get("/2025/01/29/").status_code == 200)
        until(lambda: "last-modified" in running.get("/rss.xml").headers)
        after = running.get("/rss.xml", if_none_match=before.headers["etag"])
        assert after.status_code == 200
        assert after.content == (house.public / "rss.xml").read_bytes()
        assert after.headers["last-modified"] == "Wed, 29 Jan 2025 00:00:00 GMT"
        assert running.get("/rss.xml", if_modified_since=before.headers["last-modified"]).status_code == 200
        # The day before has a new neighbour, hence new bytes; its entries are the same.
        assert running.get("/2025/01/28/").headers["etag"] != old_day.headers["etag"]


def test_what_did_not_change_is_not_modified_after_a_publication(house: House) -> None:
    with serving(house) as running:
        same = ("/favicon.svg", "/robots.txt", "/feed.css", "/style.css")
        before = {path: running.get(path).headers for path in same}
        house.write("2025-01-29", essays("2025-01-29", 2))
        house.once("2025-01-29 08:00")
        running.renew()
        for path in same:
            assert running.get(path, if_none_match=before[path]["etag"]).status_code == 304
            assert running.get(path, if_modified_since=before[path]["last-modified"]).status_code == 304
            assert running.get(path).headers["last-modified"] == before[path]["last-modified"]


def test_a_folder_that_was_lost_and_written_again_is_the_same_to_readers(house: House) -> None:
    with serving(house) as running:
        before = {path: running.get(path).headers for path in ("/rss.xml", "/", "/2025/01/28/")}
        shutil.rmtree(house.public)
        running.renew()
        assert running.get("/rss.xml").status_code == 404
        house.once("2025-01-28 18:00")
        running.renew()
        for path, headers in before.items():
            assert running.get(path, if_none_match=headers["etag"]).status_code == 304
            assert running.get(path, if_modified_since=headers["last-modified"]).status_code == 304


def test_an_edit_is_there_and_never_hidden_by_an_old_date(house: House) -> None:
    with serving(house) as running:
        before = running.get("/2025/01/28/")
        text = (house.seeds / "2025-01-28.md").read_text()
        house.write("2025-01-28", text.replace("的故事", "的新故事", 1))
        house.once("2025-01-28 08:00")  # within the same second
        running.renew()
        after = running.get("/2025/01/28/", if_modified_since=before.headers["last-modified"])
        assert after.status_code == 200
        assert "的新故事" in after.text
        assert (
            running.get("/2025/01/28/", if_modified_since=after.headers["last-modified"]).status_code == 304
        )


def test_bytes_that_are_newer_than_the_table_are_sent_under_a_tag_of_their_own(house: House) -> None:
    with serving(house) as running:
        page = next(p for p in house.site() if p.count("/") == 4)
        before = running.get("/" + page.removesuffix("index.html"))
        running.renew()
        table = running.web.files.table
        address = table.shelf.address(page)
        table.ready.pop(address, None)
        (house.public / page).write_bytes(b"<p>newer</p>")  # moves no time at the top of the folder
        after = running.get("/" + page.removesuffix("index.html"), if_none_match=before.headers["etag"])
        assert (after.status_code, after.content) == (200, b"<p>newer</p>")
        assert "last-modified" not in after.headers
        assert (
            running.get(
                "/" + page.removesuffix("index.html"), if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT"
            ).status_code
            == 200
        )


def test_while_it_is_published_over_and_over_every_answer_is_whole(house: House) -> None:
    """Tag, length and bytes of an answer always belong together, and no answer fails."""
    stop = threading.Event()
    wrong: list[object] = []

    def poll(running: Served) -> None:
        seen: dict[str, bytes] = {}
        while not stop.is_set():
            for path in ("/rss.xml", "/", "/feed.json"):
                answer = running.get(path)
                if (
                    answer.status_code != 200
                    or seen.setdefault(answer.headers["etag"] + path, answer.content) != answer.content
                ):
                    wrong.append((path, answer.status_code))

    with serving(house) as running:
        readers = [threading.Thread(target=poll, args=(running,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        for n in range(29, 32):
            house.write(f"2025-01-{n}", essays(f"2025-01-{n}", 2))
            house.once(f"2025-01-{n} 08:00")
            running.renew()
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []


# ---------------------------------------------------------------- what there may be to begin with


def test_before_anything_is_published_it_says_so_and_does_not_fail(tmp_path: Path) -> None:
    house = House(tmp_path)
    with serving(house) as running:
        for path in ("/", "/rss.xml", "/search/x", "/404.html"):
            assert running.get(path).status_code == 404
        house.write("2025-01-28", essays("2025-01-28", 1))
        house.once("2025-01-28 08:00")
        until(lambda: running.get("/").status_code == 200)


def test_a_site_below_a_path_is_served_below_it(tmp_path: Path) -> None:
    house = House(tmp_path, url="https://example.cn/daily/", links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    with serving(house) as running:
        assert running.get("/daily/rss.xml").status_code == 200
        assert running.get("/rss.xml").status_code == 404
        for path in ("/", "/daily"):
            answer = running.get(path)
            assert (answer.status_code, answer.headers["location"]) == (301, "/daily/")
        assert running.get("/daily/2025/01/28").headers["location"] == "/daily/2025/01/28/"
        assert running.get("/healthz").status_code == 200


def test_a_damaged_database_stops_no_page(house: House) -> None:
    with serving(house) as running:
        database = house.root / "var" / "publisher.db"
        for name in ("publisher.db-wal", "publisher.db-shm"):
            (database.parent / name).unlink(missing_ok=True)
        database.write_bytes(b"not a database" * 1000)
        running.loop.call_soon_threadsafe(running.web.reload)
        until(lambda: running.get("/healthz").status_code == 503)
        assert running.get("/").status_code == 200
        assert running.get("/healthz").json()["reasons"] == ["the database cannot be read"]


# ---------------------------------------------------------------- memory and large files


def test_large_files_are_sent_from_the_disk_whole_and_in_parts(house: House) -> None:
    data = os.urandom(1000) * 5000
    (house.public / "talk.mp3").write_bytes(data)
    with serving(house) as running:
        whole = running.get("/talk.mp3")
        assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, data, "audio/mpeg")
        assert running.get("/talk.mp3", if_none_match=whole.headers["etag"]).status_code == 304
        assert running.get("/talk.mp3", if_modified_since=whole.headers["last-modified"]).status_code == 304
        part = running.get("/talk.mp3", range="bytes=4000000-", if_range=whole.headers["etag"])
        assert (part.status_code, part.content) == (206, data[4_000_000:])
        assert running.get("/talk.mp3", range="bytes=9000000-").status_code == 416
        head = running.ask("HEAD", "/talk.mp3")
        assert (head.headers["content-length"], head.content) == ("5000000", b"")
        (house.public / "talk.mp3").unlink()
        assert running.get("/talk.mp3").status_code == 404


def test_a_crawler_of_everything_does_not_fill_the_memory(tmp_path: Path) -> None:
    for n in range(60):
        page = tmp_path / "2025" / f"{n:03}" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_bytes(os.urandom(1_000_000).hex().encode()[:1_500_000])
    (tmp_path / "rss.xml").write_bytes(b"<rss/>" * 100)
    shelf = Shelf(folder=tmp_path, base="/", preparing=Preparing(site_url="https://a.cn/", security=[]))
    from datetime import UTC, datetime

    table = shelf.table({}, (), now=datetime(2025, 1, 1, tzinfo=UTC))
    files = Files(table, lambda: datetime(2025, 1, 1, tzinfo=UTC))

    async def crawl() -> None:
        sent: list[int] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(len(message.get("body", b"")))  # type: ignore[arg-type]

        for address, file in table.files.items():
            scope = {"method": "GET", "raw_path": address, "path": address.decode(), "query_string": b""}
            sent.clear()
            told = await files.answer(scope, {}, send)  # type: ignore[arg-type]
            assert told.status == 200
            assert sum(sent) == file.size
            assert table.weight <= MEMORY_BYTES

    asyncio.run(crawl())
    assert table.weight == sum(prepared.weight for prepared in table.ready.values())
    assert b"/rss.xml" in table.ready  # feeds stay
    files.close()


# ---------------------------------------------------------------- health and counts


@dataclass
class Beating:
    """A scheduler's heart, as a test wants it."""

    swept_s_ago: float | None = 5.0
    at_work_s: float = 0.0


SLOT = date(2025, 1, 30)


@pytest.mark.parametrize(
    ("due", "heart", "ok"),
    [
        (None, Beating(), True),
        (None, None, True),
        (SLOT, None, False),
        (SLOT, Beating(), False),
        (SLOT, Beating(at_work_s=40), True),  # it is being published just now
        (SLOT, Beating(at_work_s=400, swept_s_ago=460), False),
        (None, Beating(swept_s_ago=None), False),
        (None, Beating(swept_s_ago=299), True),
        (None, Beating(swept_s_ago=301), False),
    ],
)
def test_healthy_is_published_and_swept(due: date | None, heart: Beating | None, ok: bool) -> None:
    found = health(due, heart)
    assert found.ok is ok
    assert bool(found.told()["reasons"]) is not ok


def test_healthz_says_what_is_wrong(house: House) -> None:
    house.at("2025-01-28 09:00")
    with serving(house, heart=Beating()) as running:
        well = running.get("/healthz")
        assert (well.status_code, well.json()["ok"]) == (200, True)
        assert well.headers["cache-control"] == "no-store"
        assert running.get("/healthz", host="127.0.0.1").status_code == 200
        house.at("2025-01-29 08:00")
        until(lambda: running.get("/healthz").status_code == 503)
        assert running.get("/healthz").json()["reasons"] == [
            "the issue of 2025-01-29 is due and not published"
        ]
        house.write("2025-01-29", essays("2025-01-29", 1))
        house.once()
        until(lambda: running.get("/healthz").status_code == 200)


def test_a_sweep_that_stopped_is_ill(house: House) -> None:
    with serving(house, heart=Beating(swept_s_ago=900)) as running:
        answer = running.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["the last sweep ended 900 s ago"]


def test_metrics_count_answers_and_polls_and_are_not_for_everybody(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0}, serve={"metrics_token": "a-long-token"})
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    with serving(house) as running:
        tag = running.get("/rss.xml", user_agent="Feedbin feed-id:1 - 142 subscribers").headers["etag"]
        running.get("/rss.xml", user_agent="Feedbin feed-id:1 - 142 subscribers", if_none_match=tag)
        running.get("/nowhere")
        text = running.get("/metrics").text
        assert 'publisher_http_answers_total{kind="feed",status="304"} 1.0' in text
        assert 'publisher_feed_polls_total{reader="feedbin",status="200"} 1.0' in text
        assert 'publisher_feed_subscribers{feed="/rss.xml",reader="feedbin"} 142.0' in text
        assert 'publisher_http_answers_total{kind="none",status="404"} 1.0' in text
        assert "process_resident_memory_bytes" in text
        for forwarded in ("203.0.113.7", "127.0.0.1"):
            assert running.get("/metrics", x_forwarded_for=forwarded).status_code == 403
        good = {"authorization": "Bearer a-long-token", "x_forwarded_for": "203.0.113.7"}
        assert running.get("/metrics", **good).status_code == 200
        for bad in ("Bearer a-long-toke", "Bearer", "Basic a-long-token2", "Bearer a-long-token x"):
            assert (
                running.get("/metrics", authorization=bad, x_forwarded_for="203.0.113.7").status_code == 403
            )


def test_without_a_token_nobody_elsewhere_reads_the_metrics(house: House) -> None:
    with serving(house) as running:
        for bearer in ("Bearer", "", "Bearer x"):
            answer = running.get("/metrics", authorization=bearer, x_forwarded_for="203.0.113.7")
            assert answer.status_code == 403
