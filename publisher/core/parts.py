"""Where the archive of the feed is cut: into months, and a month of many entries into parts (RFC 5005)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Generic, Protocol, TypeVar

HARD_ENTRIES = 200
HARD_BYTES = 1_500_000
"""Readers take no larger document: a slot beyond that is cut in two."""

_BYTES_A_CHARACTER, _BYTES_AROUND = 4, 1_500


class Sent(Protocol):
    """An entry that went out. `slot`: the day of its issue; `length` in characters."""

    @property
    def slot(self) -> date: ...
    @property
    def length(self) -> int: ...


S = TypeVar("S", bound=Sent)


@dataclass(slots=True)
class Part(Generic[S]):
    """Entries that stay together for ever, oldest first. `number` counts the parts of the month, from 1."""

    month: str  # '2025-01'
    number: int
    entries: list[S] = field(default_factory=list)

    @property
    def name(self) -> str:
        """'2025-01', then '2025-01-2'."""
        return self.month if self.number == 1 else f"{self.month}-{self.number}"


def closed_parts(sent: Iterable[S], *, entries: int, max_bytes: int) -> list[Part[S]]:
    """The parts that will not change any more, oldest first. `sent` in the order they went out.

    A part ends with its month, or with the slot that fills it. What is in none is so little that a feed of `entries`
    and `max_bytes` holds all of it: nobody who reads feed and archive misses an entry.
    """
    enough = min(entries, HARD_ENTRIES * 3 // 4)
    closed: list[Part[S]] = []
    open_: Part[S] | None = None
    for month, some in groupby(sent, key=lambda one: f"{one.slot:%Y-%m}"):
        if open_ is not None:
            closed.append(open_)
        open_ = Part(month, 1)
        for _, slot in groupby(some, key=lambda one: one.slot):
            pieces = _bearable(list(slot), open_.entries)
            for piece in pieces[:-1]:
                open_.entries += piece
                closed.append(open_)
                open_ = Part(month, open_.number + 1)
            open_.entries += pieces[-1]
            if len(pieces) > 1 or len(open_.entries) >= enough or _bytes_of(open_.entries) >= max_bytes:
                closed.append(open_)
                open_ = Part(month, open_.number + 1)
        if not open_.entries:
            open_ = None
    return closed


def _bearable(slot: list[S], before: Sequence[S]) -> list[list[S]]:
    """The slot in pieces, the first of which still goes with what was there before."""
    pieces: list[list[S]] = [[]]
    n, size = len(before), _bytes_of(before)
    for one in slot:
        more = _bytes_of([one])
        if n and (n == HARD_ENTRIES or size + more > HARD_BYTES):
            pieces.append([])
            n, size = 0, 0
        pieces[-1].append(one)
        n, size = n + 1, size + more
    return pieces


def _bytes_of(entries: Iterable[Sent]) -> int:
    return sum(one.length * _BYTES_A_CHARACTER + _BYTES_AROUND for one in entries)
