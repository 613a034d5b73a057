"""Pages: valid, linked, readable, safe, the same every time."""

from __future__ import annotations

import gzip
import re
from datetime import date, timedelta
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from publisher.core.issue import PublishedDay
from publisher.core.site import Site
from publisher.render import archive, pages
from publisher.render.environment import Templates, shipped_templates
from publisher.render.favicon import favicon_ico
from publisher.render.words import words
from tests.render.factories import DAY, published, site
from tests.render.small_site import APHORISM, HOSTILE, TEA, build, day_one

SITES = {
    "chinese": site(contact="curator@example.org"),
    "english": site(title="The Daily", language="en", description="Nine things a day"),
    "prefix": site(url="https://example.org/reading/每日/"),
}
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module", params=SITES)
def built(request: pytest.FixtureRequest) -> tuple[Site, dict[str, bytes]]:
    return SITES[request.param], build(SITES[request.param])


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return build(SITES["chinese"])


def parse(data: bytes) -> ET.Element:
    """Strictly: any parse error of the HTML standard raises."""
    return html5lib.HTMLParser(strict=True).parse(data.decode())


def html_pages(files: dict[str, bytes]) -> dict[str, ET.Element]:
    return {name: parse(data) for name, data in files.items() if name.endswith(".html")}


def every(tree: ET.Element, tag: str) -> list[ET.Element]:
    return list(tree.iter(XHTML + tag))


def text(element: ET.Element) -> str:
    return "".join(element.itertext())


# --- every page -----------------------------------------------------------------------------------------


def test_every_page_parses_without_an_error_and_has_one_h1(built: tuple[Site, dict[str, bytes]]) -> None:
    for name, tree in html_pages(built[1]).items():
        assert len(every(tree, "h1")) == 1, name
        assert text(every(tree, "h1")[0]).strip(), name


def test_ids_are_unique_and_labels_point_at_something(built: tuple[Site, dict[str, bytes]]) -> None:
    for name, tree in html_pages(built[1]).items():
        ids = [e.get("id") for e in tree.iter() if e.get("id")]
        assert len(ids) == len(set(ids)), name
        for element in tree.iter():
            assert element.get("aria-labelledby", ids[0] if ids else None) in [*ids, None], name


def test_heading_levels_never_skip(files: dict[str, bytes]) -> None:
    for name, tree in html_pages(files).items():
        levels = [int(e.tag[-1]) for e in tree.iter() if re.fullmatch(r".*\}h[1-6]", str(e.tag))]
        for before, after in zip([0, *levels], levels, strict=False):
            assert after <= before + 1, (name, levels)


def test_every_internal_link_leads_to_a_page_that_was_rendered(built: tuple[Site, dict[str, bytes]]) -> None:
    where, files = built
    elsewhere = {"rss.xml", "atom.xml", "feed.json", "daily.xml", "search"}  # drawn apart, or when asked
    for name, tree in html_pages(files).items():
        here = [e.get("id") for e in tree.iter()]
        for address in addresses(tree):
            parts = urlsplit(address)
            if parts.scheme == "mailto" or (parts.netloc and parts.netloc != urlsplit(where.url).netloc):
                continue
            if not parts.path:
                assert parts.fragment in here, (name, address)
                continue
            assert parts.path.startswith(urlsplit(where.absolute("")).path), (name, address)
            below = unquote(parts.path).removeprefix(where.base_path)
            assert pages.file_of(below) in files or below in elsewhere or is_topic_feed(below), (
                name,
                address,
            )
            if parts.fragment:
                assert f'id="{parts.fragment}"'.encode() in files[pages.file_of(below)], (name, address)


def is_topic_feed(path: str) -> bool:
    return path.startswith("topics/") and path.endswith("/atom.xml")


def addresses(tree: ET.Element) -> list[str]:
    found = [e.get("href") for tag in ("a", "link") for e in every(tree, tag)]
    found += [e.get("content", "").partition("url=")[2] for e in every(tree, "meta") if e.get("http-equiv")]
    return [address for address in found if address]


