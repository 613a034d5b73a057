"""Files that belong to the site: what they are made from and how, before anything is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from publisher.app.view import SiteView
    from publisher.core.reading_options import ReadingOptions
    from publisher.render.environment import Templates
    from publisher.render.feed_check import Kind


class Building(Struct, frozen=True, kw_only=True):
    """How the site is built. `rendering` moves with templates, settings and our own code."""

    templates: Callable[[], Templates]
    options: ReadingOptions
    rendering: str
    window_entries: int
    window_bytes: int
    hub: str
    born: datetime  # of the publication: what an empty feed says it was updated

    def group(self, files: Callable[[], Iterator[Wanted]], *inputs: object) -> Group:
        """Files that are drawn again when one of these inputs moves."""
        return Group(digest_of(self.rendering, inputs), files)


class Wanted(Struct, frozen=True):
    """A file that belongs to the site, and how it is made."""

    path: str
    make: Callable[[], bytes]
    feed: Kind | None = None  # checked before it takes the place of the one before
    durable: bool = False  # on the disk before the next file is written


class Group(Struct, frozen=True):
    """Files made from the same inputs, which `key` stands for. `files` may be costly: it is asked when they moved."""

    key: str
    files: Callable[[], Iterator[Wanted]]


class FileMaker:
    """Makes a part of the site's files from one view of it. Templates are loaded when something is drawn."""

    def __init__(self, view: SiteView, building: Building) -> None:
        self._view = view
        self._building = building

    @property
    def _templates(self) -> Templates:
        return self._building.templates()


class GoneSinceError(Exception):
    """A file beside a document is not there any more."""


def digest_of(*parts: object) -> str:
    """A short stable hash of values with a faithful repr."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
