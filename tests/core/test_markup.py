"""Markdown as Chinese dailies use it: which constructs count, and that nothing written is lost."""

from __future__ import annotations

import pytest

from publisher.core.markup import Token, read_inline, read_markdown
from publisher.core.plaintext import plain_text


def shape(markdown: str, **options: object) -> list[str]:
    """Types of the blocks, without their closing tokens."""
    tokens = read_markdown(markdown, **options)  # type: ignore[arg-type]
    return [token.type.removesuffix("_open") for token in tokens if token.nesting >= 0]


def inside(markdown: str) -> list[tuple[str, str]]:
    """(type, text) of what stands in the first paragraph."""
    first = next(token for token in read_markdown(markdown) if token.type == "inline")
    return [(token.type, token.content) for token in first.children or ()]


def marked(markdown: str) -> str:
    """The first paragraph with emphasis as tags."""
    first = next(token for token in read_markdown(markdown) if token.type == "inline")
    return "".join(
        token.content if not token.nesting else f"<{'/' if token.nesting < 0 else ''}{token.tag}>"
        for token in first.children or ()
    )


def opening(tokens: list[Token], kind: str) -> list[Token]:
    return [token for token in tokens if token.type == kind]


# ---------------------------------------------------------------- blocks that are off, and stay text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("1984. 那年的雪", "1984. 那年的雪"),
        ("100. 不是列表", "100. 不是列表"),
        ("标题\n---", "标题"),
        ("标题\n===", "标题\n==="),
        ("    四个空格不是代码", "四个空格不是代码"),
        ("[注]: http://example.org/", "[注]: http://example.org/"),
        ("[^1]: 脚注不会消失", "[^1]: 脚注不会消失"),
        ("<div>\n\n不是 HTML</div>", "<div>\n\n不是 HTML</div>"),
        ("#没有空格", "#没有空格"),
        ("-", "-"),
        ("1.", "1."),
        ("10) ", "10)"),
        ("| 不是 | 表格 |", "| 不是 | 表格 |"),
    ],
)
def test_what_only_looks_like_markdown_is_text(markdown: str, text: str) -> None:
    tokens = read_markdown(markdown)
    assert plain_text(tokens) == text
    assert not {"ordered_list_open", "bullet_list_open", "heading_open", "code_block"} & {
        t.type for t in tokens
    }


def test_a_year_below_a_list_is_not_its_next_item() -> None:
    assert shape("1. 甲\n\n2. 乙\n\n1984. 那年") == [
        "ordered_list", "list_item", "paragraph", "inline", "list_item", "paragraph", "inline", "paragraph", "inline",
    ]  # fmt: skip


def test_tables_strikethrough_quotes_and_fences_are_on() -> None:
    assert "table" in shape("| 甲 | 乙 |\n|---|---|\n| 1 | 2 |")
    assert ("s_open", "") in inside("~~删去~~")
    assert "blockquote" in shape("> 引文")
    assert "fence" in shape("```\n## 不是标题\n```")


def test_cells_beyond_the_columns_stay_in_the_last_one() -> None:
    tokens = read_markdown("| 甲 | 乙 |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 |")
    assert [t.content for t in tokens if t.type == "inline"] == ["甲", "乙", "1", "2 | 3 | 4", "5", ""]


# ---------------------------------------------------------------- lists


def numbers(markdown: str) -> list[list[int]]:
    found: list[list[int]] = []
    for token in read_markdown(markdown):
        if token.type == "ordered_list_open":
            found.append([])
        elif token.type == "list_item_open":
            found[-1].append(token.meta["number"])
    return found


def test_numbers_stay_as_written() -> None:
    assert numbers("1. 甲\n2. 乙\n5. 丙\n6. 丁") == [[1, 2], [5, 6]]
    assert numbers("3. 甲\n4. 乙") == [[3, 4]]
    assert numbers("1. 甲\n1. 乙\n1. 丙") == [[1, 2, 3]]
    starts = [t.attrs.get("start") for t in read_markdown("1. 甲\n5. 丙") if t.type == "ordered_list_open"]
    assert starts == [None, 5]


