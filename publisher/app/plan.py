"""Plan and preview: a whole run on a copy of the store, so that it says exactly what `once` would do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from msgspec.structs import replace

from publisher.app.equipment import Equipment
from publisher.app.mailing import sample_message
from publisher.app.ports import Output
from publisher.app.progress import Progress
from publisher.app.publish import rehearse
from publisher.app.summary import RunSummary, Would
from publisher.app.verb_summary import PreviewSummary
from publisher.core.errors import FolderError
from publisher.render.digest import Frozen
from publisher.render.pages import day_path, file_of

_STYLESHEET = re.compile(rb'<link rel="stylesheet" href="[^"]*">')
_WOULD: dict[str, Would] = {
    "published": "publish", "already-published": "already-published", "empty": "empty", "held": "held"
}  # fmt: skip


class Shadow:
    """An output folder that nothing is written to: what would be written is kept in memory."""

    def __init__(self, real: Output) -> None:
        self._real = real
        self.written: dict[str, bytes] = {}
        self.removed: set[str] = set()

    def stats(self) -> dict[str, tuple[int, int]]:
        return self._real.stats()

    def look(self, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
        return self._real.look(paths)

    def read(self, path: str) -> bytes | None:
        if path in self.written:
            return self.written[path]
        return None if path in self.removed else self._real.read(path)

    def write(self, path: str, data: bytes, *, durable: bool) -> _Fresh:
        self.written[path] = data
        return _Fresh(sha256(data).hexdigest(), len(data))

    def remove(self, path: str) -> None:
        self.written.pop(path, None)
        self.removed.add(path)

    def sync(self) -> None:
        """Nothing is on its way."""

    def sweep(self) -> list[str]:
        return []


class _Fresh:
    def __init__(self, digest: str, size: int) -> None:
        self.sha256, self.size, self.mtime_ns = digest, size, 0


async def plan(e: Equipment, progress: Progress) -> RunSummary:
    """What `once` would do now. Asks nobody, writes nothing; the database stays as it is."""
    summary, _, _ = await _rehearsed(e, progress)
    return summary


async def _rehearsed(e: Equipment, progress: Progress) -> tuple[RunSummary, dict[str, Frozen], Shadow]:
    shadow = Shadow(e.output)
    copy = e.store.rehearsal()
    try:
        summary, drawn = await rehearse(e.rehearsing(copy, shadow), progress, e.clock())
    finally:
        copy.close()
    would = _WOULD[summary.outcome]
    # Nobody is waiting yet: the books are those of a mailing that was only tried out.
    planned = replace(summary, command="plan", run="", outcome="planned", would=would, books={})
    return planned, drawn, shadow


async def preview(e: Equipment, progress: Progress, folder: Output, shown_as: str) -> PreviewSummary:
    """Write the next issue's pages and mail into `folder` (called `shown_as`), to be opened as files; send nothing."""
    summary, drawn, shadow = await _rehearsed(e, progress)
    for path in folder.stats():
        folder.remove(path)
    written = dict(_pages(summary, shadow, e.config.site.url))
    for name, frozen in drawn.items():
        written[f"{name}.eml"] = sample_message(frozen, e.config.mail.owner)
    for path, data in written.items():
        folder.write(path, data, durable=False)
    names = sorted(written, key=lambda path: (path.endswith(".eml"), path.count("/"), path))
    first = [
        file_of(day_path(entry.day))
        for entry in (summary.issue.entries if summary.issue else ())
        if entry.day
    ]
    ordered = list(dict.fromkeys([*(path for path in first if path in written), *names]))
    return PreviewSummary(files=tuple(f"{shown_as}/{path}" for path in ordered), summary=summary)


def _pages(summary: RunSummary, shadow: Shadow, site_url: str) -> Iterable[tuple[str, bytes]]:
    """The pages of the issue's days and entries, each with its style inside: they are opened from the disk."""
    if summary.issue is None or summary.would != "publish":
        return
    css = shadow.read("style.css")
    if css is None:
        raise FolderError("cannot read {path}: {why}", path="style.css", why="it was not drawn")
    wanted = {file_of(day_path(entry.day)) for entry in summary.issue.entries if entry.day}
    wanted |= {file_of(entry.url.removeprefix(site_url)) for entry in summary.issue.entries if entry.url}
    for path, data in shadow.written.items():
        if path in wanted or path.startswith("media/"):
            yield path, _STYLESHEET.sub(b"<style>" + css.replace(b"\\", b"\\\\") + b"</style>", data)
