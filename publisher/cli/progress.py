"""A run's progress on stderr: a spinner and ticks on a terminal, one plain line a phase elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from publisher.app.progress import Phase, Progress, Silent
from publisher.cli.asking import Ask
from publisher.core.link import host_label, short_form
from publisher.render.words import Words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PHASES: dict[Phase, str] = {
    "scan": "Scan",
    "choose": "Choose",
    "links": "Links",
    "render": "Render",
    "deliver": "Mail",
}
_NAME_CELLS = 8


@contextmanager
def watched(ask: Ask) -> Iterator[Progress]:
    """The progress that fits the screen, cleaned up however the run ends."""
    if ask.quiet or ask.json:
        yield Silent()
    elif (console := ask.screen.error_console) is not None:
        drawn = Drawn(console, ask.words)
        try:
            yield drawn
        finally:
            drawn.stop()
    else:
        yield Plain(ask)


def header(words: Words, command: str, at: datetime, timezone: str, run: str) -> str:
    """'publisher once · 2025-01-29 08:00 Asia/Shanghai · run 17'."""
    moment = f"{words.moment(at)} {timezone}".rstrip()
    parts = (f"publisher {command}", moment, words("run {run}", run=run) if run else "")
    return " · ".join(filter(None, parts))


def way(url: str, target: str | None) -> str:
    """'t.cn/A63WE43h → weibo.com'."""
    return short_form(url, limit=40) + (f" → {host_label(target)}" if target else "")


class _Timed:
    """How long each phase took, by the monotonic clock."""

    def __init__(self) -> None:
        self._began: dict[Phase, float] = {}

    def begin(self, name: Phase) -> None:
        self._began[name] = time.monotonic()

    def took(self, name: Phase) -> float:
        return time.monotonic() - self._began.get(name, time.monotonic())


class Plain:
    """Lines that a log file can keep."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def start(self, command: str, at: datetime, timezone: str, run: str = "") -> None:
        self._ask.screen.note(header(self._ask.words, command, at, timezone, run))

    def phase(self, name: Phase, text: str = "", /, **params: object) -> None:
        pass

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None:
        if self._ask.verbose:
            self._ask.screen.note(f"  {done}/{total}  {way(url, target)}")

    def done(self, name: Phase, text: str = "", /, **params: object) -> None:
        words = self._ask.words
        self._ask.screen.note(f"{words(PHASES.get(name, name))}  {words(text, **params)}")


class Drawn:
    """Ticks for what is done, one moving line for what is going on."""

    def __init__(self, console: Console, words: Words) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        self._console = console
        self._words = words
        self._timed = _Timed()
        self._live = Progress(
            SpinnerColumn(style="cyan"),
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=24, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._live.add_task("", total=None, visible=False, detail="")

    def start(self, command: str, at: datetime, timezone: str, run: str = "") -> None:
        from rich.cells import cell_len
        from rich.text import Text

        line = header(self._words, command, at, timezone, run)
        if cell_len(line) > self._console.width:
            line = header(self._words, command, at, timezone, "")
        name, _, rest = line.partition(" · ")
        self._console.print(Text.assemble((name, "bold"), (f" · {rest}", "dim")))

    def phase(self, name: Phase, text: str = "", /, **params: object) -> None:
        self._timed.begin(name)
        said = self._words(text, **params)
        self._live.reset(self._task, description=self._name(name), total=None, visible=True, detail=said)
        self._live.start()

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None:
        self._live.update(self._task, completed=done, total=total, detail=way(url, target))

    def done(self, name: Phase, text: str = "", /, **params: object) -> None:
        self.stop()
        self._console.print(self._ticked(name, self._words(text, **params)))

    def stop(self) -> None:
        self._live.update(self._task, visible=False)
        self._live.stop()

    def _name(self, name: Phase) -> str:
        from rich.cells import set_cell_size

        return set_cell_size(self._words(PHASES.get(name, name)), _NAME_CELLS)

    def _ticked(self, name: Phase, said: str) -> Text:
        """'✔ 扫描    seeds/ 4 个文件 …      0.4 s', the time at the right edge when the line is one line."""
        from rich.text import Text

        text = Text.assemble(("✔ ", "green"), (self._name(name), "bold"), said)
        took = f"{self._timed.took(name):.1f} s"
        room = min(self._console.width, 100) - text.cell_len - len(took)
        return text.append(" " * room + took, "dim") if room >= 2 else text
