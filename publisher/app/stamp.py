"""The site's stamp, .publisher.json: how far the site got, so that a lost or restored database mails nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from publisher.app.ports import Output
from publisher.store.publication import Publication

PATH = ".publisher.json"
_DAY_PAGE = re.compile(r"\d{4}/\d\d/\d\d/index\.html")


class Stamp(Struct, frozen=True, kw_only=True):
    """What the site says of itself. `issue` is the last published one, '2025-01-29' or '2025-01-29/2'."""

    uuid: str
    tag_host: str
    generation: int
    issue: str


Conflict = Literal["ahead", "foreign", "unknown-pages"]
"""ahead: the site knows issues that the database has lost; foreign: another publication's site;
unknown-pages: day pages without a stamp beside a new database."""


def read(output: Output) -> Stamp | None:
    """The stamp, None when there is none. A damaged one counts as a foreign site."""
    data = output.read(PATH)
    if data is None:
        return None
    try:
        said = json.loads(data)
        return Stamp(
            uuid=str(said["uuid"]), tag_host=str(said["tag_host"]), generation=int(said["generation"]),
            issue=str(said["issue"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return Stamp(uuid="?", tag_host="?", generation=0, issue="?")


def write(output: Output, stamp: Stamp) -> None:
    """Replace the stamp; on the disk when this returns."""
    output.write(PATH, (json.dumps(asdict(stamp), indent=1) + "\n").encode(), durable=True)


def conflict(output: Output, publication: Publication, ours: Container[str], *, new: bool) -> Conflict | None:
    """Why this database may not speak for this site, or None. `ours`: the files that it knows to have written.

    `new`: the database knows of no entry with a page. Pages beside it are somebody else's, or its own memory is
    lost; once it has given an address, day pages may be of a first run that was killed while it wrote them.
    """
    stamp = read(output)
    if stamp is not None:
        if stamp.uuid != publication.uuid:
            return "foreign"
        return "ahead" if stamp.generation > publication.generation else None
    if new and any(_DAY_PAGE.fullmatch(path) and path not in ours for path in output.stats()):
        return "unknown-pages"
    return None
