"""Makes archives to measure with: nine essays a day, as long as real ones, in words of our own; the same every time.

days = list(archive(112))          # from START on
write_ours(folder, days)           # day files
write_hugo(folder, days)           # a site of articles with a full-content feed of 50
write_pelican(folder, days)        # the same

300–4 500 Han, about 1 300 in the mean · a topic in every third · a t.cn link in every second · a list in every eighth
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tests.benchmarks import vocabulary as v

START = date(2021, 1, 1)
A_DAY = 9
FEED_ITEMS = 50

_SHORTEST, _LONGEST, _MEDIAN, _SPREAD = 340, 4_700, 1_220, 0.57  # in characters; one in nine is no Han
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Essay:
    """One entry of the archive. `paragraphs` are Markdown blocks."""

    day: date
    number: int
    title: str  # the rivals need one; ours finds its own in the first paragraph
    topics: tuple[str, ...]
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day of essays."""

    day: date
    essays: tuple[Essay, ...]


def archive(days: int, *, after: int = 0) -> Iterator[Day]:
    """So many days, the first of them `after` days after START. A day is the same in every archive."""
    for n in range(after, after + days):
        yield make_day(START + timedelta(days=n))


def make_day(day: date) -> Day:
    """The essays of one day."""
    return Day(day, tuple(_essay(day, number) for number in range(1, A_DAY + 1)))


def _essay(day: date, number: int) -> Essay:
    dice = random.Random(f"{day} {number}")
    wanted = min(_LONGEST, max(_SHORTEST, int(dice.lognormvariate(math.log(_MEDIAN), _SPREAD))))
    paragraphs, written = [], 0
    while written < wanted:
        paragraph = _paragraph(dice, min(dice.randint(40, 260), wanted - written))
        paragraphs.append(paragraph)
        written += len(paragraph)
    title = paragraphs[0].partition("，")[0][:24]
    topics = tuple(dice.sample(v.TOPICS, dice.randint(1, 2))) if dice.random() < 1 / 3 else ()
    _furnish(dice, paragraphs, topics)
    return Essay(day, number, title, topics, tuple(paragraphs))


