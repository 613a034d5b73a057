"""`publisher links`: check them, say how they stand, look into one, mend the documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click

from publisher.app.link_summary import FixSummary, LinkRow, LinksSummary, ProbeSummary
from publisher.app.summary import DONE, REFUSED, as_json
from publisher.cli.asking import Ask
from publisher.cli.command import Group, command
from publisher.cli.progress import watched
from publisher.core.errors import UsageError
from publisher.core.link import RESULT_WORDS, VERDICT_WORDS, Verdict, host_label, short_form, visible
from publisher.core.verdict import EVENT_WORDS
from publisher.render.words import Words

links = Group(
    "links",
    {
        "check": ("publisher.cli.links:check", "ask links now"),
        "report": ("publisher.cli.links:report", "what changed, what is dead, what nobody can tell"),
        "probe": ("publisher.cli.links:probe", "one link's whole chain, headers and the rule that decided"),
        "fix": ("publisher.cli.links:fix", "print a patch for documents with dead links"),
    },
    help="Where links lead, whether they open, and what has become of them.",
)

CHECK = """Ask links now: those whose time has come and those never asked, or --all, or those of one entry.
One failed check never says dead: that takes three over a week, or a page that says so twice.
With --file the links of any Markdown file are checked, without a publication and without history.

Exit code: 0 nothing is broken, 3 some links are."""


@command("check", CHECK)
@click.option("--due", is_flag=True, help="those whose time has come and those never asked (the default)")
@click.option("--all", "everything", is_flag=True, help="every link of every entry")
@click.option("--entry", metavar="UID", help="the links of one entry")
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="F",
    help="the links of a Markdown file; may be given more than once",
)  # fmt: skip
@click.option(
    "--budget", type=click.FloatRange(min=0, min_open=True), metavar="S", help="at most so many seconds (600)"
)
@click.option(
    "--concurrency", type=click.IntRange(1, 200), metavar="N", help="at most so many requests at once"
)
def check(
    ask: Ask,
    *,
    due: bool,
    everything: bool,
    entry: str | None,
    files: tuple[Path, ...],
    budget: float | None,
    concurrency: int | None,
) -> int:
    if sum((due, everything, bool(entry), bool(files))) > 1:
        raise UsageError("give one of --due, --all, --entry, --file")
    app = _plain_app(ask) if files else ask.app()
    with watched(ask) as progress:
        progress.phase("links")
        options: dict[str, Any] = {"budget_s": budget, "concurrency": concurrency, "progress": progress}
        if files:
            found: LinksSummary = ask.run(app.check_file, files, **options)
        else:
            which = "all" if everything else "entry" if entry else "due"
            found = ask.run(app.check_links, which=which, entry=entry, **options)
    shown = tuple(row for row in found.links if ask.verbose or row.result not in ("ok", "redirected"))
    return _show(ask, found, [*_table(shown, ask.words), *_sum(found, ask.words)])


def _plain_app(ask: Ask) -> Any:
    """The app of the configuration, or of none where there is none: a plain checker."""
    if ask.config.exists():
        return ask.app()
    from publisher.config.options import Config, SiteConfig
    from publisher.wiring import make_app

    config = Config(site=SiteConfig(title="links", url="http://localhost/"))
    return (ask.make_app or make_app)(config)


REPORT = """How links stand: what changed within a week, what is dead, what nobody can tell. Asks nobody.

Exit code: 0 nothing is broken, 3 some links are."""


@command("report", REPORT)
@click.option("--new", is_flag=True, help="only what changed within a week")
@click.option("--dead", is_flag=True, help="only dead ones")
@click.option("--unsure", is_flag=True, help="only those of which nobody can tell")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    help="how it is written",
)
def report(ask: Ask, *, new: bool, dead: bool, unsure: bool, form: str) -> int:
    if new + dead + unsure > 1:
        raise UsageError("give one of --new, --dead, --unsure")
    ask.json = ask.json or form == "json"
    only = "new" if new else "dead" if dead else "unsure" if unsure else None
    found: LinksSummary = ask.run(ask.app().report_links, only=only)
    lines = (
        _markdown(found, ask.words)
        if form == "markdown"
        else [*_table(found.links, ask.words), *_sum(found, ask.words)]
    )
    return _show(ask, found, lines)


PROBE = """Ask one address and show its whole chain: every hop with status, headers, the rule that read it.
For writing rules of your own ([links] rules). Nothing is remembered."""


@command("probe", PROBE)
@click.argument("url")
def probe(ask: Ask, *, url: str) -> int:
    shown: ProbeSummary = ask.run(_plain_app(ask).probe_link, url if "://" in url else f"http://{url}")
    if ask.json:
        ask.screen.json(as_json(shown, ask.words))
    else:
        ask.screen.lines(_probed(shown, ask.words))
    return REFUSED if shown.row.is_bad else DONE


FIX = """Print a patch for the documents: a dead short link becomes the address it led to, another dead link its
archived copy. Nothing is written: look at it, then  publisher links fix | patch -p1 -d seeds

