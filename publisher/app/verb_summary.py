"""What the verbs beside the daily run report back, and the JSON faces of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct, field

from publisher.app.summary import (
    DONE,
    REFUSED,
    EntrySummary,
    HeldItem,
    Note,
    RunSummary,
    as_json,
    books_json,
    diagnostic_json,
    entry_json,
    exit_code,
    fields_of,
    iso,
    run_json,
    some_refused,
)
from publisher.core.diagnostics import Diagnostic, has_errors
from publisher.render.words import Words


class PreviewSummary(Struct, frozen=True, kw_only=True):
    """What `preview` wrote (pages and .eml to open, the page of the day first) and what would go out."""

    files: tuple[str, ...]
    summary: RunSummary


class StatusSummary(Struct, frozen=True, kw_only=True):
    """How things stand, without changing anything."""

    next_run: datetime | None = None
    last_run: datetime | None = None
    last_outcome: str = ""
    last_ok: bool | None = None
    unpublished_entries: int = 0  # without drafts
    drafts: int = 0
    days_of_material: int = 0
    books: Mapping[str, int] = field(default_factory=dict)  # of the last mailing
    last_issue: str = ""  # '2025-01-29' or '2025-01-29/2'
    links: Mapping[str, int] = field(default_factory=dict)  # by verdict
    subscribers: Mapping[str, int] = field(default_factory=dict)  # by state
    held: tuple[HeldItem, ...] = ()
    trial: bool = False
    timezone: str = ""


class LintSummary(Struct, frozen=True, kw_only=True):
    """What the documents say about themselves. `files` as they were named or found."""

    files: tuple[str, ...]
    entries: tuple[EntrySummary, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class EntryChange(Struct, frozen=True, kw_only=True):
    """`allow UID` and `correct UID --note`: the entry and what will happen to it, as a sentence."""

    uid: str
    title: str
    url: str | None = None
    note: Note


class AdoptSummary(Struct, frozen=True, kw_only=True):
    """`adopt`: what was read back from the pages and marked as published."""

    pages: int = 0
    entries: int = 0
    issues: int = 0
    notices: tuple[Note, ...] = ()


class DeliverySummary(Struct, frozen=True, kw_only=True):
    """One delivery. `issue` is '2025-01-29' or '2025-01-29/2'; of a weekly mailing the day its week ended with."""

    issue: str
    kind: str = "daily"  # daily | extra | weekly
    email: str
    state: str
    attempts: int = 0
    code: str | None = None
    text: str | None = None
    at: datetime | None = None


class DeliveriesSummary(Struct, frozen=True, kw_only=True):
    """`deliveries` and `deliveries uncertain`; `resolved` counts what --resend or --sent changed."""

    deliveries: tuple[DeliverySummary, ...] = ()
    resolved: int = 0


class Said(Struct, frozen=True, kw_only=True):
    """What `pause`, `resume`, `cancel` and `skip` came to, as one sentence."""

    note: Note


class RunLine(Struct, frozen=True, kw_only=True):
    """A run as the log keeps it. `ok` None: it was killed, or is still going. Moments in the publication's zone."""

    run: int
    kind: str
    started_at: datetime
    ended_at: datetime | None = None
    ok: bool | None = None
    day: date | None = None
    outcome: str = ""
    error: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


class HistorySummary(Struct, frozen=True, kw_only=True):
    """`history`: runs, newest first."""

    runs: tuple[RunLine, ...] = ()


@exit_code.register
def _preview_exit_code(preview: PreviewSummary) -> int:
    return REFUSED if some_refused(preview.summary) else DONE


@exit_code.register
def _lint_exit_code(lint: LintSummary) -> int:
    return REFUSED if has_errors(lint.diagnostics) else DONE


@as_json.register
def _preview_json(preview: PreviewSummary, words: Words) -> dict[str, Any]:
    return {"files": list(preview.files)} | run_json(preview.summary, words)


@as_json.register
def _status_json(status: StatusSummary, words: Words) -> dict[str, Any]:
    verdicts = ("alive", "dead", "unsure", "unchecked")
    states = ("pending", "active", "paused", "unsubscribed", "bounced", "complained")
    return {
        "next_run": iso(status.next_run),
        "last_run": iso(status.last_run),
        "unpublished_entries": status.unpublished_entries,
        "drafts": status.drafts,
        "days_of_material": status.days_of_material,
        "books": books_json(status.books),
        "links": {verdict: status.links.get(verdict, 0) for verdict in verdicts},
        "subscribers": {state: status.subscribers.get(state, 0) for state in states},
        "held": [item.said(words) for item in status.held],
        "trial": status.trial,
    }


@as_json.register
def _lint_json(lint: LintSummary, words: Words) -> dict[str, Any]:
    entries = [entry_json(entry) for entry in lint.entries]
    for entry in entries:
        entry["links"] = [{"url": link["url"]} for link in entry["links"]]
    found = [diagnostic_json(diagnostic, words) for diagnostic in lint.diagnostics]
    return {"files": list(lint.files), "entries": entries, "diagnostics": found}


@as_json.register
def _entry_change_json(change: EntryChange, words: Words) -> dict[str, Any]:
    return {"uid": change.uid, "title": change.title, "url": change.url, "note": change.note.said(words)}


@as_json.register
def _adopt_json(adopted: AdoptSummary, words: Words) -> dict[str, Any]:
    return fields_of(adopted) | {"notices": [note.said(words) for note in adopted.notices]}


@as_json.register
def _deliveries_json(listed: DeliveriesSummary, words: Words) -> dict[str, Any]:
    rows = [fields_of(d) | {"at": iso(d.at)} for d in listed.deliveries]
    return {"deliveries": rows, "resolved": listed.resolved}


@as_json.register
def _said_json(said: Said, words: Words) -> dict[str, Any]:
    return {"note": said.note.said(words)}


@as_json.register
def _history_json(history: HistorySummary, words: Words) -> dict[str, Any]:
    rows = [
        fields_of(line)
        | {
            "started_at": iso(line.started_at),
            "ended_at": iso(line.ended_at),
            "day": line.day.isoformat() if line.day else None,
            "figures": dict(line.figures),
        }
        for line in history.runs
    ]
    return {"runs": rows}
