"""How fast a publication is built, beside Hugo and Pelican, on archives of essays in words of our own.

    python -m tests.benchmarks.build [--days 112,1112] [--runs 3] [--rivals FOLDER] [--only ours]

    a first    nothing is there yet: every day is archived, the newest one is published
    b a day    the file of the next day comes, its date too
    c nothing  the same again, with nothing to do
    d help     publisher --help

Prints a Markdown table of medians over whole processes, then the targets and whether they were met. Exits with 1 when
one was missed. Links are not asked. A rival that cannot be installed is named and left out.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import publisher
from tests.benchmarks import rivals
from tests.benchmarks.archive import A_DAY, START, archive, write_ours
from tests.benchmarks.measuring import Measured, measure, medians, set_aside

_CONFIG = """\
[site]
title = "每日手记"
url = "https://daily.example.net/"
[links]
budget_s = 0
"""
_FIRST, _A_DAY, _NOTHING, _HELP = "a first", "b a day", "c nothing", "d help"

Results = dict[tuple[str, int], Measured]
"""(what, days of the archive) → medians. What: 'a first' …, or a rival's name."""


# ---------------------------------------------------------------- ours


@dataclass
class Ours:
    """A publication on disk."""

    site: Path
    days: int
    runs: int
    results: dict[str, list[Measured]] = field(default_factory=dict)

    def run(self) -> Iterator[tuple[str, Measured]]:
        """Every measurement, in the order that the state on disk asks for."""
        write_ours(self.site / "seeds", archive(self.days))
        (self.site / "config.toml").write_text(_CONFIG, "utf-8")
        newest = START + timedelta(days=self.days - 1)
        for _ in range(self.runs):
            set_aside(self.site, ("public", "var"))
            yield _FIRST, self._once(newest)
        for n in range(self.runs):
            write_ours(self.site / "seeds", archive(1, after=self.days + n))
            yield _A_DAY, self._once(newest + timedelta(days=n + 1))
            yield _NOTHING, self._once(newest + timedelta(days=n + 1))
        for _ in range(self.runs):
            yield _HELP, measure([*_publisher(), "--help"], cwd=self.site)

    def _once(self, day: date) -> Measured:
        return measure([*_publisher(), "once"], cwd=self.site, env={"PUBLISHER_NOW": f"{day}T08:00:00+08:00"})


def _publisher() -> list[str]:
    """The command as it is installed beside this Python."""
    script = Path(sys.executable).with_name("publisher")
    return [str(script)] if script.exists() else [sys.executable, "-m", "publisher"]


# ---------------------------------------------------------------- all of it


def measure_all(work: Path, days: list[int], runs: int, found: list[rivals.Rival]) -> Results:
    """Ours, then each rival, archive by archive."""
    results: Results = {}
    for n in days:
        measured: dict[str, list[Measured]] = {}
        for what, one in _everything(work / str(n), n, runs, found):
            measured.setdefault(what, []).append(one)
            print(f"{n} days · {what}: {one.wall_s:.2f} s, {one.peak_mb:.0f} MB", file=sys.stderr)
        results |= {(what, n): medians(every) for what, every in measured.items()}
    return results


def _everything(
    work: Path, days: int, runs: int, found: list[rivals.Rival]
) -> Iterator[tuple[str, Measured]]:
    yield from Ours(work / "ours", days, runs).run()
    for rival in found:
        site = work / rival.name
        rival.write(site, archive(days))
        for _ in range(runs):
            yield rival.name, rival.build(site)


def table(results: Results) -> Iterator[str]:
    """The medians as Markdown."""
    yield "| archive | what | wall s | CPU s | peak MB |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for (what, days), m in results.items():
        yield f"| {days} × {A_DAY} | {what} | {m.wall_s:.2f} | {m.cpu_s:.2f} | {m.peak_mb:.0f} |"


# ---------------------------------------------------------------- the targets


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, what was measured, and how far it may go."""

    says: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def targets(results: Results, small: int, large: int) -> Iterator[Target]:
    """Every target that the results can say something of."""
    a_day, small_day = results[_A_DAY, large], results[_A_DAY, small]
    yield Target("b, wall: large archive / small one", a_day.wall_s / small_day.wall_s, 1.5)
    hugo = results.get(("Hugo", large))
    if hugo:
        yield Target("b, large archive: times faster than Hugo", hugo.wall_s / a_day.wall_s, 5, at_least=True)
    yield Target("b, small archive: s", small_day.wall_s, 0.8)
    for days in dict.fromkeys((small, large)):
        first, pelican = results[_FIRST, days], results.get(("Pelican", days))
        if pelican:
            yield Target(f"a, {days} days: wall / Pelican's", first.wall_s / pelican.wall_s, 1)
        yield Target(f"a, {days} days: MB", first.peak_mb, 250)
        yield Target(f"b, {days} days: MB", results[_A_DAY, days].peak_mb, 120)
        yield Target(f"c, {days} days: s", results[_NOTHING, days].wall_s, 0.5)
    yield Target("d: s", results[_HELP, small].wall_s, 0.2)


def verdicts(judged: list[Target]) -> Iterator[str]:
    """The targets as Markdown."""
    yield "| target | measured | limit | met |"
    yield "| --- | ---: | ---: | --- |"
    for one in judged:
        sign = "≥" if one.at_least else "≤"
        yield f"| {one.says} | {one.measured:.2f} | {sign} {one.limit:g} | {'yes' if one.met else 'NO'} |"


def main() -> int:
    """Measure and print; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.build", description=__doc__)
    parser.add_argument("--days", default="112,1112", help="sizes of the archives (112,1112)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (3)")
    parser.add_argument("--rivals", type=Path, help="a virtual environment that holds them, or will")
    parser.add_argument("--only", choices=["ours"], help="leave the rivals out")
    asked = parser.parse_args()
    days = sorted(int(n) for n in asked.days.split(","))
    compileall.compile_dir(
        Path(publisher.__file__).parent, quiet=2
    )  # as pip does for everything that it installs
    with tempfile.TemporaryDirectory(prefix="publisher-bench-") as name:
        work = Path(name)
        found, missing = ([], []) if asked.only else _find(asked.rivals or work / "rivals")
        results = measure_all(work, days, asked.runs, found)
    judged = list(targets(results, days[0], days[-1]))
    print("\n".join([*table(results), "", *verdicts(judged), *(f"\nleft out: {one}" for one in missing)]))
    return 0 if all(one.met for one in judged) else 1


def _find(folder: Path) -> tuple[list[rivals.Rival], list[str]]:
    rivals.install(folder)
    return rivals.rivals(folder)


if __name__ == "__main__":
    sys.exit(main())
