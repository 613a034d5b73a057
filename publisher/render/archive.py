"""The archive: of each year a calendar whose days are the darker the more there is to read, then its days by month."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby, pairwise

from msgspec import Struct

from publisher.render.environment import Templates
from publisher.render.pages import ARCHIVE_PATH, DayLine, drawn, year_path

_LEVELS = 5
_WEEK = 7


class MonthLines(Struct, frozen=True, kw_only=True):
    """A month of the archive with its days, newest first."""

    year: int
    month: int
    days: tuple[DayLine, ...] = ()


class YearTotals(Struct, frozen=True, kw_only=True):
    """A year of the archive in numbers."""

    year: int
    days: int
    entries: int
    words: int


class Cell(Struct, frozen=True):
    """A day of the calendar. Without a line it lay within the archive and had no entries."""

    day: date
    line: DayLine | None
    level: int  # 1…5 by its words, 0 without any


class Range(Struct, frozen=True):
    """What a level means in words; `least` or `most` is missing at the ends."""

    level: int
    least: int | None
    most: int | None


class Calendar(Struct, frozen=True, kw_only=True):
    """A year as a table: a row for each day of the week, a column for each week."""

    year: int
    months: tuple[tuple[int, int], ...]  # (month, weeks that begin in it)
    rows: tuple[tuple[Cell | None, ...], ...]  # Monday first; None: not of the year, or not of the archive
    ranges: tuple[Range, ...]

    @property
    def gaps(self) -> bool:
        return any(cell is not None and cell.line is None for row in self.rows for cell in row)


class YearLines(Struct, frozen=True, kw_only=True):
    """A year of the archive as a page shows it."""

    calendar: Calendar
    months: tuple[MonthLines, ...]


def months(days: Iterable[DayLine]) -> tuple[MonthLines, ...]:
    """Days grouped by month, months and days newest first."""
    newest_first = sorted(days, key=lambda line: line.day, reverse=True)
    grouped = groupby(newest_first, key=lambda line: (line.day.year, line.day.month))
    return tuple(MonthLines(year=y, month=m, days=tuple(lines)) for (y, m), lines in grouped)


def year_lines(year: int, days: Sequence[DayLine], *, first: date, last: date) -> YearLines:
    """A year with its days. The archive reaches from `first` to `last`: a day within it may have no entries."""
    return YearLines(calendar=calendar(year, days, first=first, last=last), months=months(days))


def calendar(year: int, days: Sequence[DayLine], *, first: date, last: date) -> Calendar:
    """The days of one year as its table."""
    lines = {line.day: line for line in days}
    bounds = _bounds(sorted(line.words for line in days))
    begin = date(year, 1, 1)
    ahead = begin.weekday()  # cells of the first column that belong to the year before
    length = (date(year, 12, 31) - begin).days + 1
    weeks = -(-(ahead + length) // _WEEK)

    def cell(n: int) -> Cell | None:
        if not 0 <= n < length:
            return None
        day = begin + timedelta(days=n)
        line = lines.get(day)
        if line is None:
            return Cell(day, None, 0) if first < day < last else None
        return Cell(day, line, _LEVELS - len(bounds) + bisect_left(bounds, line.words))

    rows = tuple(tuple(cell(_WEEK * week + n - ahead) for week in range(weeks)) for n in range(_WEEK))
    begins = ((begin + timedelta(days=max(0, _WEEK * week - ahead))).month for week in range(weeks))
    columns = tuple((month, len(list(some))) for month, some in groupby(begins))
    return Calendar(year=year, months=columns, rows=rows, ranges=tuple(_ranges(bounds)))


def _bounds(words: Sequence[int]) -> list[int]:
    """The most words of each level but the last: a fifth of the days in each, as far as they differ."""
    fifths = {words[-(-len(words) * k // _LEVELS) - 1] for k in range(1, _LEVELS)} if words else set()
    return sorted(most for most in fifths if most < words[-1])


def _ranges(bounds: Sequence[int]) -> Iterator[Range]:
    if not bounds:
        return
    lowest = _LEVELS - len(bounds)
    yield Range(lowest, None, bounds[0])
    for n, (below, most) in enumerate(pairwise(bounds), start=1):
        yield Range(lowest + n, below + 1, most)
    yield Range(_LEVELS, bounds[-1] + 1, None)


def archive_page(templates: Templates, shown: Sequence[YearLines], totals: Sequence[YearTotals]) -> bytes:
    """The whole archive, or its newest year and the way to the others. `totals` of all years, newest first."""
    years = [(one.year, one) for one in totals]
    return drawn(
        templates, "web/archive.html", ARCHIVE_PATH, shown=shown, years=years, whole=_sum(totals), year=None
    )


def year_page(
    templates: Templates, shown: YearLines, totals: YearTotals, *, beside: Sequence[int] = ()
) -> bytes:
    """One year at an address of its own. `beside`: every year, newest first; the others' numbers are not shown."""
    year, years = shown.calendar.year, [(one, None) for one in beside]
    return drawn(
        templates, "web/archive.html", year_path(year), shown=[shown], years=years, whole=totals, year=year
    )


def _sum(totals: Sequence[YearTotals]) -> YearTotals:
    return YearTotals(
        year=0,
        days=sum(one.days for one in totals),
        entries=sum(one.entries for one in totals),
        words=sum(one.words for one in totals),
    )
