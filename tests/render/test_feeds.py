"""Feeds: what readers get, every trap of feedgen, the window, and bytes that never change by themselves."""

from __future__ import annotations

import html
import json
import locale
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from publisher.core.issue import Correction, IssueName, PublishedEntry
from publisher.core.link import LinkState
from publisher.render import feeds
from publisher.render.environment import Templates
from publisher.render.feed_check import HARD_ENTRIES
from publisher.render.feed_items import item_of
from publisher.render.feeds import window
from tests.render.factories import AT, DAY, link, published, site
from tests.render.feed_sample import (
    ATOM,
    CREATOR,
    DREAM,
    ENCODED,
    FORMATS,
    MANUAL,
    XML_LANG,
    assert_valid,
    entries,
    feed_of,
    visible,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "feeds"
KEPT_TAGS = {
    "p", "br", "hr", "a", "strong", "em", "b", "i", "code", "pre", "blockquote", "ul", "ol", "li",
    "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "img", "figure", "figcaption",
    "sub", "sup", "del", "ins",
}  # fmt: skip
KEPT_ATTRIBUTES = {"href", "src", "alt", "title", "width", "height", "colspan", "rowspan", "start"}


def rss_of(*shown: PublishedEntry, **overrides: object) -> etree._Element:
    feed, templates = feed_of(*shown, of=site(**overrides))
    return etree.fromstring(feeds.rss(feed, templates))


def atom_of(*shown: PublishedEntry, **overrides: object) -> etree._Element:
    feed, templates = feed_of(*shown, of=site(**overrides))
    return etree.fromstring(feeds.atom(feed, templates))


def json_of(*shown: PublishedEntry, **overrides: object) -> dict:
    feed, templates = feed_of(*shown, of=site(**overrides))
    return json.loads(feeds.json_feed(feed, templates))


def content_of(one: PublishedEntry, **overrides: object) -> str:
    return item_of(one, Templates(site(**overrides))).content


# ---------------------------------------------------------------- what readers get


def test_all_formats_are_valid() -> None:
    assert_valid(*feed_of(*entries()))


def test_a_feed_without_entries_is_valid() -> None:
    assert_valid(*feed_of())


def test_a_bare_site_and_a_bare_entry_make_valid_feeds() -> None:
    bare = site(title="刊", description="", author="", publisher_uuid="", url="http://127.0.0.1:8000/k/")
    assert_valid(*feed_of(published("一句话。", topics=()), of=bare))


@pytest.mark.parametrize(("kind", "path"), [("rss", "rss.xml"), ("atom", "atom.xml"), ("json", "feed.json")])
def test_the_bytes_are_those_of_the_golden_file(kind: str, path: str) -> None:
    """To accept a change: PUBLISHER_GOLDEN=write pytest tests/render/test_feeds.py, then read the diff."""
    feed, templates = feed_of(*entries(), updated=AT + timedelta(days=3))
    data = FORMATS[kind](feed, templates)
    if os.environ.get("PUBLISHER_GOLDEN") == "write":
        (GOLDEN / path).write_bytes(data)
    assert data.decode() == (GOLDEN / path).read_text("utf-8")


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_feedparser_recovers_every_title_id_date_category_and_the_full_text(kind: str) -> None:
    feed, templates = feed_of(*entries())
    headers = {"content-type": "application/xml"}
    parsed = feedparser.parse(FORMATS[kind](feed, templates), response_headers=headers)
    assert parsed.bozo == 0
    assert parsed.feed.title == "每日一读"
    assert parsed.feed.link == "https://daily.example.org/"
    assert len(parsed.entries) == len(entries())
    for found, one in zip(parsed.entries, entries(), strict=True):
        item = item_of(one, templates)
        assert found.id == one.guid
        assert html.unescape(found.title) == one.entry.title
        assert html.unescape(found.summary) == one.entry.summary
        assert found.link == item.url
        assert datetime(*found.published_parsed[:6], tzinfo=UTC) == one.published_at
        assert tuple(tag.term for tag in found.get("tags", ())) == item.topics
        assert visible(found.content[0].value) == visible(item.content)


def test_the_full_text_is_in_every_format() -> None:
    shown = entries()
    rss = [item.findtext(ENCODED) for item in rss_of(*shown).iter("item")]
    atom = [entry.findtext(f"{ATOM}content") for entry in atom_of(*shown).iter(f"{ATOM}entry")]
    json_items = [item["content_html"] for item in json_of(*shown)["items"]]
    assert rss == atom == json_items
    river, manual, dream = map(visible, json_items)
    for said in ("这条河是黑的", "1 < 2，“清”与“浊”之间 & 之后", "]]>", "第二步：活水 🏞️👨‍👩‍👧", "和水相处"):
        assert said in river
    for paragraph in MANUAL.split("\n\n"):
        assert paragraph in manual
    assert DREAM in dream


def test_content_is_made_of_tags_and_attributes_that_every_reader_keeps() -> None:
    for one in entries():
        for element in etree.HTML(f"<div>{content_of(one)}</div>").find(".//div").iterdescendants():
            assert element.tag in KEPT_TAGS
            assert set(element.attrib) <= KEPT_ATTRIBUTES


def test_what_stands_around_the_text_is_shown_too() -> None:
    river, manual, dream = (visible(content_of(one)) for one in entries())
    assert "作者：江上渔" in river
    assert "2025年1月20日" in river
    assert "话题：城市更新、河流 & 湖泊" in river
    assert "链接：一条河的二十年 — weibo.com（t.cn/A6RiVEr）" in river
    assert "链接：the manual（example.com/a manual）" in manual
    assert "链接：t.cn/A6DrEam（链接已失效，2025年1月29日查）" in dream
    assert "更正（2025年2月2日）：店主其实也卖没读过的书。" in dream
    assert dream.endswith("补：2025年1月28日 · 网页版")


def test_an_english_site_speaks_english() -> None:
    shown = visible(content_of(entries()[2], language="en"))
    assert "Source: t.cn/A6DrEam — the link is dead (seen 29 January 2025)" in shown
    assert "Correction of 2 February 2025: " in shown
    assert shown.endswith("28 January 2025, added later · on the web")


def test_one_failed_check_is_not_told() -> None:
    state = LinkState(url="http://t.cn/A6Abcd12", verdict="unsure", result="timeout", checked_at=AT)
    quiet = content_of(published("一句话。", source_link=link(state.url)))
    assert content_of(published("一句话。", source_link=link(state.url), links=[state])) == quiet


def test_a_source_link_that_no_reader_could_ask_for_is_left_out() -> None:
    for url in ("javascript:alert(1)", "http://[::1", "http://h:port/", "ftp://example.com/x", "http://"):
        one = published("一句话。", source_link=link(url))
        assert item_of(one, Templates(site())).source is None
        assert_valid(*feed_of(one))


def test_a_source_address_is_quoted_so_that_it_is_one() -> None:
    one = published("一句话。", source_link=link("https://例子.example/路?q=a b|<c>"))
    quoted = "https://%E4%BE%8B%E5%AD%90.example/%E8%B7%AF?q=a%20b%7C%3Cc%3E"
    assert json_of(one)["items"][0]["external_url"] == quoted
    assert_valid(*feed_of(one))


def test_links_lie_below_the_site_also_under_a_path_prefix() -> None:
    there = "https://example.net/daily/"
    rss = rss_of(*entries(), url=there)
    assert rss.findtext("channel/link") == there
    assert rss.find(f"channel/{ATOM}link").get("href") == there + "rss.xml"
    assert [item.findtext("link") for item in rss.iter("item")] == [
        there + one.permalink for one in entries()
    ]
    assert_valid(*feed_of(*entries(), of=site(url=there)))


def test_dates_are_told_on_the_clock_of_the_site() -> None:
    assert rss_of(*entries()).findtext("channel/item/pubDate") == "Wed, 29 Jan 2025 08:00:09 +0800"
    utc = rss_of(*entries(), timezone="UTC").findtext("channel/item/pubDate")
    assert utc == "Wed, 29 Jan 2025 00:00:09 +0000"


def test_a_title_is_on_one_line_and_keeps_its_ideographic_space() -> None:
    one = published("正文。", title=" 上\r\n联　下\u2028联\t ")
    assert item_of(one, Templates(site())).title == "上 联　下 联"


def test_the_byline_names_the_author_when_it_says_so() -> None:
    def authors(*byline: str) -> tuple[str, ...]:
        return item_of(published("正文。", byline=byline), Templates(site())).authors

    assert authors("作者：江上渔", "2025年01月29日") == ("江上渔",)
    assert authors("JANE DOE 专栏作家") == ("JANE DOE 专栏作家",)
    assert authors("By Jane Doe", "译：某人") == ("Jane Doe",)
    assert authors("来源：某报") == authors("2025年01月29日") == authors() == ("编者",)
    assert authors("文心雕龙") == ("文心雕龙",)


def test_without_a_named_author_the_site_is_it() -> None:
    assert json_of(entries()[1], author="")["items"][0]["authors"] == [{"name": "每日一读"}]


def test_code_keeps_its_blank_lines() -> None:
    one = published("看：\n\n```\na = 1\n\n\nb = 2\n```\n\n完。")
    assert "a = 1\n\n\nb = 2" in content_of(one)


def test_json_feed_tells_everything_in_a_fixed_order() -> None:
    feed = json_of(*entries())
    assert list(feed) == [
        "version", "title", "home_page_url", "feed_url", "description", "language", "authors", "items",
    ]  # fmt: skip
    river, manual, dream = feed["items"]
    assert list(river) == [
        "id", "url", "external_url", "title", "content_html", "summary", "date_published", "date_modified",
        "authors", "tags", "language",
    ]  # fmt: skip
    assert river["external_url"] == "http://t.cn/A6RiVEr"
    assert river["authors"] == [{"name": "江上渔"}]
    assert (river["language"], manual["language"], dream["language"]) == ("zh-CN", "en", "zh-CN")
    assert "tags" not in manual


def test_json_feed_is_written_as_text_with_a_last_newline() -> None:
    feed, templates = feed_of(*entries())
    data = feeds.json_feed(feed, templates)
    assert "城市里的小河" in data.decode()
    assert data.endswith(b"}\n")


def test_the_stylesheet_is_named_and_made() -> None:
    feed, templates = feed_of()
    for data in (feeds.rss(feed, templates), feeds.atom(feed, templates)):
        assert data.decode().splitlines()[1] == '<?xml-stylesheet type="text/css" href="feed.css"?>'
    css = feeds.css(templates).decode()
    assert "这是一份订阅源" in css
    assert "This is a feed" in css
    assert css.count("{") == css.count("}")


def test_a_template_of_the_user_wins(tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "entry.html").write_text("<p>只有{{ entry.title }}</p>", "utf-8")
    templates = Templates(site(), user_folder=tmp_path)
    assert item_of(entries()[0], templates).content == "<p>只有城市里的小河为什么又清了</p>"


# ---------------------------------------------------------------- feedgen's traps, one test each


def test_entry_links_keep_their_rel() -> None:
    found = [(a.get("rel"), a.get("href")) for a in atom_of(*entries())[-3].findall(f"{ATOM}link")]
    assert found == [
        ("alternate", "https://daily.example.org/2025/01/29/rrrrrrrrrr/"),
        ("related", "http://t.cn/A6RiVEr"),
    ]


def test_the_link_of_an_rss_feed_is_the_home_page() -> None:
    assert rss_of(*entries()).findtext("channel/link") == "https://daily.example.org/"


def test_the_summary_never_replaces_the_content() -> None:
    entry = atom_of(*entries()).find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}summary") == entries()[0].entry.summary
    assert "和水相处" in entry.findtext(f"{ATOM}content")


