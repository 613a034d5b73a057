"""Named points where the crash tests kill the process; a no-op everywhere else.

`fault("plan-committed")` does nothing unless a trigger was armed for that name: `wiring` arms one when the
environment says PUBLISHER_FAULT=name[:k] (k-th passage, from 1). The names are listed in POINTS, and a test holds
that every one of them stands in the code exactly as listed.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "run-begun",
    "scan-read",
    "scan-committed",
    "plan-begun",
    "plan-written",
    "plan-committed",
    "links-group-written",
    "links-checked",
    "links-rechecked",
    "output-written",
    "pages-written",
    "feeds-written",
    "outputs-recorded",
    "commit-begun",
    "commit-written",
    "commit-committed",
    "weekly-begun",
    "weekly-written",
    "weekly-committed",
    "stamp-written",
    "claim-committed",
    "mail-written",
    "close-committed",
    "deliver-finished",
    "asks-answered",
    "letter-claimed",
    "letter-sent",
    "adopted",
    "backup-made",
    "restore-made",
    "report-noted",
    "alert-noted",
)

_armed: dict[str, Callable[[], None]] = {}


def arm(name: str, action: Callable[[], None]) -> None:
    """Let `action` run whenever the named point is passed."""
    if name not in POINTS:
        msg = f"no fault point named {name!r}"
        raise ValueError(msg)
    _armed[name] = action


def fault(name: str) -> None:
    """Pass a named point."""
    action = _armed.get(name)
    if action is not None:
        action()
