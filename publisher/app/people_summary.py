"""What the operator is told about readers: of an import, row by row, and of one person, everything."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct

from publisher.app.summary import DONE, USAGE, Note, as_json, exit_code, fields_of, iso
from publisher.render.words import Words

RowOutcome = Literal["bad", "duplicate", "suppressed", "left", "already"]


class SubscriberSummary(Struct, frozen=True, kw_only=True):
    """One subscriber. `since` is when they became what `state` says, in the publication's zone."""

    uid: str
    email: str
    state: str
    cadence: str = "daily"
    body: str = "full"
    language: str = "zh-Hans"
    paused_until: date | None = None  # the first day on which mail comes again
    owner: bool = False
    joined: datetime | None = None
    since: datetime | None = None


class SubscribersSummary(Struct, frozen=True, kw_only=True):
    """`subscribers list`."""

    subscribers: tuple[SubscriberSummary, ...] = ()


class AddressOutcome(Struct, frozen=True, kw_only=True):
    """What became of one address. `why` is set for refused ones."""

    email: str
    outcome: Literal[
        "added", "reactivated", "already", "removed", "unknown", "refused",
        "suppressed", "forgotten", "paused", "changed", "blocked",
    ]  # fmt: skip
    state: str = ""
    uid: str | None = None
    why: Note | None = None


class SubscribersChange(Struct, frozen=True, kw_only=True):
    """`subscribers add` and `remove`: one outcome an address, in the order given."""

    addresses: tuple[AddressOutcome, ...] = ()


class ImportedRow(Struct, frozen=True, kw_only=True):
    """A row that is worth a word: everything but those that were added as they stand."""

    line: int
    email: str
    outcome: RowOutcome
    why: Note
    fix: Note


class ImportSummary(Struct, frozen=True, kw_only=True):
    """`subscribers import`. The counts sum up to the rows of the file."""

    file: str
    dry_run: bool
    added: int = 0
    already: int = 0
    left: int = 0
    suppressed: int = 0
    duplicate: int = 0
    bad: int = 0
    rows: tuple[ImportedRow, ...] = ()


class ExportSummary(Struct, frozen=True, kw_only=True):
    """`subscribers export`: how many are in the file; `text` is what was written."""

    people: int
    text: str


@exit_code.register
def _change_exit_code(change: SubscribersChange) -> int:
    return USAGE if any(a.outcome in ("refused", "suppressed") for a in change.addresses) else DONE


@as_json.register
def _subscribers_json(listed: SubscribersSummary, words: Words) -> dict[str, Any]:
    return {
        "subscribers": [
            fields_of(s)
            | {"joined": iso(s.joined), "since": iso(s.since)}
            | {"paused_until": s.paused_until.isoformat() if s.paused_until else None}
            for s in listed.subscribers
        ]
    }


@as_json.register
def _change_json(change: SubscribersChange, words: Words) -> dict[str, Any]:
    rows = [fields_of(a) | {"why": a.why.said(words) if a.why else None} for a in change.addresses]
    return {"subscribers": rows}


@as_json.register
def _import_json(done: ImportSummary, words: Words) -> dict[str, Any]:
    counts = ("added", "already", "left", "suppressed", "duplicate", "bad")
    rows = [
        {
            "line": row.line, "email": row.email, "outcome": row.outcome, "why": row.why.said(words),
            "fix": row.fix.said(words) or None,
        }
        for row in done.rows
    ]  # fmt: skip
    return {
        "file": done.file, "dry_run": done.dry_run, **{name: getattr(done, name) for name in counts}, "rows": rows
    }  # fmt: skip


@as_json.register
def _export_json(done: ExportSummary, words: Words) -> dict[str, Any]:
    return {"people": done.people}