def test_nothing_is_fetched_from_elsewhere_and_nothing_runs(built: tuple[Site, dict[str, bytes]]) -> None:
    where, files = built
    for name, tree in html_pages(files).items():
        assert not every(tree, "script"), name
        assert not every(tree, "style"), name
        for element in tree.iter():
            assert not any(key.startswith("on") for key in list(element.attrib)), name
            assert element.get("style") is None, name
            src = element.get("src", "/")
            assert re.match("/(?!/)", src), name
        for link in every(tree, "link"):
            if link.get("rel") in ("stylesheet", "icon"):
                assert link.get("href", "").startswith(urlsplit(where.absolute("")).path), name
    assert b"url(" not in files["style.css"]
    assert b"@import" not in files["style.css"]


def test_every_page_names_its_language_and_title(built: tuple[Site, dict[str, bytes]]) -> None:
    where, files = built
    for name, tree in html_pages(files).items():
        assert tree.get("lang") == where.html_lang, name
        assert text(every(tree, "title")[0]).strip(), name


def test_pages_name_their_canonical_address_and_the_feeds_atom_first(files: dict[str, bytes]) -> None:
    tree = parse(files["2025/01/29/index.html"])
    links = [(e.get("rel"), e.get("type"), e.get("href")) for e in every(tree, "link")]
    assert ("canonical", None, "https://daily.example.org/2025/01/29/") in links
    assert [kind for rel, kind, _ in links if rel == "alternate"] == [
        "application/atom+xml",
        "application/rss+xml",
        "application/feed+json",
    ]


def test_open_graph_words_are_there(files: dict[str, bytes]) -> None:
    tree = parse(files["2025/01/29/teateatea2/index.html"])
    facts = {e.get("property"): e.get("content") for e in every(tree, "meta") if e.get("property")}
    assert facts["og:title"] == "茶馆里的规矩"
    assert facts["og:url"] == "https://daily.example.org/2025/01/29/teateatea2/"
    assert facts["og:type"] == "article"
    assert facts["og:description"]
    assert facts["article:published_time"] == "2025-01-29T00:00:09Z"


def test_the_same_values_give_the_same_bytes() -> None:
    assert build(SITES["chinese"]) == build(SITES["chinese"])


def test_an_english_site_speaks_english_and_a_chinese_one_chinese() -> None:
    english = build(SITES["english"])
    chrome = {
        name: parse(english[name]) for name in ("archive/index.html", "subscribe/index.html", "404.html")
    }
    for name in ("subscribe/index.html", "404.html"):
        assert not re.search("[一-鿿]", text(chrome[name])), name
    assert "29 January 2025" in english["2025/01/29/index.html"].decode()
    assert "归档" in build(SITES["chinese"])["404.html"].decode()


def test_every_word_of_the_templates_is_translated() -> None:
    chinese = words("zh")
    for template in sorted((shipped_templates() / "web").iterdir()):
        source = template.read_text()
        for message in re.findall(r'\b_\("([^"]+)"', source):
            assert chinese(message) != message, (template.name, message)
        for one, many in re.findall(r'plural\("([^"]+)", "([^"]+)"', source):
            assert re.search("[一-鿿]", chinese.plural(one, many, 1)), (template.name, one)


# --- the day --------------------------------------------------------------------------------------------


def day_tree(files: dict[str, bytes]) -> ET.Element:
    return parse(files["2025/01/29/index.html"])


def test_the_contents_list_every_entry_with_its_number_and_minutes(files: dict[str, bytes]) -> None:
    tree = day_tree(files)
    toc = next(e for e in every(tree, "nav") if e.get("class") == "toc")
    rows = [(a.get("href"), text(a).split()) for a in every(toc, "a")]
    assert [href for href, _ in rows] == [f"#{p.uid}" for p in day_one().entries]
    assert rows[0][1][0] == "1"
    assert rows[0][1][-1] == "分钟"


def test_articles_carry_what_adoption_needs(files: dict[str, bytes]) -> None:
    own = parse(files["2025/01/29/teateatea2/index.html"])
    assert own.find(f".//{XHTML}div[@data-body]") is not None
    for source in (day_tree(files), own):
        article = next(e for e in every(source, "article") if e.get("data-uid") == "teateatea2")
        entry = day_one().entries[0]
        assert article.get("data-guid") == entry.guid
        assert article.get("data-sha") == (entry.entry.sha if source is own else None)
        assert article.get("data-permalink") == entry.permalink
        assert article.get("data-day") == "2025-01-29"
        assert article.get("data-position") == "0"
        assert article.get("data-number") == "1"
        assert article.get("data-issue") == "2025-01-29"
        assert article.get("data-published") == "2025-01-29T00:00:09Z"
        assert article.get("data-updated") == "2025-01-29T00:00:09Z"
        assert article.get("data-archived") is None
        assert article.get("data-late") is None


