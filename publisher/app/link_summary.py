"""What the verbs about links report back, and the JSON faces of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from msgspec import Struct

from publisher.app.summary import Note, as_json
from publisher.core.link import Hop, Verdict
from publisher.core.verdict import Event
from publisher.render.words import Words

BAD = ("broken", "invalid")


class LinkPlace(Struct, frozen=True, kw_only=True):
    """Where a link stands. `uid` is "" for a link of a file that belongs to no publication."""

    uid: str = ""
    title: str = ""
    file: str = ""
    line: int = 0


class LinkRow(Struct, frozen=True, kw_only=True):
    """A link as a line of a report."""

    url: str
    result: str | None = None
    verdict: Verdict = "unchecked"
    target: str | None = None
    title: str | None = None
    chain: tuple[str, ...] = ()
    places: tuple[LinkPlace, ...] = ()
    http_status: int | None = None
    error: str = ""  # a message id
    since: datetime | None = None  # of the verdict; in the publication's zone
    checked_at: datetime | None = None
    archive: str = ""
    events: tuple[Event, ...] = ()  # what is new, oldest first

    @property
    def is_bad(self) -> bool:
        """Dead, or did not open when it was asked last."""
        return self.verdict == "dead" or self.result in BAD


class LinksSummary(Struct, frozen=True, kw_only=True):
    """`links check` and `links report`. `void`: the run says more about our network than about links.

    `counts`: all links of the publication by verdict, in a report, which lists only those worth a word.
    """

    links: tuple[LinkRow, ...] = ()
    counts: Mapping[str, int] | None = None
    void: bool = False
    notices: tuple[Note, ...] = ()

    @property
    def some_bad(self) -> bool:
        return any(row.is_bad for row in self.links)


class ProbeSummary(Struct, frozen=True, kw_only=True):
    """`links probe`: every step of one link's chain, and what it came to."""

    row: LinkRow
    hops: tuple[Hop, ...] = ()
    rule: str = ""  # that decided
    saved: str = ""  # where a page that matches no rule was kept


class FixSummary(Struct, frozen=True, kw_only=True):
    """`links fix`: a patch for the documents, and how many links it mends."""

    patch: str = ""
    mended: int = 0
    left: tuple[LinkRow, ...] = ()  # dead ones that nothing can be put for


@as_json.register
def _links_json(listed: LinksSummary, words: Words) -> dict[str, Any]:
    return {
        "links": [row_json(row, words) for row in listed.links],
        "counts": {name: listed.counts.get(name, 0) for name in get_args(Verdict)}
        if listed.counts is not None
        else None,
        "void": listed.void,
        "notices": [note.said(words) for note in listed.notices],
    }


@as_json.register
def _probe_json(probe: ProbeSummary, words: Words) -> dict[str, Any]:
    hops = [
        {
            "url": hop.url, "status": hop.status, "headers": dict(hop.headers), "rule": hop.rule or None,
            "text": hop.text,
        }
        for hop in probe.hops
    ]  # fmt: skip
    return row_json(probe.row, words) | {
        "rule": probe.rule or None,
        "hops": hops,
        "saved": probe.saved or None,
    }


@as_json.register
def _fix_json(fix: FixSummary, words: Words) -> dict[str, Any]:
    left = [row_json(row, words) for row in fix.left]
    return {"patch": fix.patch, "mended": fix.mended, "left": left}


def row_json(row: LinkRow, words: Words) -> dict[str, Any]:
    """A link; where it stands is its entries, or a file's name and line."""
    face = {name: getattr(row, name) for name in ("url", "result", "verdict", "target", "title")}
    place: dict[str, Any] = {"entries": [one.uid for one in row.places]}
    if row.places and not row.places[0].uid:
        place = {"file": row.places[0].file, "line": row.places[0].line}
    return (
        face
        | place
        | {
            "chain": list(row.chain),
            "http_status": row.http_status,
            "error": words(row.error) if row.error else None,
            "archive": row.archive or None,
            "checked_at": row.checked_at.isoformat(timespec="seconds") if row.checked_at else None,
            "events": [event.kind for event in row.events],
        }
    )
