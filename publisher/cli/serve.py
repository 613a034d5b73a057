"""`publisher serve`: the publisher by itself, every day, and its site, until it is stopped."""

from __future__ import annotations

import gc
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
sends and re-sends mail, and serves the site at [serve] host and port.
SIGTERM ends it within 30 s, a second one at once; SIGHUP reads the site anew."""


@command("serve", HELP)
@click.option("--no-web", is_flag=True, help="the schedule alone, without a web server")
@click.option("--no-schedule", is_flag=True, help="the web server alone: something else calls publisher tick")
@click.option("--host", metavar="HOST", help="listen there, instead of [serve] host")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="listen there, instead of [serve] port; 0: any free one"
)
def serve(ask: Ask, *, no_web: bool, no_schedule: bool, host: str | None, port: int | None) -> int:
    from publisher.cli import running

    if no_web and no_schedule:
        raise UsageError(
            "--no-web and --no-schedule together leave nothing to do", fix="leave one of them out"
        )
    # More often than in a run that ends soon: less is held, and nobody waits for long.
    gc.set_threshold(50_000, 20, 20)
    config = ask.loaded
    app = ask.app(running=True)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    ask.screen.note(header(ask.words, "serve", app.now().astimezone(config.zone), config.site.timezone, ""))
    service = Service(ask, app)
    parts: list[running.Part] = []
    metronome = web = None
    if not no_schedule:
        from publisher.scheduler import Metronome

        metronome = Metronome(
            service.tick, at=config.publish.at, zone=config.zone, on_trouble=app.note_trouble
        )
    if not no_web:
        from publisher.web.postman import Postman
        from publisher.web.server import WebServer

        given = config.serve
        web = WebServer(
            app, host=host or given.host, port=given.port if port is None else port, heart=metronome
        )
        service.after_tick = web.wake
        parts += [web, Postman(app)]
    if metronome is not None:
        parts.append(metronome)  # after the web server: a port that is taken publishes nothing

    def started() -> None:
        for address in web.addresses if web else ():
            ask.screen.note(ask.words("The site is at {address}", address=address))

    try:
        code = running.run(parts, on_start=started)
    finally:
        app.close()
    ask.screen.json({"outcome": "stopped", "exit_code": code})
    return code


class Service:
    """What happens at every beat, told in lines that a log can keep. Nothing is said twice in a row."""

    def __init__(self, ask: Ask, app: Any) -> None:
        self._ask, self._app = ask, app
        self._fresh = True  # the first tick looks at every output
        self._said: list[str] = []
        self.after_tick: Callable[[], None] = lambda: None

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
        finally:
            self.after_tick()

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
