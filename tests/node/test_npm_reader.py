"""A feed reader from npm finds in our feeds what we put in."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from publisher.core.issue import PublishedEntry
from publisher.render.environment import Templates
from publisher.render.feed_items import item_of
from tests.render.factories import site
from tests.render.feed_sample import FORMATS, entries, feed_of, visible

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.needs_node,
    pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed"),
    pytest.mark.skipif(not (HERE / "node_modules" / "feedsmith").is_dir(), reason="see tests/node/README"),
]


def read_by_feedsmith(folder: Path, *shown: PublishedEntry) -> list[dict]:
    """Our three feeds as the reader sees them."""
    feed, templates = feed_of(*shown)
    paths = [folder / f"feed.{kind}" for kind in FORMATS]
    for path, make in zip(paths, FORMATS.values(), strict=True):
        path.write_bytes(make(feed, templates))
    command = ["node", str(HERE / "read-feed.mjs"), *map(str, paths)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text[0].isdecimal() else parsedate_to_datetime(text)


def test_feedsmith_recovers_every_title_id_date_category_and_the_full_text(tmp_path: Path) -> None:
    found = read_by_feedsmith(tmp_path, *entries())
    assert [feed["format"] for feed in found] == ["rss", "atom", "json"]
    for feed in found:
        assert feed["title"] == "每日一读"
        for seen, one in zip(feed["entries"], entries(), strict=True):
            item = item_of(one, Templates(site()))
            summary = html.unescape(seen["summary"]) if feed["format"] == "rss" else seen["summary"]
            assert (seen["id"], seen["url"], seen["title"]) == (item.guid, item.url, item.title)
            assert summary == item.summary
            assert moment(seen["published"]) == one.published_at
            assert tuple(seen["categories"]) == item.topics
            assert tuple(seen["authors"]) == item.authors
            assert visible(seen["content"]) == visible(item.content)


def test_feedsmith_reads_a_feed_without_entries(tmp_path: Path) -> None:
    assert [feed["entries"] for feed in read_by_feedsmith(tmp_path)] == [[], [], []]
