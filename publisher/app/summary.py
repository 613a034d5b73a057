"""What a run reports back, and what every report is made of: frozen values that become the terminal's words, the JSON
faces and the exit code. What the other verbs report stands in verb_, people_ and link_summary.

Sentences travel as English message ids with parameters (`Note`, `HeldItem`, `Diagnostic`) and become words
only when they are shown. The keys that `as_json` writes are public: a change is a line in the change log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import singledispatch
from typing import Any, Literal

from msgspec import Struct, field

from publisher.core.diagnostics import Diagnostic, has_errors
from publisher.core.link import Verdict
from publisher.render.words import Words

Outcome = Literal["published", "already-published", "empty", "held", "planned"]
Would = Literal["publish", "already-published", "empty", "held"]
HeldKind = Literal["mail", "run", "entry"]

BOOKS = ("recipients", "waiting", "sending", "accepted", "rejected", "deferred", "uncertain", "skipped")
"""The words of the balanced books, in the order in which they are shown."""

DONE, MUST_ACT, USAGE, REFUSED, MAIL_OPEN = range(5)
"""Exit codes. With several causes the highest counts."""


class Note(Struct, frozen=True):
    """A sentence to be said: an English message id with {names}, and what fills them."""

    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def said(self, words: Words) -> str:
        return words(self.message, **self.params)


class HeldItem(Struct, frozen=True, kw_only=True):
    """Something that waits for the operator. `what`, `why` and `how` are message ids sharing `params`.

    `kind` decides the exit code: "mail" 4, "run" 1 (nothing was published, or withdrawals wait),
    "entry" 0 (an entry waits, e.g. a near-duplicate; the rest went out).
    """

    what: str  # 'mailing {issue}'
    why: str  # 'the machine was off for {days} days'
    how: str  # 'publisher deliver {issue} --release'
    params: Mapping[str, object] = field(default_factory=dict)
    kind: HeldKind = "mail"

    def said(self, words: Words) -> dict[str, str]:
        return {name: words(getattr(self, name), **self.params) for name in ("what", "why", "how")}


class LinkSummary(Struct, frozen=True, kw_only=True):
    """A link of an entry. `result` is of the last check, None when it was never asked."""

    url: str
    result: str | None = None
    verdict: Verdict = "unchecked"
    target: str | None = None
    title: str | None = None
    http_status: int | None = None  # terminal only


class EntrySummary(Struct, frozen=True, kw_only=True):
    """An entry as a line of the table. uid, guid and url are None where they are not minted yet (lint)."""

    uid: str | None = None
    guid: str | None = None
    number: int | None = None
    title: str
    topics: tuple[str, ...] = ()
    words: int = 0
    minutes: int = 1
    url: str | None = None  # absolute
    links: tuple[LinkSummary, ...] = ()
    label: str = ""  # the number as written; terminal only
    day: date | None = None  # the curator's day; terminal only
    late: bool = False  # stands under 补; terminal only


class IssueSummary(Struct, frozen=True, kw_only=True):
    """An issue with its entries in order. `day` is the slot."""

    day: date
    sequence: int = 1
    entries: tuple[EntrySummary, ...] = ()
    published_at: datetime | None = None  # in the publication's zone; terminal only


class DocumentsSummary(Struct, frozen=True, kw_only=True):
    """What the scan found: counts of files read and refused, and of entries by what happened to them."""

    read: int = 0  # files
    refused: int = 0  # files
    new: int = 0
    edited: int = 0
    moved: int = 0
    withdrawn: int = 0
    archived: int = 0


class OutputsSummary(Struct, frozen=True, kw_only=True):
    """How many files below the output folder were written, found unchanged, removed."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0


class MailSummary(Struct, frozen=True, kw_only=True):
    """The digest as frozen: its size against the budget, and how many entries became lead and link to fit."""

    subject: str = ""
    html_bytes: int = 0  # decoded
    budget_bytes: int = 73_000
    message_bytes: int = 0  # the whole .eml
    shortened: int = 0
    readers: Mapping[str, int] = field(default_factory=dict)  # by variant: 'full.zh-Hans'


class WeeklySummary(Struct, frozen=True, kw_only=True):
    """A weekly mailing that this run made; `day` names its week."""

    day: date
    mail: MailSummary
    books: Mapping[str, int] = field(default_factory=dict)


class WaitingSummary(Struct, frozen=True, kw_only=True):
    """What waits to be published and when it will go, for the line '下一步'."""

    entries: int = 0  # live, in no issue, dated whenever; no drafts
    drafts: int = 0
    days: int = 0  # days of material: distinct document days among them, today's slot excluded once it is out
    next_day: date | None = None  # the curator's day that leads the next issue
    next_entries: int = 0  # how many entries that issue will have


