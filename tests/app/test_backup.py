"""Copies of the database every night, and going back to one without mailing anything twice."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from publisher.core.errors import StoreError, UsageError
from publisher.core.issue import IssueName
from publisher.store import backups
from tests.house import House, day_file, essay

FIRST = "2025-01-29 08:00"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, store={"backups": 7})
    for day in range(29, 32):
        house.write(f"2025-01-{day}", day_file(f"2025-01-{day}", essay(f"第{day}篇")))
    house.once(FIRST)
    return house


def nightly(house: House) -> list[str]:
    return sorted(path.name for path in (house.root / "var" / "backups").glob("*"))


def day_of(mail: object) -> str:
    return str(mail["Subject"])  # type: ignore[index]


# ---------------------------------------------------------------- making


def test_one_copy_is_made_a_night_and_the_last_ones_are_kept(house: House) -> None:
    house.configure(store={"backups": 3})
    for day in range(1, 8):
        for hour in ("02:59", "03:00", "03:01", "12:00"):
            house.tick(f"2025-02-{day:02} {hour}")
    assert nightly(house) == [f"publisher-2025-02-0{day}.db" for day in (5, 6, 7)]


def test_a_copy_is_whole_and_nobody_elses_business(house: House) -> None:
    house.tick("2025-01-30 03:00")
    (path,) = (house.root / "var" / "backups").glob("*")
    assert path.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM entries").fetchall() == [(3,)]


def test_a_machine_that_was_off_at_night_makes_it_when_it_is_on(house: House) -> None:
    house.tick("2025-01-30 19:00")
    assert nightly(house) == ["publisher-2025-01-30.db"]


def test_none_is_made_when_the_operator_wants_none(house: House) -> None:
    house.configure(store={"backups": 0})
    house.tick("2025-01-30 04:00")
    assert not (house.root / "var" / "backups").exists()


def test_a_half_made_copy_of_a_killed_run_is_made_anew(house: House) -> None:
    folder = house.root / "var" / "backups"
    folder.mkdir()
    (folder / ".publisher-2025-01-30.db.part").write_bytes(b"half")
    house.tick("2025-01-30 03:00")
    assert nightly(house) == ["publisher-2025-01-30.db"]


def test_a_copy_by_hand_replaces_nothing_and_is_kept(house: House, tmp_path: Path) -> None:
    house.configure(store={"backups": 1})
    made = house.app.backup()
    assert Path(made.path).stat().st_size == made.size
    target = tmp_path / "mine.db"
    house.app.backup(target)
    with pytest.raises(UsageError):
        house.app.backup(target)
    house.tick("2025-01-30 03:00")
    house.tick("2025-01-31 03:00")
    assert Path(made.path).exists()
    assert "publisher-2025-01-30.db" not in nightly(house)


def test_there_is_nothing_to_copy_before_the_first_run(tmp_path: Path) -> None:
    fresh = House(tmp_path / "fresh")
    with pytest.raises(UsageError):
        fresh.app.backup()
    assert not (fresh.root / "var").exists()


# ---------------------------------------------------------------- going back


def test_after_an_older_database_all_mail_is_held_until_adopt_and_nothing_is_mailed_twice(
    house: House, tmp_path: Path
) -> None:
    house.app.backup(tmp_path / "old.db")
    house.once("2025-01-30 08:00")
    site, mails = house.site(), len(house.mails())
    done = house.app.restore(tmp_path / "old.db")
    assert "adopt" in done.notices[0].message
    for when in ("2025-01-30 09:00", "2025-01-31 08:00"):
        run = house.once(when)
        assert run.outcome == "held"
        assert len(house.mails()) == mails
        assert house.site() == site
    with pytest.raises(Exception, match="database has lost"):
        house.deliver(IssueName(house.now.date()))
    house.app.adopt()
    run = house.once("2025-01-31 09:00")
    assert run.outcome == "published"
    subjects = [day_of(mail) for mail in house.mails()]
    assert len(subjects) == len(set(subjects)) == mails + 1


def test_a_database_of_the_same_generation_goes_on_but_holds_what_may_have_left_since(
    house: House, tmp_path: Path
) -> None:
    house.at("2025-01-30 07:00")
    house.app.add_subscribers(("a@example.org",))
    house.app.pause(None)
    house.app.resume(None)
    house.once("2025-01-30 08:00")
    mails = len(house.mails())
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db, db:
        db.execute("UPDATE deliveries SET state='waiting' WHERE mailing_id=2")
        db.execute("UPDATE mailings SET state='open' WHERE id=2")
    house.app.backup(tmp_path / "old.db")
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db, db:
        db.execute("UPDATE deliveries SET state='accepted' WHERE mailing_id=2")
        db.execute("UPDATE mailings SET state='done' WHERE id=2")
    done = house.app.restore(tmp_path / "old.db")
    assert done.held_mailings == 1
    run = house.once("2025-01-30 09:00")
    assert len(house.mails()) == mails
    assert [item.kind for item in run.held] == ["mail"]
    assert house.once("2025-01-31 08:00").outcome == "published"
    assert len(house.mails()) == mails + 2


def test_who_left_since_the_backup_stays_away(house: House, tmp_path: Path) -> None:
    house.app.add_subscribers(("a@example.org", "b@example.org"))
    house.app.backup(tmp_path / "old.db")
    house.app.remove_subscribers(("a@example.org",))
    assert house.app.restore(tmp_path / "old.db").kept_away == 1
    house.once("2025-01-30 08:00")
    assert "a@example.org" not in {str(mail["To"]) for mail in house.mails()}
    assert any("b@example.org" in str(mail["To"]) for mail in house.mails())


def test_the_database_before_is_kept_and_leads_back(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "old.db")
    house.once("2025-01-30 08:00")
    done = house.app.restore(tmp_path / "old.db")
    house.at("2025-01-30 08:05")
    house.app.restore(Path(done.replaced))
    assert house.once("2025-01-30 09:00").outcome == "already-published"
    assert house.once("2025-01-31 08:00").outcome == "published"


def test_a_reader_who_has_the_database_open_sees_the_restored_one(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "old.db")
    house.once("2025-01-30 08:00")
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db:
        assert db.execute("SELECT count(*) FROM issues").fetchone() == (2,)
        house.app.restore(tmp_path / "old.db")
        assert db.execute("SELECT count(*) FROM issues").fetchone() == (1,)


@pytest.mark.parametrize("content", [b"", b"no database" * 1000, b"SQLite format 3\0" + b"\0" * 4000])
def test_a_file_that_is_no_backup_changes_nothing(house: House, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(content)
    before = house.content_rows()
    with pytest.raises(StoreError):
        house.app.restore(bad)
    with pytest.raises(UsageError):
        house.app.restore(tmp_path / "nothing.db")
    assert house.content_rows() == before


def test_a_damaged_database_is_moved_aside_for_the_backup(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "old.db")
    database = house.root / "var" / "publisher.db"
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(b"rubbish" * 5000)
    house.app.restore(tmp_path / "old.db")
    assert house.once("2025-01-29 09:00").outcome == "already-published"


def test_a_lost_database_is_put_back(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "old.db")
    for path in (house.root / "var").glob("publisher.db*"):
        path.unlink()
    done = house.app.restore(tmp_path / "old.db")
    assert done.replaced == ""
    assert house.once("2025-01-30 08:00").outcome == "published"
    assert len(house.mails()) == 2


def test_a_backup_of_a_newer_publisher_is_refused(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "new.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "new.db")) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer publisher"):
        house.app.restore(tmp_path / "new.db")
    assert house.once("2025-01-30 08:00").outcome == "published"


def test_an_erasure_outlives_the_backup_that_still_knows_the_address(house: House, tmp_path: Path) -> None:
    house.app.add_subscribers(("gone@example.org", "stays@example.org"))
    house.once("2025-01-30 08:00")
    house.app.backup(tmp_path / "old.db")
    house.app.forget_subscribers(("gone@example.org",))
    assert house.app.restore(tmp_path / "old.db").kept_away == 1
    assert "gone@example.org" not in (house.root / "var" / "publisher.db").read_bytes().decode("latin-1")
    states = dict(house.rows("SELECT email, state FROM subscribers"))
    assert states["stays@example.org"] == "active"
    assert "gone@example.org" not in states


def test_who_rests_or_moved_since_the_backup_rests_and_is_mailed_where_they_are(
    house: House, tmp_path: Path
) -> None:
    house.app.add_subscribers(("rests@example.org", "moves@example.org"))
    house.app.backup(tmp_path / "old.db")
    house.app.pause_subscriber("rests@example.org", None)
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db, db:
        db.execute(
            "UPDATE subscribers SET email='moved@example.org', email_norm='moved@example.org', key_version=2 "
            "WHERE email='moves@example.org'"
        )
    house.app.restore(tmp_path / "old.db")
    people = {row[0]: row[1:] for row in house.rows("SELECT email, state, key_version FROM subscribers")}
    assert people["rests@example.org"][0] == "paused"
    assert people["moved@example.org"] == ("active", 2)
    house.once("2025-01-30 08:00")
    reached = {str(mail["To"]) for mail in house.mails()}
    assert "moved@example.org" in reached
    assert reached.isdisjoint({"rests@example.org", "moves@example.org"})


def test_another_programs_database_is_not_restored_over(house: House, tmp_path: Path) -> None:
    house.app.backup(tmp_path / "old.db")
    database = house.root / "var" / "publisher.db"
    for path in (house.root / "var").glob("publisher.db*"):
        path.unlink()
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE users (name TEXT)")
    before = database.read_bytes()
    with pytest.raises(StoreError, match="not a publisher database"):
        house.app.restore(tmp_path / "old.db")
    assert database.read_bytes() == before


def test_going_back_from_a_newer_publisher_keeps_its_database_and_what_readers_wished(
    house: House, tmp_path: Path
) -> None:
    house.app.add_subscribers(("left@example.org",))
    house.app.backup(tmp_path / "old.db")
    house.app.remove_subscribers(("left@example.org",))
    with contextlib.closing(sqlite3.connect(house.root / "var" / "publisher.db")) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.execute("ALTER TABLE subscribers ADD COLUMN of_the_future TEXT")
    done = house.app.restore(tmp_path / "old.db")
    assert done.kept_away == 1
    assert dict(house.rows("SELECT email, state FROM subscribers"))["left@example.org"] == "unsubscribed"
    with contextlib.closing(sqlite3.connect(done.replaced)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_database_that_is_locked_is_not_taken_for_a_damaged_one(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.app.backup(tmp_path / "old.db")
    database = house.root / "var" / "publisher.db"
    monkeypatch.setattr(backups, "read_only", lambda path: sqlite3.connect(path, timeout=0.1))
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            house.app.restore(tmp_path / "old.db")
    assert not list((house.root / "var").glob("*.damaged"))


@pytest.mark.parametrize("there", ["nothing", "damaged"])
def test_a_restored_database_is_its_owners_alone_to_read(house: House, tmp_path: Path, there: str) -> None:
    house.app.backup(tmp_path / "old.db")
    database = house.root / "var" / "publisher.db"
    for path in (house.root / "var").glob("publisher.db*"):
        path.unlink()
    if there == "damaged":
        database.write_bytes(b"no database at all" * 100)
    house.app.restore(tmp_path / "old.db")
    assert database.stat().st_mode & 0o777 == 0o600
