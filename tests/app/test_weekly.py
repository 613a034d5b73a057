"""The weekly mailing: the same entries once a week, and nothing that its reader was mailed before."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from publisher.app.summary import exit_code
from publisher.core.delivery import STATES
from publisher.core.issue import IssueName
from tests.app.test_mailing import choose
from tests.house import House, day_file, essay, essays

WEEK = [date(2025, 1, 27) + timedelta(days=n) for n in range(7)]  # Monday to Sunday
SUNDAY = WEEK[-1]
ALICE, BOB = "alice@example.cn", "bob@example.cn"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A publication without an owner, with one weekly reader, on the Monday of a week."""
    house = House(tmp_path, links={"budget_s": 0}, mail={"owner": ""})
    house.app.add_subscribers((ALICE, BOB))
    choose(house, ALICE, "weekly")
    return house


def publish(house: House, *days: date, n: int = 1) -> None:
    """So many essays for each of these days, published on it at 08:00."""
    for day in days:
        house.write(f"{day}", essays(f"{day}", n))
        house.once(f"{day} 08:00")


def title(day: date, n: int = 1) -> str:
    return f"{day} 第{n}篇的故事"


def carried(house: House, reader: str, *, kind: str = "") -> list[str]:
    """The titles of all entries that a reader was mailed, by weekly mail alone when `kind` is given."""
    found: list[str] = []
    for mail in house.mails():
        if mail["To"] == reader and kind in mail["Feedback-ID"]:
            found += re.findall(r"(?m)^\[\d+\] (.+篇的故事) · ", house.text(mail))
    return found


def test_a_weekly_reader_gets_the_week_on_sunday_in_one_mail(house: House) -> None:
    publish(house, *WEEK[:-1])
    assert carried(house, ALICE) == []
    publish(house, SUNDAY)
    assert carried(house, ALICE) == [title(day) for day in WEEK]
    [mail] = [mail for mail in house.mails() if mail["To"] == ALICE]
    assert mail["Subject"].startswith("一周：1月27日–2月2日 · ")
    assert carried(house, BOB) == [title(day) for day in WEEK]
    assert len([mail for mail in house.mails() if mail["To"] == BOB]) == 7


def test_it_is_made_once_whatever_runs_after_it(house: House) -> None:
    publish(house, *WEEK)
    before = len(house.mails())
    house.once(f"{SUNDAY} 09:00")
    house.tick(f"{SUNDAY} 10:00")
    house.tick("2025-02-03 07:00")
    assert len(house.mails()) == before
    assert house.rows("SELECT count(*) FROM mailings WHERE kind = 'weekly'") == [(1,)]


def test_an_empty_sunday_is_waited_for_until_it_is_over(house: House) -> None:
    publish(house, *WEEK[:-1])
    house.tick(f"{SUNDAY} 08:00")
    house.tick(f"{SUNDAY} 23:59")
    assert carried(house, ALICE) == []
    house.tick("2025-02-03 00:00")
    assert carried(house, ALICE) == [title(day) for day in WEEK[:-1]]


def test_a_skipped_sunday_is_not_waited_for(house: House) -> None:
    publish(house, *WEEK[:-1])
    house.at(f"{SUNDAY} 07:00")
    house.app.skip(SUNDAY)
    house.tick(f"{SUNDAY} 07:01")
    assert carried(house, ALICE) == [title(day) for day in WEEK[:-1]]


def test_a_machine_that_slept_on_sunday_sends_it_when_it_wakes_without_the_new_week(house: House) -> None:
    publish(house, *WEEK[:-1])
    publish(house, date(2025, 2, 4))
    assert carried(house, ALICE) == [title(day) for day in WEEK[:-1]]
    publish(house, date(2025, 2, 9))
    assert carried(house, ALICE)[-2:] == [title(date(2025, 2, 4)), title(date(2025, 2, 9))]


def test_who_changes_to_weekly_gets_only_what_is_left(house: House) -> None:
    publish(house, *WEEK[:3])
    choose(house, BOB, "weekly")
    publish(house, *WEEK[3:])
    assert carried(house, BOB, kind="weekly") == [title(day) for day in WEEK[3:]]
    assert carried(house, ALICE) == [title(day) for day in WEEK]
    variants = {
        name
        for (name,) in house.rows(
            "SELECT variant FROM artifacts a JOIN mailings m ON m.id = a.mailing_id WHERE kind = 'weekly'"
        )
    }
    assert len(variants) == 2
    assert "full.zh-Hans" in variants


def test_who_changes_to_daily_is_mailed_nothing_twice(house: House) -> None:
    publish(house, *WEEK, date(2025, 2, 3))
    choose(house, ALICE, "daily")
    publish(house, date(2025, 2, 4), date(2025, 2, 9))
    assert Counter(carried(house, ALICE)) == Counter(
        title(d) for d in [*WEEK, date(2025, 2, 4), date(2025, 2, 9)]
    )