def test_archived_and_late_entries_are_marked(files: dict[str, bytes]) -> None:
    marks = {e.get("data-uid"): e for e in every(day_tree(files), "article")}
    assert marks["archived22"].get("data-archived") == ""
    assert marks["archived22"].get("data-issue") is None
    assert marks["latelate22"].get("data-late") == ""
    assert marks["hostile222"].get("data-number") is None


def test_late_entries_stand_under_a_heading_of_their_own_at_the_end(files: dict[str, bytes]) -> None:
    section = next(e for e in every(day_tree(files), "section") if e.get("class") == "late")
    assert "补：1月29日" in text(section)
    assert [e.get("data-uid") for e in every(section, "article")] == ["latelate22"]


def test_a_title_that_repeats_the_first_words_is_heard_and_not_seen(files: dict[str, bytes]) -> None:
    assert day_one().entries[1].entry.title_in_body
    heading = next(e for e in day_tree(files).iter() if e.get("id") == "t-aphorism22")
    assert heading.get("class") == "vh"
    assert text(heading) == day_one().entries[1].entry.title
    single = every(parse(files["2025/01/29/aphorism22/index.html"]), "h1")[0]
    assert single.get("class") == "vh"
    assert text(single) == day_one().entries[1].entry.title
    seen = [text(e) for e in every(parse(files["2025/01/29/aphorism22/index.html"]), "p")]
    assert "第 2 篇" in seen


def test_a_title_that_repeats_the_first_words_is_seen_when_nothing_else_would_be() -> None:
    lone = published(APHORISM, number=None, position=0)
    tree = parse(pages.day_page(Templates(site()), PublishedDay(day=DAY, entries=(lone,))))
    assert next(e for e in tree.iter() if e.get("id") == f"t-{lone.uid}").get("class") is None


def test_sections_get_a_small_contents_from_three_on(files: dict[str, bytes]) -> None:
    small = [e for e in every(day_tree(files), "nav") if e.get("class") == "sections"]
    assert [text(e) for e in every(small[0], "a")] == [
        "最早的线路0:00–7:59",
        "桥与隧道7:59–11:04",
        "后来的人11:04–结束",
    ]
    assert len(small) == 1


def test_an_edit_and_a_correction_say_so_in_the_zone_of_the_site(files: dict[str, bytes]) -> None:
    assert "修改于" in text(parse(files["2025/01/29/aphorism22/index.html"]))
    assert "2025-01-30 11:00" in text(parse(files["2025/01/29/aphorism22/index.html"]))
    assert "2025年1月30日更正：“六十多年”应为“五十多年”。" in text(day_tree(files))
    assert "修改于" not in text(parse(files["2025/01/29/teateatea2/index.html"]))


def test_neighbours_lead_on(files: dict[str, bytes]) -> None:
    def rels(name: str) -> dict[str | None, str | None]:
        return {
            e.get("rel"): e.get("href")
            for e in every(parse(files[name]), "a")
            if e.get("rel") in ("prev", "next")
        }

    assert rels("2025/01/29/index.html") == {"next": "/2025/01/30/"}
    assert rels("2025/01/30/index.html") == {"prev": "/2025/01/29/"}
    assert rels("2025/01/29/aphorism22/index.html") == {
        "prev": "/2025/01/29/teateatea2/",
        "next": "/2025/01/29/talktalk22/",
    }


def test_a_moved_entry_is_listed_under_its_day_with_its_old_address(files: dict[str, bytes]) -> None:
    assert 'href="/2025/01/28/movedmove2/"' in files["2025/01/30/index.html"].decode()
    tree = parse(files["2025/01/28/movedmove2/index.html"])
    assert any((e.get("href") or "").startswith("/2025/01/30/") for e in every(tree, "a"))


def test_english_text_on_a_chinese_page_says_that_it_is_english(files: dict[str, bytes]) -> None:
    heading = next(e for e in day_tree(files).iter() if e.get("id") == "t-english222")
    assert heading.get("lang") == "en"


# --- numbers, home, archive, gone -----------------------------------------------------------------------


