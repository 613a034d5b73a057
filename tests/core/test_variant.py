"""Variants have names that are equal exactly when they are."""

from __future__ import annotations

from datetime import date
from itertools import combinations

from publisher.core.issue import IssueName
from publisher.core.variant import BODIES, Variant, body_of, language_of

WEEK = [IssueName(date(2025, 1, 27 + n)) for n in range(5)] + [IssueName(date(2025, 1, 31), 2)]


def test_every_set_of_issues_has_a_name_of_its_own() -> None:
    sets = [some for n in range(len(WEEK) + 1) for some in combinations(WEEK, n)]
    names = {
        str(Variant(body, language, some))
        for body in BODIES
        for language in ("zh-Hans", "en")
        for some in sets
    }
    assert len(names) == 6 * len(sets)


def test_a_name_says_the_form_first_and_is_short() -> None:
    assert str(Variant("lead", "en")) == "lead.en"
    whole = str(Variant("titles", "zh-Hans", tuple(WEEK)))
    assert whole == str(Variant("titles", "zh-Hans", tuple(WEEK)))
    assert whole.startswith("titles.zh-Hans.")
    assert len(whole) < 32


def test_what_nobody_knows_is_the_whole_text_in_chinese() -> None:
    assert [body_of(written) for written in ("lead", "titles", "full", "", "half")] == [
        "lead", "titles", "full", "full", "full",
    ]  # fmt: skip
    tags = ("en", "en-GB", "EN", "zh-CN", "zh-Hans", "eno", "fr", "")
    assert [language_of(tag) for tag in tags] == ["en", "en", "en", *["zh-Hans"] * 5]
