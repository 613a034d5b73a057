"""`publisher serve`: the publisher by itself, every day, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from publisher.app.progress import Silent
from publisher.app.summary import RunSummary
from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.cli.progress import header
from publisher.cli.run_report import RunReport, finding
from publisher.core.errors import Busy, PublisherError, UsageError

HELP = """Run until stopped: publishes every day at the time in [publish] at, follows edits,
sends and re-sends mail. SIGTERM ends it within 30 s, a second one at once."""


@command("serve", HELP)
@click.option("--no-web", is_flag=True, help="the schedule alone, without a web server")
def serve(ask: Ask, *, no_web: bool) -> int:
    from publisher.scheduler import Metronome, run_until_stopped

    if not no_web:
        raise UsageError(
            "this version has no web server of its own",
            fix="publisher serve --no-web, and let any web server serve the output folder",
        )
    config = ask.loaded
    app = ask.app(running=True)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    ask.screen.note(header(ask.words, "serve", app.now().astimezone(config.zone), config.site.timezone, ""))
    service = Service(ask, app)
    metronome = Metronome(service.tick, at=config.publish.at, zone=config.zone, on_trouble=app.note_trouble)
    code = asyncio.run(run_until_stopped(metronome))
    ask.screen.json({"outcome": "stopped", "exit_code": code})
    return code


class Service:
    """What happens at every beat, told in lines that a log can keep. Nothing is said twice in a row."""

    def __init__(self, ask: Ask, app: Any) -> None:
        self._ask, self._app = ask, app
        self._fresh = True  # the first tick looks at every output
        self._said: list[str] = []

    async def tick(self, going: Callable[[], bool]) -> None:
        """One tick; what an operator can mend is said and tried again at the next."""
        words = self._ask.words
        try:
            run: RunSummary = await self._app.tick(going=going, fresh=self._fresh, progress=Silent())
        except Busy:
            return  # somebody runs `once` by hand: the next beat looks again
        except PublisherError as exc:
            self._say([words("error: {message}", message=words.error(exc))])
        except Exception as exc:
            self._say(["".join(traceback.format_exception(exc)).rstrip()])
            self._app.note_trouble(f"{type(exc).__name__}: {exc}")
        else:
            self._fresh = False
            self._say(list(self._lines(run)))

    def _lines(self, run: RunSummary) -> list[str]:
        """What is worth a line: findings, what was recovered or is held, an issue."""
        report = RunReport(run, self._ask.words)
        lines = [finding(found, self._ask.words) for found in report.findings()]
        lines += report.notes()
        lines += [f"{what} — {how}" for what, how in report.held()]
        if run.outcome == "published":
            lines.append(" · ".join(report.result()))
        return lines

    def _say(self, lines: list[str]) -> None:
        moment = f"{self._app.now().astimezone(self._ask.loaded.zone):%Y-%m-%d %H:%M:%S}"
        for line in lines if lines != self._said else ():
            self._ask.screen.note(f"{moment}  {line}")
        self._said = lines
