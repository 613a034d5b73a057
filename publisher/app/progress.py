"""How a verb says where it is while it works: the asker draws it, or nobody does.

A run calls `start` once, `phase` when a step begins, `link` for every link asked, `done` when a step ended:

    progress.start("once", at, "Asia/Shanghai", run="17")
    progress.phase("scan")
    progress.done("scan", SCANNED, folder="seeds", files=4, entries=31, new=9, edited=0, moved=0, withdrawn=0)

Texts are English message ids filled with the parameters and translated by whoever shows them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

Phase = Literal["scan", "choose", "links", "render", "deliver"]

SCANNED = (
    "{folder}/  {files} files, {entries} entries   "
    "new {new}  edited {edited}  moved {moved}  withdrawn {withdrawn}"
)
CHOSEN = "{days}  {entries} entries, {words} characters, {minutes} minutes"
CHOSEN_NOTHING = "nothing to publish"
CHOSEN_BEFORE = "today's issue is already out"
LINKS_ASKED = "{asked} asked: {alive} fine, {broken} broken, {unsure} unsure, {unchecked} not checked yet"
LINKS_NONE = "no links to ask"
LINKS_AGAIN = "{asked} asked again"
RENDERED = "{written} files written, {unchanged} unchanged   mail {kilobytes} of {budget} kB"
RENDERED_NO_MAIL = "{written} files written, {unchanged} unchanged"
DELIVERED = "{accepted} of {recipients} accepted"
DELIVERED_NONE = "no mail to send"


class Progress(Protocol):
    """Told what happens; must never raise and never slow the run down noticeably."""

    def start(self, command: str, at: datetime, timezone: str, run: str = "") -> None:
        """The verb begins; `at` is in the publication's zone."""

    def phase(self, name: Phase, text: str = "", /, **params: object) -> None:
        """A step begins."""

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None:
        """Another link was asked; `target` is where it led, when that is known and differs."""

    def done(self, name: Phase, text: str = "", /, **params: object) -> None:
        """A step ended; `text` says what it came to."""


class Silent:
    """Nobody watches."""

    def start(self, command: str, at: datetime, timezone: str, run: str = "") -> None:
        pass

    def phase(self, name: Phase, text: str = "", /, **params: object) -> None:
        pass

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None:
        pass

    def done(self, name: Phase, text: str = "", /, **params: object) -> None:
        pass
