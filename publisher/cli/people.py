"""`publisher subscribers import|export|forget`: lists from and to elsewhere, and a person's wish to be erased."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from publisher.app.people_summary import ExportSummary, ImportedRow, ImportSummary, SubscribersChange
from publisher.app.summary import REFUSED
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.subscribers import addresses, changed
from publisher.core.errors import FolderError
from publisher.core.preferences import CADENCES
from publisher.render.words import Words

HELP = """Take over readers from a CSV file, active where it does not say otherwise, because you vouch for them.
Its first line names the columns: email is needed; state, cadence, body, language, paused_until, created_at,
state_at and the others of an export are taken where they are there, and so are the names that Mailchimp,
listmonk and Buttondown use. UTF-8, UTF-16 and GB 18030 are read, commas, semicolons and tabs.

Nobody who is known here is made active by it; who left there leaves here too. A single - is standard input.
Exit code: 0 every row was taken or needed nothing, 3 some rows could not be read."""


@command("import", HELP)
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="say what would happen, and change nothing")
@click.option("--cadence", type=click.Choice(CADENCES), help="for rows that name none (daily)")
def take(ask: Ask, *, file: str, dry_run: bool, cadence: str | None) -> int:
    name, data = _read(file)
    done: ImportSummary = ask.run(ask.app().import_subscribers, data, name, cadence=cadence, dry_run=dry_run)
    code = ask.screen.show(done, _imported(done, ask))
    return max(code, REFUSED if done.bad else 0)


@command(
    "export",
    "Write every reader, with consents, to a new CSV file that import takes without loss; - is standard output.",
)
@click.argument("file")
def write(ask: Ask, *, file: str) -> int:
    done: ExportSummary = ask.run(ask.app().export_subscribers)
    if file == "-":
        sys.stdout.write(done.text)
        return 0
    _write(Path(file), done.text)
    return ask.screen.show(
        done,
        [ask.words.plural("{n} subscriber in {file}", "{n} subscribers in {file}", done.people, file=file)],
    )


@command(
    "forget",
    "Erase people: their address, choices and consents. What stays is a hash, so that no list brings them back.",
)
@click.argument("emails", nargs=-1, required=True)
def forget(ask: Ask, *, emails: tuple[str, ...]) -> int:
    change: SubscribersChange = ask.run(ask.app().forget_subscribers, addresses(emails))
    return ask.screen.show(change, changed(change, ask.words))


def _read(file: str) -> tuple[str, bytes]:
    """The name that consents keep, and the bytes."""
    if file == "-":
        return "-", sys.stdin.buffer.read()
    try:
        return Path(file).name, Path(file).read_bytes()
    except OSError as exc:
        raise FolderError("cannot read {path}: {why}", path=file, why=exc.strerror or exc) from exc


def _write(path: Path, text: str) -> None:
    """A new file for its owner alone: it holds everybody's address. One that is there is never written over."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii", newline="") as out:
            out.write(text)
    except FileExistsError as exc:
        raise FolderError("{path} is there already", path=path, fix="name a new file") from exc
    except OSError as exc:
        raise FolderError("cannot write {path}: {why}", path=path, why=exc.strerror or exc) from exc


def _imported(done: ImportSummary, ask: Ask) -> Iterator[str]:
    words = ask.words
    for row in done.rows:
        if row.outcome != "already" or ask.verbose:
            yield _told(done.file, row, words)
    counts = (
        ("{n} added", done.added), ("{n} there already", done.already), ("{n} left", done.left),
        ("{n} suppressed", done.suppressed), ("{n} duplicate", done.duplicate), ("{n} bad", done.bad),
    )  # fmt: skip
    yield " · ".join(words(said, n=n) for said, n in counts if n or said == "{n} added")
    if done.dry_run:
        yield words("Only looked: nothing was changed.")


def _told(file: str, row: ImportedRow, words: Words) -> str:
    """'list.csv:7  li@example  the domain has no dot — write it in full'."""
    fix = row.fix.said(words)
    why = row.why.said(words) + (f" — {fix}" if fix else "")
    return f"{file}:{row.line}  {row.email}  {why}" if row.email else f"{file}:{row.line}  {why}"