def test_content_is_html_never_cdata() -> None:
    assert {c.get("type") for c in atom_of(*entries()).iter(f"{ATOM}content")} == {"html"}


def test_an_entry_without_a_summary_still_has_summary_and_content() -> None:
    item = rss_of(published("一句话。", title="标题", summary="")).find("channel/item")
    assert item.findtext("description") == "标题"
    assert "一句话。" in item.findtext(ENCODED)


def test_the_syndication_words_are_spelt_right() -> None:
    channel = rss_of().find("channel")
    told = {etree.QName(e).localname: e.text for e in channel if "syndication" in str(e.tag)}
    assert told == {"updatePeriod": "daily", "updateFrequency": "1"}
    assert channel.findtext("ttl") == "60"


def test_characters_that_xml_cannot_hold_are_stripped_here_too() -> None:
    bad = "\x00甲\x0b乙\x1b\ufffe\uffff丙\ud800丁"
    around = {"byline": (bad,), "source_link": link("http://t.cn/A6\x00")}
    one = published("正文。", title=bad, summary=bad, topics=(bad, "\x00"), **around)
    made = assert_valid(*feed_of(one, of=site(title=bad, description=bad, author=bad)))
    item = json.loads(made["json"])["items"][0]
    assert item["title"] == item["summary"] == item["tags"][0] == "甲乙丙丁"
    assert item["tags"] == ["甲乙丙丁"]


