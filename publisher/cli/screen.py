"""Where words go: the report to stdout, progress and complaints to stderr, one JSON object when asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from publisher.cli.asking import Ask

if TYPE_CHECKING:
    from rich.console import Console


def is_fancy(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """True on a terminal that may be drawn on; NO_COLOR, CI, a dumb terminal and a closed stream get plain lines."""
    plain = environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM") == "dumb"
    return stream is not None and not plain and stream.isatty()


class Screen:
    """The two streams of one command."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    @property
    def says_nothing(self) -> bool:
        """The report is not wanted in words."""
        return self.ask.quiet or self.ask.json

    @cached_property
    def console(self) -> Console | None:
        """A rich console on stdout, or None where lines are plain."""
        return self._console(sys.stdout)

    @cached_property
    def error_console(self) -> Console | None:
        return self._console(sys.stderr)

    def _console(self, stream: TextIO) -> Console | None:
        if not is_fancy(stream, self.ask.environ):
            return None
        from rich.console import Console

        return Console(file=stream, highlight=False)

    def lines(self, lines: Iterable[str]) -> None:
        """Lines of the report."""
        if not self.says_nothing:
            for line in lines:
                print(line.rstrip())

    def error(self, line: str) -> None:
        """A complaint; -q does not silence it."""
        print(line, file=sys.stderr)

    def note(self, line: str) -> None:
        """Said beside the report, on stderr."""
        if not self.ask.quiet:
            print(line.rstrip(), file=sys.stderr)

    def json(self, face: Mapping[str, Any]) -> None:
        """The one object of --json; nothing without it."""
        if self.ask.json:
            unicode = "utf" in (getattr(sys.stdout, "encoding", "") or "").lower()
            print(json.dumps(face, ensure_ascii=not unicode, indent=2, default=str))

    def show(self, summary: object, lines: Iterable[str]) -> int:
        """A report of plain lines in whichever form was asked for; returns the exit code."""
        from publisher.app.summary import as_json, exit_code

        if self.ask.json:
            self.json(as_json(summary, self.ask.words))
        else:
            self.lines(lines)
        return exit_code(summary)
