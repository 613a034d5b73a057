"""Links: what an answer means (result), what we believe (verdict), and how both are kept as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["alive", "dead", "unsure", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What is known of one address, as pages, feeds and reports show it."""

    url: str
    verdict: Verdict = "unchecked"
    result: str | None = None  # of the last check (the eleven words of links.md §4.4); None: never asked
    target: str | None = None  # where it first led, kept for ever; None: unknown or the address itself
    target_title: str | None = None  # cleaned, plain text
    http_status: int | None = None
    checked_at: datetime | None = None