BROKEN = "1. 甲句。\n\n2. 乙句没有说完就断在\n\n这里。后面还有。\n\n3. 丙句。"


def test_a_broken_item_is_joined_with_its_rest_without_a_space() -> None:
    tokens = read_markdown(BROKEN)
    assert plain_text(tokens).split("\n\n") == ["甲句。", "乙句没有说完就断在这里。后面还有。", "丙句。"]
    assert numbers(BROKEN) == [[1, 2, 3]]
    assert tokens[0].meta["healed"] == [(2, 0, 4)]


@pytest.mark.parametrize(
    "markdown",
    [
        "1. 甲句。\n\n段落。\n\n2. 乙句。",  # the item had ended
        "1. 甲句没有完\n\n段落。\n\n3. 乙句。",  # not the next number
        "1. 甲句没有完\n\n段落。\n\n又一段。\n\n2. 乙句。",  # two paragraphs
        "1. 甲句没有完\n\n段落。",  # nothing follows
        "没有完\n\n段落。\n\n1. 甲句。",  # not in a list
        "1. 甲句没有完\n\n小节(0:00-1:00):\n\n2. 乙句。",  # not a plain paragraph
        "- 甲句没有完\n\n段落。\n\n- 乙句。",  # no numbers
    ],
)
def test_nothing_else_is_joined(markdown: str) -> None:
    assert not [token for token in read_markdown(markdown) if token.meta.get("healed")]


def test_several_breaks_are_all_healed() -> None:
    text = plain_text(read_markdown("1. 甲\n\n一\n\n2. 乙\n\n二\n\n3. 丙"))
    assert text.split("\n\n") == ["甲一", "乙二", "丙"]


def test_healing_can_be_switched_off() -> None:
    assert plain_text(read_markdown(BROKEN, heal_lists=False)).split("\n\n")[2] == "这里。后面还有。"


# ---------------------------------------------------------------- our own blocks


@pytest.mark.parametrize(
    ("line", "title", "times", "start"),
    [
        ("第一节(0:00-7:59): ", "第一节", "0:00–7:59", 0),
        ("第二节（7:59–11:04）：", "第二节", "7:59–11:04", 479),
        ("很长的谈话 (1:02:03 ~ 1:10:00)", "很长的谈话", "1:02:03–1:10:00", 3723),
        ("尾声(59:07-结束):", "尾声", "59:07–结束", 3547),
    ],
)
def test_a_line_with_a_time_code_is_a_heading(line: str, title: str, times: str, start: int) -> None:
    heading, words, _, *_ = read_markdown(f"{line}\n\n正文。")
    assert (heading.type, words.content) == ("time_heading_open", title)
    assert (heading.meta["times"], heading.meta["start_s"]) == (times, start)


def test_anchors_of_headings_are_unique() -> None:
    tokens = read_markdown("甲(0:00-1:00)\n\n乙(0:00-2:00)\n\n丙(1:00-2:00)")
    assert [t.meta["anchor"] for t in opening(tokens, "time_heading_open")] == ["t0", "t0-2", "t60"]


def test_a_time_in_a_sentence_is_no_heading() -> None:
    assert shape("他在(0:00-7:59)说了很多。") == ["paragraph", "inline"]
    assert shape("长" * 50 + "(0:00-7:59):") == ["paragraph", "inline"]


def test_text_glued_below_a_time_heading_is_a_paragraph() -> None:
    assert shape("甲(0:00-1:00):\n正文。") == ["time_heading", "inline", "paragraph", "inline"]


@pytest.mark.parametrize("mark", ["~", "～", "—", "——", "·", "。", ". . .", "-"])
def test_a_paragraph_of_marks_is_a_decorative_end(mark: str) -> None:
    assert shape(f"正文。\n\n{mark}")[2:] == ["end_mark", "inline"]