class RunSummary(Struct, frozen=True, kw_only=True):
    """The report of `once`, `plan` and `deliver`. Datetimes are in the publication's zone."""

    run: str = ""
    command: str = "once"
    at: datetime | None = None  # when the run began
    day: date  # the slot
    outcome: Outcome
    would: Would | None = None  # of plan
    issue: IssueSummary | None = None
    documents: DocumentsSummary = DocumentsSummary()
    diagnostics: tuple[Diagnostic, ...] = ()
    books: Mapping[str, int] = field(default_factory=dict)  # a missing word counts 0
    held: tuple[HeldItem, ...] = ()
    recovered: tuple[Note, ...] = ()
    outputs: OutputsSummary = OutputsSummary()
    recipients: int = 0
    mail: MailSummary | None = None  # None: no mailing
    weekly: WeeklySummary | None = None  # None: none was due
    feed_items: int = 0
    trial: bool = False
    timezone: str = ""  # 'Asia/Shanghai', for the header line
    next_run: datetime | None = None
    waiting: WaitingSummary = WaitingSummary()
    notices: tuple[
        Note, ...
    ] = ()  # lines that are neither a finding nor held ('first run: 3 older days archived')
    took_s: float = 0.0
    mail_at: str = ""  # where the mail went: 'var/mail'
    pages_at: str = ""  # what to open: 'public/index.html'


@singledispatch
def exit_code(summary: object) -> int:
    """What the process says with its exit code; with several causes the highest counts."""
    return DONE


@exit_code.register
def _run_exit_code(run: RunSummary) -> int:
    kinds = {item.kind for item in run.held}
    causes = {
        MUST_ACT: "held" in (run.outcome, run.would) or "run" in kinds,
        REFUSED: some_refused(run),
        MAIL_OPEN: "mail" in kinds or any(map(_is_open, (run.books, run.weekly.books if run.weekly else {}))),
    }
    return max((code for code, present in causes.items() if present), default=DONE)


def _is_open(books: Mapping[str, int]) -> bool:
    return any(books.get(word) for word in ("deferred", "uncertain"))


def some_refused(run: RunSummary) -> bool:
    return run.documents.refused > 0 or has_errors(run.diagnostics)


@singledispatch
def as_json(summary: object, words: Words) -> dict[str, Any]:
    """A report as the one JSON object of `--json`, its sentences in the language of `words`."""
    raise TypeError(f"no JSON face for {type(summary).__name__}")


@as_json.register
def run_json(run: RunSummary, words: Words) -> dict[str, Any]:
    face: dict[str, Any] = {"run": run.run, "day": run.day.isoformat(), "outcome": run.outcome}
    if run.would is not None:
        face["would"] = run.would
    return face | {
        "issue": issue_json(run.issue) if run.issue else None,
        "documents": fields_of(run.documents),
        "diagnostics": [diagnostic_json(found, words) for found in run.diagnostics],
        "books": books_json(run.books),
        "held": [item.said(words) for item in run.held],
        "recovered": [note.said(words) for note in run.recovered],
        "outputs": fields_of(run.outputs),
        "recipients": run.recipients,
        "mail": fields_of(run.mail) if run.mail else None,
        "weekly": _weekly_json(run.weekly) if run.weekly else None,
        "trial": run.trial,
        "next_run": iso(run.next_run),
        "feed_items": run.feed_items,
        "notices": [note.said(words) for note in run.notices],
    }


def _weekly_json(weekly: WeeklySummary) -> dict[str, Any]:
    return {
        "day": weekly.day.isoformat(),
        "mail": fields_of(weekly.mail),
        "books": books_json(weekly.books),
    }


def issue_json(issue: IssueSummary) -> dict[str, Any]:
    entries = [entry_json(entry) for entry in issue.entries]
    return {"day": issue.day.isoformat(), "sequence": issue.sequence, "entries": entries}


def entry_json(entry: EntrySummary) -> dict[str, Any]:
    face = {
        name: getattr(entry, name) for name in ("uid", "guid", "number", "title", "words", "minutes", "url")
    }
    links = [
        {name: getattr(link, name) for name in ("url", "result", "verdict", "target", "title")}
        for link in entry.links
    ]
    return face | {"topics": list(entry.topics), "links": links}


def diagnostic_json(found: Diagnostic, words: Words) -> dict[str, Any]:
    message, fix = words.diagnostic(found)
    place = {"file": found.file, "line": found.line, "column": found.column}
    return place | {"level": found.level, "code": found.code, "message": message, "fix": fix}


def books_json(books: Mapping[str, int]) -> dict[str, int]:
    return {word: books.get(word, 0) for word in BOOKS}


def fields_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