def test_bytes_come_from_the_entries_alone() -> None:
    feed, templates = feed_of(*entries())
    again, other_templates = feed_of(*entries())
    for make in FORMATS.values():
        assert make(feed, templates) == make(again, other_templates)


def test_the_time_of_the_feed_is_the_given_one() -> None:
    moment = datetime(2025, 3, 1, 12, 30, 1, 999, tzinfo=UTC)
    feed, templates = feed_of(*entries(), updated=moment)
    rss, atom = (etree.fromstring(make(feed, templates)) for make in (feeds.rss, feeds.atom))
    assert rss.findtext("channel/lastBuildDate") == "Sat, 01 Mar 2025 20:30:01 +0800"
    assert atom.findtext(f"{ATOM}updated") == "2025-03-01T20:30:01+08:00"


def test_the_locale_of_the_process_is_never_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("setlocale was called")

    feed, templates = feed_of(*entries())
    monkeypatch.setattr(locale, "setlocale", refuse)
    for make in FORMATS.values():
        assert make(feed, templates)


def test_the_order_is_kept() -> None:
    guids = [one.guid for one in entries()]
    assert [item.findtext("guid") for item in rss_of(*entries()).iter("item")] == guids
    assert [entry.findtext(f"{ATOM}id") for entry in atom_of(*entries()).iter(f"{ATOM}entry")] == guids