def test_for_whom_nothing_is_left_there_is_no_row(house: House) -> None:
    publish(house, *WEEK[:-1])
    house.write(f"{SUNDAY}", essays(f"{SUNDAY}", 1))
    house.app.remove_subscribers((ALICE,))
    house.once(f"{SUNDAY} 08:00")
    choose(house, BOB, "weekly")
    house.once(f"{SUNDAY} 09:00")
    assert house.rows("SELECT recipients, state FROM mailings WHERE kind = 'weekly'") == [(0, "done")]
    status = house.app.status()
    assert status.books["recipients"] == status.books["accepted"] == 1  # of Sunday's issue


def test_a_week_is_closed_for_those_who_come_after_it(house: House) -> None:
    publish(house, *WEEK)
    house.app.add_subscribers(("late@example.cn",))
    choose(house, "late@example.cn", "weekly")
    house.tick("2025-02-03 07:00")
    assert carried(house, "late@example.cn") == []
    publish(house, date(2025, 2, 3), date(2025, 2, 9))
    assert carried(house, "late@example.cn") == [title(date(2025, 2, 3)), title(date(2025, 2, 9))]


@pytest.mark.parametrize("state", STATES)
def test_what_was_mailed_or_still_may_be_is_left_out(house: House, state: str) -> None:
    """A daily delivery in this state, and its reader wants weekly mail from now on."""
    publish(house, WEEK[0])
    with house.app._equipped() as e, e.store.write() as tx:
        import sqlalchemy as sa

        tx.execute(sa.text("UPDATE deliveries SET state = :state, next_at = NULL"), {"state": state})
    choose(house, BOB, "weekly")
    house.app.pause(None)
    house.app.resume(None)
    publish(house, *WEEK[1:])
    left = WEEK if state in ("rejected", "skipped") else WEEK[1:]
    assert carried(house, BOB, kind="weekly") == [title(day) for day in left]


def test_an_issue_whose_mail_was_cancelled_is_not_mailed_by_the_week(house: House) -> None:
    publish(house, *WEEK[:2])
    with house.app._equipped() as e, e.store.write() as tx:
        import sqlalchemy as sa

        tx.execute(sa.text("UPDATE mailings SET state = 'open' WHERE day = '2025-01-28'"))
    house.app.cancel(IssueName(WEEK[1]))
    publish(house, *WEEK[2:])
    assert carried(house, ALICE) == [title(day) for day in WEEK if day != WEEK[1]]


def test_mail_that_is_held_is_not_sent_by_way_of_the_week(house: House) -> None:
    house.write("2025-01-15", essays("2025-01-15", 1))
    house.once("2025-01-15 08:00")
    run = None
    for day in (WEEK[5], SUNDAY):
        house.write(f"{day}", essays(f"{day}", 1))
        run = house.once(f"{day} 08:00")
    assert run is not None
    assert {item.what for item in run.held} == {"mail of {issue}", "weekly mail of {issue}"}
    assert exit_code(run) == 4
    assert carried(house, ALICE) == []
    house.deliver(IssueName(SUNDAY), release=True)
    assert carried(house, ALICE) == [title(WEEK[5]), title(SUNDAY)]


def test_a_paused_publication_makes_no_week_until_it_goes_on(house: House) -> None:
    publish(house, *WEEK[:-1])
    house.app.pause(None)
    house.tick(f"{SUNDAY} 08:00")
    house.tick("2025-02-03 00:01")
    assert house.rows("SELECT count(*) FROM mailings WHERE kind = 'weekly'") == [(0,)]
    house.app.resume(None)
    house.tick("2025-02-03 07:00")
    assert carried(house, ALICE) == [title(day) for day in WEEK[:-1]]


def test_the_day_of_the_week_is_the_operators(house: House) -> None:
    house.configure(mail={"weekly_day": "wednesday"})
    publish(house, *WEEK[:3])
    assert carried(house, ALICE) == [title(day) for day in WEEK[:3]]
    house.configure(mail={"weekly_day": "sunday"})
    publish(house, *WEEK[3:])
    assert Counter(carried(house, ALICE)) == Counter(map(title, WEEK))


def test_extra_issues_and_late_additions_stand_with_their_day(house: House) -> None:
    publish(house, WEEK[0])
    house.write(f"{WEEK[0]}", day_file(f"{WEEK[0]}", *(essay(f"{WEEK[0]} 第{n}篇") for n in (1, 2))))
    house.once(f"{WEEK[0]} 12:00", extra=True)
    publish(house, *WEEK[1:])
    assert carried(house, ALICE)[:3] == [title(WEEK[0]), title(WEEK[0], 2), title(WEEK[1])]
    [mail] = [mail for mail in house.mails() if mail["To"] == ALICE]
    assert "补：" not in house.text(mail)


