"""A small site of every kind of page, as {file: bytes}: what the tests of pages and browsers look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from publisher.core.issue import Correction, PublishedDay, PublishedEntry
from publisher.core.lifespan import Generation
from publisher.core.link import LinkState
from publisher.core.site import Site
from publisher.core.tagged import Tagged, by_topic, related
from publisher.render import archive, pages, topics
from publisher.render.environment import Templates
from publisher.render.favicon import favicon_ico
from tests.render.factories import AT, DAY, published
from tests.render.search_sample import search_pages

TEA = """茶馆里的规矩

老城南门外有一间茶馆，开了六十多年。掌柜说，来的人换了三代，桌子没有换过。

人坐下来，先不说话。水开三遍，话才多起来——这是规矩，也是“客气”。

1. 第一遍水洗杯。
2. 第二遍水醒茶。
3. 第三遍水才喝。

***

临走的时候，掌柜送到门口：明天还来？ http://t.cn/A6abcDE1
"""

APHORISM = """写得慢的人未必写得好，但写得好的人多半不快。因为要删，要等，要在第二天早上再看一眼。

删掉的那些字，读者是看得见的。
"""

TALK = """`长谈`

一次关于铁路的谈话

主持人先问起最早的线路。

最早的线路(0:00-7:59):

那时候只有一条线，从港口通到矿上。

桥与隧道(7:59-11:04):

桥是木头的，隧道是手挖的。

后来的人(11:04-结束):

后来的人把它们都换成了钢。

| 年份 | 里程 |
| --- | --- |
| 1905 | 201 |
| 1957 | 1670 |

```
for station in line:
    stop(station)
```

> 车到站了，人就散了。
"""

ENGLISH = """On keeping a notebook