def _furnish(dice: random.Random, paragraphs: list[str], topics: tuple[str, ...]) -> None:
    """Topics before the first words, links after the last ones, a list in between."""
    if topics:
        paragraphs[0] = "".join(f"#{topic}#" for topic in topics) + " " + paragraphs[0]
    if dice.random() < 1 / 2:
        links = (_short_link(dice) for _ in range(dice.randint(1, 2)))
        paragraphs[-1] += "".join(f" {link}" for link in links)
    if dice.random() < 1 / 8:
        items = (f"{n}. {_sentence(dice)}" for n in range(1, dice.randint(3, 6)))
        paragraphs.insert(len(paragraphs) // 2, "\n".join(items))


def _short_link(dice: random.Random) -> str:
    return "http://t.cn/A6" + "".join(dice.choices(_LETTERS, k=6))


def _paragraph(dice: random.Random, length: int) -> str:
    said: list[str] = []
    while sum(map(len, said)) < length:
        said.append(_sentence(dice))
    return "".join(said)


def _sentence(dice: random.Random) -> str:
    clauses = dice.randint(1, 4)
    said = [dice.choice(v.OPENINGS), "，"] if dice.random() < 1 / 3 else []
    for n in range(clauses):
        said.append(_clause(dice))
        said.append(dice.choice(v.LINKS) if n < clauses - 1 else dice.choice(v.ENDS))
    return "".join(said)


def _clause(dice: random.Random) -> str:
    """Mostly words put together on the spot: two essays have no more in common than two real ones."""
    pick = dice.choice
    match dice.randrange(8):
        case 0:
            return f"{pick(v.PEOPLE)}在{pick(v.PLACES)}{pick(v.VERBS)}{_thing(dice)}"
        case 1:
            return f"{_thing(dice)}和{_thing(dice)}之间{pick(v.ENDINGS)}"
        case 2:
            return f"{pick(v.VERBS)}{pick(v.COUNTS)}{_thing(dice)}的人{pick(v.DOES)}{_thing(dice)}"
        case 3:
            return f"{_thing(dice)}比{_thing(dice)}多{pick(v.COUNTS)}{_thing(dice)}"
        case _:
            return f"{_thing(dice)}{pick(v.DOES)}{pick(v.DOES)}{_thing(dice)}{pick(v.DOES)}{_thing(dice)}"


def _thing(dice: random.Random) -> str:
    first, second = dice.choice(((v.FIRSTS, v.SECONDS), (v.COLOURS, v.THINGS), (v.FIRSTS, v.THINGS)))
    return dice.choice(first) + dice.choice(second)


# ---------------------------------------------------------------- ours


def write_ours(folder: Path, days: Iterable[Day]) -> None:
    """One file a day, as a curator writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in days:
        entries = "\n\n".join(f"## {one.number}\n\n" + "\n\n".join(one.paragraphs) for one in day.essays)
        (folder / f"{day.day}.md").write_text(f"# {day.day}\n\n{entries}\n", "utf-8")


# ---------------------------------------------------------------- the rivals: each entry an article

_HUGO_CONFIG = f"""\
baseURL = "https://daily.example.net/"
title = "每日手记"
locale = "zh-CN"
hasCJKLanguage = true
disableKinds = ["taxonomy", "term"]
[outputs]
home = ["html", "rss"]
section = []
[pagination]
pagerSize = {FEED_ITEMS}
"""

_HUGO_FEED = f"""\
{{{{- printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}}}
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>{{{{ site.Title }}}}</title><link>{{{{ site.BaseURL }}}}</link><description>{{{{ site.Title }}}}</description>
{{{{ range first {FEED_ITEMS} site.RegularPages }}}}
<item><title>{{{{ .Title }}}}</title><link>{{{{ .Permalink }}}}</link><guid>{{{{ .Permalink }}}}</guid>
<pubDate>{{{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" }}}}</pubDate>
<description>{{{{ .Summary | plainify | transform.XMLEscape | safeHTML }}}}</description>
<content:encoded>{{{{ .Content | transform.XMLEscape | safeHTML }}}}</content:encoded></item>
{{{{ end }}}}
</channel></rss>
"""

_HUGO_PAGE = """\
<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{ .Title }}</title></head>
<body><article><h1>{{ .Title }}</h1>{{ .Content }}</article></body></html>
"""

_HUGO_HOME = f"""\
<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{{{ site.Title }}}}</title></head>
<body>{{{{ range first {FEED_ITEMS} site.RegularPages }}}}<h2><a href="{{{{ .RelPermalink }}}}">{{{{ .Title }}}}</a></h2>
{{{{ .Summary }}}}{{{{ end }}}}</body></html>
"""


def write_hugo(folder: Path, days: Iterable[Day]) -> None:
    """A Hugo site with the smallest templates that make article pages, a home page and the feed."""
    _put(folder / "hugo.toml", _HUGO_CONFIG)
    _put(folder / "layouts/home.html", _HUGO_HOME)
    _put(folder / "layouts/home.rss.xml", _HUGO_FEED)
    _put(folder / "layouts/page.html", _HUGO_PAGE)
    for one in (essay for day in days for essay in day.essays):
        head = f'+++\ntitle = "{one.title}"\ndate = {_moment(one)}\n+++\n\n'
        _put(folder / f"content/posts/{one.day}-{one.number}.md", head + "\n\n".join(one.paragraphs) + "\n")


_PELICAN_CONFIG = f"""\
SITENAME = "每日手记"
SITEURL = "https://daily.example.net"
PATH = "content"
OUTPUT_PATH = "output"
TIMEZONE = "Asia/Shanghai"
DEFAULT_LANG = "zh-cn"
THEME = "simple"
DEFAULT_PAGINATION = {FEED_ITEMS}
FEED_DOMAIN = SITEURL
FEED_ALL_ATOM = "atom.xml"
FEED_ALL_RSS = None
FEED_MAX_ITEMS = {FEED_ITEMS}
RSS_FEED_SUMMARY_ONLY = False
CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
ARTICLE_SAVE_AS = "{{date:%Y}}/{{date:%m}}/{{date:%d}}/{{slug}}/index.html"
ARTICLE_URL = "{{date:%Y}}/{{date:%m}}/{{date:%d}}/{{slug}}/"
AUTHOR_SAVE_AS = CATEGORY_SAVE_AS = TAG_SAVE_AS = ""
AUTHORS_SAVE_AS = CATEGORIES_SAVE_AS = TAGS_SAVE_AS = ""
DIRECT_TEMPLATES = ["index"]
PAGINATED_TEMPLATES = {{"index": None}}
CACHE_CONTENT = False
LOAD_CONTENT_CACHE = False
"""


def write_pelican(folder: Path, days: Iterable[Day]) -> None:
    """A Pelican site in its simple theme: article pages, an index and the feed."""
    _put(folder / "pelicanconf.py", _PELICAN_CONFIG)
    for one in (essay for day in days for essay in day.essays):
        # Slugs all differ: Pelican takes articles of one slug for translations, and time grows with their square.
        head = f"Title: {one.title}\nDate: {_moment(one)}\nSlug: {one.day}-{one.number}\n\n"
        _put(folder / f"content/{one.day}-{one.number}.md", head + "\n\n".join(one.paragraphs) + "\n")


def _moment(one: Essay) -> str:
    """When it came out; the first of a day is the newest, as in ours."""
    return f"{one.day}T08:00:{59 - one.number:02}+08:00"


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