# ---------------------------------------------------------------- emphasis


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**粗体。**后", "<strong>粗体。</strong>后"),
        ("前**“粗体”**后", "前<strong>“粗体”</strong>后"),
        ("他说：**慢，不等于停。**修表", "他说：<strong>慢，不等于停。</strong>修表"),
        ("前**(note)**后", "前<strong>(note)</strong>后"),
        ("火*必须*先关", "火<em>必须</em>先关"),
        ("***又粗又斜***", "<em><strong>又粗又斜</strong></em>"),
        ("2048*1024*3", "2048*1024*3"),
        ("2**10", "2**10"),
        ("snake_case_name", "snake_case_name"),
        ("_斜体_", "<em>斜体</em>"),
        ("a * b * c", "a * b * c"),
        (r"2\*365\*40", "2*365*40"),
        ("~~删~~除", "<s>删</s>除"),
        ("好呀~~~", "好呀~~~"),
        ("**没有合上", "**没有合上"),
    ],
)
def test_emphasis_minds_chinese_and_arithmetic(markdown: str, html: str) -> None:
    assert marked(markdown) == html


# ---------------------------------------------------------------- links


def test_bare_addresses_are_links_and_explicit_ones_keep_their_words() -> None:
    assert inside("见http://t.cn/A6abcd。") == [("text", "见"), ("url", "http://t.cn/A6abcd"), ("text", "。")]
    assert inside("<https://example.org/路>") == [("url", "https://example.org/路")]
    tokens = read_inline('[话](https://example.org/路 "题")')[0].children or []
    assert tokens[0].attrs == {"href": "https://example.org/路", "title": "题"}
    assert tokens[1].content == "话"


def test_an_address_inside_the_words_of_a_link_is_words() -> None:
    assert [kind for kind, _ in inside("[http://t.cn/A6abcd](http://t.cn/A6abcd)")] == [
        "link_open",
        "text",
        "link_close",
    ]


