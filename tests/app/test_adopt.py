"""State lost or restored while the pages are kept: no mail, no new names, until the operator says how to go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from publisher.app.summary import exit_code
from publisher.core.errors import OperatorMustAct
from tests.house import House, essays, held, titles

DAYS = ("2025-01-27", "2025-01-28", "2025-01-29")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Three days published, two entries each."""
    house = House(tmp_path)
    for day in DAYS:
        house.write(day, essays(day, 2))
        house.once(f"{day} 08:00")
    return house


def lose_the_database(house: House) -> None:
    for path in (house.root / "var").glob("publisher.db*"):
        path.unlink()


def identities(house: House) -> list[tuple[object, ...]]:
    return house.rows("SELECT uid, guid, permalink, published_at, day FROM entries ORDER BY uid")


def test_a_lost_database_holds_everything_and_touches_no_page(house: House) -> None:
    site = house.site()
    lose_the_database(house)
    run = house.once("2025-01-30 08:00")
    assert (run.outcome, exit_code(run)) == ("held", 1)
    assert "publisher adopt" in next(iter(run.held)).how
    assert house.site() == site
    assert len(house.mails()) == 3


def test_adopt_brings_back_identities_and_nothing_is_mailed_twice(house: House) -> None:
    before, site = identities(house), house.site()
    lose_the_database(house)
    house.once("2025-01-30 08:00")
    adopted = house.app.adopt()
    assert (adopted.entries, adopted.issues) == (6, 3)
    run = house.once("2025-01-30 09:00")
    assert run.outcome == "empty"
    assert identities(house) == before
    assert len(house.mails()) == 3
    assert {path: data for path, data in house.site().items() if path != ".publisher.json"} == {
        path: data for path, data in site.items() if path != ".publisher.json"
    }


def test_after_adopting_the_next_day_goes_out_as_always(house: House) -> None:
    lose_the_database(house)
    house.once("2025-01-30 08:00")
    house.app.adopt()
    house.write("2025-01-30", essays("2025-01-30", 1))
    run = house.once("2025-01-30 09:00")
    assert titles(run) == ["2025-01-30 第1篇的故事"]
    assert list(held(run)) == []
    assert len(house.mails()) == 4


def test_adopting_twice_changes_nothing(house: House) -> None:
    lose_the_database(house)
    house.app.adopt()
    rows = house.content_rows()
    assert house.app.adopt().entries == 0
    assert house.content_rows() == rows


def test_a_database_of_yesterday_holds_everything(house: House) -> None:
    backup = house.root / "yesterday.db"
    shutil.copy(house.root / "var" / "publisher.db", backup)
    house.write("2025-01-30", essays("2025-01-30", 1))
    house.once("2025-01-30 08:00")
    lose_the_database(house)
    shutil.copy(backup, house.root / "var" / "publisher.db")
    house.write("2025-01-31", essays("2025-01-31", 1))
    run = house.once("2025-01-31 08:00")
    assert run.outcome == "held"
    assert len(house.mails()) == 4
    house.app.adopt()
    run = house.once("2025-01-31 08:05")
    assert titles(run) == ["2025-01-31 第1篇的故事"]
    assert len(house.mails()) == 5


def test_mail_that_was_waiting_in_a_restored_database_is_not_sent(house: House) -> None:
    house.configure(mail={"hold_gap_days": 1})
    backup = house.root / "yesterday.db"
    house.write("2025-02-02", essays("2025-02-02", 1))
    house.once("2025-02-02 08:00")
    shutil.copy(house.root / "var" / "publisher.db", backup)
    house.write("2025-02-03", essays("2025-02-03", 1))
    house.once("2025-02-03 08:00")
    lose_the_database(house)
    shutil.copy(backup, house.root / "var" / "publisher.db")
    with pytest.raises(OperatorMustAct):
        house.deliver()
    assert len(house.mails()) == 4


def test_pages_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    house = House(tmp_path)
    page = house.public / "2025" / "01" / "01" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>another generator's page</p>", "utf-8")
    house.write("2025-01-29", essays("2025-01-29", 1))
    assert house.once("2025-01-29 08:00").outcome == "held"
    assert "another generator" in page.read_text("utf-8")


def test_there_is_nothing_to_adopt_without_pages(tmp_path: Path) -> None:
    with pytest.raises(OperatorMustAct):
        House(tmp_path).app.adopt()


def test_deleting_pages_and_database_begins_anew(house: House) -> None:
    lose_the_database(house)
    shutil.rmtree(house.public)
    run = house.once("2025-01-30 08:00")
    assert run.outcome == "published"
    assert titles(run) == ["2025-01-29 第1篇的故事", "2025-01-29 第2篇的故事"]
