"""Adopt: go on from published pages after the state was lost or restored; nothing is mailed or named twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from publisher.app import stamp as site_stamp
from publisher.app.ports import Output
from publisher.app.summary import Note
from publisher.app.verb_summary import AdoptSummary
from publisher.core.errors import OperatorMustAct
from publisher.core.faults import fault
from publisher.render.printed import PrintedEntry, read_page
from publisher.store import adoption, publication
from publisher.store.engine import Store

_ENTRY_PAGE = re.compile(r"\d{4}/\d\d/\d\d/[^/]{2,}/index\.html")


def adopt(store: Store, output: Output, *, now: datetime) -> AdoptSummary:
    """Read identities back from the entry pages and count what they hold as published and mailed.

    A second call finds everything known and changes nothing. Raises OperatorMustAct when there are no pages of ours.
    """
    printed = list(_printed(output))
    if not printed:
        raise OperatorMustAct(
            "there are no pages of publisher in the output folder",
            fix="check [output] folder; without pages there is nothing to adopt: run 'publisher once'",
        )
    stamp = site_stamp.read(output)
    with store.write() as tx:
        if stamp is not None and stamp.uuid != "?":
            publication.restore_generation(tx, stamp.generation, uuid=stamp.uuid, tag_host=stamp.tag_host)
        changed = adoption.take_over(tx, printed, now=now)
    fault("adopted")
    with store.read() as tx:
        known = publication.get(tx)
    assert known is not None
    newest = max((str(entry.issue) for entry in printed if entry.issue), default="")
    site_stamp.write(
        output,
        site_stamp.Stamp(uuid=known.uuid, tag_host=known.tag_host, generation=known.generation, issue=newest),
    )
    issues = {entry.issue for entry in printed if entry.issue}
    note = Note(
        "run 'publisher once' now: pages are refreshed, and mail goes out again from the next issue on"
    )
    return AdoptSummary(pages=len(printed), entries=changed, issues=len(issues), notices=(note,))


def _printed(output: Output) -> Iterator[PrintedEntry]:
    """One entry a permalink: the page that stands at it."""
    for path in sorted(output.stats()):
        if not _ENTRY_PAGE.fullmatch(path):
            continue
        for entry in read_page(output.read(path) or b""):
            if f"{entry.permalink}index.html" == path:
                yield entry
