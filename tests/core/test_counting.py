"""Counting: every sign once, in runs as one by one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.counting import tally

SIGNS = st.text(alphabet="中文々〇𠀁aBé1٣½²かカ한ᄀ，。“—…·.:-'’ \n😀\u0301", max_size=60)


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("", 0),
        ("今天下雪，很冷。", 8),
        ("GPU的起源 1999.5 年", 6),
        ("don't stop-gap its", 3),
        ("中a文b", 4),
        ("abc-中-def", 3),
        ("１２", 1),
        ("〇々", 2),
        ("ひらがな、カタカナ", 9),
    ],
)
def test_han_marks_words_and_numbers_count_as_word_processors_count_them(text: str, characters: int) -> None:
    assert tally(text).characters() == characters


@given(SIGNS, SIGNS)
def test_two_texts_apart_count_as_much_as_both(one: str, other: str) -> None:
    apart = tally(f"{one}\n{other}")
    assert apart.characters() == tally(one).characters() + tally(other).characters()
    assert apart.han == tally(one).han + tally(other).han


@given(SIGNS)
def test_each_eastern_character_counts_once(text: str) -> None:
    found = tally(text)
    names = [unicodedata.name(c, "") for c in text if c != "。"]
    assert found.han == sum("CJK UNIFIED" in name or name.startswith("IDEOGRAPHIC") for name in names)
    assert found.hangul == sum(name.startswith("HANGUL") for name in names)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("雪落在山上", "zh"),
        ("snow falls", "en"),
        ("ゆき" * 20, "ja"),
        ("눈이내린다" * 6, "ko"),
        ("123 …", "und"),
    ],
)
def test_the_language_is_told_by_the_script(text: str, language: str) -> None:
    assert tally(text).language() == language


def test_reading_takes_a_minute_at_least() -> None:
    assert tally("").minutes(han_per_minute=400, words_per_minute=220) == 1
    assert tally("字" * 1200).minutes(han_per_minute=400, words_per_minute=220) == 3
    assert tally("字").minutes(han_per_minute=0, words_per_minute=0) == 1
