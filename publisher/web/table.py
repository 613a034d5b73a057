"""The table of the site: every file of the public folder by its address, and those in memory that are asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from publisher.web.kinds import kind_of
from publisher.web.prepared import HELD_BYTES, Prepared, Preparing, StoredFile, quoted

if TYPE_CHECKING:
    from publisher.store.outputs import Recorded

MEMORY_BYTES = 20_000_000
"""Pages beyond that, in all codings, are read again when they are asked for again."""

_PINNED_DAYS = 7
MISSING = "404.html"
_INDEX = "index.html"
_ASSETS = (MISSING, "style.css", "favicon.ico", "favicon.svg", "feed.css", f"archive/{_INDEX}", _INDEX)
_WELL_KNOWN = ".well-known"


class Shelf(Struct, frozen=True, kw_only=True):
    """Where the files of a site lie and how they are shown. `made`: first names of paths that are no files."""

    folder: Path
    base: str  # the path of the site's root: '/' or '/daily/'
    preparing: Preparing
    made: frozenset[str] = frozenset()

    def table(
        self,
        recorded: Mapping[str, Recorded],
        gone: Collection[str],
        *,
        now: datetime,
        before: Table | None = None,
    ) -> Table:
        """Everything in the folder as it is now, feeds and recent pages in memory. Blocks: call it in a thread.

        What `before` holds of the same bytes is taken over.
        """
        table = Table(self)
        for path, (size, mtime_ns) in scan(self.folder).items():
            if path.partition("/")[0] in self.made:
                continue
            status = 410 if path in gone else 404 if path == MISSING else 200
            known = recorded.get(path)
            if known is None:
                changed: int | None = int(min(mtime_ns / 1e9, now.timestamp()))
            elif (known.size, known.mtime_ns) == (size, mtime_ns) and known.changed_at is not None:
                changed = int(known.changed_at.timestamp())
            else:
                changed, table.unsettled = None, True
            file = StoredFile(path=path, size=size, mtime_ns=mtime_ns, changed=changed, status=status)
            table.files[self.address(path)] = file
        table.fill(before)
        return table

    def address(self, path: str) -> bytes:
        """The address of a file: an index.html is known by its folder's."""
        shown = path.removesuffix(_INDEX) if path == _INDEX or path.endswith("/" + _INDEX) else path
        return quoted(self.base + shown).encode("ascii")


def scan(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and mtime of every file there by its path; no file that begins with a dot, and no link to elsewhere."""
    found: dict[str, tuple[int, int]] = {}
    pending = [(os.fspath(folder), "")]
    while pending:
        place, below = pending.pop()
        try:
            items = list(os.scandir(place))
        except OSError:
            continue  # not there yet, or gone since it was listed
        for item in items:
            if item.name.startswith(".") and (below or item.name != _WELL_KNOWN):
                continue
            try:
                if item.is_dir(follow_symlinks=False):
                    pending.append((item.path, f"{below}{item.name}/"))
                elif item.is_file(follow_symlinks=False):
                    status = item.stat(follow_symlinks=False)
                    found[below + item.name] = (status.st_size, status.st_mtime_ns)
            except OSError:
                continue
    return found


class Table(Struct):
    """One state of the site. It is replaced as a whole; only what is ready in memory grows and shrinks."""

    shelf: Shelf
    files: dict[bytes, StoredFile] = field(default_factory=dict)
    ready: dict[bytes, Prepared] = field(default_factory=dict)
    pinned: frozenset[bytes] = frozenset()
    weight: int = 0
    unsettled: bool = False  # a file of ours is as nobody remembers it: it is being written just now

    def find(self, path: str) -> bytes | None:
        """The address of a file under its one spelling, for a path as it was asked for, percent signs resolved."""
        address = quoted(path).encode("ascii")
        return address if address in self.files else None

    def redirect(self, path: str) -> str | None:
        """Where the page is that was asked for as 'page' or 'page/index.html' instead of 'page/'."""
        if path.endswith("/" + _INDEX):
            right = path.removesuffix(_INDEX)
        elif path and not path.endswith("/"):
            right = path + "/"
        else:
            return None
        found = self.find(right)
        return found.decode("ascii") if found is not None else None

    def load(self, address: bytes, *, most: bool = False) -> Prepared | None:
        """Read a file and make it ready; None when it is gone or too large to hold. Blocks: call it in a thread."""
        file = self.files[address]
        if file.size > HELD_BYTES:
            return None
        try:
            with (self.shelf.folder / file.path).open("rb") as opened:
                status = os.fstat(opened.fileno())
                data = opened.read()
        except OSError:
            return None
        if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
            # Newer than this table, which does not know since when: the tag alone speaks for it.
            file = replace(file, size=status.st_size, mtime_ns=status.st_mtime_ns, changed=None)
        return self.shelf.preparing.prepare(file, kind_of(file.path), data, most=most)

    def fill(self, before: Table | None) -> None:
        """Make ready what must always be, and take over what is still the same."""
        self.pinned = frozenset(self._always())
        kept = before.ready.copy() if before is not None else {}  # at once: it goes on changing meanwhile
        for address, prepared in kept.items():
            if self.files.get(address) == prepared.file:
                self.keep(address, prepared)
        for address in self.pinned - self.ready.keys():
            loaded = self.load(address, most=True)
            if loaded is not None:
                self.keep(address, loaded)

    def _always(self) -> list[bytes]:
        """The feeds, the small files every page needs, and the newest days."""
        address = self.shelf.address
        found = [one for path in _ASSETS if (one := address(path)) in self.files]
        top = [(one, file) for one, file in self.files.items() if file.path.count("/") == 0]
        found += [one for one, file in top if kind_of(file.path).kind == "feed"]
        days = [
            one for one, file in self.files.items()
            if file.path.count("/") == 3 and file.path.endswith(_INDEX) and file.path[:4].isdigit()
        ]  # fmt: skip
        return found + sorted(days)[-_PINNED_DAYS:]

    def keep(self, address: bytes, prepared: Prepared) -> None:
        """Hold it in memory, and let go of others that were not asked for lately when there are too many."""
        if address in self.ready:
            self.weight -= self.ready.pop(address).weight
        self.ready[address] = prepared
        self.weight += prepared.weight
        if self.weight > MEMORY_BYTES:
            self._let_go()

    def _let_go(self) -> None:
        """Second chance, oldest first: what was used since it was last looked at stays once more."""
        for address in list(self.ready) * 2:
            if self.weight <= MEMORY_BYTES * 3 // 4:
                return
            if address in self.pinned or address not in self.ready:
                continue
            prepared = self.ready.pop(address)
            if prepared.used:
                prepared.used = False
                self.ready[address] = prepared
            else:
                self.weight -= prepared.weight
