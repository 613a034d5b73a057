"""Brackets without an end cost nothing and take nothing from those that have one."""

from __future__ import annotations

import pytest

from publisher.core.inline import find


def kinds(text: str) -> list[tuple[str, str]]:
    inside = find(text)
    return [(inside.at[start].kind, inside.at[start].href) for start in inside.starts]


@pytest.mark.parametrize("many", [1, 2, 1000])
@pytest.mark.parametrize(
    "around",
    [
        "{open}{link}",
        "{link}{open}",
        "{close}{link}",
        "{link}{close}",
        "{open}{link}{open}",
        "{close}{link}{open}",
    ],
)
def test_a_link_between_brackets_that_never_close_or_open_is_still_one(around: str, many: int) -> None:
    text = around.format(open="[" * many, close="]" * many, link=" [x](https://example.org/) ")
    assert ("link", "https://example.org/") in kinds(text)


def test_an_emoji_code_after_a_run_of_closing_brackets_is_still_one() -> None:
    assert [kind for kind, _ in kinds("]]]] [微笑] [[[[")] == ["emoji"]


def test_a_picture_whose_brackets_follow_open_ones_is_still_one() -> None:
    assert ("image", "a.png") in kinds("[[![x](a.png)[[")
