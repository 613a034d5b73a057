"""Search: texts and questions become the same pieces, marks stand where the words do, and nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.search import (
    LONGEST_QUERY,
    MOST_TERMS,
    Part,
    fold,
    grams,
    loosened,
    marked,
    parse_query,
    snippet,
    units,
)

TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from('关税人工智能，。 \n"“”「」-－AIaiﬁé①㎡…́가ไทย\ue000\ud800'))
)


def said(query: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    parsed = parse_query(query)
    return [term.units for term in parsed.terms], [term.units for term in parsed.without]


def hits(text: str, query: str) -> list[str]:
    return [part.text for part in marked(text, parse_query(query).terms) if part.hit]


# ---------------------------------------------------------------- pieces


def test_a_chinese_text_is_characters_and_pairs_of_neighbours() -> None:
    made = grams("关税涨了")
    assert made.single == "关 税 涨 了"
    assert made.pairs == "关税 税涨 涨了"


def test_words_of_other_scripts_stay_whole_and_pair_with_their_neighbours() -> None:
    assert grams("AI芯片 machine learning").pairs == "ai·芯 芯片 片·machine machine·learning"


def test_characters_on_both_sides_of_a_mark_are_another_pair_but_a_line_break_glues() -> None:
    assert "关税" not in grams("海关。税务").pairs.split()
    assert "人工 工智 智能" in grams("人工\n智能").pairs


def test_pieces_of_two_texts_are_the_same_only_when_their_units_are() -> None:
    assert grams("a bc").pairs != grams("ab c").pairs


@pytest.mark.parametrize(
    ("one", "other"), [("ＡＩ", "ai"), ("Straße", "STRASSE"), ("e\u0301", "é"), ("ﬁ", "fi")]
)
def test_wide_small_and_composed_forms_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(TEXTS)
def test_pieces_hold_nothing_that_could_leave_a_quoted_string(text: str) -> None:
    made = grams(text)
    assert '"' not in made.single + made.pairs
    assert len(made.pairs.split(" ")) <= max(1, len(made.single.split(" ")))


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("query", "wanted", "without"),
    [
        ("关税 AI", [("关", "税"), ("ai",)], []),
        ("ＡＩ　关税", [("ai",), ("关", "税")], []),
        ('"machine learning" 税', [("machine", "learning"), ("税",)], []),
        ("“你好，世界”", [("你", "好", "世", "界")], []),
        ("「人工 智能」", [("人", "工", "智", "能")], []),
        ("关税 -汽车", [("关", "税")], [("汽", "车")]),
        ('关税 -"汽车 出口"', [("关", "税")], [("汽", "车", "出", "口")]),
        ("关税 －汽车", [("关", "税")], [("汽", "车")]),
        ("关税 - 汽车", [("关", "税"), ("汽", "车")], []),
        ("state-of-the-art", [("state", "of", "the", "art")], []),
        ("关税 关税", [("关", "税")], []),
        ("关税 -关税", [], [("关", "税")]),
        ('"没有结束', [("没", "有", "结", "束")], []),
        ('"" “” - -- " \' ， !?', [], []),
        ("C++", [("c",)], []),
        ("", [], []),
    ],
)
def test_a_question_is_read_as_people_type_it(
    query: str, wanted: list[tuple[str, ...]], without: list[tuple[str, ...]]
) -> None:
    assert said(query) == (wanted, without)


@given(TEXTS)
def test_no_question_breaks_it(query: str) -> None:
    parsed = parse_query(query)
    assert bool(parsed) == bool(parsed.terms)
    for term in (*parsed.terms, *parsed.without):
        assert term.units
        assert len(term.pairs) == len(term.units) - 1
    loosened(parsed)


def test_a_very_long_question_is_cut() -> None:
    parsed = parse_query(" ".join(f"词{n}" for n in range(500)))
    assert len(parsed.terms) == MOST_TERMS
    assert parse_query("关" * 10_000).terms[0].said == "关" * LONGEST_QUERY


def test_what_is_asked_instead_finds_more() -> None:
    assert loosened(parse_query("关税 汽车 -出口")) == ["关税 汽车", "关税", "汽车"]
    assert loosened(parse_query("人工智能")) == ["人工", "智能"]
    assert loosened(parse_query("“你好，世界”")) == ["你好", "世界"]
    assert loosened(parse_query("关税")) == []


# ---------------------------------------------------------------- marks


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("关税又涨了，关税还涨", "关税", ["关税", "关税"]),
        ("人工\n智能", "人工智能", ["人工\n智能"]),
        ("海关。税务", "关税", []),
        ("AI、FAIR、ai", "ai", ["AI", "ai"]),
        ("publishing the Publisher", "publish", ["publishing", "Publisher"]),
        ("1920 19201", "1920", ["1920"]),
        ("ＡＩ芯片", "ai芯片", ["ＡＩ芯片"]),
        ("ﬁne ﬁre", "fine", ["ﬁne"]),
        ("cafe\u0301 café", "café", ["cafe\u0301", "café"]),
        ("说……关税……说", "关税", ["关税"]),
        ("㎡关税㎡", "关税", ["关税"]),
        ("machine-learning", '"machine learning"', ["machine-learning"]),
    ],
)
def test_marks_stand_around_what_was_asked_for(text: str, query: str, found: list[str]) -> None:
    assert hits(text, query) == found


@given(TEXTS, TEXTS)
def test_marking_changes_no_character(text: str, query: str) -> None:
    parts = marked(text, parse_query(query).terms)
    assert "".join(part.text for part in parts) == text
    cut = snippet(text, parse_query(query).terms)
    assert "".join(part.text for part in cut).strip("…") in text or "…" in text


@given(TEXTS)
def test_every_text_is_found_and_marked_by_its_own_beginning(text: str) -> None:
    row = units(text)
    quoted = "".join(text.split('"')[:1])[:30]
    query = parse_query(quoted)
    if row and query.terms and not query.without:
        index = set(grams(text).single.split())
        assert query.terms[0].units[0] in index or query.terms[0].open_ended


def test_a_snippet_shows_where_most_of_the_words_are() -> None:
    text = "关税。" + "甲" * 400 + "后来关税和汽车一起涨了。" + "乙" * 400
    parts = snippet(text, parse_query("关税 汽车").terms)
    assert [part.text for part in parts if part.hit] == ["关税", "汽车"]
    assert parts[0] == parts[-1] == Part("…")


def test_a_snippet_cuts_no_picture_and_no_word_in_two() -> None:
    family = "👨\u200d👩\u200d👧"
    parts = snippet(family * 60 + "关税" + "wonderful " * 60, parse_query("关税").terms)
    text = "".join(part.text for part in parts).strip("…")
    before, _, after = text.partition("关税")
    assert before.replace(family, "") == ""
    assert after.strip().split(" ") == ["wonderful"] * len(after.strip().split(" "))


def test_without_a_hit_a_snippet_is_the_beginning() -> None:
    assert snippet("短", parse_query("长").terms) == (Part("短"),)
    assert snippet("", parse_query("长").terms) == ()
