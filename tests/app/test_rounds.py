"""What happens around a run: a monitor hears of it, the owner is told of trouble once, and of the week on Monday."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from publisher.app import rounds
from publisher.core import faults
from publisher.core.errors import FolderError, MailError, PublisherError, StoreError, TemplateError
from tests.fake_hub import Answered, Server
from tests.fake_smtp import FakeSmtp
from tests.house import House, day_file, essay

FIRST = "2025-01-29 08:00"  # a Wednesday


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, alerts={"mail": True, "report": "never"})
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.write("2025-01-30", day_file("2025-01-30", essay("乙")))
    return house


def letters(house: House, mark: str) -> list[EmailMessage]:
    return [mail for mail in house.mails() if mark in str(mail["Subject"])]


def alerts(house: House) -> list[str]:
    return [house.text(mail) for mail in letters(house, "需要")]


def fail(house: House, when: str, error: Exception) -> None:
    """A tick that fails while it draws."""
    house.at(when)

    def broken() -> None:
        raise error

    faults.arm("run-begun", broken)
    try:
        with pytest.raises(type(error)):
            asyncio.run(house.app.tick())
    finally:
        faults.arm("run-begun", lambda: None)


class Killed(BaseException):
    """What nothing of ours catches."""


def kill(house: House, when: str, place: str, *, by_hand: bool = False) -> None:
    """A tick, or a run by hand, that ends there as if it were killed."""
    house.at(when)

    def dead() -> None:
        raise Killed

    faults.arm(place, dead)
    try:
        with pytest.raises(Killed):
            asyncio.run(house.app.once() if by_hand else house.app.tick())
    finally:
        faults.arm(place, lambda: None)


# ---------------------------------------------------------------- alerts


def test_a_failing_run_is_told_once_however_often_it_fails(house: House) -> None:
    house.once(FIRST)
    for minute in range(30):
        fail(house, f"2025-01-30 08:{minute:02}", FolderError("cannot write {path}", path="public/rss.xml"))
    (told,) = alerts(house)
    assert "public/rss.xml" in told


def test_it_is_told_again_when_it_is_another_failure_and_after_a_day(house: House) -> None:
    house.once(FIRST)
    fail(house, "2025-01-30 08:00", FolderError("one"))
    fail(house, "2025-01-30 08:05", FolderError("two"))  # not twice within a quarter of an hour
    assert len(alerts(house)) == 1
    fail(house, "2025-01-30 08:20", FolderError("two"))
    assert len(alerts(house)) == 2
    fail(house, "2025-01-31 08:10", FolderError("two"))
    assert len(alerts(house)) == 2
    fail(house, "2025-01-31 08:30", FolderError("two"))
    assert len(alerts(house)) == 3


def test_what_comes_and_goes_is_no_news_each_time(house: House) -> None:
    house.once(FIRST)
    fail(house, "2025-01-30 08:00", FolderError("one"))
    house.tick("2025-01-30 08:01")
    for hour in range(9, 23):
        house.at(f"2025-01-30 {hour:02}:00")
        with house.app._equipped() as e:
            asyncio.run(rounds._Rounds(e, by_clock=True).failed(FolderError("one")))
    assert len(alerts(house)) == 1


def test_a_bug_is_told_too_and_still_raised(house: House) -> None:
    house.once(FIRST)
    fail(house, "2025-01-30 08:00", ZeroDivisionError("oh"))
    (told,) = alerts(house)
    assert "ZeroDivisionError" in told


def test_held_mail_is_told_with_the_way_out(house: House) -> None:
    house.once(FIRST)
    house.tick("2025-02-10 08:00")  # twelve days later
    (told,) = alerts(house)
    assert "publisher deliver 2025-02-10 --release" in told


def test_a_pause_by_the_operators_wish_is_no_trouble(house: House) -> None:
    house.once(FIRST)
    house.app.pause()
    house.tick("2025-01-30 08:00")
    assert alerts(house) == []


def test_uncertain_deliveries_are_told(house: House) -> None:
    house.once(FIRST)
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db, db:
        db.execute("UPDATE deliveries SET state = 'uncertain'")
    house.tick("2025-01-29 09:00")
    (told,) = alerts(house)
    assert "publisher deliveries uncertain" in told


def test_little_material_is_told_when_the_operator_wants_it(house: House) -> None:
    house.tick(FIRST)
    assert alerts(house) == []
    house.configure(alerts={"material_days": 3})
    house.tick("2025-01-29 09:00")
    (told,) = alerts(house)
    assert "稿子" in told


def test_no_alert_goes_out_when_the_operator_wants_none(house: House) -> None:
    house.configure(alerts={"mail": False})
    house.once(FIRST)
    fail(house, "2025-01-30 08:00", FolderError("one"))
    assert alerts(house) == []


def test_an_alert_that_the_mail_server_did_not_take_goes_out_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.once(FIRST)
    from publisher.app import alerts as verb

    async def away(*_: object, **__: object) -> bool:
        raise MailError("nobody is there")

    whole = verb.mail_owner
    monkeypatch.setattr(verb, "mail_owner", away)
    fail(house, "2025-01-30 08:00", FolderError("one"))
    monkeypatch.setattr(verb, "mail_owner", whole)
    fail(house, "2025-01-30 08:01", FolderError("one"))
    assert len(alerts(house)) == 1


def test_a_run_killed_between_noting_and_sending_tells_nothing_twice(house: House) -> None:
    house.once(FIRST)

    def kill() -> None:
        raise KeyboardInterrupt

    faults.arm("alert-noted", kill)
    house.at("2025-01-30 08:00")
    try:
        with house.app._equipped() as e, pytest.raises(KeyboardInterrupt):
            asyncio.run(rounds._Rounds(e, by_clock=True).failed(FolderError("one")))
    finally:
        faults.arm("alert-noted", lambda: None)
    fail(house, "2025-01-30 08:01", FolderError("one"))
    assert alerts(house) == []


def test_nothing_wrong_leaves_no_trace(house: House) -> None:
    house.tick(FIRST)
    house.tick("2025-01-29 08:01")
    assert house.rows("SELECT * FROM alerts") == []


# ---------------------------------------------------------------- the week's report


@pytest.fixture
def reporting(house: House) -> House:
    house.configure(alerts={"report": "weekly"})
    return house


def reports(house: House) -> list[str]:
    return [house.text(mail) for mail in letters(house, "一周")]


def test_the_report_comes_on_monday_after_the_slot_and_once(reporting: House) -> None:
    house = reporting
    house.tick(FIRST)
    house.tick("2025-01-30 08:00")
    for when in ("2025-01-31 08:00", "2025-02-02 23:59", "2025-02-03 07:59"):
        house.tick(when)
    assert reports(house) == []
    for when in ("2025-02-03 08:00", "2025-02-03 08:01", "2025-02-04 08:00", "2025-02-09 20:00"):
        house.tick(when)
    (told,) = reports(house)
    assert "2025年1月27日" in told
    assert "2 期" in told
    assert "2025-01-29" in told
    assert "2025-01-30" in told
    house.tick("2025-02-10 08:00")
    assert len(reports(house)) == 2


def test_the_report_says_who_came_and_left_and_what_became_of_the_mail(reporting: House) -> None:
    house = reporting
    house.at("2025-01-29 07:00")
    house.app.add_subscribers(("a@example.org", "b@example.org", "c@example.org"))
    house.tick(FIRST)
    house.at("2025-01-29 12:00")
    house.app.remove_subscribers(("c@example.org",))
    house.tick("2025-02-03 08:00")
    (told,) = reports(house)
    assert "来了 2 人" in told
    assert "走了 1 人" in told
    assert "4 成功" in told


def test_a_machine_that_was_off_on_monday_sends_it_on_tuesday(reporting: House) -> None:
    reporting.tick(FIRST)
    reporting.tick("2025-02-04 21:00")
    assert len(reports(reporting)) == 1


def test_a_new_publication_has_no_report_of_the_week_before_it(reporting: House) -> None:
    reporting.tick("2025-02-03 09:00")
    reporting.tick("2025-02-03 10:00")
    assert reports(reporting) == []


def test_a_killed_run_sends_the_report_no_second_time(reporting: House) -> None:
    house = reporting
    house.tick(FIRST)

    def kill() -> None:
        raise KeyboardInterrupt

    faults.arm("report-noted", kill)
    try:
        with pytest.raises(KeyboardInterrupt):
            house.tick("2025-02-03 08:00")
    finally:
        faults.arm("report-noted", lambda: None)
    for minute in range(1, 50, 7):
        house.tick(f"2025-02-03 08:{minute:02}")
    assert reports(house) == []


def test_a_report_that_no_server_took_is_tried_again_after_a_while(
    reporting: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = reporting
    house.tick(FIRST)
    from publisher.app import week_report as verb

    calls = []

    async def away(*_: object, **__: object) -> bool:
        calls.append(1)
        raise MailError("nobody is there")

    whole = verb.mail_owner
    monkeypatch.setattr(verb, "mail_owner", away)
    for minute in range(20):
        house.tick(f"2025-02-03 08:{minute:02}")
    assert len(calls) == 1
    monkeypatch.setattr(verb, "mail_owner", whole)
    house.tick("2025-02-03 08:40")
    assert len(reports(house)) == 1


def test_the_report_speaks_english_to_an_english_curator(reporting: House) -> None:
    reporting.configure(site={"interface": "en"})
    reporting.tick(FIRST)
    reporting.tick("2025-02-03 08:00")
    (mail,) = letters(reporting, "the week of")
    assert "Material left" in reporting.text(mail)
    assert mail["Content-Language"] == "en"


def test_the_owners_letters_go_through_a_real_mail_server(reporting: House) -> None:
    with FakeSmtp(reporting.root / "accepted.log") as server:
        given = {"transport": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none"}
        reporting.configure(mail=given)
        reporting.tick(FIRST)
        before = len(server.accepted())
        reporting.tick("2025-02-03 08:00")
        sent = server.accepted()[before:]
    assert {recipient for _, recipient in sent} == {"curator@localhost"}
    assert len(sent) == len({named for named, _ in sent}) == 2  # the issue of the 30th, and the report


# ---------------------------------------------------------------- the monitor


@pytest.fixture
def monitor(house: House) -> Iterator[Server]:
    with Server() as server:
        house.configure(alerts={"ping_url": f"{server.url}uuid"})
        yield server


def pinged(monitor: Server) -> list[str]:
    paths = [asked.path.removeprefix("/uuid") or "done" for asked in monitor.asked]
    monitor.asked.clear()
    return paths


def test_the_monitor_hears_the_beginning_and_the_end_of_a_slot(house: House, monitor: Server) -> None:
    house.tick("2025-01-29 07:59")
    pinged(monitor)  # the very first run of a publication counts as a slot
    house.tick(FIRST)
    assert pinged(monitor) == ["/start", "done"]
    house.tick("2025-01-29 08:01")
    assert pinged(monitor) == []


@pytest.mark.parametrize(
    "place",
    ["run-begun", "plan-committed", "pages-written", "commit-committed", "mail-written", "deliver-finished"],
)
def test_the_run_that_finishes_for_a_killed_one_tells_the_monitor_and_once(
    house: House, monitor: Server, place: str
) -> None:
    house.tick(FIRST)
    pinged(monitor)
    kill(house, "2025-01-30 08:00", place)
    assert pinged(monitor) == ["/start"]
    house.tick("2025-01-30 08:01")
    assert pinged(monitor)[-1] == "done"
    assert len(house.mails()) == 2
    house.tick("2025-01-30 08:02")
    assert pinged(monitor) == []


def test_a_failure_at_noon_is_over_when_a_run_goes_well_again(house: House, monitor: Server) -> None:
    house.tick(FIRST)
    pinged(monitor)
    fail(house, "2025-01-30 08:00", FolderError("gone"))
    kill(house, "2025-01-30 08:10", "commit-committed")
    house.seeds.rename(house.root / "away")
    with pytest.raises(FolderError):
        house.tick("2025-01-30 12:00")
    (house.root / "away").rename(house.seeds)
    pinged(monitor)
    house.tick("2025-01-30 12:01")
    assert pinged(monitor) == ["done"]
    house.tick("2025-01-30 12:02")
    assert pinged(monitor) == []


def test_nothing_is_called_finished_before_its_time_or_while_it_is_paused(
    house: House, monitor: Server
) -> None:
    house.tick(FIRST)
    kill(house, "2025-01-30 08:00", "commit-committed")
    house.app.pause()
    pinged(monitor)
    house.tick("2025-01-30 08:01")
    assert pinged(monitor) == []
    house.app.resume()
    house.tick("2025-01-30 08:02")
    assert pinged(monitor) == ["done"]
    house.write("2025-01-31", day_file("2025-01-31", essay("丙")))
    kill(house, "2025-01-31 06:00", "run-begun", by_hand=True)
    assert pinged(monitor) == ["/start"]
    house.tick("2025-01-31 06:01")
    assert pinged(monitor) == []
    house.tick("2025-01-31 08:00")
    assert pinged(monitor) == ["/start", "done"]


def test_a_kill_in_what_follows_the_run_costs_no_success(
    house: House, monitor: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tick(FIRST)
    pinged(monitor)

    async def dead(_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rounds._Rounds, "_backup", dead)
        with pytest.raises(Killed):
            house.tick("2025-01-30 08:00")
    assert pinged(monitor) == ["/start"]
    house.tick("2025-01-30 08:01")
    assert pinged(monitor) == ["done"]


def test_a_slot_that_failed_when_it_was_begun_is_done_when_it_is_finished(
    house: House, monitor: Server
) -> None:
    house.tick(FIRST)
    pinged(monitor)
    page = house.root / "templates" / "web" / "day.html"
    page.parent.mkdir(parents=True)
    page.write_text("{% if %}")
    house.configure(templates={"folder": "templates"})
    with pytest.raises(TemplateError):
        house.tick("2025-01-30 08:00")
    page.unlink()
    house.tick("2025-01-30 08:01")
    assert pinged(monitor) == ["/start", "/fail", "done"]
    house.tick("2025-01-30 08:02")
    assert pinged(monitor) == []


def test_it_hears_done_only_after_the_issue_is_out_and_mailed(house: House) -> None:
    seen = []

    def look(asked: object) -> Answered:
        seen.append((house.exists("2025/01/29/"), len(house.mails())))
        return Answered(200)

    with Server(look) as monitor:
        house.configure(alerts={"ping_url": monitor.url})
        house.once(FIRST)
    assert seen == [(False, 0), (True, 1)]


def test_an_empty_slot_is_finished_too_and_said_once(house: House, monitor: Server) -> None:
    house.tick(FIRST)
    house.tick("2025-01-30 08:00")
    pinged(monitor)
    for minute in range(3):
        house.tick(f"2025-01-31 08:0{minute}")
    assert pinged(monitor) == ["/start", "done"]


def test_a_failure_comes_with_the_end_of_the_log_and_once(house: House, monitor: Server) -> None:
    house.tick(FIRST)
    pinged(monitor)
    for minute in range(5):
        fail(house, f"2025-01-30 08:0{minute}", FolderError("cannot write {path}", path="public/rss.xml"))
    body = monitor.asked[-1].body
    assert pinged(monitor) == ["/start", "/fail"]
    assert "public/rss.xml" in body.decode()
    assert len(body) <= 10_000
    house.tick("2025-01-30 08:10")
    assert pinged(monitor)[-1] == "done"


def test_a_held_run_is_a_failure(house: House, monitor: Server) -> None:
    house.tick(FIRST)
    pinged(monitor)
    (house.public / ".publisher.json").write_text('{"uuid":"x","tag_host":"x","generation":9,"issue":"x"}')
    house.tick("2025-01-30 08:00")
    assert pinged(monitor) == ["/start", "/fail"]


@pytest.mark.parametrize("answer", [Answered(500), Answered(404)])
def test_a_monitor_in_trouble_fails_no_run(house: House, answer: Answered) -> None:
    with Server(lambda _: answer) as monitor:
        house.configure(alerts={"ping_url": monitor.url})
        assert house.once(FIRST).outcome == "published"


def test_a_monitor_that_is_not_there_fails_no_run(house: House) -> None:
    house.configure(alerts={"ping_url": "http://127.0.0.1:9/uuid"})
    assert house.once(FIRST).outcome == "published"


def test_the_monitors_address_is_a_secret(house: House, monitor: Server) -> None:
    from publisher.config.showing import effective

    config = house.app.config
    assert monitor.url not in repr(config)
    assert all(monitor.url not in str(setting.value) for setting in effective(config))


def test_busy_is_no_failure(house: House, monitor: Server) -> None:
    from publisher.core.errors import Busy

    house.tick(FIRST)
    pinged(monitor)

    async def busy() -> object:
        raise Busy(pid=1, command="once", since="now")

    with house.app._equipped() as e, pytest.raises(PublisherError):
        asyncio.run(rounds.attended(e, busy, by_clock=True))  # type: ignore[arg-type]
    assert "/fail" not in pinged(monitor)
    assert alerts(house) == []


def test_a_job_that_breaks_is_told_and_the_run_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left")

    monkeypatch.setattr("publisher.app.backup.nightly_backup", full)
    assert house.tick(FIRST).outcome == "published"
    (told,) = alerts(house)
    assert "no space left" in told