def test_a_number_leads_to_the_entry_that_holds_it_now(files: dict[str, bytes]) -> None:
    tree = parse(files["2025/01/29/3/index.html"])
    refresh = next(e for e in every(tree, "meta") if e.get("http-equiv") == "refresh")
    assert refresh.get("content") == "0; url=/2025/01/29/talktalk22/"
    assert next(e.get("href") for e in every(tree, "a")) == "/2025/01/29/talktalk22/"


def test_a_number_given_twice_leads_to_the_first_and_never_hides_an_entry() -> None:
    first, second = (published(TEA, uid=uid, number=3) for uid in ("first", "second"))
    holder = published(TEA, uid="4", number=None, position=5)
    other = published(TEA, uid="other", number=4)
    day = PublishedDay(day=DAY, entries=(first, second, holder, other))
    assert pages.number_redirects(day) == (("2025/01/29/3/", first.permalink),)


def test_the_first_page_holds_the_newest_day_and_lists_the_others(files: dict[str, bytes]) -> None:
    tree = parse(files["index.html"])
    assert "2025年1月30日" in text(every(tree, "h1")[0])
    assert "写得慢的人" in text(tree)
    rows = next(e for e in every(tree, "ul") if e.get("class") == "days")
    assert [a.get("href") for a in every(rows, "a")] == ["/2025/01/29/"]


def test_a_site_without_days_has_all_its_pages() -> None:
    empty = build(SITES["chinese"], days=())
    assert "还没有发布内容" in empty["index.html"].decode()
    assert "还没有发布内容" in empty["archive/index.html"].decode()
    html_pages(empty)
    ET.fromstring(empty["sitemap.xml"])


def test_a_day_without_entries_is_a_page() -> None:
    tree = parse(pages.day_page(Templates(site()), PublishedDay(day=DAY)))
    assert not [e for e in every(tree, "nav") if e.get("class") == "toc"]


def test_the_page_about_links_keeps_what_a_dead_link_led_to(files: dict[str, bytes]) -> None:
    text = files["links/index.html"].decode()
    assert "https://web.archive.org/web/20250129/https://weibo.com/1/a" in text
    assert "<del>" in text
    assert "<script>alert" not in text
    assert "\u202e" not in text.split("<del>")[1].split("</del>")[0]
    assert "xn--80ak6aa92e.com" in text  # Cyrillic all of it: not shown as letters


def test_the_page_about_links_tells_how_long_they_live(files: dict[str, bytes]) -> None:
    tables = [e for e in every(parse(files["links/index.html"]), "table") if e.get("class") == "lives"]
    rows = [["".join(cell.itertext()) for cell in row] for table in tables for row in every(table, "tr")]
    assert ["2025", "1,234", "97%", "21", "1,080 天"] in rows
    assert ["2024", "2", "–", "0", "–"] in rows
    assert ["<script>alert(1)</script>", "2", "0%", "2", "0 天"] in rows


def test_the_archive_groups_days_by_month_newest_first() -> None:
    days = [pages.DayLine(day=d) for d in (date(2024, 12, 31), date(2025, 1, 2), date(2025, 1, 1))]
    grouped = archive.months(days)
    assert [(m.year, m.month, [d.day.day for d in m.days]) for m in grouped] == [
        (2025, 1, [2, 1]),
        (2024, 12, [31]),
    ]


def test_a_year_of_archive_stays_light() -> None:
    line = pages.day_line(day_one())
    year = [replace(line, day=date(2025, 1, 1) + timedelta(days=n)) for n in range(365)]
    shown = archive.year_lines(2025, year, first=year[0].day, last=year[-1].day)
    totals = archive.YearTotals(year=2025, days=365, entries=365 * 7, words=365 * line.words)
    page = archive.year_page(Templates(site()), shown, totals, beside=range(2025, 2005, -1))
    assert len(gzip.compress(page)) <= 40_000
    assert "365 天" in page.decode()


def test_a_withdrawn_entry_keeps_its_date_and_number_and_loses_its_words(files: dict[str, bytes]) -> None:
    page = files["2025/01/29/gonegone22/index.html"].decode()
    assert "编者已撤下本条" in page
    assert "2025年1月29日" in page
    assert "第 8 篇" in page
    assert "撤下的文字" not in page
    article = every(parse(page.encode()), "article")[0]
    assert article.get("data-withdrawn") == "2025-02-02"
    assert article.get("data-guid") == "tag:x,2025:gone"


