"""Backups: one a night, one by hand, and going back to one without mailing anything twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, time
from pathlib import Path
from typing import Any

from msgspec import Struct

from publisher.app import stamp as site_stamp
from publisher.app.equipment import Equipment
from publisher.app.ports import Clock, Lock, Output
from publisher.app.summary import Note, as_json
from publisher.core.errors import StoreError, UsageError
from publisher.core.faults import fault
from publisher.render.words import Words
from publisher.store import backups, publication, runs
from publisher.store.engine import open_store

NIGHT = time(3)
"""Local time from which a night's backup is made; later, when the machine was off."""

_NO_FILE = "the database is no file of this machine"


class BackupSummary(Struct, frozen=True, kw_only=True):
    """A copy that was made."""

    path: str
    size: int
    removed: int = 0


class RestoreSummary(Struct, frozen=True, kw_only=True):
    """What a restored database is, and what is to be done about it."""

    path: str
    replaced: str  # where the database that stood there is kept; "" when it could not be read
    generation: int
    held_mailings: int
    kept_away: int
    notices: tuple[Note, ...] = ()


def backup_now(e: Equipment, file: Path | None) -> BackupSummary:
    """A copy by hand. It is never removed by us. Raises UsageError when the file is there already."""
    if e.store.path is None:
        raise UsageError(_NO_FILE, fix="publisher once makes one")
    path = file or e.backups_folder / f"publisher-{e.local(e.clock()):%Y-%m-%d-%H%M%S}.db"
    return BackupSummary(path=str(path), size=backups.make(e.store, path))


def nightly_backup(e: Equipment, now: datetime) -> BackupSummary | None:
    """Tonight's copy, if it is time and it was not made yet; and away with the oldest."""
    local, keep = e.local(now), e.config.store.backups
    target = e.backups_folder / backups.nightly_name(local.date())
    if not keep or e.store.path is None or local.time() < NIGHT or target.exists():
        return None
    with e.store.read() as tx:
        if publication.get(tx) is None:
            return None
    size = backups.make(e.store, target)
    fault("backup-made")
    removed = backups.prune(e.backups_folder, keep)
    with e.store.write() as tx:
        run_id = runs.begin(tx, kind="backup", host=e.host, now=now, day=local.date())
        runs.end(
            tx, run_id, now=e.clock(), ok=True, outcome="made", summary={"file": target.name, "size": size}
        )
    return BackupSummary(path=str(target), size=size, removed=len(removed))


def restore(
    backup: Path,
    database: Path | None,
    *,
    folder: Path,
    output: Output,
    lock: Lock,
    clock: Clock,
    mint_uid: Callable[[], str],
) -> RestoreSummary:
    """Put a backup in the database's place. The one that stood there is kept in `folder`.

    What was on its way to readers is held, and what readers wished since the backup stays: who left or was erased,
    who rests, which address is theirs. A site that knows more than the
    backup holds all mail until `adopt`. Raises StoreError and UsageError; then nothing has changed.
    """
    if database is None:
        raise UsageError(_NO_FILE, fix="check [store] url")
    if not backup.is_file():
        raise UsageError("there is no file {path}", path=backup, fix="publisher backups are in var/backups/")
    with lock("restore"):
        database.parent.mkdir(parents=True, exist_ok=True)
        backups.check(backup)
        since, kept = _present(database, folder / f"before-restore-{clock():%Y%m%dT%H%M%SZ}.db")
        made = backups.restored(backup, database.with_name(f".{database.name}.restoring"))
        with closing(made), made.write() as tx:
            held = backups.hold_mail(tx)
            away = backups.keep_away(tx, since, mint_uid=mint_uid, now=clock())
            known = publication.get(tx)
        fault("restore-made")
        assert made.path is not None
        damaged = backups.put_in_place(made.path, database, damaged=kept is None and database.exists())
        ahead = known is not None and site_stamp.conflict(output, known, (), new=known.generation == 0)
        return RestoreSummary(
            path=str(backup), replaced=str(kept or damaged or ""), held_mailings=held, kept_away=away,
            generation=known.generation if known else 0, notices=_notes(held, away, ahead=bool(ahead)),
        )  # fmt: skip


def _present(database: Path, copy: Path) -> tuple[backups.Wishes, Path | None]:
    """What readers said according to the database that is there now, after a copy of it; nothing when none can be
    read. Raises StoreError when it is another program's."""
    if not database.exists() or backups.kind_of(database) == "damaged":
        return backups.Wishes(), None
    try:
        store = open_store(database)
    except StoreError:
        if backups.kind_of(database) != "ours":
            raise
        return backups.wishes_of_another_schema(database, copy), copy
    with closing(store):
        backups.make(store, copy)
        with store.read() as tx:
            return backups.wishes(tx), copy


def _notes(held: int, away: int, *, ahead: bool) -> tuple[Note, ...]:
    notes = []
    if ahead:
        notes.append(
            Note(
                "the site knows issues that this backup does not: all mail is held — "
                "run publisher adopt to go on from the pages"
            )
        )
    if held:
        notes.append(
            Note(
                "{n} mailings were on their way and may have arrived: they are held — "
                "publisher status names them",
                {"n": held},
            )
        )
    if away:
        notes.append(Note("{n} readers left since this backup and stay away", {"n": away}))
    return tuple(notes)


@as_json.register
def _backup_json(made: BackupSummary, words: Words) -> dict[str, Any]:
    return {"path": made.path, "size": made.size, "removed": made.removed}


@as_json.register
def _restore_json(done: RestoreSummary, words: Words) -> dict[str, Any]:
    return {
        "path": done.path, "replaced": done.replaced or None, "generation": done.generation,
        "held_mailings": done.held_mailings, "kept_away": done.kept_away,
        "notices": [note.said(words) for note in done.notices],
    }  # fmt: skip
