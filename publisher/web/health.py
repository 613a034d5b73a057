"""Whether all is well, for /healthz: the last due slot is published, and the clock of the publisher beats."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from msgspec import Struct

SWEPT_WITHIN_S = 300.0


class Heart(Protocol):
    """The scheduler, as far as health goes."""

    @property
    def swept_s_ago(self) -> float | None:
        """Since the last sweep ended; None before the first one did."""

    @property
    def at_work_s(self) -> float:
        """Since the sweep under way began; 0 when none is."""


class Health(Struct, frozen=True):
    """`reasons` is empty when all is well."""

    reasons: tuple[str, ...]
    swept_s_ago: float | None
    due: date | None

    @property
    def ok(self) -> bool:
        return not self.reasons

    def told(self) -> dict[str, object]:
        """As JSON says it."""
        return {
            "ok": self.ok,
            "reasons": list(self.reasons),
            "due": self.due.isoformat() if self.due else None,
            "swept_s_ago": None if self.swept_s_ago is None else round(self.swept_s_ago, 1),
        }


def health(due: date | None, heart: Heart | None, trouble: str = "") -> Health:
    """`due`: a slot that is not published; it is excused while a sweep is at it. `heart` None: another process's."""
    swept = heart.swept_s_ago if heart else None
    reasons = [trouble] if trouble else []
    if heart is not None:
        if swept is None:
            reasons.append("no sweep has ended yet")
        elif swept >= SWEPT_WITHIN_S:
            reasons.append(f"the last sweep ended {swept:.0f} s ago")
    if due is not None and not (heart and 0 < heart.at_work_s < SWEPT_WITHIN_S):
        reasons.append(f"the issue of {due.isoformat()} is due and not published")
    return Health(tuple(reasons), swept, due)
