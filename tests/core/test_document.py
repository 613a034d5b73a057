"""Day files read: dates, entries, comments, fences, front matter, encodings, with line and column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from publisher.core.document import Document, EntrySource, ParsedFile, parse_file

DAY = date(2025, 1, 29)
SEEDS = Path(__file__).resolve().parents[2] / "seeds"


def parse(text: str | bytes, name: str = "day.md", *, entry_level: int = 2) -> ParsedFile:
    data = text.encode() if isinstance(text, str) else text
    return parse_file(name, data, entry_level=entry_level)


def told(parsed: ParsedFile) -> list[tuple[str, int, int]]:
    """What was found, but infos."""
    return [(d.slug, d.line, d.column) for d in parsed.diagnostics if d.level != "info"]


def slugs(parsed: ParsedFile) -> list[str]:
    return [d.slug for d in parsed.diagnostics]


def params(parsed: ParsedFile, slug: str) -> dict[str, object]:
    return next(d.params for d in parsed.diagnostics if d.slug == slug)


def only(parsed: ParsedFile) -> Document:
    assert not parsed.refused, parsed.diagnostics
    (document,) = parsed.documents
    return document


def entry(heading: str, body: str = "正文。") -> EntrySource:
    (source,) = only(parse(f"# 2025-01-29\n\n{heading}\n\n{body}\n")).entries
    return source


class TestDates:
    @pytest.mark.parametrize(
        "heading",
        [
            "# 2025-01-29",
            "#   2025-01-29   ",
            "# 2025/1/29",
            "# 2025.1.29",
            "# 2025.01.29",
            "# 2025年1月29日",
            "# 2025 年 1 月 29 日",
            "# 2025年1月29号",
            "# （2025-01-29）",
            "# (20250129)",
            "# 20250129",
            "# [2025-01-29]",
            "# 【2025-01-29】",
            "# ２０２５－０１－２９",
            "# ２０２５年１月２９日",
            "# ２０２５．１．２９",
            "# 2025–01–29",
            "# **2025-01-29**",
            "# 2025-01-29 #",
            "# 2025-01-29 星期三",
            "# 2025年1月29日（周三）",
            "   # 2025-01-29",
            "\u200b# \u200b2025-01-29",
            "#\u30002025-01-29",
            "#\u00a02025-01-29",
        ],
    )
    def test_a_date_is_read_in_all_its_spellings(self, heading: str) -> None:
        parsed = parse(f"{heading}\n\n## 1\n\n正文。\n")
        assert told(parsed) == []
        assert (only(parsed).day, only(parsed).title) == (DAY, "")

    @pytest.mark.parametrize(
        ("heading", "title"),
        [
            ("# 2025-01-29 小年夜", "小年夜"),
            ("# 2025-01-29：小年夜", "小年夜"),
            ("# 2025年1月29日 · 小年夜 · 第三版", "小年夜 · 第三版"),
            ("# 2025-01-29 星期三 小年夜", "小年夜"),
            ("# 晚间来信（2025-01-29）", "晚间来信"),
            ("# 晚间来信 (2025.01.29) 第二封", "晚间来信 第二封"),
            ("# [2025-01-29 小年夜](https://example.org/a)", "小年夜"),
            ("# 2025-01-29 学 C#", "学 C#"),
        ],
    )
    def test_words_beside_the_date_are_the_title_of_the_day(self, heading: str, title: str) -> None:
        document = only(parse(f"{heading}\n\n## 1\n\n正文。\n"))
        assert (document.day, document.title) == (DAY, title)

    def test_a_link_around_the_date_is_kept(self) -> None:
        document = only(parse("# [2025-01-29](https://example.org/a_(b))\n\n## 1\n\n正文。\n"))
        assert (document.day, document.heading_url) == (DAY, "https://example.org/a_(b)")

    def test_a_date_without_a_space_is_accepted_with_a_warning(self) -> None:
        parsed = parse("#2025-01-29\n\n## 1\n\n正文。\n")
        assert only(parsed).day == DAY
        assert told(parsed) == [("heading-spelling", 1, 1)]
        assert params(parsed, "heading-spelling") == {"written": "#2025-01-29", "meant": "# 2025-01-29"}

    def test_a_full_width_hash_is_accepted_with_a_warning(self) -> None:
        parsed = parse("＃ 2025-01-29\n\n＃＃ 1\n\n正文。\n")
        assert [e.number for e in only(parsed).entries] == [1]
        assert told(parsed) == [("heading-spelling", 1, 1), ("heading-spelling", 3, 1)]

    def test_a_topic_that_begins_with_a_date_is_text(self) -> None:
        document = only(parse("# 2025-01-29\n\n## 1\n\n正文。\n\n#2025-01-30发布会#\n\n#2025-01-30#\n"))
        assert document.entries[0].markdown == "正文。\n\n#2025-01-30发布会#\n\n#2025-01-30#"

    @pytest.mark.parametrize(
        "written", ["2025-02-30", "2025-13-01", "2025/1/32", "2025年2月29日", "0225-01-29"]
    )
    def test_a_day_that_does_not_exist_is_refused(self, written: str) -> None:
        parsed = parse(f"\n # {written} 标题\n\n## 1\n\n正文。\n", name="2025-02-28.md")
        assert told(parsed) == [("date-invalid", 2, 2)]
        assert params(parsed, "date-invalid") == {"text": written}
        assert parsed.refused

    def test_a_wrong_weekday_is_told_and_kept(self) -> None:
        parsed = parse("# 2025-01-29 星期四\n\n## 1\n\n正文。\n")
        assert (told(parsed), only(parsed).title) == ([("weekday-wrong", 1, 1)], "星期四")

    def test_without_any_date_the_file_is_refused_at_its_beginning(self) -> None:
        assert told(parse("## 1\n\n正文。\n")) == [("date-missing", 1, 1)]
        assert told(parse("# 周刊第三期\n\n## 1\n\n正文。\n", name="issue-3.md")) == [("date-missing", 1, 1)]

    @pytest.mark.parametrize(
        "name",
        [
            "2025-01-29.md",
            "2025-1-29-晚.md",
            "20250129.md",
            "日报 2025年1月29日.md",
            "2025_01_29.md",
            "2025/01/29.md",
            "2025/2025-01-29.md",
            "2025-01-29/补.md",
        ],
    )
    def test_the_file_name_gives_the_date_when_nothing_else_does(self, name: str) -> None:
        assert only(parse("## 1\n\n正文。\n", name=name)).day == DAY

    def test_a_number_in_a_name_is_not_always_a_date(self) -> None:
        assert parse("## 1\n\n正文。\n", name="20251399-1234567890.md").refused

    def test_a_heading_without_date_before_it_all_is_the_title_of_the_day(self) -> None:
        document = only(parse("# 晚间来信 第三期\n\n开场白。\n\n## 1\n\n正文。\n", name="2025-01-29.md"))
        assert (document.title, document.preface, document.preface_line) == ("晚间来信 第三期", "开场白。", 3)

    def test_a_title_above_the_dated_heading_is_the_title_of_the_day(self) -> None:
        document = only(parse("# 晚间来信\n\n卷首语。\n\n# 2025-01-29\n\n按语。\n\n## 1\n\n正文。\n"))
        assert (document.title, document.line) == ("晚间来信", 5)
        assert (document.preface, document.preface_line) == ("卷首语。\n\n\n\n按语。", 3)

    def test_heading_and_file_name_must_agree(self) -> None:
        parsed = parse("# 2025-01-30\n\n## 1\n\n正文。\n", name="2025-01-29.md")
        assert told(parsed) == [("date-disagrees-name", 1, 1)]
        assert params(parsed, "date-disagrees-name") == {"heading": "2025-01-30", "name": "2025-01-29"}

    def test_heading_and_front_matter_must_agree(self) -> None:
        parsed = parse("---\ndate: 2025-01-28\n---\n# 2025-01-29\n\n## 1\n\n正文。\n")
        assert told(parsed) == [("date-disagrees-matter", 4, 1)]

    def test_front_matter_and_file_name_must_agree(self) -> None:
        parsed = parse("---\ndate: 2025-01-28\n---\n## 1\n\n正文。\n", name="2025-01-29.md")
        assert told(parsed) == [("matter-disagrees-name", 2, 7)]

    def test_a_file_may_hold_many_days_in_any_order(self) -> None:
        text = "# 2025-01-30\n\n## 1\n\n甲。\n\n# 2025-01-29\n\n## 1\n\n乙。\n\n## 2\n\n丙。\n"
        parsed = parse(text, name="2025-01-29.md")
        assert told(parsed) == []
        assert [(d.day.day, d.line, len(d.entries)) for d in parsed.documents] == [(30, 1, 1), (29, 7, 2)]

    def test_headings_with_words_before_the_date_may_follow_one_another(self) -> None:
        text = "# 日报（2025-01-30）\n\n## 1\n\n甲。\n\n# 日报（2025-01-29）\n\n## 1\n\n乙。\n"
        assert [d.day.day for d in parse(text).documents] == [30, 29]

    def test_a_date_in_brackets_inside_a_text_begins_no_day(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲。\n\n# 旧作（2019-09-25）\n\n乙。\n")
        assert only(parsed).entries[0].markdown == "甲。\n\n# 旧作（2019-09-25）\n\n乙。"
        assert told(parsed) == [("heading-without-date", 7, 1)]

    def test_the_same_day_twice_is_told_and_both_parts_are_kept(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲。\n\n# 2025-01-29\n\n## 2\n\n乙。\n")
        assert [d.day for d in parsed.documents] == [DAY, DAY]
        assert told(parsed) == [("day-repeated", 7, 1)]

    def test_entries_above_the_first_date_belong_to_the_day_of_the_file_name(self) -> None:
        text = "## 1\n\n甲。\n\n# 2025-01-29\n\n## 1\n\n乙。\n"
        assert told(parse(text)) == [("entry-before-date", 1, 1)]
        named = parse(text, name="2025-01-29.md")
        assert [d.entries[0].markdown for d in named.documents] == ["甲。", "乙。"]

    def test_a_heading_without_date_further_down_is_text_of_its_entry(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲。\n\n# 小结\n\n乙。\n")
        assert only(parsed).entries[0].markdown == "甲。\n\n# 小结\n\n乙。"
        assert told(parsed) == [("heading-without-date", 7, 1)]


class TestFrontMatter:
    @pytest.mark.parametrize(
        "value",
        ["2025-01-29", "2025/01/29", "'2025-01-29, 06:07'", "2025-01-29T06:07:00+08:00", "2025年1月29日"],
    )
    def test_it_gives_the_date_in_all_spellings(self, value: str) -> None:
        document = only(parse(f"---\ndate: {value}\n---\n\n## 1\n\n正文。\n"))
        assert (document.day, document.entries[0].line) == (DAY, 5)

    def test_it_gives_title_and_draft(self) -> None:
        document = only(parse("---\ndate: 2025-01-29\ntitle: 小年夜\ndraft: true\n---\n## 1\n正文。\n"))
        assert (document.title, document.draft) == ("小年夜", True)

    def test_the_title_in_the_heading_goes_first(self) -> None:
        document = only(parse("---\ntitle: 甲\n---\n# 2025-01-29 乙\n\n## 1\n正文。\n"))
        assert document.title == "乙"

    def test_keys_that_are_not_used_are_told_quietly(self) -> None:
        matter = "date: 2025-01-29\ndate created: 2025-01-30, 06:07\ntags:\n  - 甲\n  - date: 2001-01-01\n"
        parsed = parse(f"---\n{matter}---\n## 1\n正文。\n")
        assert [(d.params["key"], d.line) for d in parsed.diagnostics] == [("date created", 3), ("tags", 4)]
        assert (only(parsed).day, told(parsed)) == (DAY, [])

    @pytest.mark.parametrize(
        ("value", "draft"), [("false", False), ("no", False), ("", False), ("yes", True)]
    )
    def test_draft_is_read_in_its_usual_spellings(self, value: str, *, draft: bool) -> None:
        assert only(parse(f"---\ndraft: {value}\n---\n# 2025-01-29\n## 1\n正文。\n")).draft is draft

    def test_a_draft_that_is_neither_yes_nor_no_waits(self) -> None:
        parsed = parse("---\ndraft: maybe\n---\n# 2025-01-29\n## 1\n正文。\n")
        assert (only(parsed).draft, told(parsed)) == (True, [("draft-unclear", 2, 8)])

    def test_an_invalid_date_is_refused_at_its_place(self) -> None:
        assert told(parse("---\ndate: 2025-02-30\n---\n## 1\n正文。\n")) == [("date-invalid", 2, 7)]

    def test_unclosed_it_is_the_preface_of_the_day(self) -> None:
        parsed = parse("---\ndraft: true\n\n# 2025-01-29\n\n## 1\n\n正文。\n\n---\n\n后半。\n")
        document = only(parsed)
        assert (document.preface, document.preface_line, document.draft) == ("---\ndraft: true", 1, False)
        assert document.entries[0].markdown == "正文。\n\n---\n\n后半。"
        assert told(parsed) == [("front-matter-unclosed", 1, 1)]

    def test_words_between_two_rules_are_the_preface(self) -> None:
        parsed = parse("---\n\n今天下雪了。\n\n---\n\n# 2025-01-29\n\n## 1\n\n正文。\n")
        assert only(parsed).preface == "---\n\n今天下雪了。\n\n---"

    @pytest.mark.parametrize("broken", ["title: 甲: 乙", "draft: [", "draft: &a [*a]", 'title: "x'])
    def test_what_cannot_be_read_is_refused_and_not_shown(self, broken: str) -> None:
        parsed = parse(f"---\n{broken}\n---\n# 2025-01-29\n\n## 1\n正文。\n")
        assert told(parsed) == [("front-matter-broken", 2, 1)]

    def test_objects_in_yaml_are_never_built(self) -> None:
        parsed = parse(
            "---\ntitle: !!python/object/apply:os.system ['true']\n---\n# 2025-01-29\n## 1\n正文。\n"
        )
        assert only(parsed).title == ""


class TestEntries:
    @pytest.mark.parametrize(
        ("heading", "number", "label", "title"),
        [
            ("## 1", 1, "1", ""),
            ("## 1.", 1, "1", ""),
            ("## 1、", 1, "1", ""),
            ("## 12)", 12, "12", ""),
            ("## １", 1, "１", ""),
            ("## 一", 1, "一", ""),
            ("## 十", 10, "十", ""),
            ("## 十二、", 12, "十二", ""),
            ("## 二十三", 23, "二十三", ""),
            ("## ①", 1, "①", ""),
            ("## ⑳", 20, "⑳", ""),
            ("## （三）", 3, "三", ""),
            ("## 3️⃣", 3, "3️⃣", ""),
            ("##\u30003\u3000标题", 3, "3", "标题"),
            ("## 3 标题 ##", 3, "3", "标题"),
            ("## 3. 标题", 3, "3", "标题"),
            ("## 三、标题", 3, "三", "标题"),
            ("## （三）标题", 3, "三", "标题"),
            ("## ③标题", 3, "③", "标题"),
            ("   ## 3：标题", 3, "3", "标题"),
            ("## 标题", None, "", "标题"),
            ("## 2024", None, "", "2024"),
            ("## 1.5 倍的雨", None, "", "1.5 倍的雨"),
            ("## 十年以后", None, "", "十年以后"),
            ("## 24小时", None, "", "24小时"),
            ("## 0", None, "", "0"),
            ("## 学 C#", None, "", "学 C#"),
            ("## 【标题】", None, "", "【标题】"),
            ("## {模板} {x}", None, "", "{模板} {x}"),
            ("##", None, "", ""),
        ],
    )
    def test_a_heading_says_number_and_title(
        self, heading: str, number: int | None, label: str, title: str
    ) -> None:
        source = entry(heading)
        assert (source.number, source.label, source.heading) == (number, label, title)

    def test_a_heading_may_link(self) -> None:
        source = entry("## 3 [标题](https://example.org/a?b=c) `#1`")
        assert (source.number, source.heading) == (3, "标题 `#1`")
        assert source.heading_url == "https://example.org/a?b=c"

    def test_a_heading_may_carry_an_id_and_a_title(self) -> None:
        source = entry('## 3 {#my-id title="好 标题"}')
        assert (source.number, source.heading, source.explicit_id) == (3, "好 标题", "my-id")
        assert entry("## 标题 {#my.id_2}").explicit_id == "my.id_2"

    def test_the_words_of_a_heading_are_never_replaced_by_a_title(self) -> None:
        parsed = parse('# 2025-01-29\n\n## 3 甲 {title="乙"}\n\n正文。\n')
        assert only(parsed).entries[0].heading == "甲"
        assert told(parsed) == [("title-second", 3, 1)]

    def test_an_id_that_cannot_be_one_stays_as_text(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 3 甲 {#我的}\n\n正文。\n")
        assert (only(parsed).entries[0].heading, told(parsed)) == ("甲 {#我的}", [("id-invalid", 3, 1)])

    def test_the_first_line_may_be_an_id(self) -> None:
        source = entry("## 3", "\n<!-- id: my-id -->\n\n正文。")
        assert (source.explicit_id, source.markdown, source.body_line) == ("my-id", "正文。", 8)

    def test_two_entries_with_one_id_are_refused_and_both_places_named(self) -> None:
        text = "# 2025-01-29\n\n## 1 {#a}\n\n甲。\n\n# 2025-01-30\n\n## 1\n<!-- id: a -->\n乙。\n"
        parsed = parse_file("日/记.md", text.encode())
        assert told(parsed) == [("duplicate-id", 9, 1)]
        assert params(parsed, "duplicate-id") == {"id": "a", "other": "日/记.md:3"}

    def test_a_second_id_of_one_entry_is_not_used(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1 {#a}\n<!-- id: b -->\n<!-- id: a -->\n甲。\n")
        assert (only(parsed).entries[0].explicit_id, told(parsed)) == ("a", [("id-second", 4, 1)])

    @pytest.mark.parametrize(
        "text",
        ["## 3\n\n<!-- draft -->\n\n正文。", "## 3 <!-- Draft -->\n\n正文。", "## 3\n正文。<!--草稿-->"],
    )
    def test_an_entry_may_be_a_draft(self, text: str) -> None:
        parsed = parse(f"# 2025-01-29\n\n{text}\n\n## 4\n\n后面。\n")
        assert [(e.number, e.draft, e.markdown) for e in only(parsed).entries] == [
            (3, True, "正文。"),
            (4, False, "后面。"),
        ]
        assert slugs(parsed) == ["entry-draft"]

    def test_a_draft_comment_above_the_entries_makes_the_day_wait(self) -> None:
        parsed = parse("# 2025-01-29\n<!-- draft -->\n\n## 1\n\n正文。\n")
        assert (only(parsed).draft, slugs(parsed)) == (True, ["day-draft"])

    def test_a_number_without_a_space_is_accepted_with_a_warning(self) -> None:
        parsed = parse("# 2025-01-29\n\n##3\n\n甲。\n\n##４、标题\n\n乙。\n")
        assert [(e.number, e.heading) for e in only(parsed).entries] == [(3, ""), (4, "标题")]
        assert told(parsed) == [("heading-spelling", 3, 1), ("heading-spelling", 7, 1)]

    @pytest.mark.parametrize(
        "line", ["##标题", "##大出行##桥与渡#", "##3楼的邻居", "##1##", "    ## 2", r"\## 2", "####### 2"]
    )
    def test_what_only_resembles_a_heading_is_text(self, line: str) -> None:
        assert entry("## 1", f"正文。\n\n{line}\n\n后面。").markdown == f"正文。\n\n{line}\n\n后面。"

    def test_deeper_headings_stay_inside(self) -> None:
        assert entry("## 1", "### 2\n\n正文。").markdown == "### 2\n\n正文。"

    def test_underlines_and_rules_split_nothing(self) -> None:
        body = "标题\n---\n\n甲。\n\n===\n\n***\n\n乙。"
        assert entry("## 1", body).markdown == body

    def test_text_before_the_first_entry_is_the_preface(self) -> None:
        document = only(parse("# 2025-01-29\n\n\n按语。\n第二行。\n\n## 1\n\n正文。\n"))
        assert (document.preface, document.preface_line) == ("按语。\n第二行。", 4)

    def test_a_day_without_entry_headings_is_all_preface_and_told(self) -> None:
        parsed = parse("# 2025-01-29\n\n甲。\n\n乙。\n")
        assert (only(parsed).preface, only(parsed).entries) == ("甲。\n\n乙。", ())
        assert told(parsed) == [("no-entries", 1, 1)]

    @pytest.mark.parametrize("data", [b"", b"\n\n", b" \t\r\n", "\ufeff\u200b\n".encode()])
    def test_an_empty_file_is_told_and_nothing_more(self, data: bytes) -> None:
        parsed = parse(data)
        assert (parsed.documents, told(parsed)) == ((), [("file-empty", 1, 1)])

    def test_numbers_twice_are_told_and_gaps_quietly_and_order_is_kept(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 10\n\n甲。\n\n## 2\n\n乙。\n\n## 2\n\n丙。\n")
        assert [e.number for e in only(parsed).entries] == [10, 2, 2]
        assert told(parsed) == [("duplicate-number", 11, 1)]
        assert params(parsed, "duplicate-number") == {"label": "2", "other": 7}
        assert slugs(parsed) == ["number-gap", "number-order", "duplicate-number"]

    def test_lines_are_exact(self) -> None:
        top = "---\ntitle: 甲\n---\n\n# 2025-01-29\n\n按语。\n\n"
        document = only(parse(top + "## 1\n<!-- id: a\n-->\n\n正文。\n\n## 2\n正文。\n## 3\n"))
        assert (document.line, document.preface_line) == (5, 7)
        assert [(e.line, e.body_line) for e in document.entries] == [(9, 13), (15, 16), (17, 17)]

    def test_entries_may_be_one_level_deeper(self) -> None:
        text = "## 工具\n\n### 1\n\n甲。\n\n### 2\n\n乙。\n\n## 文章\n\n引子。\n\n### 3\n\n丙。\n"
        entries = only(parse(f"# 2025-01-29\n\n{text}", entry_level=3)).entries
        assert [(e.section, e.label, e.heading, e.markdown) for e in entries] == [
            ("工具", "1", "", "甲。"),
            ("工具", "2", "", "乙。"),
            ("", "", "文章", "引子。"),
            ("", "3", "", "丙。"),
        ]


class TestComments:
    def test_a_comment_is_hidden_and_told(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲<!-- 查一下 -->乙。\n")
        assert only(parsed).entries[0].markdown == "甲乙。"
        assert told(parsed) == [("comment-hidden", 5, 2)]
        assert params(parsed, "comment-hidden") == {"text": "查一下"}

    def test_a_comment_over_lines_keeps_the_count_of_lines(self) -> None:
        document = only(parse("# 2025-01-29\n\n## 1\n\n甲。<!-- 一\n\n二\n--> 乙。\n\n丙。\n"))
        assert document.entries[0].markdown == "甲。\n\n\n 乙。\n\n丙。"

    def test_a_comment_hides_headings_and_says_how_many(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲。\n\n<!--\n## 2\n\n乙。\n\n## 3\n-->\n\n## 4\n\n丙。\n")
        assert [e.number for e in only(parsed).entries] == [1, 4]
        assert told(parsed) == [("comment-hides-entries", 7, 1)]
        assert params(parsed, "comment-hides-entries") == {"last": 13, "count": 2}

    def test_an_unclosed_comment_is_text(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲 <!-- 乙\n\n## 2\n\n丙。\n")
        assert [e.markdown for e in only(parsed).entries] == ["甲 <!-- 乙", "丙。"]
        assert told(parsed) == [("comment-unclosed", 5, 3)]

    def test_a_comment_in_which_another_begins_was_never_closed(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n<!-- 甲\n\n## 2\n\n<!-- draft -->\n\n乙。\n")
        assert [(e.markdown, e.draft) for e in only(parsed).entries] == [("<!-- 甲", False), ("乙。", True)]

    @pytest.mark.parametrize(
        "code", ["`<!-- x -->`", "``a ` <!-- x --> b``", "~~~\n<!-- x -->\n~~~", r"\<!-- x -->"]
    )
    def test_in_code_it_is_text(self, code: str) -> None:
        assert entry("## 1", f"甲 {code}" if "\n" not in code else code).markdown.endswith(code)

    def test_a_lone_backtick_hides_no_comment(self) -> None:
        assert entry("## 1", "a ` b <!-- x --> c").markdown == "a ` b  c"


class TestFences:
    def test_a_code_block_may_hold_headings(self) -> None:
        body = "```\n# 2025-01-30\n\n## 2\n```\n\n后面。"
        assert entry("## 1", body).markdown == body

    def test_an_unclosed_one_ends_before_the_next_heading(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n```\n甲\n\n## 2\n\n乙。\n")
        assert [e.markdown for e in only(parsed).entries] == ["```\n甲", "乙。"]
        assert told(parsed) == [("fence-unclosed", 5, 1)]

    def test_an_unclosed_one_does_not_swallow_entries_up_to_the_next_code_block(self) -> None:
        parsed = parse(
            "# 2025-01-29\n\n## 1\n\n```\n甲\n\n## 2\n\n乙。\n\n## 3\n\n```\n丙\n```\n\n## 4\n\n丁。\n"
        )
        assert [e.number for e in only(parsed).entries] == [1, 2, 3, 4]
        assert told(parsed) == [("fence-unclosed", 5, 1)]

    def test_comments_that_look_like_headings_stay_in_their_block(self) -> None:
        body = "```python\n## 读入\na()\n## 写出\nb()\n```\n\n然后：\n\n```sh\nls\n```"
        assert entry("## 1", body).markdown == body

    def test_an_unclosed_one_may_reach_the_end_of_the_file(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n~~~\n甲\n```\n")
        assert only(parsed).entries[0].markdown == "~~~\n甲\n```"
        assert told(parsed) == [("fence-unclosed", 5, 1)]

    def test_a_line_of_code_spans_is_no_fence(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n```a``` b\n\n## 2\n\n乙。\n")
        assert (len(only(parsed).entries), told(parsed)) == (2, [])


TEXT = "# 2025-01-29 小年夜\n\n按语。\n\n## 1\n\n第一篇的正文，有标点，也有 English。\n\n## 2\n\n第二篇。\n"


class TestEncodings:
    @pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_byte_order_marks_are_understood_and_dropped(self, codec: str) -> None:
        bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(codec, b"")
        assert parse(bom + TEXT.encode(codec)) == parse(TEXT)

    def test_gb18030_is_read_with_a_warning(self) -> None:
        parsed = parse((TEXT + "\n生僻字𠮷和 😇。\n").encode("gb18030"))
        assert parsed.documents == parse(TEXT + "\n生僻字𠮷和 😇。\n").documents
        assert told(parsed) == [("encoding-gb18030", 1, 1)]

    @pytest.mark.parametrize("end", ["\r\n", "\r"])
    def test_line_ends_do_not_matter(self, end: str) -> None:
        assert parse(TEXT.replace("\n", end)) == parse(TEXT)

    def test_front_matter_and_body_may_end_their_lines_differently(self) -> None:
        mixed = "---\ntitle: 甲\n---\n" + TEXT.replace("\n", "\r\n")
        assert parse(mixed) == parse("---\ntitle: 甲\n---\n" + TEXT)

    @pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\u0085", "\u00a0", "\u3000", "\u200b"])
    def test_unusual_spaces_and_breaks_stay_in_their_line(self, odd: str) -> None:
        source = entry("## 1", f"甲{odd}乙\n丙")
        assert source.markdown == f"甲{odd}乙\n丙"

    @pytest.mark.parametrize("codepoint", [0x00, 0x01, 0x08, 0x0B, 0x0C, 0x0E, 0x1B, 0x1F])
    def test_a_control_character_is_refused_at_its_place(self, codepoint: int) -> None:
        parsed = parse(f"# 2025-01-29\r\n\r\n## 1\r\n\r\n甲\t乙{chr(codepoint)}丙。\r\n")
        assert told(parsed) == [("control-character", 5, 4)]
        assert params(parsed, "control-character") == {"codepoint": f"U+{codepoint:04X}"}

    def test_a_cut_character_is_refused_at_its_place(self) -> None:
        parsed = parse("# 2025-01-29\n\n## 1\n\n甲乙丙".encode()[:-1])
        assert (told(parsed), parsed.documents) == ([("encoding-unknown", 5, 3)], ())
        assert params(parsed, "encoding-unknown") == {"bytes": "E4 B8", "offset": 26}

    def test_a_damaged_byte_in_utf8_is_not_taken_for_gb18030(self) -> None:
        data = TEXT.encode()
        place = data.index("第二篇".encode())
        parsed = parse(data[:place] + b"\xe7" + data[place + 3 :])
        assert told(parsed) == [("encoding-unknown", 11, 1)]

    @pytest.mark.parametrize(
        ("codec", "text"),
        [("latin-1", "Un résumé étrange"), ("shift-jis", "これはテストですが日本語"), ("utf-16-le", "甲乙")],
    )
    def test_other_encodings_are_refused_and_never_guessed(self, codec: str, text: str) -> None:
        assert parse(f"# 2025-01-29\n\n## 1\n\n{text}".encode(codec)).refused

    def test_half_of_a_utf16_character_is_refused(self) -> None:
        assert told(parse("\ufeff# 2025-01-29\n\n甲".encode("utf-16-le")[:-1])) == [
            ("encoding-unknown", 3, 1)
        ]

    def test_a_file_of_32_megabytes_and_more_is_refused_unread(self) -> None:
        parsed = parse(b"#" * (32 * 2**20 + 1))
        assert told(parsed) == [("file-too-large", 1, 1)]


class TestSampleDays:
    """What a newcomer sees first."""

    @pytest.fixture(params=sorted(SEEDS.glob("*.md")), ids=lambda path: path.stem)
    def parsed(self, request: pytest.FixtureRequest) -> ParsedFile:
        return parse_file(request.param.name, request.param.read_bytes())

    def test_they_are_read_without_fault(self, parsed: ParsedFile) -> None:
        assert parsed.documents
        assert {slug for slug, _, _ in told(parsed)} <= {"comment-hidden"}

    def test_every_entry_has_text(self, parsed: ParsedFile) -> None:
        assert all(source.markdown for document in parsed.documents for source in document.entries)

    def test_the_newest_is_a_full_day(self) -> None:
        document = only(parse_file("2025-03-20.md", (SEEDS / "2025-03-20.md").read_bytes()))
        assert [source.number for source in document.entries] == list(range(1, 10))
        assert 10_000 < sum(len(source.markdown) for source in document.entries) < 14_000

    def test_their_picture_lies_beside_them(self) -> None:
        assert (SEEDS / "clock.png").read_bytes().startswith(b"\x89PNG")
        assert "](clock.png)" in (SEEDS / "2025-03-17.md").read_text(encoding="utf-8")
