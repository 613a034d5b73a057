"""Export: the whole site as plain files, for a host that runs nothing of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from publisher.app.equipment import Equipment
from publisher.app.ports import Output
from publisher.app.summary import as_json
from publisher.core.errors import OperatorMustAct
from publisher.render.words import Words
from publisher.store import outputs, publication

LIST = "files.txt"
"""Names what the export wrote: the next one into the same folder removes what is not of the site any more."""


class ExportedSite(Struct, frozen=True, kw_only=True):
    """What an export did; `files` counts all of the site, the list of them too."""

    folder: str
    files: int
    written: int
    removed: int


def export(e: Equipment, folder: Output, *, shown_as: str) -> ExportedSite:
    """Write every public file into `folder`, byte for byte; the pages that a server would make say so instead.

    Files of others that lie there stay. Raises OperatorMustAct when the public folder is not as a run left it, and
    FolderError.
    """
    files, written = [], 0
    before = _listed(folder)
    for path, data in _site(e):
        files.append(path)
        written += _put(folder, path, data)
    listed = "".join(f"{path}\n" for path in sorted(files))
    written += _put(folder, LIST, listed.encode())
    gone = sorted(before - set(files))
    for path in gone:
        folder.remove(path)
    folder.sync()
    return ExportedSite(folder=shown_as, files=len(files) + 1, written=written, removed=len(gone))


def _site(e: Equipment) -> Iterator[tuple[str, bytes]]:
    with e.store.read() as tx:
        known, recorded = publication.get(tx), outputs.all_written(tx)
    if known is None or not recorded:
        raise OperatorMustAct("there is no site to export yet", fix="run 'publisher once' first")
    from publisher.render.copies import copy_pages

    copies = copy_pages(e.templates(known))
    for path, written in recorded.items():
        if path in copies:
            continue
        data = e.output.read(path)
        if data is None or hashlib.sha256(data).hexdigest() != written.sha256:
            raise OperatorMustAct(
                "{path} is not as the last run left it", path=path,
                fix="run 'publisher once', which mends it, then export again",
            )  # fmt: skip
        yield path, data
    yield from copies.items()


def _put(folder: Output, path: str, data: bytes) -> bool:
    """Whether it had to be written: what is there already keeps its date."""
    if folder.read(path) == data:
        return False
    folder.write(path, data, durable=False)
    return True


def _listed(folder: Output) -> set[str]:
    """What the export before this one wrote. A path that leads out of the folder was not written by us."""
    said = (folder.read(LIST) or b"").decode("utf-8", "replace").splitlines()
    return {line for line in said if line and not {"/", ".."} & set(PurePosixPath(line).parts)}


@as_json.register
def _export_json(exported: ExportedSite, words: Words) -> dict[str, Any]:
    return {
        "folder": exported.folder, "files": exported.files, "written": exported.written, "removed": exported.removed,
    }  # fmt: skip
