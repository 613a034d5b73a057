"""What an entry says of itself: the shapes that a curator's entries really have, in words of our own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from publisher.core.diagnostics import Diagnostic
from publisher.core.document import EntrySource, parse_file
from publisher.core.entry import Entry, read_entry
from publisher.core.reading_options import ReadingOptions

SAMPLE = Path(__file__).parents[2] / "seeds" / "2025-03-20.md"
REST = "\n\n后面还有一段正文，写得比较长，这样标题下面就有东西了。"


def read(markdown: str, heading: str = "", **fields: object) -> Entry:
    return told(markdown, heading, **fields)[0]


def told(markdown: str, heading: str = "", **fields: object) -> tuple[Entry, list[tuple[int, int, str]]]:
    """The entry and (line, column, slug) of what was told; the text begins on line 5 of the file."""
    source = EntrySource(
        number=3, label="3", heading=heading, markdown=markdown, line=3, body_line=5, **fields
    )  # type: ignore[arg-type]
    entry, found = read_entry(source, file="a.md")
    return entry, [(one.line, one.column, one.slug) for one in found]


def names(entry: Entry) -> list[str]:
    return [topic.name for topic in entry.topics]


# ---------------------------------------------------------------- titles, rule by rule


@pytest.mark.parametrize(
    ("markdown", "rule", "title"),
    [
        ("### 小标题\n\n正文。", "R1", "小标题"),
        ("【快讯】雪停了" + REST, "R2", "快讯 雪停了"),
        ("【快讯】这一条后面的话很长很长，早就超过了二十四个字，所以它不进标题，只留在正文里面。", "R2", "快讯"),
        ("`高铁时代`\n\n正文。", "R3", "高铁时代"),
        ("`甲乙##丙丁`\n\n正文。", "R3", "甲乙 · 丙丁"),
        ("#甲乙##丙丁#\n\n正文。", "R3", "甲乙 · 丙丁"),
        ("`甲乙` http://t.cn/A6abcd", "R3", "甲乙"),
        ("昨天在茶馆里听来的话：" + REST, "R4", "昨天在茶馆里听来的话"),
        ("昨天在茶馆里听来的话:" + REST, "R4", "昨天在茶馆里听来的话"),
        ("老渡口的灯，为什么灭了？" + REST, "R5", "老渡口的灯，为什么灭了？"),
        ("椅子正在改变我们" + REST, "R5", "椅子正在改变我们"),
        ("**椅子正在改变我们**" + REST, "R5", "椅子正在改变我们"),
        ("第一行是标题\n第二行是正文。", "R5", "第一行是标题"),
        ("标题\n\nhttp://t.cn/A6abcd", "R5", "标题"),
        ("三亩地顶得上一箱蜂？养蜂人用了整整五年推翻三个误会，荒坡如今也变成了花海！" + REST, "R5b",
         "三亩地顶得上一箱蜂？养蜂人用了整整五年推翻三个误会，荒坡如今也变成了花海！"),
        ("我还以为开书店的人都爱看书呢。" + REST, "R6", "我还以为开书店的人都爱看书呢"),
        ("`声音档案`录音师访谈：一座森林的昨天和今天。" + REST, "R6", "录音师访谈：一座森林的昨天和今天"),
        ("说明书不讨人喜欢。没有人睡前读它。" + REST, "R7", "说明书不讨人喜欢"),
        ("阳台种菜能回本吗？会不会是过家家？上周请了两位朋友来对账，一位先泼了一盆冷水。", "R7", "阳台种菜能回本吗？"),
        ("只有一句话的一条。", "R7", "只有一句话的一条"),
        ("这句话的第一个分句已经够长了，可是整句还要长得多，长到三十个字也放不下它的一半。", "R7",
         "这句话的第一个分句已经够长了，可是整句还要长得多…"),
        ("上周，这句话的第一个分句实在太短，于是标题要再往后取一段，直到它像个标题的样子才停下来为止。", "R7",
         "上周，这句话的第一个分句实在太短，于是标题要再往后取一段…"),
        ("没有标点的一整句话" * 6, "R7", ("没有标点的一整句话" * 6)[:29] + "…"),
        ("The manual outlived the machine, and everybody who could have read it had left the valley long ago", "R7",
         "The manual outlived the machine…"),
        ("http://t.cn/A63abcde", "R8", "链接 t.cn/A63abcde"),
        ("😀😀", "R9", "😀😀"),
        ("[太阳]", "R9", "[太阳]"),
        ("……", "R9", "……"),
        ("![一只挂钟](clock.png)", "R9", "一只挂钟"),
        ("![](clock.png)", "R9", "clock.png"),
        ("| 平台 | 数量 |\n|---|---|\n| 甲 | 1 |\n\n表格下面才是第一句。" + REST, "R6", "表格下面才是第一句"),
        ("![图](a.png)\n\n图下面的标题" + REST, "R5", "图下面的标题"),
        ("***\n\n标题在横线下面" + REST, "R5", "标题在横线下面"),
        ("- 第一条列表\n- 第二条", "R5", "第一条列表"),
    ],
)  # fmt: skip
def test_the_title_is_found_by_the_first_rule_that_fits(markdown: str, rule: str, title: str) -> None:
    entry = read(markdown)
    assert (entry.title_rule, entry.title) == (rule, title)


def test_a_given_title_wins_and_keeps_what_it_says() -> None:
    entry = read("第一行" + REST, heading="给定的**标题**😀")
    assert (entry.title_rule, entry.title, entry.title_in_body) == ("R0", "给定的标题😀", False)
    assert entry.text.startswith("第一行")


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("标题" + REST, REST.strip()),
        ("标题：" + REST, REST.strip()),
        ("### 标题" + REST, REST.strip()),
        ("标题\n第二行。", "第二行。"),
        ("【快讯】" + "很长的" * 12 + "话。", "很长的" * 12 + "话。"),
        ("`话题`\n\n正文。", "正文。"),
        ("标题\n\nhttp://t.cn/A6abcd", ""),
    ],
)
def test_a_title_line_is_not_said_again(markdown: str, text: str) -> None:
    entry = read(markdown)
    assert not entry.title_in_body
    assert entry.text == text


@pytest.mark.parametrize(
    "markdown",
    [
        "一句话做的标题。" + REST,
        "标题😀" + REST,  # the emoji would be lost
        "标题[太阳]" + REST,
        "看[这里](http://a.b/)" + REST,
        "- 列表里的第一条\n- 第二条",
        "> 引文里的话\n\n正文",
        "😀\n标题\n正文",
        "**标题\n正文**",
    ],
)
def test_a_line_that_says_more_than_the_title_stays(markdown: str) -> None:
    entry = read(markdown)
    assert entry.title_in_body
    assert entry.text.split("\n")[0] == read(markdown, heading="x").text.split("\n")[0]


def test_a_title_is_cut_between_characters_as_people_see_them() -> None:
    family = "👨‍👩‍👧"
    entry = read(family * 30)
    assert entry.title == family * 20


# ---------------------------------------------------------------- empty


@pytest.mark.parametrize(
    ("markdown", "heading"), [("", ""), ("\u200b \n", ""), ("***", ""), ("", "只有标题"), ("~", "只有标题")]
)
def test_an_entry_without_text_is_empty_and_told(markdown: str, heading: str) -> None:
    entry, found = told(markdown, heading)
    assert entry.is_empty
    assert (3, 1, "entry-empty") in found


def test_a_heading_that_leads_somewhere_is_an_entry() -> None:
    entry = read("", heading="一篇文章", heading_url="https://example.org/a")
    assert not entry.is_empty
    assert entry.source_link is not None


# ---------------------------------------------------------------- bylines


def test_bylines_below_the_title_are_taken_out_word_for_word() -> None:
    entry = read("世界\n\nJANE DOE 折叠的房间\n\n2025年03月20日 \n\n正文在这里。")
    assert entry.byline == ("JANE DOE 折叠的房间", "2025年03月20日")
    assert entry.byline_date == date(2025, 3, 20)
    assert entry.text == "正文在这里。"


@pytest.mark.parametrize(
    "line",
    [
        "作者：某人",
        "文 / 江小满",
        "译｜某人",
        "来源：某报",
        "整理: 某人",
        "2025-03-20",
        "By Jane Doe",
        "MARA ELLINGSEN",
    ],
)
def test_these_are_bylines(line: str) -> None:
    assert read(f"标题\n\n{line}\n\n正文。").byline == (line,)


@pytest.mark.parametrize(
    "line",
    [
        "文心雕龙",
        "GPU CPU 的区别",
        "作者说得好。",
        "2025年是蛇年",
        "来源：[某报](http://a.b/)",
        "AI 改变了一切",
        "作者：" + "长" * 40,
    ],
)
def test_these_are_not(line: str) -> None:
    entry = read(f"标题\n\n{line}\n\n正文。")
    assert entry.byline == ()
    assert entry.text.endswith("正文。")
    assert len(entry.text.split("\n\n")) == 2


def test_a_byline_stands_right_below_the_title_or_nowhere() -> None:
    assert read("标题\n\n正文一段。\n\n作者：某人\n\n正文。").byline == ()
    assert read("作者：某人\n\n正文。", heading="标题").byline == ("作者：某人",)
    assert read("`话题`\n\n作者：某人\n\n正文。").byline == ("作者：某人",)
    assert read("一句。又一句。\n\n2025年1月29日").byline == ()


# ---------------------------------------------------------------- topics and links


def test_topics_compare_by_key_and_show_the_first_spelling() -> None:
    entry = read("正文#ＡＩ 时代#后面#ai时代#再说`Ai时代##别的`")
    assert [(topic.key, topic.name) for topic in entry.topics] == [("ai时代", "ＡＩ 时代"), ("别的", "别的")]


def test_topics_at_the_edges_leave_and_those_among_words_stay() -> None:
    assert read("话没有说完`大路##小路`", heading="题").text == "话没有说完"
    assert read("`大路`话说完了。", heading="题").text == "话说完了。"
    assert read("话说完了。 #大路##小路#", heading="题").text == "话说完了。"
    assert read("去看看#大路#", heading="题").text == "去看看#大路#"
    assert read("#早市# 上的价钱一天三变。", heading="题").text == "#早市# 上的价钱一天三变。"
    assert names(read("#早市# 上的价钱一天三变。")) == ["早市"]


def test_the_address_at_the_very_end_is_the_source() -> None:
    entry = read("第一段 http://t.cn/A6aaaa 说完。\n\n第二段。 http://t.cn/A6bbbb")
    assert entry.source_link is not None
    assert (entry.source_link.url, entry.source_link.line, entry.source_link.column) == (
        "http://t.cn/A6bbbb",
        7,
        6,
    )
    assert [link.url for link in entry.links] == ["http://t.cn/A6aaaa", "http://t.cn/A6bbbb"]
    assert entry.text == "第一段 http://t.cn/A6aaaa 说完。\n\n第二段。"


@pytest.mark.parametrize(
    "end",
    [
        " http://t.cn/A6bbbb", "\nhttp://t.cn/A6bbbb", "\n\nt.cn/A6bbbb", "`话题` t.cn/A6bbbb",
        " t.cn/A6bbbb`甲##乙`", " t.cn/A6bbbb\n\n~", " t.cn/A6bbbb\n\n***", "\n\n来源：t.cn/A6bbbb",
        " - http://t.cn/A6bbbb",
    ],
)  # fmt: skip
def test_marks_and_topics_may_follow_the_source(end: str) -> None:
    entry = read("说完了。" + end, heading="题")
    assert entry.source_link is not None
    assert entry.source_link.url == "http://t.cn/A6bbbb"
    assert entry.text.removesuffix("~").strip() == "说完了。"


@pytest.mark.parametrize(
    "end",
    ["http://t.cn/A6bbbb。", "（http://t.cn/A6bbbb）", "[话](http://t.cn/A6bbbb)", "`http://t.cn/A6bbbb`"],
)
def test_an_address_within_a_sentence_is_no_source(end: str) -> None:
    assert read("说完了，见" + end).source_link is None


def test_the_address_of_the_heading_is_the_source_and_the_one_at_the_end_stays() -> None:
    entry = read("正文 http://t.cn/A6bbbb", heading="题", heading_url="https://example.org/a")
    assert entry.source_link is not None
    assert entry.source_link.url == "https://example.org/a"
    assert [link.url for link in entry.links] == ["https://example.org/a", "http://t.cn/A6bbbb"]
    assert entry.text == "正文 http://t.cn/A6bbbb"
    bare = read("正文", heading="题 http://t.cn/A6cccc")
    assert (bare.title, bare.source_link and bare.source_link.url) == ("题", "http://t.cn/A6cccc")


def test_links_are_distinct_and_in_order_with_their_words() -> None:
    entry = read(
        "[甲](http://a.b/1)、http://a.b/2、[又](http://a.b/1)、<mailto:a@b.cn>、![图](https://a.b/3.png)。"
    )
    assert [(link.url, link.text) for link in entry.links] == [
        ("http://a.b/1", "甲"), ("http://a.b/2", "http://a.b/2"), ("https://a.b/3.png", "图"),
    ]  # fmt: skip


def test_media_are_local_files_as_written() -> None:
    entry = read(
        "![图](a/b.png)、[讲义](<讲义 1.pdf>)、![外](https://a.b/c.png)、[站内](/2025/01/28/)、![图](a/b.png)"
    )
    assert entry.media == ("a/b.png", "讲义 1.pdf")


# ---------------------------------------------------------------- sections, summary, counts


def test_sections_are_the_time_headings_gaps_and_all() -> None:
    entry = read("题\n\n甲(0:00-7:59):\n\n正文。\n\n乙(8:10-结束):\n\n正文。")
    assert [(s.title, s.times, s.start_s, s.anchor) for s in entry.sections] == [
        ("甲", "0:00–7:59", 0, "t0"), ("乙", "8:10–结束", 490, "t490"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("markdown", "summary"),
    [
        ("标题\n\n第一句话。第二句话！", "第一句话。第二句话！"),
        ("没有标点的一段\n\n下一段有。", "下一段有。"),
        ("第一段有句号。可是没有完\n\n下一段有。", "第一段有句号。可是没有完。下一段有。"),
        ("标题\n\n作者：某人\n\n小节(0:00-1:00):\n\n大家好[太阳]\n\n正文 http://t.cn/A6abcd", "大家好。正文"),
        ("甲句。" + "乙" * 120 + "。", "甲句。" + "乙" * 120),
        ("一二三四五。" * 30, "一二三四五。" * 18),
        ("One sentence. Another one, e.g. this.\n\nNo end\n\nLast.",
         "One sentence. Another one, e.g. this. No end. Last."),
    ],
)  # fmt: skip
def test_a_summary_is_whole_sentences(markdown: str, summary: str) -> None:
    found = read(markdown).summary
    assert found == summary if len(summary) <= 110 else found == "甲句。"


def test_a_summary_of_one_endless_sentence_is_cut() -> None:
    found = read("标题\n\n" + "，".join(["甲乙丙丁戊"] * 40)).summary
    assert len(found) <= 110
    assert found.endswith("甲乙丙丁戊…")


def test_words_are_han_full_width_marks_and_latin_words() -> None:
    assert read("读 Gutenberg R1，用 12.5% 的时间。").words == 11
    assert read("只数文字 http://t.cn/A6abcd [太阳]").words == 4
    assert read("well-known it's 1,000").words == 3


def test_minutes_are_at_least_one_and_follow_the_options() -> None:
    assert read("短。").minutes == 1
    source = EntrySource(markdown="山" * 4_000)
    assert read_entry(source, options=ReadingOptions(han_per_minute=400))[0].minutes == 10
    assert read_entry(source, options=ReadingOptions(han_per_minute=200))[0].minutes == 20


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("一篇中文，里面有 DeepSeek 和 OpenAI 这些词。", "zh"),
        ("On keeping a notebook, and why 好 people do not.", "en"),
        ("これはとてもながいにほんごのぶんしょうです。ひらがながたくさんあります。", "ja"),
        ("이것은 한국어로 쓴 글입니다. 스무 글자가 넘어야 합니다. 그래서 조금 더 씁니다.", "ko"),
        ("שלום עולם", "und"),
        ("😀😀", "und"),
    ],
)
def test_the_language_is_told_by_its_letters(text: str, lang: str) -> None:
    assert read(text).lang == lang


# ---------------------------------------------------------------- the hash


def test_the_hash_moves_with_words_and_with_nothing_else() -> None:
    base = read("一段话。\n\n又一段。").sha
    assert base == read("一段话。\n\n\n  又 一段。 ").sha
    assert base == read("一段话。\r\n\r\n又一段。").sha
    assert base == read("一\u200b段话。\n\n又一\ufeff段。").sha
    assert base != read("一段话！\n\n又一段。").sha
    assert base != read("一段话。\n\n又一段。", heading="题").sha
    assert len(base) == 64


# ---------------------------------------------------------------- what is told


@pytest.mark.parametrize(
    ("markdown", "place", "slug"),
    [
        ("1. 甲没有完\n\n这里完。\n\n2. 乙。", (5, 1), "list-item-healed"),
        ("正文。\n\n见 http://t.cn/A6 吧。", (7, 3), "short-link-cut"),
        ("这是看旧书的的人。", (5, 6), "doubled-word"),
        ("他说。首首先，要这样。", (5, 4), "doubled-word"),
        ("天就要亮了。。然后呢。", (5, 6), "doubled-punctuation"),
        ("正文。![](a.png)", (5, 4), "image-without-alt"),
        ("正文。![外](https://a.b/c.png)", (5, 4), "image-remote"),
        ("第一行。\n第二行<div>有标签</div>。", (6, 4), "raw-html"),
        ("正文。\n\n[注]: http://a.b/", (7, 1), "reference-definition"),
        ("好[没有的]。", (5, 2), "emoji-unknown"),
        ("这一段写得很长很长，前面有标点，可是到了最后没有句号", (5, 26), "no-end-punctuation"),
        ("> 引文里的的字。", (5, 6), "doubled-word"),
        ("1. 列表里的的字。", (5, 7), "doubled-word"),
        ("| 甲 | 乙 |\n|---|---|\n| 丙 | 的的 |", (7, 7), "doubled-word"),
        ("甲\u200b乙\u200b的的。", (5, 5), "doubled-word"),
    ],
)
def test_slips_are_told_at_their_place(markdown: str, place: tuple[int, int], slug: str) -> None:
    assert (*place, slug) in told(markdown)[1]


@pytest.mark.parametrize(
    "markdown",
    [
        "的的确确好好的，慢慢来，源源不断，是是非非，不了了之，和和气气，一首首歌。",
        "停顿。。。再说……",
        "代码 `的的 。。` 在句中",
        "[1] 和 [ok] 和 [x]",
        "List<String> a < b > c",
        "短段没有句号",
        "诗一行，没有句号的一行\n诗两行，没有句号的又一行写得很长",
        "结尾有表情，前面有标点，没有句号也不要紧[太阳]",
    ],
)
def test_what_is_right_is_not_told(markdown: str) -> None:
    assert told(markdown)[1] == []


def test_findings_carry_their_parameters_and_file() -> None:
    source = EntrySource(markdown="1. 甲没有完\n\n这里完。\n\n2. 乙。", line=10, body_line=12)
    _, found = read_entry(source, file="2025/a.md")
    assert found == (
        Diagnostic(file="2025/a.md", line=12, column=1, slug="list-item-healed", params={"joined": 14}),
    )


# ---------------------------------------------------------------- a whole day


def test_the_sample_day_is_read_as_its_curator_means_it() -> None:
    (day,) = parse_file(SAMPLE.name, SAMPLE.read_bytes()).documents
    read_ = [read_entry(source, file=SAMPLE.name)[0] for source in day.entries]
    said = [
        (e.title_rule, e.title, names(e), e.source_link and e.source_link.url[-2:], e.title_in_body)
        for e in read_
    ]
    assert said == [
        ("R7", "说明书大概是世界上最不讨人喜欢的文体之一", [], "Q1", True),
        ("R5", "老渡口的灯，为什么灭了？", ["内河航运", "小城兴衰", "桥与渡口"], None, False),
        ("R5b", "一箱蜂顶得上三亩地？养蜂人老周用五年推翻三个误会，荒坡变成了花海！", [], None, False),
        ("R4", "去年采访沙漠公路养护站的同事在群里的分享", [], None, False),
        ("R7", "阳台种菜到底能不能回本？", [], "Q2", True),
        ("R6", "我还以为开旧书店的人，都是因为爱看书呢", [], None, True),
        ("R6", "野外录音师闻笛访谈：一座森林的昨天、今天和明天", ["声音档案"], "Q3", True),
        ("R3", "高铁时代的绿皮车", ["高铁时代的绿皮车"], None, False),
        ("R5", "椅子正在悄悄改变我们的身体", [], None, False),
    ]  # fmt: skip
    assert read_[8].byline == ("MARA ELLINGSEN 折叠的房间", "2025年03月20日")
    assert read_[8].byline_date == date(2025, 3, 20)
    assert len(read_[6].sections) == 16
    assert [entry.minutes for entry in read_] == [1, 4, 3, 1, 1, 1, 11, 2, 3]
    assert all(entry.lang == "zh" and 40 <= len(entry.summary) <= 110 for entry in read_)


def test_the_sample_day_holds_one_list_that_needed_healing() -> None:
    (day,) = parse_file(SAMPLE.name, SAMPLE.read_bytes()).documents
    found = [one for source in day.entries for one in read_entry(source, file=SAMPLE.name)[1]]
    assert [one.slug for one in found if one.level == "warning"] == [
        "doubled-punctuation",
        "list-item-healed",
    ]
    assert not [one for one in found if one.level == "error"]
