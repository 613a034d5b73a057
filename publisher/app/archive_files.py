"""The archive as files: a page, and one for each year; a day's run draws the newest year alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property, partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from publisher.app.wanted import FileMaker, Group, Wanted

if TYPE_CHECKING:
    from publisher.render.archive import YearLines, YearTotals

WHOLE_DAYS = 366
"""Days up to which the archive's own page shows all of them; then its newest year, and the way to the others."""


class Year(NamedTuple):
    """A year with pages, in numbers."""

    year: int
    days: int
    entries: int
    words: int


class ArchiveFiles(FileMaker):
    """The pages that list all days."""

    def paths(self) -> list[str]:
        """Of the years' pages, for the sitemap."""
        return [f"archive/{one.year:04}/" for one in self._totals]

    @cached_property
    def _totals(self) -> list[Year]:
        """Newest first."""
        known, found = self._view.contents, []
        for year, some in groupby(reversed(self._view.days), key=lambda day: day.year):
            days = [known[day] for day in some]
            found.append(Year(year, len(days), sum(d.public for d in days), sum(d.words for d in days)))
        return found

    def groups(self) -> Iterator[Group]:
        """The archive's own page, and every year's."""
        view, b = self._view, self._building
        whole = len(view.days) <= WHOLE_DAYS
        shown = [one.year for one in self._totals[: None if whole else 1]]
        yield b.group(
            partial(self._page, shown), "archive", [self._key(year) for year in shown], self._totals
        )
        for one in self._totals:
            yield b.group(partial(self._year_page, one), "year", self._key(one.year), one, self._beside)

    @property
    def _beside(self) -> list[int]:
        return [one.year for one in self._totals]

    def _key(self, year: int) -> tuple[object, ...]:
        keys = [key for day, key in self._view.line_keys.items() if day.year == year]
        return (year, self._reach(year), keys)

    def _reach(self, year: int) -> tuple[date, date]:
        """From which day of the year to which one the archive reaches: a day without entries within it is a gap."""
        days = self._view.days
        return max(days[0], date(year, 1, 1)), min(days[-1], date(year, 12, 31))

    def _lines(self, year: int) -> YearLines:
        from publisher.render.archive import year_lines

        first, last = self._reach(year)
        return year_lines(
            year, self._view.day_lines((date(year, 1, 1), date(year, 12, 31))), first=first, last=last
        )

    def _page(self, shown: list[int]) -> Iterator[Wanted]:
        from publisher.render import archive, pages

        t, years = self._templates, [self._lines(year) for year in shown]
        totals = [self._as_shown(one) for one in self._totals]
        yield Wanted(pages.file_of(pages.ARCHIVE_PATH), lambda: archive.archive_page(t, years, totals))

    def _year_page(self, one: Year) -> Iterator[Wanted]:
        from publisher.render import archive, pages

        yield Wanted(
            pages.file_of(pages.year_path(one.year)),
            lambda: archive.year_page(
                self._templates, self._lines(one.year), self._as_shown(one), beside=self._beside
            ),
        )

    @staticmethod
    def _as_shown(one: Year) -> YearTotals:
        from publisher.render.archive import YearTotals

        return YearTotals(year=one.year, days=one.days, entries=one.entries, words=one.words)
