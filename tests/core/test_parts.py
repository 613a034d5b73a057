"""The archive of the feed is cut so that no entry is lost between it and the feed, and no part ever changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.core.parts import HARD_ENTRIES, closed_parts


@dataclass(frozen=True)
class Sent:
    slot: date
    length: int = 1_000


def slots(*sizes: int, start: date = date(2025, 1, 1), length: int = 1_000) -> list[Sent]:
    """A slot a day with so many entries."""
    return [Sent(start + timedelta(days=n), length) for n, size in enumerate(sizes) for _ in range(size)]


def names(sent: list[Sent], *, entries: int = 50, max_bytes: int = 512_000) -> list[tuple[str, int]]:
    return [(p.name, len(p.entries)) for p in closed_parts(sent, entries=entries, max_bytes=max_bytes)]


def test_a_quiet_month_is_one_document_once_it_is_over() -> None:
    january = slots(*[1] * 31)
    assert names(january) == []
    assert names([*january, Sent(date(2025, 2, 1))]) == [("2025-01", 31)]


def test_a_full_month_is_cut_at_slots() -> None:
    assert names(slots(*[9] * 31)) == [(f"2025-01{'' if n == 1 else f'-{n}'}", 54) for n in range(1, 6)]
    assert names(slots(*[9] * 32))[-1] == ("2025-01-6", 9)


def test_long_texts_fill_a_part_too() -> None:
    assert names(slots(9, 9, 9, length=10_000)) == [("2025-01", 18)]


def test_a_monstrous_slot_is_cut_and_its_rest_is_closed_with_it() -> None:
    assert names(slots(HARD_ENTRIES + 10)) == [("2025-01", HARD_ENTRIES), ("2025-01-2", 10)]


SIZES = st.lists(st.integers(0, 30) | st.integers(150, 260), max_size=60)


@settings(deadline=None)
@given(SIZES, st.integers(1, 300), st.integers(500, 20_000), st.integers(0, 60))
def test_nothing_is_lost_and_nothing_closed_moves(
    sizes: list[int], window: int, length: int, cut: int
) -> None:
    every = slots(*sizes, length=length)
    parts = closed_parts(every, entries=window, max_bytes=512_000)
    kept = [one for part in parts for one in part.entries]
    assert kept == every[: len(kept)]
    rest = every[len(kept) :]
    around = [one for one in every if rest and one.slot >= rest[0].slot]
    assert len(rest) < window or not rest
    assert around == rest  # whole slots: what the feed shows
    assert all(len(part.entries) <= HARD_ENTRIES for part in parts)
    assert len({part.name for part in parts}) == len(parts)
    earlier = slots(*sizes[:cut], length=length)
    before = closed_parts(earlier, entries=window, max_bytes=512_000)
    assert before == parts[: len(before)]
