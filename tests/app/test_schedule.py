"""By the clock: every due day exactly once, whatever the machine and its clock went through."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers import base as apscheduler_base

from publisher.app.beginning import begin
from publisher.app.choose import choose_issue
from publisher.app.equipment import Equipment
from publisher.app.publish import due_slot
from publisher.app.summary import exit_code
from publisher.core import calendar
from publisher.core.issue import IssueName
from publisher.scheduler import Metronome
from publisher.store import issues
from publisher.store.engine import open_store
from tests.house import House, day_file, essay, essays, titles

ZONES = (
    "Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "America/Santiago", "Africa/Cairo",
    "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip
TIMES = ("00:00", "02:30", "08:00", "12:00", "23:59")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@contextmanager
def calendar_of(root: Path, zone: str, at: str) -> Iterator[Equipment]:
    """A publication without documents, in memory: only its slots matter."""
    house = House(root, site={"title": "x", "url": "https://a.cn/", "timezone": zone}, publish={"at": at})
    store = open_store("sqlite://")
    app = house.app
    app.overrides["store"] = store
    yield app._equipment(store)
    store.close()


class Keeper:
    """Ticks, and keeps count of what came of each local date."""

    def __init__(self, e: Equipment, dice: random.Random) -> None:
        self.e, self.dice = e, dice

    def tick(self, now: datetime) -> date | None:
        """One tick: about half of the due days have something to publish."""
        known, held, _ = begin(self.e, now)
        slot = None if held else due_slot(self.e, known, now)
        if slot is None:
            return None
        if self.dice.random() < 0.5:
            choose_issue(self.e, now, slot)  # there are no documents: empty, and open until the date is over
        else:
            self._publish(slot, now)
        return slot

    def _publish(self, slot: date, now: datetime) -> None:
        with self.e.store.write() as tx:
            last = issues.last_slot(tx, before=slot)
            span = calendar.coverage(slot, last=last, zone=self.e.config.zone)
            issue_id = issues.plan(tx, IssueName(slot), [], covers=span.covers, mail_hold=None, now=now)
            issues.commit(tx, issue_id, subject="", now=now)

    def slots(self) -> list[tuple[date, int, str]]:
        with self.e.store.read() as tx:
            rows = [*issues.in_state(tx, "published"), *issues.in_state(tx, "empty")]
        return sorted((row.name.day, row.covers, row.state) for row in rows)


def dates(first: date, last: date, zone: ZoneInfo) -> list[date]:
    """The dates that really were, there."""
    found, day = [], first
    while day <= last:
        begins = datetime.combine(day, time(), zone).astimezone(UTC)
        if begins < datetime.combine(day + DAY, time(), zone).astimezone(UTC):
            found.append(day)
        day += DAY
    return found


def moments(start: datetime, days: int, dice: random.Random) -> Iterator[datetime]:
    """When ticks happen in a life with restarts, suspensions, outages of 1 to 20 days and a clock that jumps."""
    now, end = start, start + days * DAY
    while now < end:
        event = dice.random()
        if event < 0.02:
            now += dice.randrange(1, 21) * DAY  # off
        elif event < 0.06:
            yield now - timedelta(hours=dice.randrange(1, 23))  # the clock falls back for a while
        elif event < 0.08:
            yield now - timedelta(days=dice.randrange(2, 400))  # ... and far back: not to be believed
        yield now
        now += timedelta(minutes=dice.choice((1, 300, 1000, 1500)))


@pytest.mark.parametrize(
    "zone",
    [pytest.param(zone, marks=[pytest.mark.soak] if n % 3 else []) for n, zone in enumerate(ZONES)],
)
def test_every_due_day_comes_exactly_once_and_covered_days_are_recorded(tmp_path: Path, zone: str) -> None:
    """A year in a zone. The rest of the zones in the soak."""
    for at in TIMES:
        dice = random.Random(f"{zone} {at}")
        start = datetime(2026, 1, 5, 12, tzinfo=UTC)
        with calendar_of(tmp_path / at.replace(":", ""), zone, at) as e:
            keeper, last = Keeper(e, dice), start
            for now in moments(start, 365, dice):
                keeper.tick(now)
                last = max(last, now)
            keeper.tick(last + MINUTE)
            slots = keeper.slots()
        where = ZoneInfo(zone)
        first, newest = slots[0][0], slots[-1][0]
        assert len({day for day, _, _ in slots}) == len(slots), "no day twice"
        assert first == min(d for d in dates(first, newest, where))
        due = [
            d
            for d in dates(first, newest, where)
            if calendar.slot_time(d, time.fromisoformat(at), where) <= last
        ]
        assert sum(covers for _, covers, _ in slots) == len(due), f"{zone} {at}: every due day, covered once"
        told = [d for day, covers, _ in slots for d in dates(first, day, where)[-covers:]]
        assert told == due


def test_a_slot_is_never_published_before_its_time(tmp_path: Path) -> None:
    with calendar_of(tmp_path, "America/New_York", "02:30") as e:
        keeper = Keeper(e, random.Random(0))
        now = datetime(2026, 3, 1, tzinfo=UTC)
        for _ in range(14 * 48):  # over the spring day without 02:30
            slot = keeper.tick(now)
            if slot is not None:
                assert calendar.slot_time(slot, time(2, 30), e.config.zone) <= now
            now += timedelta(minutes=30)


# ---------------------------------------------------------------- the real APScheduler under a fast clock

SPEED = 90_000.0
"""Simulated seconds in a real one: two weeks in about fourteen seconds."""


class FastLoop(asyncio.SelectorEventLoop):
    """Waits a little for what was to be a long time."""

    def call_later(self, delay: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return super().call_later(max(delay, 0) / SPEED, callback, *args, **options)


def test_the_real_scheduler_ticks_through_two_weeks_and_every_day_comes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time as clock

    zone, began = ZoneInfo("America/New_York"), clock.monotonic()
    start = datetime(2026, 3, 2, 7, 0, tzinfo=zone)  # the clocks change on the 8th

    def fast_now(tz: Any = None) -> datetime:
        return (start + timedelta(seconds=(clock.monotonic() - began) * SPEED)).astimezone(tz or UTC)

    class FastClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return fast_now(tz)

    monkeypatch.setattr(apscheduler_base, "datetime", FastClock)
    troubles: list[str] = []
    ticks: list[datetime] = []
    with calendar_of(tmp_path, "America/New_York", "08:00") as e:
        keeper = Keeper(e, random.Random(1))

        async def tick(going: Any) -> None:
            now = fast_now(UTC)
            ticks.append(now)
            keeper.tick(now)

        async def two_weeks() -> None:
            metronome = Metronome(tick, at=time(8), zone=zone, on_trouble=troubles.append)
            await metronome.start()
            while fast_now() < start + 14 * DAY:
                await asyncio.sleep(3600)
            assert await metronome.stop()

        with asyncio.Runner(loop_factory=FastLoop) as runner:
            runner.run(two_weeks())
        slots = keeper.slots()
    days = [day for day, _, _ in slots]
    assert days == sorted(set(days))
    first = ticks[0].astimezone(zone).date()  # a slow machine may begin a simulated day late
    due = calendar.slots_due(ticks[-1], since_day=first, at=time(8), zone=zone, last=None)
    assert sum(covers for _, covers, _ in slots) == len(due) >= 12
    assert len(ticks) >= len(due)
    assert [t for t in troubles if "failed" in t] == []


# ---------------------------------------------------------------- whole ticks


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_nothing_happens_before_the_time_and_everything_at_it(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    assert house.tick("2025-01-29 07:59").outcome == "empty"
    assert not house.exists("2025/01/29/")
    assert house.tick("2025-01-29 08:00").outcome == "published"
    assert house.tick("2025-01-29 08:01").outcome == "already-published"
    assert len(house.mails()) == 1


def test_a_tick_with_nothing_to_do_leaves_no_trace(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.tick("2025-01-29 08:00")
    site, rows, runs = house.site(), house.content_rows(), house.rows("SELECT count(*) FROM runs")
    house.tick("2025-01-29 08:01")
    house.tick("2025-01-29 08:02")
    assert house.site() == site
    assert house.content_rows() == rows
    assert house.rows("SELECT count(*) FROM runs") == runs


def test_a_document_that_arrives_later_the_same_day_still_goes_out_that_day(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    assert house.tick("2025-01-29 08:00").outcome == "empty"
    assert house.tick("2025-01-29 08:30").outcome == "empty"
    house.write("2025-01-29", essays("2025-01-29", 1))
    run = house.tick("2025-01-29 09:10")
    assert run.outcome == "published"
    assert str(run.day) == "2025-01-29"


def test_edits_go_out_with_the_next_tick(house: House) -> None:
    text = essays("2025-01-29", 1)
    house.write("2025-01-29", text)
    house.tick("2025-01-29 08:00")
    house.write("2025-01-29", text.replace("第1篇", "第一篇"))
    house.tick("2025-01-29 10:00")
    assert "第一篇" in house.page("2025/01/29/")


def test_a_file_saved_a_moment_ago_is_left_alone_by_the_clock_and_not_by_hand(house: House) -> None:
    import os

    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    path = house.write("2025-01-29", essays("2025-01-29", 1))
    saved = datetime(2025, 1, 29, 7, 59, tzinfo=house.now.tzinfo).timestamp()
    os.utime(path, (saved, saved))
    run = house.tick("2025-01-29 08:00")
    assert run.outcome == "empty"
    assert "file-settling" in [found.slug for found in run.diagnostics]
    assert house.tick("2025-01-29 08:02").outcome == "published"
    path = house.write("2025-01-30", essays("2025-01-30", 1))
    os.utime(path, (saved + 86_400, saved + 86_400))
    assert house.once("2025-01-30 08:00").outcome == "published"


def test_a_missed_slot_is_caught_up_by_the_first_tick_after_it(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    house.write("2025-01-30", day_file("2025-01-30", essay("甲")))
    run = house.tick("2025-01-31 06:00")  # off on the 29th and 30th; the 31st is not due yet
    assert titles(run) == ["甲的故事"]
    assert house.rows("SELECT day, covers FROM issues ORDER BY day") == [("2025-01-28", 1), ("2025-01-30", 2)]


def test_paused_means_no_issue_and_no_mail_until_resumed(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    house.app.pause()
    house.write("2025-01-29", essays("2025-01-29", 1))
    run = house.tick("2025-01-29 08:00")
    assert run.outcome == "empty"
    assert [item.how for item in run.held] == ["publisher resume"]
    assert [item.how for item in house.app.status().held] == ["publisher resume"]
    assert exit_code(run) == 4
    assert len(house.mails()) == 1
    house.app.resume()
    assert house.tick("2025-01-29 08:05").outcome == "published"
    assert len(house.mails()) == 2


def test_a_skipped_day_has_no_issue_and_its_entries_go_with_the_next(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    house.at("2025-01-28 20:00")
    house.app.skip(date(2025, 1, 29))
    house.write("2025-01-29", essays("2025-01-29", 1))
    assert house.tick("2025-01-29 08:00").issue is None
    by_hand = house.once("2025-01-29 09:00")
    assert by_hand.outcome == "empty"
    assert "left out" in by_hand.notices[0].message
    assert titles(house.tick("2025-01-30 08:00")) == ["2025-01-29 第1篇的故事"]


def test_a_day_skipped_long_before_leaves_the_days_until_then_alone(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    house.app.skip(date(2025, 1, 30))
    for day in ("2025-01-29", "2025-01-30", "2025-01-31"):
        house.write(day, essays(day, 1))
    assert titles(house.tick("2025-01-29 08:00")) == ["2025-01-29 第1篇的故事"]
    assert house.tick("2025-01-30 08:00").issue is None
    assert len(house.tick("2025-01-31 08:00").issue.entries) == 2


def test_history_tells_runs_that_did_something_newest_first(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.tick("2025-01-28 08:00")
    house.tick("2025-01-28 08:01")
    house.write("2025-01-30", essays("2025-01-30", 1))
    house.tick("2025-01-30 09:00")
    runs = house.app.history(10).runs
    assert [(run.kind, run.outcome, run.figures["covers"]) for run in runs] == [
        ("tick", "published", 2),
        ("tick", "published", 1),
    ]
