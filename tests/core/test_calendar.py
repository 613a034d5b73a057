"""Slots: every local date exactly once, whatever the clocks do; and when the clock is not believed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.core.calendar import (
    WEEKDAYS,
    clock_fault,
    coverage,
    is_late,
    newest_weekday,
    next_slot,
    published_times,
    slot_time,
    slots_due,
    today,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = time(8)
NOW = datetime(2025, 1, 29, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
DAY = date(2025, 1, 29)
ZONES = [
    "America/New_York", "Europe/Berlin", "America/Santiago", "Africa/Cairo", "Australia/Sydney",
    "Australia/Lord_Howe", "Pacific/Apia", "Asia/Shanghai", "America/Nuuk",
]  # fmt: skip
TIMES = [time(0), time(1, 30), time(2, 30), time(8), time(23, 30)]


def _year(zone: ZoneInfo, at: time, year: int) -> list[date]:
    """A simulated year of ticks every half hour; each due slot is published and recorded."""
    now = datetime(year, 1, 1, tzinfo=zone).astimezone(UTC)
    end = datetime(year + 1, 1, 1, tzinfo=zone).astimezone(UTC)
    since, last, published = today(now, zone), None, []
    while now < end:
        due = slots_due(now, since_day=since, at=at, zone=zone, last=last)
        published += due
        last = due[-1] if due else last
        now += timedelta(minutes=30)
    return published


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_has_every_date_exactly_once(zone: str) -> None:
    for at in TIMES[::2] if zone == "Asia/Shanghai" else TIMES:
        year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
        assert _year(ZoneInfo(zone), at, 2026) == year


def test_a_date_that_samoa_left_out_has_no_slot() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert date(2011, 12, 30) not in (published := _year(apia, EIGHT, 2011))
    assert len(published) == 364


@given(st.dates(date(1990, 1, 1), date(2036, 12, 31)), st.times(), st.sampled_from(ZONES))
def test_a_slot_falls_on_its_own_date(day: date, at: time, name: str) -> None:
    zone = ZoneInfo(name)
    if (name, day) != ("Pacific/Apia", date(2011, 12, 30)):
        assert today(slot_time(day, at, zone), zone) == day


def test_a_time_that_the_clocks_skip_is_due_an_hour_later() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    due = slot_time(date(2026, 3, 29), time(2, 30), berlin)
    assert due.astimezone(berlin).time() == time(3, 30)


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    due = slot_time(date(2026, 10, 25), time(2, 30), ZoneInfo("Europe/Berlin"))
    assert due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_slot_whose_time_the_clocks_skip_into_tomorrow_stays_on_its_date() -> None:
    nuuk = ZoneInfo("America/Nuuk")  # 23:00 to 24:00 does not exist on 28 March 2026
    assert today(slot_time(date(2026, 3, 28), time(23, 30), nuuk), nuuk) == date(2026, 3, 28)


def test_nothing_is_due_before_the_time() -> None:
    early = NOW - timedelta(seconds=1)
    assert slots_due(early, since_day=DAY, at=EIGHT, zone=SHANGHAI, last=None) == []
    assert slots_due(NOW, since_day=DAY, at=EIGHT, zone=SHANGHAI, last=None) == [DAY]


def test_a_slot_is_due_once() -> None:
    assert slots_due(NOW, since_day=DAY, at=EIGHT, zone=SHANGHAI, last=DAY) == []


def test_the_first_start_does_not_publish_yesterday() -> None:
    early = NOW - timedelta(minutes=1)
    assert slots_due(early, since_day=today(early, SHANGHAI), at=EIGHT, zone=SHANGHAI, last=None) == []


def test_three_days_off_leave_three_slots_due() -> None:
    due = slots_due(NOW, since_day=date(2025, 1, 1), at=EIGHT, zone=SHANGHAI, last=date(2025, 1, 26))
    assert due == [date(2025, 1, 27), date(2025, 1, 28), DAY]


def test_a_clock_set_back_finds_nothing_due() -> None:
    back = NOW - timedelta(days=3)
    assert slots_due(back, since_day=date(2025, 1, 1), at=EIGHT, zone=SHANGHAI, last=DAY) == []


def test_the_next_slot_is_today_before_the_time_and_tomorrow_after_it() -> None:
    assert next_slot(NOW - timedelta(hours=1), at=EIGHT, zone=SHANGHAI) == (DAY, NOW)
    tomorrow = (date(2025, 1, 30), NOW + timedelta(days=1))
    assert next_slot(NOW, at=EIGHT, zone=SHANGHAI) == tomorrow


def test_a_slot_used_early_does_not_come_again_the_same_day() -> None:
    half_past_midnight = NOW - timedelta(hours=7, minutes=30)
    day, _ = next_slot(half_past_midnight, at=EIGHT, zone=SHANGHAI, last=DAY)
    assert day == date(2025, 1, 30)


@pytest.mark.parametrize(
    ("record", "run", "fault"),
    [
        (None, None, None),
        (NOW, NOW, None),
        (NOW + timedelta(days=1), NOW, None),
        (NOW + timedelta(days=1, seconds=1), NOW, "behind"),
        (NOW - timedelta(days=400), NOW - timedelta(days=45), None),
        (NOW, NOW - timedelta(days=45, seconds=1), "ahead"),
    ],
)
def test_a_clock_that_contradicts_the_records_is_not_believed(
    record: datetime | None, run: datetime | None, fault: str | None
) -> None:
    assert clock_fault(NOW, newest_record=record, last_run=run) == fault


def test_one_issue_covers_the_missed_slots() -> None:
    found = coverage(DAY, last=date(2025, 1, 26), zone=SHANGHAI)
    assert (found.first, found.covers, found.holds_mail) == (date(2025, 1, 27), 3, False)


def test_skipped_slots_stay_without_an_issue() -> None:
    found = coverage(DAY, last=date(2025, 1, 26), zone=SHANGHAI, catch_up="skip")
    assert (found.first, found.covers) == (DAY, 1)


@pytest.mark.parametrize(("last", "held"), [(date(2025, 1, 22), False), (date(2025, 1, 21), True)])
def test_a_gap_of_more_than_seven_days_holds_the_mail(last: date, *, held: bool) -> None:
    assert coverage(DAY, last=last, zone=SHANGHAI).holds_mail is held
    assert coverage(DAY, last=last, zone=SHANGHAI, catch_up="skip").holds_mail is held


@pytest.mark.parametrize("last", [None, DAY, date(2025, 2, 3)])
def test_the_first_issue_and_a_second_one_cover_their_own_slot(last: date | None) -> None:
    found = coverage(DAY, last=last, zone=SHANGHAI)
    assert (found.first, found.covers, found.gap_days) == (DAY, 1, 0)


def test_mail_is_late_after_36_hours() -> None:
    assert not is_late(NOW, NOW + timedelta(hours=36))
    assert is_late(NOW, NOW + timedelta(hours=36, seconds=1))


def test_entries_are_a_second_apart_the_first_the_newest() -> None:
    times = published_times(NOW + timedelta(microseconds=7), 3, newest=NOW - timedelta(days=1))
    assert times == [NOW, NOW - timedelta(seconds=1), NOW - timedelta(seconds=2)]


@settings(deadline=None)
@given(st.integers(0, 40), st.none() | st.integers(-90, 90))
def test_times_are_never_future_never_older_than_the_last_issue_and_distinct(n: int, ago: int | None) -> None:
    newest = None if ago is None else NOW - timedelta(seconds=ago)
    times = published_times(NOW, n, newest=newest)
    assert len(times) == n
    assert times == sorted(times, reverse=True)
    assert all(moment <= NOW and moment.microsecond == 0 for moment in times)
    assert newest is None or newest > NOW or all(moment >= newest for moment in times)
    if ago is None or ago >= n - 1:
        assert len(set(times)) == n


def test_the_newest_day_of_the_week_is_within_the_last_seven_days_and_is_that_day() -> None:
    for n in range(800):
        day = date(2024, 1, 1) + timedelta(days=n)
        for weekday in WEEKDAYS:
            found = newest_weekday(day, weekday)
            assert 0 <= (day - found).days < 7
            assert f"{found:%A}".lower() == weekday
