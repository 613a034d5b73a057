"""`publisher export`: the whole site as plain files for any static host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from publisher.app.export import ExportedSite
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.render.words import Words

HELP = """Write the whole site into FOLDER as plain files, for a host that runs nothing of ours.
What is published stays byte for byte; the pages for searching and subscribing say that this is a
static copy. Only what changed is written, and what an earlier export left behind is removed."""


@command("export", HELP)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(ask: Ask, *, folder: Path) -> int:
    exported: ExportedSite = ask.run(ask.app().export, folder)
    return ask.screen.show(exported, _lines(exported, ask.words))


def _lines(exported: ExportedSite, words: Words) -> Iterator[str]:
    yield words(
        "{folder}: {files} files, {written} of them written, {removed} removed",
        folder=exported.folder,
        files=words.number(exported.files),
        written=words.number(exported.written),
        removed=words.number(exported.removed),
    )
