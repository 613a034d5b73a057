"""Thinning: years of checks and runs become few, what shows stays as it was, and doing it again changes nothing."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.app.maintain import WHOLE, maintain
from tests.house import House, day_file, essay

URLS = tuple(f"http://{n}.example.org/a" for n in range(3))
NOW = datetime(2028, 1, 29, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A published day with three links that answered once."""
    house = House(tmp_path)
    house.write("2025-01-29", day_file("2025-01-29", *(f"{essay(url)}\n\n{url}" for url in URLS)))
    for url in URLS:
        house.web.leads(url, f"{url}/there", "题")
    house.once("2025-01-29 08:00")
    return house


def thin(house: House, now: datetime = NOW) -> int:
    with house.app._equipped() as e:
        return maintain(e, now)


def write(house: House, statement: str, rows: list[tuple[object, ...]]) -> None:
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as connection, connection:
        connection.executemany(statement, rows)


CHECK = (
    "INSERT INTO link_checks (link_id, at, result, http_status, ms, chain, error, void)"
    " VALUES (?, ?, ?, ?, 1, '[]', '', ?)"
)
RUN = "INSERT INTO runs (kind, host, started_at, outcome, ok, error) VALUES (?, 'h', ?, ?, ?, '')"


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def years(house: House) -> None:
    """Daily checks of the first link for three years: a bad month in each summer, void runs on every tenth day."""
    rows: list[tuple[object, ...]] = []
    for n in range(3 * 365):
        at = datetime(2025, 1, 30, 4, tzinfo=UTC) + timedelta(days=n)
        bad = at.month == 7
        void = n % 10 == 0
        rows.append((1, moment(at), "broken" if bad else "redirected", 404 if bad else 200, int(void)))
    write(house, CHECK, rows)


def history(house: House, link: int = 1) -> list[tuple[object, ...]]:
    """The results of a link one after the other, without repetitions."""
    told: list[tuple[object, ...]] = []
    for row in house.rows(
        f"SELECT result, http_status FROM link_checks WHERE link_id={link} AND void=0 ORDER BY id"
    ):
        if not told or told[-1] != row:
            told.append(row)
    return told


def test_years_of_checks_become_few_and_tell_the_same_story(house: House) -> None:
    years(house)
    before, report = history(house), house.app.report_links()
    assert thin(house) > 800
    assert history(house) == before
    assert house.app.report_links() == report
    old = house.rows(f"SELECT count(*) FROM link_checks WHERE at < '{moment(NOW - WHOLE)}'")[0][0]
    assert isinstance(old, int)
    assert old <= 36 + 6 + 3  # a month each, the changes, the last of each link


def test_thinning_again_changes_nothing(house: House) -> None:
    years(house)
    thin(house)
    once = house.rows("SELECT * FROM link_checks"), house.rows("SELECT * FROM runs")
    assert thin(house) == 0
    assert (house.rows("SELECT * FROM link_checks"), house.rows("SELECT * FROM runs")) == once


def test_the_newest_ninety_days_stay_whole(house: House) -> None:
    years(house)
    edge = f"SELECT * FROM link_checks WHERE at >= '{moment(NOW - WHOLE)}'"
    before = house.rows(edge)
    thin(house)
    assert house.rows(edge) == before
    assert len(before) > 80


def test_the_pages_do_not_change(house: House) -> None:
    years(house)
    before = house.site()
    thin(house)
    shutil.rmtree(house.public)
    house.once()
    assert house.site() == before


def test_the_last_check_of_a_link_stays_even_when_it_was_void(house: House) -> None:
    write(house, CHECK, [(2, moment(datetime(2025, 2, 1, tzinfo=UTC)), "timeout", None, 1)])
    thin(house)
    assert house.rows("SELECT result FROM link_checks WHERE link_id=2 ORDER BY id")[-1] == ("timeout",)


def test_runs_are_thinned_likewise_and_the_last_one_stays(house: House) -> None:
    first = datetime(2025, 2, 1, tzinfo=UTC)
    rows: list[tuple[object, ...]] = [
        ("tick", moment(first + timedelta(hours=n)), "empty" if n % 500 == 0 else "published", 1)
        for n in range(5000)
    ]
    write(house, RUN, rows)
    last = house.rows("SELECT max(id) FROM runs")
    thin(house)
    assert house.rows("SELECT max(id) FROM runs") == last
    empties = house.rows("SELECT count(*) FROM runs WHERE outcome='empty'")[0][0]
    assert empties == 10
    assert house.rows("SELECT count(*) FROM runs")[0][0] <= 10 * 2 + 12  # type: ignore[operator]
    assert house.app.status().last_run is not None


def test_deliveries_are_never_touched(house: House) -> None:
    before = house.rows("SELECT * FROM deliveries"), house.app.status().books
    thin(house, NOW + timedelta(days=3650))
    assert (house.rows("SELECT * FROM deliveries"), house.app.status().books) == before


def test_a_day_that_closes_its_slot_thins(house: House) -> None:
    years(house)
    counted = house.rows("SELECT count(*) FROM link_checks")
    house.write("2028-01-29", day_file("2028-01-29", essay("三年后")))
    house.once("2028-01-29 08:00", accept_clock=True)
    assert house.rows("SELECT count(*) FROM link_checks") < counted


def test_a_plan_thins_nothing(house: House) -> None:
    years(house)
    before = house.rows("SELECT count(*) FROM link_checks")
    house.write("2028-01-29", day_file("2028-01-29", essay("三年后")))
    house.plan("2028-01-29 08:00")
    assert house.rows("SELECT count(*) FROM link_checks") == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(1, 2),
            st.integers(0, 40),
            st.sampled_from(["ok", "broken", "blocked"]),
            st.integers(0, 1),
        ),
        max_size=60,
    )
)
def test_any_history_is_told_alike_and_thinned_once(
    house: House, steps: list[tuple[int, int, str, int]]
) -> None:
    write(house, "DELETE FROM link_checks WHERE 1 = ?", [(1,)])
    at, rows = datetime(2025, 2, 1, tzinfo=UTC), []
    for link, days, result, void in steps:
        at += timedelta(days=days)
        rows.append((link, moment(at), result, None, void))
    write(house, CHECK, rows)
    told = history(house, 1), history(house, 2)
    thin(house)
    left = house.rows("SELECT * FROM link_checks")
    assert (history(house, 1), history(house, 2)) == told
    assert thin(house) == 0
    assert house.rows("SELECT * FROM link_checks") == left


def test_a_clock_that_was_set_back_thins_nothing(house: House) -> None:
    years(house)
    before = house.rows("SELECT count(*) FROM link_checks")
    assert thin(house, datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert house.rows("SELECT count(*) FROM link_checks") == before
