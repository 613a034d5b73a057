"""The fit rule: which entries a digest carries whole, and which as beginning, title or line, so that it fits.

Mail programs cut long messages wherever they please (Gmail near 100 kB). We would rather shorten whole
entries, the longest first, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

Form = Literal["full", "lead", "title", "summed up", "listed", "left out"]
"""How much of an entry a digest carries: all; its beginning; its title; a line of the contents with its summary
below it; that line alone; nothing."""

FORMS: tuple[Form, ...] = ("full", "lead", "title", "listed", "left out")
LINES: tuple[Form, ...] = ("summed up", "listed", "left out")

Measure = Callable[[int, Form], int]
"""Bytes that entry i takes in this form."""


class Fit:
    """Walks one fixed row of steps: every entry becomes its beginning, longest first; then every entry its
    title, and so on. `left out` goes from the last entry to the first, for the first are read.

    `size` may be slow (it renders). `floor` is quick and never larger: it spares rendering what cannot fit
    anyway, so that ten thousand entries cost no more than a few hundred.
    """

    def __init__(
        self, lengths: Sequence[int], *, size: Measure, floor: Measure, start: Form = "full"
    ) -> None:
        self.forms: list[Form] = [start] * len(lengths)
        self._size, self._floor = size, floor
        steps = FORMS if start in FORMS else LINES
        longest_first = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        self._steps = [
            (i, form)
            for form in steps[steps.index(start) + 1 :]
            for i in (reversed(range(len(lengths))) if form == "left out" else longest_first)
        ]
        self._taken = 0

    def fit_into(self, budget: int) -> None:
        """Shorten until all entries together take at most `budget` bytes, or nothing is left."""
        self._walk(budget, self._floor)
        self._walk(budget, self._size)

    def shorten(self) -> bool:
        """Shorten one entry more; False when all are left out."""
        return self._step() is not None

    def _walk(self, budget: int, measure: Measure) -> None:
        total = sum(measure(i, form) for i, form in enumerate(self.forms))
        while total > budget and (step := self._step()):
            i, before = step
            total += measure(i, self.forms[i]) - measure(i, before)

    def _step(self) -> tuple[int, Form] | None:
        """Take a step; returns the entry and what it was before."""
        if self._taken == len(self._steps):
            return None
        i, form = self._steps[self._taken]
        self._taken += 1
        before, self.forms[i] = self.forms[i], form
        return i, before
