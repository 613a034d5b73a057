"""What the curator says about one entry beside its text: let it go out after all, or correct it."""

from __future__ import annotations

from datetime import datetime

from publisher.app.equipment import Equipment
from publisher.app.summary import Note
from publisher.app.verb_summary import EntryChange
from publisher.core.errors import UsageError
from publisher.store import entries, publication
from publisher.store.engine import Transaction
from publisher.store.entries import AnyEntry


def allow(e: Equipment, uid: str) -> EntryChange:
    """Queue a held or archived entry for the next issue. A second call changes nothing.

    UsageError: there is no such entry, or it was published before.
    """
    with e.lock("allow"), e.store.write() as tx:
        entry = _entry(tx, uid)
        if entry.issue_id is not None:
            raise UsageError("the entry {uid} was published before", uid=uid, fix="nothing is sent twice")
        if entry.state == "withdrawn":
            raise UsageError(
                "the entry {uid} is gone from the documents", uid=uid, fix="put it back, then run again"
            )
        entries.allow(tx, entry.id)
        return _change(e, tx, entry, Note("it goes out with the next issue"))


def correct(e: Equipment, uid: str, note: str, *, now: datetime) -> EntryChange:
    """Note a correction of a published entry: on its page, in the feeds, and in the next digest.

    The same words twice are one correction. UsageError: no such entry, not published, or no words.
    """
    said = " ".join(note.split())
    if not said:
        raise UsageError("a correction needs words", fix="publisher correct UID --note '…'")
    with e.lock("correct"), e.store.write() as tx:
        entry = _entry(tx, uid)
        if entry.permalink is None:
            raise UsageError(
                "the entry {uid} is not published yet", uid=uid, fix="correct its text; that needs no note"
            )
        known = entries.corrections(tx).get(entry.id, ())
        if said not in {one.note for one in known}:
            entries.correct(tx, entry.id, said, now.replace(microsecond=0))
        return _change(
            e, tx, entry, Note("the correction goes out with the next run: page, feeds and the next digest")
        )


def _entry(tx: Transaction, uid: str) -> AnyEntry:
    found = entries.by_uid(tx, uid)
    if found is None:
        raise UsageError(
            "there is no entry {uid}",
            uid=uid,
            fix="the ten letters stand in its address and in publisher plan --json",
        )
    return found


def _change(e: Equipment, tx: Transaction, entry: AnyEntry, note: Note) -> EntryChange:
    known = publication.get(tx)
    url = e.site(known).absolute(entry.permalink) if known and entry.permalink else None
    return EntryChange(uid=entry.uid, title=entry.title, url=url, note=note)
