"""Copies of the database: whole, checked and named at once, readable by their owner alone; and the way back."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError

from publisher.core.errors import StoreError, UsageError
from publisher.store import schema as s
from publisher.store import subscribers, suppressions
from publisher.store.engine import (
    OUR_TABLES,
    Store,
    Transaction,
    begin_private,
    open_store,
    read_only,
    unchecked,
)

_NIGHTLY = re.compile(r"publisher-\d{4}-\d\d-\d\d\.db")
_LEFT = ("unsubscribed", "bounced", "complained")
_RESTORED = "restored"


def nightly_name(day: date) -> str:
    """'publisher-2025-01-29.db'."""
    return f"publisher-{day.isoformat()}.db"


def make(store: Store, target: Path) -> int:
    """Copy the database to a file that is not there yet; returns its size. Other work goes on meanwhile.

    The copy has its name only when it is whole, checked and on the disk. Raises StoreError and UsageError.
    """
    if target.exists():
        raise UsageError("{path} exists already", path=target, fix="name another file")
    half = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # readers' addresses are in it
        store.copy_to(half)
        check(half)
        _sync(half)
        half.replace(target)
        _sync(target.parent)
    except OSError as exc:
        raise StoreError("cannot write {path}: {why}", path=target, why=exc.strerror or exc) from exc
    finally:
        half.unlink(missing_ok=True)
    return target.stat().st_size


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest nightly copies; those with other names are nobody's business. Returns what was removed."""
    nightly = sorted(path for path in folder.iterdir() if _NIGHTLY.fullmatch(path.name))
    gone = nightly[: max(0, len(nightly) - keep)]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def check(path: Path) -> None:
    """Read a whole copy. Raises StoreError when it is damaged or no database of ours."""
    try:
        said, tables = _examined(path)
    except sqlite3.Error as exc:
        raise StoreError(
            "{path} cannot be read: {why}", path=path, why=exc, fix="take another backup"
        ) from exc
    if said != ["ok"]:
        raise StoreError("{path} is damaged: {why}", path=path, why=said[0], fix="take another backup")
    if not tables >= OUR_TABLES:
        raise StoreError("{path} is no database of publisher", path=path, fix="name a file of var/backups/")


def kind_of(database: Path) -> Literal["ours", "another program's", "damaged"]:
    """What stands in a file, whichever schema it has. Raises StoreError when it cannot be looked at just now."""
    try:
        said, tables = _examined(database)
    except sqlite3.OperationalError as exc:
        raise StoreError("the database {path} cannot be read: {why}", path=database, why=exc) from exc
    except sqlite3.DatabaseError:
        return "damaged"
    if said != ["ok"]:
        return "damaged"
    return "ours" if tables >= OUR_TABLES else "another program's"


def _examined(path: Path) -> tuple[list[str], set[str]]:
    """What SQLite says of every page of it, and the names of what stands in it."""
    with contextlib.closing(read_only(path)) as db:
        said = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
        return said, {row[0] for row in db.execute("SELECT name FROM sqlite_master")}


def restored(backup: Path, beside: Path) -> Store:
    """A copy of a backup in the newest schema, to be put in the database's place. Raises StoreError."""
    check(backup)
    copy_file(backup, beside)
    return open_store(beside)