def test_an_author_by_name_alone_is_told_in_rss() -> None:
    assert [item.findtext(CREATOR) for item in rss_of(*entries()).iter("item")] == ["江上渔", "编者", "编者"]
    assert rss_of(*entries()).find("channel/item/author") is None


def test_a_feed_names_itself_once() -> None:
    rss_self = [a.get("href") for a in rss_of().findall(f"channel/{ATOM}link") if a.get("rel") == "self"]
    atom_self = [a.get("href") for a in atom_of().findall(f"{ATOM}link") if a.get("rel") == "self"]
    assert rss_self == ["https://daily.example.org/rss.xml"]
    assert atom_self == ["https://daily.example.org/atom.xml"]


def test_every_atom_element_is_in_the_namespace() -> None:
    assert all(str(e.tag).startswith(ATOM) for e in atom_of(*entries()).iter(etree.Element))


def test_an_entry_whose_title_is_stripped_to_nothing_is_named_after_its_summary_or_day() -> None:
    templates = Templates(site())
    assert item_of(published("正文。", title="\x00", summary="第一句。"), templates).title == "第一句。"
    assert item_of(published("正文。", title="\x00", summary=""), templates).title == "2025年1月29日"


def test_seconds_are_whole_and_each_item_has_its_dates() -> None:
    manual = atom_of(*entries()).findall(f"{ATOM}entry")[1]
    assert manual.findtext(f"{ATOM}published") == "2025-01-29T08:00:08+08:00"
    assert manual.findtext(f"{ATOM}updated") == "2025-01-30T08:00:09+08:00"
    assert all(item.findtext("pubDate") for item in rss_of(*entries()).iter("item"))


