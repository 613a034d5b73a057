"""A run's report on the screen: a table that fits the terminal, or plain lines where nobody draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.app.summary import RunSummary, as_json, exit_code
from publisher.cli.asking import Ask
from publisher.cli.run_report import Mark, Row, RunReport, finding

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_COLOURS = {"good": "green", "bad": "red", "unsure": "yellow", "quiet": "dim"}
_LEVELS = {"error": ("✖", "red"), "warning": ("⚠", "yellow"), "info": ("i", "dim")}
_WIDEST = 100
_ROOMY = 72
"""Columns from which minutes and full link names have room."""


def show_run(ask: Ask, run: RunSummary) -> int:
    """Say what came of a run in whichever form was asked for; returns the exit code."""
    report = RunReport(run, ask.words, verbose=ask.verbose)
    if ask.json:
        ask.screen.json(as_json(run, ask.words))
    elif not ask.quiet and (console := ask.screen.console) is not None:
        draw(report, console)
    else:
        ask.screen.lines(plain(report))
    return exit_code(run)


def plain(report: RunReport) -> Iterator[str]:
    """The report as lines."""
    words = report.words
    yield from (finding(found, words) for found in report.findings())
    yield from report.notes()
    if not report.is_repeat and report.entries:
        yield report.heading()
        for row in report.rows():
            yield from _plain_row(row, words("{n} min", n=row.minutes))
    for what, how in report.held():
        yield f"{what} — {how}"
    if report.trial():
        yield report.trial()
    result = " · ".join(report.result())
    yield result if report.is_repeat else f"{words('Result')}  {result}"
    if upcoming := report.next():
        yield f"{words('Next up')}  {' · '.join(upcoming)}"


def _plain_row(row: Row, minutes: str) -> Iterator[str]:
    if row.heading:
        yield f"[{row.heading}]"
    number = f"#{row.label}" if row.label else "-"
    yield "  ".join((f"{number:>4}", row.title, row.words, minutes, *(mark.text for mark in row.links)))


# ---------------------------------------------------------------- drawn


def draw(report: RunReport, console: Console) -> None:
    """The report with colour, in at most 100 columns."""
    from rich.text import Text

    for found in report.findings():
        sign, colour = _LEVELS[found.level]
        console.print(Text.assemble((f"  {sign} ", colour), finding(found, report.words)))
    for note in report.notes():
        console.print(Text.assemble(("  i ", "cyan"), note))
    if not report.is_repeat and report.entries:
        console.print(Text(f"\n{report.heading()}", style="bold"))
        console.print(_table(report, min(console.width, _WIDEST)))
    for what, how in report.held():
        console.print(Text.assemble(("! ", "bold yellow"), what, "\n  → ", (how, "bold")))
    if report.trial():
        console.print(Text.assemble(("◌ ", "cyan"), (report.trial(), "cyan")))
    _draw_result(report, console)


def _draw_result(report: RunReport, console: Console) -> None:
    from rich.text import Text

    good = exit_code(report.run) == 0
    sign = ("✔ ", "bold green") if good else ("! ", "bold yellow")
    if report.is_repeat:
        console.print(Text.assemble(sign, " · ".join(report.result())))
    else:
        style = "bold green" if good else "bold yellow"
        console.print(_labelled(report.words("Result"), style, report.result(), console.width))
    if report.next():
        console.print(_labelled(report.words("Next up"), "bold cyan", report.next(), console.width))


def _labelled(label: str, style: str, parts: list[str], width: int) -> Table:
    """A label with its parts beside it, broken between parts and kept in their own column."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style=style)
    grid.add_column(overflow="fold")
    for position, line in enumerate(fitted(parts, min(width, _WIDEST) - cell_len(label) - 2)):
        grid.add_row("" if position else label, Text(line))
    return grid


def fitted(parts: list[str], width: int) -> list[str]:
    """Parts joined by ' · ' into lines of at most `width` cells; a part too long has a line of its own."""
    from rich.cells import cell_len

    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]} · {part}" if lines else part
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _table(report: RunReport, width: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    words, roomy = report.words, width >= _ROOMY
    has_links = any(entry.links for entry in report.entries)
    table = Table(box=box.ROUNDED, width=width, header_style="bold", border_style="dim", pad_edge=True)
    table.add_column("#", justify="right", no_wrap=True, style="cyan")
    table.add_column(words("Title"), no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(words("Words"), justify="right", no_wrap=True)
    if roomy:
        table.add_column(words("Minutes"), justify="right", no_wrap=True)
    if has_links:
        table.add_column(words("Links"), no_wrap=True, overflow="ellipsis", max_width=26 if roomy else 16)
    for row in report.rows():
        if row.heading:
            table.add_section()
            table.add_row("", Text(row.heading, style="bold"))
        cells: list[str | Text] = [Text(row.label), Text(row.title), row.words]
        cells += [row.minutes] if roomy else []
        table.add_row(*cells, *([_links(row.links)] if has_links else []))
    return table


def _links(marks: tuple[Mark, ...]) -> Text:
    """The first link by name, the others as a count."""
    from rich.text import Text

    if not marks:
        return Text()
    text = Text(marks[0].text, style=_COLOURS[marks[0].meaning])
    return text.append(f" +{len(marks) - 1}", "dim") if len(marks) > 1 else text
