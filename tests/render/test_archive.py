"""The calendar of a year: a table with every day in its place, levels that mean something, and gaps that show."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from publisher.core.issue import EntryLine
from publisher.render import archive, pages
from publisher.render.environment import Templates
from tests.render.factories import site


def line(day: date, words: int) -> pages.DayLine:
    entry = EntryLine(
        uid="u", permalink="p/", day=day, position=0, number=1, label="1", title="题", words=words, minutes=1
    )
    return pages.DayLine(day=day, entries=(entry,))


def days_of(year: int, words: list[int], start: int = 0) -> list[pages.DayLine]:
    return [line(date(year, 1, 1) + timedelta(days=start + n), count) for n, count in enumerate(words)]


@pytest.mark.parametrize("year", range(2018, 2030))
def test_every_day_of_a_year_has_one_cell_in_the_row_of_its_weekday(year: int) -> None:
    length = 366 if year % 4 == 0 else 365
    days = days_of(year, [1] * length)
    made = archive.calendar(year, days, first=days[0].day, last=days[-1].day)
    assert len(made.rows) == 7
    assert all(cell.day.weekday() == n for n, row in enumerate(made.rows) for cell in row if cell)
    cells = sorted(cell.day for row in made.rows for cell in row if cell)
    assert cells == [one.day for one in days]
    weeks = {len(row) for row in made.rows}
    assert weeks == {sum(n for _, n in made.months)}
    assert weeks <= {53, 54}
    assert [month for month, _ in made.months] == list(range(1, 13))


def test_each_level_holds_about_a_fifth_of_the_days() -> None:
    made = archive.calendar(
        2025, days_of(2025, list(range(100, 0, -1))), first=date(2025, 1, 1), last=date(2025, 4, 10)
    )
    levels = [cell.level for row in made.rows for cell in row if cell]
    assert [levels.count(n) for n in range(1, 6)] == [20] * 5
    assert [(r.least, r.most) for r in made.ranges] == [(None, 20), (21, 40), (41, 60), (61, 80), (81, None)]


@pytest.mark.parametrize("words", [[5], [5, 5, 5], [1, 9], [0, 0, 3], []])
def test_few_days_make_few_levels_the_longest_the_darkest(words: list[int]) -> None:
    made = archive.calendar(2025, days_of(2025, words), first=date(2025, 1, 1), last=date(2025, 12, 31))
    levels = {cell.line.words: cell.level for row in made.rows for cell in row if cell and cell.line}
    assert len(set(levels.values())) == len(set(words))
    if words:
        assert levels[max(words)] == 5
    assert len(made.ranges) == (len(set(words)) if len(set(words)) > 1 else 0)


def test_only_a_day_within_the_archive_is_a_gap() -> None:
    days = [line(date(2025, 3, 1), 5), line(date(2025, 3, 4), 5)]
    made = archive.calendar(2025, days, first=days[0].day, last=days[-1].day)
    gaps = [cell.day for row in made.rows for cell in row if cell and cell.line is None]
    assert sorted(gaps) == [date(2025, 3, 2), date(2025, 3, 3)]
    assert made.gaps


def test_a_cell_says_in_words_what_its_colour_says() -> None:
    day = line(date(2025, 1, 29), 11_820)
    shown = archive.year_lines(2025, [day], first=day.day, last=day.day)
    totals = archive.YearTotals(year=2025, days=1, entries=1, words=11_820)
    page = archive.year_page(Templates(site()), shown, totals, beside=[2025, 2024]).decode()
    assert "2025年1月29日，1 篇，11,820 字" in page
    assert '<a href="/archive/2025/" aria-current="page">2025年</a>' in page
    assert '<a href="/archive/2024/">2024年</a>' in page