Exit code: 0, also when there is nothing to mend."""


@command("fix", FIX)
def fix(ask: Ask) -> int:
    found: FixSummary = ask.run(ask.app().fix_links)
    if ask.json:
        ask.screen.json(as_json(found, ask.words))
        return DONE
    ask.screen.lines(found.patch.splitlines())
    words = ask.words
    ask.screen.note(
        words.plural(
            "{n} dead link mended by this patch", "{n} dead links mended by this patch", found.mended
        )
    )
    for row in found.left:
        ask.screen.note(words("nothing to put for {url}", url=short_form(row.url)))
    return DONE


# ---------------------------------------------------------------- how it looks


def _show(ask: Ask, found: LinksSummary, lines: list[str]) -> int:
    if ask.json:
        ask.screen.json(as_json(found, ask.words))
    else:
        ask.screen.lines(lines)
        for note in found.notices:
            ask.screen.note(note.said(ask.words))
    return REFUSED if found.some_bad else DONE


def _table(rows: tuple[LinkRow, ...], words: Words) -> list[str]:
    """'t.cn/A63WE43h  打不开 404  标题 — weibo.com  2025-01-29.md:12'."""
    from rich.cells import cell_len, set_cell_size

    shown = [
        (short_form(row.url, limit=48), _state(row, words), _destination(row), _place(row)) for row in rows
    ]
    widths = [max((cell_len(line[n]) for line in shown), default=0) for n in range(3)]
    lines = []
    for row, line in zip(rows, shown, strict=True):
        padded = (
            set_cell_size(cell, width) for cell, width in zip(line, (*widths, cell_len(line[3])), strict=True)
        )
        lines.append("  ".join(padded).rstrip())
        if row.archive:
            lines.append(f"    {words('archive')}: {row.archive}")
        lines += [f"    {event.at:%Y-%m-%d} {words(EVENT_WORDS[event.kind])}" for event in row.events]
    return lines


def _state(row: LinkRow, words: Words) -> str:
    if row.verdict == "dead":
        said = (
            words("dead since {day}", day=f"{row.since:%Y-%m-%d}")
            if row.since
            else words(VERDICT_WORDS["dead"])
        )
    else:
        said = words(RESULT_WORDS[row.result] if row.result else VERDICT_WORDS[row.verdict])  # type: ignore[index]
    status = f" {row.http_status}" if (row.http_status or 0) >= 400 else ""
    why = f" ({words(row.error)})" if row.error and row.result not in ("ok", "redirected") else ""
    return f"{said}{status}{why}"


def _destination(row: LinkRow) -> str:
    title = visible(row.title or "")
    title = title if len(title) <= 30 else title[:29] + "…"
    return " — ".join(filter(None, (title, host_label(row.target) if row.target else "")))


def _place(row: LinkRow) -> str:
    if not row.places:
        return ""
    first = row.places[0]
    return f"{first.file}:{first.line}" if first.file else first.uid


def _sum(found: LinksSummary, words: Words) -> list[str]:
    if found.counts is not None:
        counts = {name: found.counts.get(name, 0) for name in get_args(Verdict)}
        said = words("{alive} fine, {dead} dead, {unsure} unsure, {unchecked} not checked yet", **counts)
        return [_summed(sum(counts.values()), said, words)]
    rows = found.links
    alive = sum(row.result in ("ok", "redirected") for row in rows)
    dead = sum(row.verdict == "dead" for row in rows)
    bad = sum(row.is_bad and row.verdict != "dead" for row in rows)
    unchecked = sum(row.result in (None, "deferred") and row.verdict != "dead" for row in rows)
    unsure = len(rows) - alive - dead - bad - unchecked
    said = words(
        "{alive} fine, {dead} dead, {broken} broken, {unsure} unsure, {unchecked} not checked yet",
        alive=alive, dead=dead, broken=bad, unsure=unsure, unchecked=unchecked,
    )  # fmt: skip
    return [_summed(len(rows), said, words)]


def _summed(n: int, counts: str, words: Words) -> str:
    return words("{links}: {counts}", links=words.plural("{n} link", "{n} links", n), counts=counts)


def _markdown(found: LinksSummary, words: Words) -> list[str]:
    heads = [words(head) for head in ("link", "state", "destination", "where")]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | --- | --- |"]
    for row in found.links:
        archive = f" [{words('archive')}](<{row.archive}>)" if row.archive else ""
        cells = (f"<{row.url}>", _state(row, words) + archive, _destination(row), _place(row))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _probed(shown: ProbeSummary, words: Words) -> Iterator[str]:
    for n, hop in enumerate(shown.hops, start=1):
        yield f"{n}. {visible(hop.url)}"
        if hop.status is not None:
            yield f"   HTTP {hop.status}"
        yield from (f"   {name}: {visible(value)}" for name, value in hop.headers)
        if hop.text:
            yield f"   “{visible(hop.text)}”"
        if hop.rule:
            yield f"   {words('rule: {rule}', rule=hop.rule)}"
    yield f"→ {_state(shown.row, words)}  {_destination(shown.row)}".rstrip()
    if shown.row.target:
        yield f"  {visible(shown.row.target)}"
    if shown.rule:
        yield f"  {words('rule: {rule}', rule=shown.rule)}"
    if shown.saved:
        yield words("no rule knows this page; it is kept in {folder}", folder=shown.saved)