def test_the_guid_is_the_stored_one_and_no_permalink() -> None:
    for item, one in zip(rss_of(*entries()).iter("item"), entries(), strict=True):
        assert item.find("guid").text == one.guid
        assert item.find("guid").get("isPermaLink") == "false"


def test_languages_are_told_of_the_feed_and_of_entries_that_differ() -> None:
    root = atom_of(*entries())
    assert root.get(XML_LANG) == "zh-CN"
    assert [e.get(XML_LANG) for e in root.iter(f"{ATOM}entry")] == [None, "en", None]
    assert rss_of().findtext("channel/language") == "zh-CN"


def test_categories_have_a_term_and_no_scheme() -> None:
    found = atom_of(entries()[0]).findall(f".//{ATOM}category")
    assert [dict(category.attrib) for category in found] == [{"term": "城市更新"}, {"term": "河流 & 湖泊"}]


def test_a_summary_is_text_in_atom_and_escaped_html_in_rss() -> None:
    one = published("正文。", summary='a < b & "c"')
    assert rss_of(one).findtext("channel/item/description") == 'a &lt; b &amp; "c"'
    assert atom_of(one).findtext(f".//{ATOM}summary") == 'a < b & "c"'


def test_feed_ids_stay_when_the_site_moves() -> None:
    assert atom_of().findtext(f"{ATOM}id") == atom_of(url="https://elsewhere.example/").findtext(f"{ATOM}id")


def test_entries_edited_in_one_moment_get_distinct_times() -> None:
    edited = [replace(one, updated_at=AT + timedelta(days=2)) for one in entries()]
    made = assert_valid(*feed_of(*edited))
    moments = [item["date_modified"][11:19] for item in json.loads(made["json"])["items"]]
    assert moments == ["08:00:09", "08:00:08", "08:00:07"]


def test_editing_an_entry_changes_it_alone() -> None:
    before = json_of(*entries())["items"]
    river, manual, dream = entries()
    edited = published(
        MANUAL + "\n\nSomebody does.",
        uid=manual.uid,
        number=2,
        at=manual.published_at,
        updated_at=manual.updated_at + timedelta(hours=1),
        title=manual.entry.title,
        summary=manual.entry.summary,
        topics=(),
        lang="en",
        source_link=manual.entry.source_link,
    )
    after = json_of(river, edited, dream)["items"]
    assert (after[0], after[2]) == (before[0], before[2])
    changed = {key for key in after[1] if after[1][key] != before[1][key]}
    assert changed == {"content_html", "date_modified"}


# ---------------------------------------------------------------- the window


def day_of(days_ago: int, count: int, text: str = "一句话。") -> list[PublishedEntry]:
    """`count` entries that went out `days_ago` days before the sample's day."""
    day = DAY - timedelta(days=days_ago)
    at = AT - timedelta(days=days_ago)
    return [
        published(
            text,
            uid=f"{days_ago:05d}{k:05d}",
            day=day,
            number=k + 1,
            at=at - timedelta(seconds=k),
            issue=IssueName(day),
            topics=(),
        )
        for k in range(count)
    ]


