"""Preferences: what is shown of an address, how often a form may call forth a letter, which network asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.preferences import (
    ASKS_A_DAY,
    AskLimits,
    cadence_of,
    masked,
    may_ask,
    network_of,
    same_day,
)

NOW = datetime(2025, 1, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("email", "shown"), [("zhang@qq.com", "z…@qq.com"), ("a@b.cn", "a…@b.cn"), ("", "…")]
)
def test_of_an_address_its_first_letter_and_its_host_are_shown(email: str, shown: str) -> None:
    assert masked(email) == shown


def test_a_letter_every_ten_minutes_and_five_a_day() -> None:
    assert may_ask(None, 0, NOW)
    assert not may_ask(NOW, 1, NOW + timedelta(minutes=9))
    assert may_ask(NOW, 1, NOW + timedelta(minutes=10))
    assert not may_ask(NOW, ASKS_A_DAY, NOW + timedelta(hours=9))
    assert may_ask(NOW, ASKS_A_DAY, NOW + timedelta(hours=16))


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    assert may_ask(NOW + timedelta(days=400), 5, NOW)


@given(st.lists(st.integers(0, 24 * 60), max_size=200))
def test_no_asking_gets_more_than_the_days_letters(minutes: list[int]) -> None:
    at, n, letters = None, 0, []
    for minute in sorted(minutes):
        now = NOW.replace(hour=0) + timedelta(minutes=minute)
        if may_ask(at, n, now):
            n = n + 1 if at and same_day(at, now) else 1
            at = now
            letters.append(now)
    by_day = [sum(same_day(one, other) for other in letters) for one in letters]
    assert max(by_day, default=0) <= ASKS_A_DAY
    assert all(after - before >= timedelta(minutes=10) for before, after in pairwise(letters))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_neighbours_are_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network


def test_an_hour_has_its_limit_for_a_network_and_for_all() -> None:
    limits = AskLimits(network=3, everybody=5)
    assert [limits.allows(f"203.0.113.{n}", NOW) for n in range(5)] == [True] * 3 + [False] * 2
    assert [limits.allows(f"198.51.{n}.1", NOW) for n in range(4)] == [True] * 2 + [False] * 2
    assert limits.allows("203.0.113.9", NOW + timedelta(hours=1))


def test_what_nobody_knows_is_every_day() -> None:
    assert [cadence_of(word) for word in ("weekly", "daily", "", "'; --")] == [
        "weekly",
        "daily",
        "daily",
        "daily",
    ]
