"""What the operator is told about readers: of an import, row by row, and of one person, everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from publisher.app.summary import Note, as_json
from publisher.render.words import Words

RowOutcome = Literal["bad", "duplicate", "suppressed", "left", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """A row that is worth a word: everything but those that were added as they stand."""

    line: int
    email: str
    outcome: RowOutcome
    why: Note
    fix: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """`subscribers export`: how many are in the file; `text` is what was written."""

    people: int
    text: str


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