def test_links_do_not_nest_and_the_inner_one_wins() -> None:
    assert inside("[外[内](http://a.b/)](http://c.d/)") == [
        ("text", "[外"), ("link_open", ""), ("text", "内"), ("link_close", ""), ("text", "]("),
        ("url", "http://c.d/"), ("text", ")"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "markdown",
    [
        "[点我](javascript:alert(1))", "[点我](data:text/html,x)", "[点我](vbscript:x)", "[点我](//evil.example/)",
        "[点我](ftp://a.b/)", "[点我](file:///etc/passwd)", "[点我](#anchor)", "[点我]()", "[点我](a b)",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_linked_stays_as_it_was_typed(markdown: str) -> None:
    assert plain_text(read_markdown(markdown)) == markdown
    assert "link_open" not in dict(inside(markdown))


def test_emphasis_marks_in_an_address_are_its_own() -> None:
    assert inside("https://example.org/a_b_c*d*e 后")[0] == ("url", "https://example.org/a_b_c*d*e")


def test_files_beside_the_document_may_be_linked_and_shown() -> None:
    assert inside("[讲义](讲义 1.pdf)") == [("text", "[讲义](讲义 1.pdf)")]
    tokens = read_inline("[讲义](<讲义 1.pdf>)![图](a/b.png)")[0].children or []
    assert (tokens[0].attrs["href"], tokens[3].attrs["src"], tokens[3].content) == (
        "讲义 1.pdf",
        "a/b.png",
        "图",
    )


# ---------------------------------------------------------------- code and topics


@pytest.mark.parametrize(
    ("markdown", "names"),
    [
        ("正文`甲乙##丙丁##戊`", ["甲乙", "丙丁", "戊"]),
        ("前面`甲乙##丙丁`后面", ["甲乙", "丙丁"]),  # with '##' anywhere
        ("`话题`正文", ["话题"]),
        ("正文`话题`", ["话题"]),
        ("正文`话题` http://t.cn/A6abcd", ["话题"]),
        ("`话题`", ["话题"]),
        ("看#话题#了", ["话题"]),
        ("#甲##乙 丙##全新 ##丁#", ["甲", "乙 丙", "全新", "丁"]),
    ],
)
def test_topics(markdown: str, names: list[str]) -> None:
    tokens = [t for t in read_markdown(markdown)[1].children or () if t.type == "topic"]
    assert [name for token in tokens for name in token.meta["names"]] == names


@pytest.mark.parametrize(
    "markdown",
    [
        "他叫它`话题`，在句中", "`code`", "`a = 1`", "`函数()`", "`路径/文件`", "`#1`", "`/simplify`",
        "> `话题`", "- `话题`",
        "`" + "长" * 33 + "`", "`## 标题`", "`x{a##b}`", "#daily", "C# 和 F#", "第#1和#2", "&#34;坑&#34;",
        "#", "##", "# #",
        "修复 #12, #13", "https://a.b/#甲#乙", "`#123##456`",
    ],
)  # fmt: skip
def test_what_is_no_topic(markdown: str) -> None:
    assert not [t for token in read_markdown(markdown) for t in token.children or () if t.type == "topic"]


def test_code_spans_are_paired_by_the_length_of_their_marks() -> None:
    assert inside("前 ``a`b`` 后 `c")[1] == ("code_inline", "a`b")
    assert inside("`` ` ``") == [("code_inline", "`")]
    assert inside("`没有合上") == [("text", "`没有合上")]


def test_code_hides_addresses_and_topics() -> None:
    assert [kind for kind, _ in inside("看 `http://t.cn/A6abcd #a#` 吧")] == ["text", "code_inline", "text"]


# ---------------------------------------------------------------- emoji codes, breaks, entities


def test_emoji_codes_are_found_alone_and_in_a_row() -> None:
    assert inside("好[太阳][doge][没有的]") == [
        ("text", "好"), ("emoji_code", "[太阳]"), ("emoji_code", "[doge]"), ("emoji_code", "[没有的]"),
    ]  # fmt: skip
    assert inside("[这个方括号里的字太多了]") == [("text", "[这个方括号里的字太多了]")]
    assert inside("[有 空格]") == [("text", "[有 空格]")]


def test_line_ends_break_or_join_as_the_curator_wishes() -> None:
    assert inside("甲\n乙") == [("text", "甲"), ("hardbreak", ""), ("text", "乙")]
    assert plain_text(read_markdown("甲\n乙\nab\ncd", soft_breaks="join")) == "甲乙ab cd"
    assert plain_text(read_markdown("**甲**\n**乙**", soft_breaks="join")) == "甲乙"
    assert plain_text(read_markdown("*a*\n*b*", soft_breaks="join")) == "a b"
    assert plain_text(read_markdown("甲  \n乙", soft_breaks="join")) == "甲\n乙"


def test_html_breaks_break_and_other_html_is_text() -> None:
    assert inside("甲<br>乙<br/>\n丙")[1::2] == [("hardbreak", ""), ("hardbreak", "")]
    assert inside("<b>甲</b>") == [("text", "<b>甲</b>")]


def test_entities_and_escapes_stand_for_characters() -> None:
    assert inside("&#34;坑&#34; &amp; \\*星\\* &nosuch; ?a=1&copy=2") == [
        ("text", '"坑" & *星* &nosuch; ?a=1&copy=2')
    ]


def test_zero_width_characters_go_and_joiners_in_emoji_stay() -> None:
    assert inside("甲\u200b乙\ufeff\u200d丙👨\u200d👩\u200d👧") == [("text", "甲乙丙👨\u200d👩\u200d👧")]
    assert inside("http://t.cn/A6\u200babcd") == [("url", "http://t.cn/A6abcd")]