def test_what_was_withdrawn_is_not_in_it(house: House) -> None:
    publish(house, *WEEK[:3])
    house.write(f"{WEEK[1]}", f"# {WEEK[1]}\n")
    publish(house, *WEEK[3:])
    assert carried(house, ALICE) == [title(day) for day in WEEK if day != WEEK[1]]


def test_a_plan_tells_it_and_leaves_no_trace(house: House) -> None:
    publish(house, *WEEK[:-1])
    house.write(f"{SUNDAY}", essays(f"{SUNDAY}", 1))
    before = house.content_rows()
    run = house.plan(f"{SUNDAY} 08:00")
    assert run.weekly is not None
    assert run.weekly.mail.readers == {"full.zh-Hans": 1}
    assert house.content_rows() == before
    done = house.once()
    assert done.weekly is not None
    assert done.weekly.books["accepted"] == 1


def test_a_week_of_long_essays_fits_the_budget_and_says_what_it_shortens(house: House) -> None:
    for day in WEEK:
        house.write(
            f"{day}", day_file(f"{day}", *(essay(f"{day} 第{n}篇", paragraphs=40) for n in (1, 2, 3)))
        )
        house.once(f"{day} 08:00")
    [mail] = [mail for mail in house.mails() if mail["To"] == ALICE]
    html = mail.get_body(("html",))
    assert html is not None
    assert len(html.get_content().encode()) <= 73_000
    text = house.text(mail)
    assert all(title(day, n) in text for day in WEEK for n in (1, 2, 3))
    assert "节选" in text


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(n, marks=pytest.mark.soak) for n in range(3, 8))])
def test_whatever_readers_choose_nothing_is_mailed_to_them_twice(tmp_path: Path, seed: int) -> None:
    """Five weeks of readers who change their minds, machines that sleep, slots that stay empty."""
    dice = random.Random(seed)
    house = House(tmp_path, links={"budget_s": 0}, mail={"owner": ""})
    fickle = [f"fickle{n}@example.cn" for n in range(4)]
    house.app.add_subscribers((ALICE, BOB, *fickle))
    choose(house, ALICE, "weekly")
    published: set[str] = set()
    for n in range(35):
        day = WEEK[0] + timedelta(days=n)
        for reader in fickle:
            if dice.random() < 0.3:
                choose(
                    house, reader, dice.choice(("daily", "weekly")), dice.choice(("full", "lead", "titles"))
                )
            if dice.random() < 0.1:
                dice.choice((house.app.add_subscribers, house.app.remove_subscribers))((reader,))
        if dice.random() < 0.2:
            continue
        if dice.random() < 0.8:
            house.write(f"{day}", essays(f"{day}", 1))
            published.add(title(day))
        house.tick(f"{day} {dice.choice(('08:00', '09:30', '23:58'))}")
    house.tick("2025-03-03 07:00")
    for reader in (ALICE, BOB, *fickle):
        twice = {one: n for one, n in Counter(carried(house, reader)).items() if n > 1}
        assert twice == {}, reader
    assert set(carried(house, BOB)) == published
    assert set(carried(house, ALICE)) == published
    uneven = house.rows(
        "SELECT m.id FROM mailings m LEFT JOIN deliveries d ON d.mailing_id = m.id "
        "GROUP BY m.id HAVING count(d.state) != m.recipients"
    )
    assert uneven == []


@pytest.mark.parametrize("sunday_is_empty", [False, True])
def test_a_database_from_before_the_week_was_mailed_mails_it_to_nobody_again(
    house: House, tmp_path: Path, sunday_is_empty: bool
) -> None:
    publish(house, *WEEK[:-1])
    house.app.backup(tmp_path / "old.db")
    if sunday_is_empty:
        house.tick(f"{SUNDAY} 08:00")
        house.tick("2025-02-03 00:10")
    else:
        publish(house, SUNDAY)
    assert carried(house, ALICE)
    shutil.rmtree(house.root / "var" / "mail")  # where a second copy would replace the first one unseen
    assert "adopt" in house.app.restore(tmp_path / "old.db").notices[0].message
    for when in ("2025-02-03 01:00", "2025-02-03 08:00"):
        assert house.tick(when).outcome == "held"
    house.app.adopt()
    house.tick("2025-02-03 09:00")
    assert carried(house, ALICE) == []
    publish(house, *[day + timedelta(days=7) for day in WEEK])
    assert carried(house, ALICE) == [title(day + timedelta(days=7)) for day in WEEK]


def test_a_lost_database_mails_the_week_to_nobody_again(house: House) -> None:
    publish(house, *WEEK)
    people = house.rows("SELECT email FROM subscribers")
    shutil.rmtree(house.root / "var")
    house.tick("2025-02-03 08:00")
    house.app.adopt()
    house.app.add_subscribers(tuple(str(email) for (email,) in people))
    choose(house, ALICE, "weekly")
    house.tick("2025-02-03 09:00")
    assert house.mails() == []