def shown_days(chosen: tuple[PublishedEntry, ...]) -> list[int]:
    return sorted({(DAY - one.day).days for one in chosen})


def test_whole_days_are_shown_until_the_count_is_reached() -> None:
    many = [one for ago in range(8) for one in day_of(ago, 9)]
    chosen = window(many, Templates(site()))
    assert len(chosen) == 45
    assert shown_days(chosen) == [0, 1, 2, 3, 4]


def test_whole_days_are_shown_until_the_bytes_are_reached() -> None:
    many = [one for ago in range(8) for one in day_of(ago, 2, "字" * 2_000)]
    chosen = window(many, Templates(site()), max_bytes=40_000)
    assert shown_days(chosen) == [0, 1]


def test_the_newest_day_is_shown_whole_though_it_passes_the_limits() -> None:
    chosen = window(day_of(0, 60) + day_of(1, 3), Templates(site()))
    assert len(chosen) == 60


def test_the_window_is_newest_first_whatever_order_it_gets() -> None:
    many = day_of(0, 3) + day_of(1, 3)
    chosen = window(many[::-1], Templates(site()))
    assert list(chosen) == many


def test_a_catch_up_issue_of_several_days_counts_as_one() -> None:
    caught_up = [replace(one, issue=IssueName(DAY)) for ago in (0, 1) for one in day_of(ago, 3)]
    chosen = window(caught_up + day_of(2, 3), Templates(site()), max_entries=6)
    assert len(chosen) == 6


def test_archived_entries_are_in_no_feed() -> None:
    archived = [replace(one, issue=None) for one in day_of(0, 2)]
    assert window(archived + day_of(1, 2), Templates(site())) == tuple(day_of(1, 2))


def test_no_entries_make_an_empty_window() -> None:
    assert window((), Templates(site())) == ()


def test_no_feed_has_more_than_300_entries() -> None:
    chosen = window(day_of(0, HARD_ENTRIES + 1), Templates(site()))
    assert len(chosen) == HARD_ENTRIES
    assert_valid(*feed_of(*chosen))


def test_the_largest_window_stays_below_two_million_bytes_in_every_format() -> None:
    chosen = window(day_of(0, 40, "<&>\"'" * 5_000), Templates(site()))
    assert 1 < len(chosen) < 40
    assert_valid(*feed_of(*chosen))


def test_a_monstrous_entry_gives_its_lead_and_the_way_to_its_page() -> None:
    giant = published("开头。\n\n" + "\n\n".join(["山" * 2_000] * 200), title="巨著", topics=())
    content = content_of(giant)
    assert len(content.encode()) < 100_000
    assert "未完：请到网页阅读全文" in visible(content)
    assert window([giant], Templates(site())) == (giant,)
    assert_valid(*feed_of(giant))


def test_an_essay_of_seventeen_thousand_characters_is_shown_whole() -> None:
    paragraphs = [f"第{k}段" + "山高水长，风物长宜放眼量。" * 10 for k in range(130)]
    shown = visible(content_of(published("\n\n".join(paragraphs), topics=())))
    assert len(shown) > 17_000
    assert all(paragraph in shown for paragraph in paragraphs)


def test_a_correction_moves_nothing_but_the_content() -> None:
    one = entries()[1]
    corrected = replace(one, corrections=(Correction(at=AT, note="年份有误 <b>。"),))
    before, after = json_of(one)["items"][0], json_of(corrected)["items"][0]
    assert {key for key in after if after[key] != before[key]} == {"content_html"}
    assert "年份有误 &lt;b&gt;。" in after["content_html"]


def test_the_site_zone_may_have_summer_time() -> None:
    feed, templates = feed_of(of=site(timezone="Europe/Berlin"), updated=datetime(2025, 7, 1, tzinfo=UTC))
    assert b"<lastBuildDate>Tue, 01 Jul 2025 02:00:00 +0200<" in feeds.rss(feed, templates)