def copy_file(database: Path, copy: Path) -> None:
    """Everything committed in a database of whichever schema, in a file of its own; another there is overwritten.

    Raises StoreError.
    """
    for path in _files_of(copy):
        path.unlink(missing_ok=True)
    begin_private(copy)
    try:
        with (
            contextlib.closing(read_only(database)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as exc:
        raise StoreError(
            "{path} cannot be read: {why}", path=database, why=exc, fix="take another backup"
        ) from exc


def hold_mail(tx: Transaction) -> int:
    """Mail that was still to go when the backup was made may have left since: it waits for the operator."""
    m = s.mailings.c
    waiting = m.state.in_(("open", "paused", "held")) & m.reason.is_distinct_from(_RESTORED)
    return int(tx.execute(update(s.mailings).where(waiting).values(state="held", reason=_RESTORED)).rowcount)


class Wishes(Struct, frozen=True, kw_only=True):
    """What readers said since a backup, and what going back to it must not undo."""

    people: list[dict[str, Any]] = field(default_factory=list)
    suppressed: list[dict[str, Any]] = field(default_factory=list)


def wishes(tx: Transaction) -> Wishes:
    """As they stand in the database that is about to be replaced."""
    c = s.subscribers.c
    query = select(c.uid, c.email, c.email_norm, c.state, c.state_at, c.key_version, c.paused_until).order_by(
        c.id
    )
    return Wishes(
        people=[dict(row) for row in tx.execute(query).mappings()],
        suppressed=[dict(row) for row in tx.execute(select(s.suppressions)).mappings()],
    )


def wishes_of_another_schema(database: Path, copy: Path) -> Wishes:
    """From a database of ours that cannot be opened though it is sound: a newer publisher's. It is copied first.

    Raises StoreError when it says nothing of readers that we understand.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy_file(database, copy)
    store = unchecked(copy)
    try:
        with store.read() as tx:
            return wishes(tx)
    except DatabaseError as exc:
        raise StoreError(
            "{path} was written by a newer publisher, and what readers wished cannot be read", path=database,
            fix="install the newer version, or move the file away to go back without it",
        ) from exc  # fmt: skip
    finally:
        store.close()


def keep_away(tx: Transaction, since: Wishes, *, mint_uid: Callable[[], str], now: datetime) -> int:
    """Who left or was erased after the backup stays so, who rests goes on resting, mail goes to the address of today,
    and tokens that were void stay void. Returns how many left or were erased."""
    c, n = s.subscribers.c, 0
    for person in since.people:
        here = tx.execute(select(s.subscribers).where(c.uid == person["uid"])).mappings().one_or_none()
        if here is None:
            continue
        change = {"key_version": max(person["key_version"], here["key_version"])}
        if person["state"] in _LEFT and here["state"] not in _LEFT:
            n += 1
            change |= {"state": person["state"], "state_at": person["state_at"]}
        elif person["state"] == "paused" and here["state"] == "active":
            change |= {name: person[name] for name in ("state", "state_at", "paused_until")}
        if person["key_version"] > here["key_version"] and not _is_taken(tx, person):
            change |= {name: person[name] for name in ("email", "email_norm")}
        if any(here[name] != value for name, value in change.items()):
            tx.execute(update(s.subscribers).where(c.uid == person["uid"]).values(change))
    if since.suppressed:
        tx.execute(insert(s.suppressions).on_conflict_do_nothing(), since.suppressed)
    return n + _erase_again(tx, mint_uid, now)


def _is_taken(tx: Transaction, person: Mapping[str, Any]) -> bool:
    c = s.subscribers.c
    others = select(c.id).where(c.email_norm == person["email_norm"], c.uid != person["uid"])
    return tx.execute(others).first() is not None


def _erase_again(tx: Transaction, mint_uid: Callable[[], str], now: datetime) -> int:
    """An erasure outlives the backups that still know the address."""
    c = s.subscribers.c
    known = {row.email_norm: row.id for row in tx.execute(select(c.id, c.email_norm))}
    forgotten = [
        norm for norm in suppressions.suppressed(tx, known) if suppressions.reason(tx, norm) == "forgotten"
    ]
    for norm in forgotten:
        subscribers.remove(tx, known[norm], uid=mint_uid(), now=now)
    return len(forgotten)


def put_in_place(made: Path, database: Path, *, damaged: bool) -> Path | None:
    """Copy a database over another one, in one transaction of SQLite's: whoever has it open sees the one or the other.

    A database that is damaged is moved aside first; returns where it went. Raises StoreError.
    """
    aside = _moved_aside(database) if damaged else None
    try:
        _copy_over(made, database)
    except sqlite3.Error as exc:
        raise StoreError("the database {path} cannot be written: {why}", path=database, why=exc) from exc
    for path in _files_of(made):
        path.unlink(missing_ok=True)
    return aside


def _moved_aside(database: Path) -> Path:
    aside = database.with_name(f"{database.name}.damaged")
    for path in _files_of(database):
        if path.exists():
            path.replace(path.with_name(path.name.replace(database.name, aside.name, 1)))
    return aside


def _copy_over(made: Path, database: Path) -> None:
    begin_private(database)
    with (
        contextlib.closing(sqlite3.connect(made)) as source,
        contextlib.closing(sqlite3.connect(database, timeout=30)) as target,
    ):
        source.backup(target)
    _sync(database)


def _files_of(database: Path) -> list[Path]:
    return [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
