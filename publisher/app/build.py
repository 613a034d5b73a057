"""Build the site: write what changed, feeds last, remove what no longer belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.app.ports import Documents, Output
from publisher.app.site import Site
from publisher.app.summary import OutputsSummary
from publisher.app.view import SiteView
from publisher.app.wanted import Building, GoneSinceError, Group, Wanted
from publisher.core.errors import TemplateError
from publisher.core.faults import fault
from publisher.store import outputs
from publisher.store.engine import Store
from publisher.store.outputs import Written

if TYPE_CHECKING:
    from publisher.render.feed_check import Kind


class Built(Struct, frozen=True):
    """What a build did, and what the feeds hold."""

    outputs: OutputsSummary
    feed_items: int


def build(store: Store, folder: Output, documents: Documents, building: Building, *, now: datetime) -> Built:
    """Write every file whose inputs moved or that is missing; unchanged inputs leave the file alone.

    Pages are renamed into place and synced together, feeds are each on the disk before the next. Killed anywhere,
    the next build writes the rest. Raises TemplateError (a template is wrong; the old file stays) and FolderError.
    """
    with store.read() as tx:
        writer = _Writer(folder, outputs.all_written(tx))
        site = Site(SiteView(tx, building.options), building, documents)
        for group in site.pages():
            writer.put(group)
        fault("pages-written")
        if writer.written:
            folder.sync()
        writer.put(site.feeds.newest())
        fault("feeds-written")
        items = site.feeds.items()
    gone = writer.gone()
    for path in gone:
        folder.remove(path)
    if writer.fresh or gone:
        with store.write() as tx:
            outputs.record(tx, writer.fresh, now=now)
            outputs.forget(tx, gone)
    fault("outputs-recorded")
    summary = OutputsSummary(
        written=writer.written, unchanged=len(writer.wanted) - writer.written, removed=len(gone)
    )
    return Built(summary, items)


class _Writer:
    """Puts files in place and keeps count. Every file that we wrote before is looked at, once: it may be damaged."""

    def __init__(self, folder: Output, known: dict[str, Written]) -> None:
        self._folder = folder
        self._known = known
        there = folder.look(known)
        self._touched = {path for path, w in known.items() if there.get(path) != (w.size, w.mtime_ns)}
        self._whole = _whole_groups(known.values(), self._touched)
        self.wanted: set[str] = set()
        self.fresh: list[Written] = []
        self.written = 0

    def put(self, group: Group) -> None:
        """Draw the files of a group, unless all of them are as these inputs made them."""
        if group.key in self._whole:
            self.wanted.update(self._whole[group.key])
            return
        files = list(group.files())
        key = f"{group.key}/{len(files)}"
        for wanted in files:
            if wanted.path not in self.wanted:
                self.wanted.add(wanted.path)
                self._put(wanted, key)

    def _put(self, wanted: Wanted, key: str) -> None:
        before = None if wanted.path in self._touched else self._known.get(wanted.path)
        if before is not None and before.input_key == key:
            return
        try:
            data = wanted.make()
        except GoneSinceError:
            return  # its page shows the name until the file is back; what was written before stays
        sha = hashlib.sha256(data).hexdigest()
        if before is not None and before.sha256 == sha:
            self.fresh.append(before._replace(input_key=key))
            return
        if wanted.feed:
            _refuse_bad_feed(wanted.path, wanted.feed, data)
        fresh = self._folder.write(wanted.path, data, durable=wanted.durable)
        self.fresh.append(Written(wanted.path, key, fresh.sha256, fresh.size, fresh.mtime_ns))
        self.written += 1

    def gone(self) -> list[str]:
        """What we wrote once and does not belong to the site any more."""
        return [path for path in self._known if path not in self.wanted]


def _whole_groups(known: Iterable[Written], touched: set[str]) -> dict[str, list[str]]:
    """Key → paths of the groups that are complete and as we left them. A recorded key is that of the group and, after
    a '/', how many files it had: when two groups want one path, the one that lost it is not taken for complete."""
    groups: dict[str, list[str]] = {}
    for written in known:
        groups.setdefault(written.input_key, []).append(written.path)
    for key in {w.input_key for w in known if w.path in touched}:
        del groups[key]
    whole = {}
    for key, paths in groups.items():
        name, _, n = key.rpartition("/")
        if n == str(len(paths)):
            whole[name] = paths
    return whole


def _refuse_bad_feed(path: str, kind: Kind, data: bytes) -> None:
    from publisher.render.feed_check import check_feed

    problems = check_feed(kind, data)
    if problems:
        raise TemplateError(
            "{path} would not be valid: {problem}", path=path, problem=problems[0],
            fix="the published feed stays as it was; mend templates/feed, then run again",
        )  # fmt: skip


__all__ = ["Building", "Built", "build"]
