"""`publisher preview`: the next issue's pages and mail as files to look at; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.app.summary import as_json, exit_code
from publisher.app.verb_summary import PreviewSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import watched
from publisher.cli.run_report import RunReport, finding
from publisher.render.words import Words

HELP = "Write the pages and the mail of the next issue as files, name them, and send nothing."


@command("preview", HELP)
def preview(ask: Ask) -> int:
    app = ask.app()
    with watched(ask) as progress:
        shown: PreviewSummary = ask.run(app.preview, progress=progress)
    if ask.json:
        ask.screen.json(as_json(shown, ask.words))
    else:
        ask.screen.lines(_lines(shown, ask.words, verbose=ask.verbose))
    return exit_code(shown)


def _lines(shown: PreviewSummary, words: Words, *, verbose: bool) -> Iterator[str]:
    report = RunReport(shown.summary, words, verbose=verbose)
    yield from (finding(found, words) for found in report.findings())
    yield " · ".join(report.result())
    yield words("nothing was sent; look at:") if shown.files else words("there is nothing to look at")
    yield from (f"  {file}" for file in shown.files)
