"""History: what the last runs did, from the log of runs."""

from __future__ import annotations

from publisher.app.equipment import Equipment
from publisher.app.verb_summary import HistorySummary, RunLine
from publisher.store import runs


def history(e: Equipment, n: int) -> HistorySummary:
    """The last n runs, newest first. Ticks that found nothing to do are not among them."""
    with e.store.read() as tx:
        found = runs.latest(tx, n)
    return HistorySummary(
        runs=tuple(
            RunLine(
                run=run.id, kind=run.kind, started_at=e.local(run.started_at),
                ended_at=e.local(run.ended_at) if run.ended_at else None, ok=run.ok, day=run.day, outcome=run.outcome,
                error=run.error, figures=run.summary or {},
            )
            for run in found
        )
    )  # fmt: skip
