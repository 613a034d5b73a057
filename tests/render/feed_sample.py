"""A few fixed entries with everything a feed may carry, and ways to look into feeds as strangers do."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import html5lib
import jsonschema
from lxml import etree

from publisher.core.issue import Correction, IssueName, PublishedEntry
from publisher.core.link import LinkState
from publisher.core.site import Site
from publisher.render import feeds
from publisher.render.environment import Templates
from publisher.render.feed_check import Kind, check_feed
from publisher.render.feeds import Feed
from tests.render.factories import AT, link, published, site

SCHEMAS = Path(__file__).parent / "feed_schemas"
ATOM = "{http://www.w3.org/2005/Atom}"
ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
DAY_BEFORE = date(2025, 1, 28)

RIVER = """\
二十年前，这条河是黑的；现在清早能看见有人钓鱼。

变化不是一天发生的。1 < 2，“清”与“浊”之间 & 之后，还有 `]]>` 这样的符号。

- 第一步：截污
- 第二步：活水 🏞️👨‍👩‍👧

**城市**慢慢学会了和水相处。"""
MANUAL = """\
The manual outlived the machine. “Do not use in the rain,” it says.

Nobody remembers why."""
DREAM = "昨夜梦见一座没有招牌的书店，店主只卖读过的书。שלום עולם"


def entries() -> tuple[PublishedEntry, ...]:
    """Three entries of two issues, newest first: one with everything, an English one, a corrected one."""
    river = published(
        RIVER,
        uid="rrrrrrrrrr",
        number=1,
        title="城市里的小河为什么又清了",
        summary="二十年前，这条河是黑的；现在清早能看见有人钓鱼。",
        topics=("城市更新", "河流 & 湖泊"),
        byline=("作者：江上渔", "2025年1月20日"),
        source_link=link("http://t.cn/A6RiVEr"),
        links=(
            LinkState(
                url="http://t.cn/A6RiVEr",
                verdict="alive",
                result="ok",
                target="https://weibo.com/1/river?a=1&b=2",
                target_title="一条河的二十年",
            ),
        ),
    )
    manual = published(
        MANUAL,
        uid="mmmmmmmmmm",
        number=2,
        at=AT - timedelta(seconds=1),
        updated_at=AT + timedelta(days=1, microseconds=250_000),
        title="A manual & its <machine>",
        summary="The manual outlived the machine.",
        topics=(),
        lang="en",
        source_link=link("https://example.com/a manual", text="the manual"),
    )
    corrected = Correction(at=datetime(2025, 2, 1, 20, 0, tzinfo=UTC), note="店主其实也卖没读过的书。")
    gone = LinkState(
        url="http://t.cn/A6DrEam", verdict="dead", result="broken", http_status=404, checked_at=AT
    )
    dream = published(
        DREAM,
        uid="dddddddddd",
        day=DAY_BEFORE,
        issue=IssueName(DAY_BEFORE),
        number=7,
        at=AT - timedelta(days=1),
        late=True,
        title="没有招牌的书店",
        summary="昨夜梦见一座没有招牌的书店，店主只卖读过的书。",
        topics=("梦",),
        corrections=(corrected,),
        source_link=link("http://t.cn/A6DrEam"),
        links=(gone,),
    )
    return river, manual, dream


def feed_of(*shown: PublishedEntry, of: Site | None = None, updated: datetime = AT) -> tuple[Feed, Templates]:
    """A feed of these entries, and the templates of its site."""
    place = of or site()
    return Feed(site=place, entries=shown, updated=updated), Templates(place)


FORMATS: dict[Kind, Any] = {"rss": feeds.rss, "atom": feeds.atom, "json": feeds.json_feed}


def assert_valid(feed: Feed, templates: Templates) -> dict[Kind, bytes]:
    """All three formats, each passing our rules and the format's own schema."""
    made: dict[Kind, bytes] = {kind: make(feed, templates) for kind, make in FORMATS.items()}
    for kind, data in made.items():
        assert check_feed(kind, data) == []
    assert_atom_schema(made["atom"])
    assert_json_schema(made["json"])
    return made


@cache
def _atom_schema() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(str(SCHEMAS / "atom.rng")))


@cache
def _json_schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / "json-feed-1.1.json").read_text("utf-8")))


def assert_atom_schema(data: bytes) -> None:
    _atom_schema().assertValid(etree.fromstring(data))


def assert_json_schema(data: bytes) -> None:
    assert [error.message for error in _json_schema().iter_errors(json.loads(data))] == []


def visible(html: str) -> str:
    """The words a browser shows, white space evened."""
    return " ".join("".join(html5lib.parseFragment(html, namespaceHTMLElements=False).itertext()).split())