A notebook is a place where nothing has to be right. That is the whole of its use, and the reason
why so few people keep one for longer than a month; what is written down looks wrong the next day.
"""

HOSTILE = '<script>alert("x")</script> & "quotes" \'here\' \u202eRTL\u202c مرحبا'


def day_one() -> PublishedDay:
    """Every shape of entry: titled, untitled, with sections, English, hostile, archived, late, corrected."""
    edited = AT + timedelta(days=1, hours=3)
    note = Correction(at=edited, note="“六十多年”应为“五十多年”。")
    entries = (
        published(TEA, uid="teateatea2", number=1, corrections=(note,), topics=("茶", "老城")),
        published(APHORISM, uid="aphorism22", number=2, at=AT - timedelta(seconds=1), updated_at=edited),
        published(TALK, uid="talktalk22", number=3, at=AT - timedelta(seconds=2)),
        published(ENGLISH, uid="english222", number=4, at=AT - timedelta(seconds=3)),
        published(HOSTILE + "\n\n正文。", uid="hostile222", number=None, position=4, heading=HOSTILE),
        published(APHORISM, uid="archived22", number=6, issue=None, heading="旧文一则"),
        published(TEA, uid="latelate22", number=7, late=True),
    )
    return PublishedDay(day=DAY, title="小年", preface="今天风大，宜**读书**。", entries=entries)


def day_two() -> PublishedDay:
    later = DAY + timedelta(days=1)
    entry = published(APHORISM, uid="secondday2", number=1, day=later, at=AT + timedelta(days=1))
    moved = published(TEA, uid="movedmove2", number=2, day=later, permalink="2025/01/28/movedmove2/")
    return PublishedDay(day=later, entries=(entry, moved))


def link_book() -> pages.LinkBook:
    """A dead link with hostile words, and one that leads elsewhere."""
    entries = (("2025/01/29/teateatea2/", "茶"), ("2025/01/29/hostile222/", HOSTILE))
    dead = LinkState(
        url="http://t.cn/A6abcdef", verdict="dead", result="broken", http_status=404, target="https://weibo.com/1/a",
        target_title=HOSTILE, ok_at=AT,
    )  # fmt: skip
    moved = LinkState(url="http://t.cn/A6zzzzzz", verdict="alive", target="https://a.example.org/")
    return pages.LinkBook(
        dead=(pages.LinkLine(state=dead, since=AT, entries=entries),),
        changed=(
            pages.LinkLine(
                state=moved, entries=entries[:1], kind="moved", at=AT, was="https://a.example.org/",
                now="https://xn--80ak6aa92e.com/",
            ),
        ),
        counts={"alive": 3, "dead": 1},
        by_year=(
            Generation(name="2025", links=1234, open=1200, dead=21, unsure=13, lived_days=1080),
            Generation(name="2024", links=2, open=0, dead=0, unsure=0),
        ),
        by_site=(
            Generation(name="a-long-name-of-a-site-that-fits-no-phone.example.org", links=9, open=9, dead=0, unsure=0),
            Generation(name="<script>alert(1)</script>", links=2, open=0, dead=2, unsure=0, lived_days=0),
        ),
    )  # fmt: skip


def tagged_of(days: Iterable[PublishedDay]) -> list[Tagged]:
    """The entries with topics, oldest first."""
    lines = (pages.entry_line(entry) for day in days for entry in day.entries)
    return [
        Tagged(n, line.day, line.permalink, line.title, line.topics, "2025")
        for n, line in enumerate(lines)
        if line.topics
    ]


def related_to(entry: PublishedEntry, days: Iterable[PublishedDay]) -> tuple[Tagged, ...]:
    """What the real site would name beside it, and itself when that is nothing: the page shows something."""
    tagged = tagged_of(days)
    found = related(tagged)
    here = next((one for one in tagged if one.permalink == entry.permalink), None)
    return found.get(here.id, (here,)) if here else ()


def archive_pages(templates: Templates, lines: list[pages.DayLine]) -> dict[str, bytes]:
    """The archive as if it were older: with years whose pages lead to each other."""
    years = sorted({line.day.year for line in lines}, reverse=True)
    first, last = (lines[0].day, lines[-1].day) if lines else (DAY, DAY)
    shown = {
        year: archive.year_lines(year, [one for one in lines if one.day.year == year], first=first, last=last)
        for year in years
    }
    totals = [archive.YearTotals(year=year, days=2, entries=9, words=11_820) for year in years]
    files = {"archive/": archive.archive_page(templates, list(shown.values()), totals)}
    for one in totals:
        files[pages.year_path(one.year)] = archive.year_page(templates, shown[one.year], one, beside=years)
    return files


def topic_pages(templates: Templates, days: tuple[PublishedDay, ...]) -> dict[str, bytes]:
    """Every topic, the first of them as if it filled years."""
    tagged = tagged_of(days)
    lines = {
        pages.entry_line(entry).permalink: pages.entry_line(entry) for day in days for entry in day.entries
    }
    found = by_topic(tagged)
    rows = [topic.line(most=1 if n == 0 else 99) for n, topic in enumerate(found.values())]
    files = {
        "topics/": topics.topics_page(templates, topics.by_weight(rows)),
        "feeds.opml": topics.opml(templates, topics.by_weight(rows)),
    }
    for row, topic in zip(rows, found.values(), strict=True):
        shown = [lines[one.permalink] for one in topic.entries]
        files[row.path] = topics.topic_page(templates, row, shown)
        for year, _ in row.years:
            files[topics.topic_year_path(row.name, year)] = topics.topic_page(
                templates, row, shown, year=year
            )
    return files


def build(site: Site, days: tuple[PublishedDay, ...] | None = None) -> dict[str, bytes]:
    """The files of a whole site of these days (oldest first; default: two days that use everything)."""
    templates = Templates(site)
    days = (day_one(), day_two()) if days is None else days
    lines = [pages.day_line(day) for day in days]
    before = [pages.DayLine(day=DAY.replace(year=year), title="旧岁") for year in (2024, 2023)]
    files = {
        "": pages.home_page(templates, days[-1] if days else None, recent=lines[::-1]),
        **archive_pages(templates, [*before[::-1], *lines] if days else []),
        **topic_pages(templates, days),
        "subscribe/": pages.subscribe_page(templates),
        **(search_pages(templates) if days else {}),
        "links/": pages.links_page(templates, link_book() if days else pages.LinkBook()),
        "404.html": pages.not_found_page(templates),
        "style.css": pages.style(templates),
        "favicon.svg": pages.favicon(templates),
        "favicon.ico": favicon_ico(),
        "robots.txt": pages.robots(templates),
        "sitemap.xml": pages.sitemap(templates, lines),
    }
    for i, day in enumerate(days):
        older, newer = (lines[i - 1] if i else None), (lines[i + 1] if i + 1 < len(lines) else None)
        files[pages.day_path(day.day)] = pages.day_page(
            templates, day, previous=older, next=newer, years_before=before if day.day == DAY else ()
        )
        files |= {path: pages.redirect_page(templates, to) for path, to in pages.number_redirects(day)}
        for entry in day.entries:
            files[entry.permalink] = pages.entry_page(
                templates, entry, day_entries=lines[i].entries, related=related_to(entry, days)
            )
    if days:
        files |= {line.path: pages.day_page(templates, PublishedDay(day=line.day)) for line in before}
        gone = pages.entry_line(_withdrawn())
        files[gone.permalink] = pages.gone_page(
            templates, gone, guid="tag:x,2025:gone", withdrawn=date(2025, 2, 2)
        )
    return {pages.file_of(path): data for path, data in files.items()}


def _withdrawn() -> PublishedEntry:
    return published("撤下的文字，不该再出现。\n\n正文。", uid="gonegone22", number=8)
