"""Four feed readers follow the served feeds: every entry once, and 304 while nothing changed; a month with -m soak."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest

from tests.house import House, essays

NODE = Path(__file__).parent.parent / "node"
FEEDS = ("rss.xml", "atom.xml", "feed.json")
FIRST = date(2025, 1, 6)


@dataclass(frozen=True)
class Served:
    """A running server. `root` is the address it is reached at."""

    house: House
    root: str
    pid: int

    def settle(self) -> None:
        """Until it serves the feeds that lie in the folder: it looks by itself once a second, at a SIGHUP at once."""
        os.kill(self.pid, signal.SIGHUP)
        for path in FEEDS:
            wanted = (self.house.public / path).read_bytes()
            end = time.monotonic() + 10
            while httpx.get(self.root + path).content != wanted:
                assert time.monotonic() < end, "the server never noticed the new bytes"
                time.sleep(0.05)


@contextmanager
def served(house: House) -> Iterator[Served]:
    """The house's pages on a port of this machine, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "publisher", "serve", "--no-schedule", "--port", str(port)],
        cwd=house.root, env=os.environ | {"LC_ALL": "C.UTF-8"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    root = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(200):
            try:
                httpx.get(root + "rss.xml")
                break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()[1].decode()
                time.sleep(0.05)
        yield Served(house, root, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=40)


@dataclass
class ByFeedparser:
    """A poller that keeps both validators, as feedparser hands them out."""

    url: str
    etag: str | None = None
    modified: str | None = None
    seen: Counter[str] = field(default_factory=Counter)
    statuses: list[int] = field(default_factory=list)

    def poll(self) -> None:
        found = feedparser.parse(self.url, etag=self.etag, modified=self.modified)
        self.statuses.append(found.status)
        if found.status == 304:
            return
        self.etag, self.modified = found.get("etag"), found.get("modified")
        new = {entry.id for entry in found.entries} - self.seen.keys()
        assert len(found.entries) == len({entry.id for entry in found.entries})
        self.seen.update(new)


@dataclass
class Wrong:
    """A client that sends validators the wrong way (feeds.md §3.5), and expects 304 all the same."""

    url: str
    name: str

    def poll(self) -> int:
        fresh = httpx.get(self.url)
        etag, modified = fresh.headers["etag"], fresh.headers["last-modified"]
        updated = self._updated(fresh.content) if "updated" in self.name else ""
        headers = {
            "no quotes": {"If-None-Match": etag.strip('"')},
            "weak": {"If-None-Match": f"W/{etag}"},
            "a list": {"If-None-Match": f'"old", {etag}'},
            "the tag of another coding": {"If-None-Match": etag, "Accept-Encoding": "identity"},
            "a later date": {"If-Modified-Since": format_datetime(_later(modified), usegmt=True)},
            "the updated time of the feed": {"If-Modified-Since": updated},
            "an old date beside the right tag": {
                "If-None-Match": etag, "If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT",
            },
        }[self.name]  # fmt: skip
        return httpx.get(self.url, headers=headers).status_code

    def _updated(self, content: bytes) -> str:
        feed = feedparser.parse(content).feed
        parsed = feed.get("updated_parsed") or feed.get("published_parsed")
        return time.strftime("%a, %d %b %Y %H:%M:%S GMT", parsed)


def _later(modified: str) -> Any:
    return parsedate_to_datetime(modified) + timedelta(hours=5)


WRONG = (
    "no quotes", "weak", "a list", "the tag of another coding", "a later date", "the updated time of the feed",
    "an old date beside the right tag",
)  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, links={"budget_s": 0}, feed={"window_entries": 60})


def guids(house: House) -> set[str]:
    query = "SELECT guid FROM entries WHERE issue_id IS NOT NULL"
    return {str(guid) for (guid,) in house.rows(query)}


def publish(house: House, n: int) -> None:
    """The nth day; every third day an older essay is edited too."""
    day = FIRST + timedelta(days=n)
    house.write(f"{day}", essays(f"{day}", 2))
    house.once(f"{day} 08:00")
    if n % 3 == 2:
        older = day - timedelta(days=1)
        house.write(f"{older}", essays(f"{older}", 2).replace("第1篇的故事", "第1篇的故事，改过"))
        house.once(f"{day} 09:00")


@pytest.mark.parametrize("days", [7, pytest.param(30, marks=pytest.mark.soak)])
def test_feedparser_and_reader_find_every_entry_once_and_get_304_while_nothing_changed(
    house: House, days: int
) -> None:
    reader_package = pytest.importorskip("reader")
    publish(house, 0)
    with served(house) as server:
        root = server.root
        pollers = [ByFeedparser(root + path) for path in FEEDS[:2]]
        reader = reader_package.make_reader(":memory:")
        for path in FEEDS:
            reader.add_feed(root + path)
        for n in range(1, days):
            publish(house, n)
            server.settle()
            for poller in pollers:
                poller.poll()
                poller.poll()
            reader.update_feeds(scheduled=False)  # its own clock would wait an hour
        for poller in pollers:
            assert set(poller.seen) ^ guids(house) == set()
            assert set(poller.seen.values()) == {1}
            assert poller.statuses == [200, 304] * (days - 1)
        for path in FEEDS:
            ids = Counter(entry.id for entry in reader.get_entries(feed=root + path))
            assert set(ids) == guids(house)
            assert set(ids.values()) == {1}
        reader.close()


@pytest.mark.parametrize("path", FEEDS)
def test_who_sends_validators_the_wrong_way_gets_304_all_the_same(house: House, path: str) -> None:
    publish(house, 0)
    with served(house) as server:
        root = server.root
        server.settle()
        names = [name for name in WRONG if path != "feed.json" or "updated time" not in name]
        assert {name: Wrong(root + path, name).poll() for name in names} == dict.fromkeys(names, 304)


@pytest.mark.needs_node
@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_two_readers_from_npm_find_every_entry_once(house: House) -> None:
    publish(house, 0)
    found: dict[str, Counter[str]] = {"rss-parser": Counter(), "feed-extractor": Counter()}
    with served(house) as server:
        root = server.root
        for n in range(1, 7):
            publish(house, n)
            server.settle()
            command = ["node", str(NODE / "follow-feed.mjs"), root + "rss.xml", root + "atom.xml"]
            said = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
            for name, feeds in said.items():
                rss, atom = ([one["id"] for one in feed] for feed in feeds.values())
                assert sorted(rss) == sorted(atom)
                assert len(rss) == len(set(rss))
                found[name].update(set(rss) - found[name].keys())
    for seen in found.values():
        assert set(seen) == guids(house)
