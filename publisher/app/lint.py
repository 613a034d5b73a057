"""Lint: read documents and say what is wrong with them, without a store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from publisher.app.ports import Documents
from publisher.app.reading import FileReader, ReadEntry, ReadFile
from publisher.app.summary import EntrySummary, LinkSummary
from publisher.app.verb_summary import LintSummary
from publisher.core.diagnostics import Diagnostic
from publisher.core.errors import FolderError
from publisher.core.reading_options import ReadingOptions


class Reached(Struct, frozen=True, kw_only=True):
    """A file to be checked: the folder it lies in, its path there, and how the curator calls it."""

    folder: Documents
    path: str
    name: str


def lint(files: Sequence[Reached], *, options: ReadingOptions, entry_level: int) -> LintSummary:
    """Check these files. Findings are in the order of files and places; a file that cannot be read is one."""
    read: list[tuple[Reached, ReadFile]] = [(one, _read(one, options, entry_level)) for one in files]
    clashes = _clashes(read)
    found = [
        _renamed(d, one.name)
        for one, file in read
        for d in file.blamed(*clashes.get(one.name, ())).diagnostics
    ]
    entries = tuple(_summary(entry) for _, file in read for entry in file.entries)
    return LintSummary(files=tuple(one.name for one in files), entries=entries, diagnostics=tuple(found))


def _read(one: Reached, options: ReadingOptions, entry_level: int) -> ReadFile:
    try:
        data = one.folder.read(one.path)
    except FolderError as exc:
        why = str(exc.params.get("why", exc))
        told = Diagnostic(file=one.path, line=1, column=1, slug="file-unreadable", params={"reason": why})
        return ReadFile(path=one.path, diagnostics=(told,))
    return FileReader(folder=one.folder, options=options, entry_level=entry_level).read(one.path, data)


def _clashes(read: Sequence[tuple[Reached, ReadFile]]) -> dict[str, list[Diagnostic]]:
    """Explicit ids that stand in two files, by the name of each."""
    places: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for one, file in read:
        for entry in file.entries:
            if entry.source.explicit_id:
                places[entry.source.explicit_id].append((one.name, one.path, entry.source.line))
    found: dict[str, list[Diagnostic]] = defaultdict(list)
    for uid, here in places.items():
        for name, path, line in here:
            other = next((f"{n}:{at}" for n, _, at in here if n != name), None)
            if other:
                params: dict[str, object] = {"id": uid, "other": other}
                found[name].append(
                    Diagnostic(file=path, line=line, column=1, slug="duplicate-id", params=params)
                )
    return found


def _renamed(found: Diagnostic, name: str) -> Diagnostic:
    return Diagnostic(file=name, line=found.line, column=found.column, slug=found.slug, params=found.params)


def _summary(one: ReadEntry) -> EntrySummary:
    entry = one.entry
    return EntrySummary(
        number=one.source.number, label=one.source.label, title=entry.title, words=entry.words, minutes=entry.minutes,
        topics=tuple(topic.name for topic in entry.topics), day=one.document.day,
        links=tuple(LinkSummary(url=link.url) for link in entry.links),
    )  # fmt: skip