# --- the small files ------------------------------------------------------------------------------------


def test_the_sitemap_names_every_page_with_the_moment_of_its_last_edit(files: dict[str, bytes]) -> None:
    urls = ET.fromstring(files["sitemap.xml"])
    found = {u[0].text: (u[1].text if len(u) > 1 else None) for u in urls}
    assert found["https://daily.example.org/2025/01/29/aphorism22/"] == "2025-01-30T03:00:09Z"
    assert found["https://daily.example.org/2025/01/29/"] == "2025-01-30T03:00:09Z"
    assert found["https://daily.example.org/2025/01/28/movedmove2/"]
    assert "https://daily.example.org/2025/01/29/gonegone22/" not in found
    assert len(found) == 4 + 2 + 9


def test_a_sitemap_never_holds_more_than_the_standard_allows() -> None:
    line = pages.day_line(PublishedDay(day=DAY, entries=(published(TEA),)))
    days = [replace(line, day=date(1900, 1, 1) + timedelta(days=n)) for n in range(26_000)]
    assert pages.sitemap(Templates(site()), days).count(b"<url>") == pages.SITEMAP_LIMIT


def test_robots_point_at_the_sitemap(built: tuple[Site, dict[str, bytes]]) -> None:
    where, files = built
    assert f"Sitemap: {where.absolute('sitemap.xml')}" in files["robots.txt"].decode()


def test_the_icons_are_an_icon_and_a_drawing() -> None:
    assert favicon_ico().startswith(b"\0\0\1\0\1\0\x20\x20")
    assert b"\x89PNG" in favicon_ico()
    assert ET.fromstring(pages.favicon(Templates(site()))).tag.endswith("svg")


def test_the_style_sheet_is_light_and_named_by_its_content(files: dict[str, bytes]) -> None:
    assert len(gzip.compress(files["style.css"])) <= 6_000
    assert re.search(rb'href="/style\.css\?v=[0-9a-f]{8}"', files["index.html"])
    assert files["style.css"].count(b"{") == files["style.css"].count(b"}")
    assert b"/*" not in files["style.css"]


# --- colours --------------------------------------------------------------------------------------------


def tokens(css: str, dark: bool) -> dict[str, str]:
    roots = re.findall(r":root\{([^}]*)\}", css)
    found = dict(re.findall(r"--(\w+):(#\w{6})", roots[0]))
    return found | dict(re.findall(r"--(\w+):(#\w{6})", roots[1])) if dark else found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_colour_is_readable_on_every_ground(files: dict[str, bytes], dark: bool) -> None:
    colour = tokens(files["style.css"].decode(), dark)
    for text_colour in ("ink", "second", "link", "visited", "accent", "ok", "warn", "bad"):
        for ground in ("page", "card"):
            assert contrast(colour[text_colour], colour[ground]) >= 4.5, (text_colour, ground)
    for text_colour in ("ink", "second", "link", "ok", "warn", "bad"):
        assert contrast(colour[text_colour], colour["sunk"]) >= 4.5, text_colour
    assert contrast(colour["link"], colour["chip"]) >= 4.5
    assert contrast(colour["control"], colour["page"]) >= 3
    assert contrast(colour["control"], colour["card"]) >= 3


# --- hostile words --------------------------------------------------------------------------------------


def test_a_hostile_title_is_shown_and_never_run(files: dict[str, bytes]) -> None:
    for name in ("2025/01/29/index.html", "2025/01/29/hostile222/index.html", "archive/index.html"):
        assert b"<script" not in files[name], name
    heading = next(e for e in day_tree(files).iter() if e.get("id") == "t-hostile222")
    assert '<script>alert("x")</script>' in text(heading)
    assert heading.get("dir") == "auto"
    assert HOSTILE.startswith("<script>")


@settings(max_examples=60, deadline=None)
@given(spoken=st.text(min_size=1, max_size=40), note=st.text(max_size=20))
def test_any_words_make_a_page_that_parses(spoken: str, note: str) -> None:
    entry = published(TEA, title=spoken, byline=(spoken,), topics=(spoken, note), summary=note)
    day = PublishedDay(day=DAY, title=note, entries=(entry,))
    where = Templates(site(title=spoken, contact=note))
    tree = parse(pages.day_page(where, day))
    parse(pages.entry_page(where, entry))
    assert len(every(tree, "h1")) == 1
    assert not every(tree, "script")
