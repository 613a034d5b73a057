"""A message id and its parameters as a sentence in a language, and dates and numbers as that language writes them.

Message ids are English sentences with {names}. Catalogues lie in publisher/locale/<language>/LC_MESSAGES,
one domain a room (documents, links, feeds, pages, digest, app, cli); they are merged into one.
"""

from __future__ import annotations

import gettext
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from publisher.core.diagnostics import Diagnostic
from publisher.core.errors import PublisherError

LOCALE_FOLDER = Path(__file__).resolve().parent.parent / "locale"
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def words(language: str) -> Words:
    """The words of a language: anything beginning with 'en' is English, everything else Chinese."""
    return _words("en" if language.lower().startswith("en") else "zh")


@cache
def _words(language: str) -> Words:
    return Words(language)


class Words:
    """Callable: `words("zh")("{n} entries", n=3)`. An unknown message id is shown as it is (English)."""

    def __init__(self, language: str) -> None:
        self.language = language  # "zh" | "en"
        self._translations = _merged_catalogue("zh_Hans") if language == "zh" else gettext.NullTranslations()
        # gettext asks one catalogue after the other, every time.
        self._translated = lru_cache(maxsize=2048)(self._translations.gettext)

    def __call__(self, message: str, /, **params: object) -> str:
        text = self._translated(message) if message else ""
        return text.format(**params) if params else text

    def plural(self, one: str, many: str, n: int, /, **params: object) -> str:
        """`plural("{n} entry", "{n} entries", 3)`; {n} is filled in with thousands separators."""
        return self._translations.ngettext(one, many, n).format(n=self.number(n), **params)

    def diagnostic(self, found: Diagnostic) -> tuple[str, str]:
        """The finding and how to mend it, as two sentences."""
        return self(found.spec.message, **found.params), self(found.spec.fix, **found.params)

    def error(self, error: PublisherError) -> str:
        """One line for the user: what happened — what to do."""
        what = self(error.sentence).format(**error.params)
        return f"{what} — {self(error.fix).format(**error.params)}" if error.fix else what

    def number(self, n: int) -> str:
        return f"{n:,}"

    def day_long(self, day: date) -> str:
        """'2025年1月29日 星期三' / 'Wednesday, 29 January 2025'."""
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日 星期{_WEEKDAYS_ZH[day.weekday()]}"
        return f"{_WEEKDAYS_EN[day.weekday()]}, {day.day} {_MONTHS_EN[day.month - 1]} {day.year}"

    def day_full(self, day: date) -> str:
        """'2025年1月29日' / '29 January 2025'."""
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"

    def day_short(self, day: date) -> str:
        """'1月29日' / '29 January'."""
        if self.language == "zh":
            return f"{day.month}月{day.day}日"
        return f"{day.day} {_MONTHS_EN[day.month - 1]}"

    def weekday(self, day: date) -> str:
        """'星期三' / 'Wednesday'."""
        return f"星期{_WEEKDAYS_ZH[day.weekday()]}" if self.language == "zh" else _WEEKDAYS_EN[day.weekday()]

    def weekday_short(self, day: date) -> str:
        """'三' / 'Wed'."""
        return _WEEKDAYS_ZH[day.weekday()] if self.language == "zh" else _WEEKDAYS_EN[day.weekday()][:3]

    def month(self, year: int, month: int) -> str:
        """'2025年1月' / 'January 2025'."""
        return f"{year}年{month}月" if self.language == "zh" else f"{_MONTHS_EN[month - 1]} {year}"

    def month_short(self, month: int) -> str:
        """'1月' / 'Jan'."""
        return f"{month}月" if self.language == "zh" else _MONTHS_EN[month - 1][:3]

    def weekday_of(self, n: int) -> str:
        """'一' / 'Mon' for 0."""
        return _WEEKDAYS_ZH[n] if self.language == "zh" else _WEEKDAYS_EN[n][:3]

    def year(self, year: int) -> str:
        """'2025年' / '2025'."""
        return f"{year}年" if self.language == "zh" else str(year)

    def moment(self, at: datetime) -> str:
        """'2025-01-29 08:00', in the zone the datetime carries."""
        return at.strftime("%Y-%m-%d %H:%M")


def _merged_catalogue(folder: str) -> gettext.NullTranslations:
    merged: gettext.NullTranslations | None = None
    for path in sorted((LOCALE_FOLDER / folder / "LC_MESSAGES").glob("*.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)
        if merged is None:
            merged = catalogue
        else:
            merged.add_fallback(catalogue)
    return merged or gettext.NullTranslations()
