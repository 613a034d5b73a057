"""An entry whose link does not open on the day of publication goes out, waits, or stops the issue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct, field

from publisher.app.asking import ask_urls
from publisher.app.choose import upcoming
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress
from publisher.app.summary import HeldItem
from publisher.core.link import short_form
from publisher.store import link_reports, links


class Broken(Struct, frozen=True):
    """Entries to hold back, each with its broken links; `whole`: they hold the issue."""

    entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    whole: bool = False
    spent_s: float = 0.0

    def held(self) -> list[HeldItem]:
        """What the operator is told."""
        if self.whole and self.entries:
            uid, urls = next(iter(self.entries.items()))
            return [
                HeldItem(
                    what="publishing", kind="run",
                    params={"n": len(self.entries), "uid": uid, "url": short_form(urls[0])},
                    why="{n} entries have links that did not open, the first is {url}",
                    how="mend the document, or let it go: publisher allow {uid}",
                )
            ]  # fmt: skip
        return [
            HeldItem(
                what="entry {uid}", kind="entry", params={"uid": uid, "url": short_form(urls[0])},
                why="its link {url} did not open", how="mend the document, or let it go: publisher allow {uid}",
            )
            for uid, urls in self.entries.items()
        ]  # fmt: skip


async def look_for_broken(e: Equipment, day: date, progress: Progress) -> Broken:
    """Ask the links of the entries that would go out, when a broken one matters. A rehearsal asks nobody and goes
    by what is known."""
    if e.config.links.on_broken == "annotate":
        return Broken()
    began = e.monotonic()
    with e.store.read() as tx:
        ids = upcoming(e, tx, day)
        never = links.unasked(tx, list(ids.values()))
    await ask_urls(e, never, progress, budget_s=e.config.links.budget_s)
    with e.store.read() as tx:
        found = link_reports.broken_of(tx, ids)
    entries = {uid: tuple(urls) for uid, urls in found.items()}
    return Broken(entries, e.config.links.on_broken == "hold-issue", e.monotonic() - began)
