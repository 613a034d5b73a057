"""Measures whole processes: wall time, CPU time of all cores, and the most memory that was resident."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, or the medians of some; memory is the highest of them."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class FailedError(Exception):
    """What was to be measured ended with an error."""


def measure(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end. Its output is dropped unless it fails.

    The kernel counts our own memory as the child's until it has started, so nothing below it can be seen: keep this
    process small. A Python may keep what it compiled, whatever this one was told: an installed program has all of it.
    """
    log = cwd / ".output-of-the-last-run"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=_environment() | dict(env or {}), stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedError(f"{' '.join(command)}: {log.read_text('utf-8', errors='replace')[-2000:]}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, kilobytes / 1000)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def set_aside(site: Path, names: Iterable[str]) -> None:
    """Take folders out of the way without deleting them. ext4 avoids for half a minute every inode that was deleted,
    looking at all of them whenever a file is made: whoever is measured then pays for the clearing up."""
    for name in names:
        n = 0
        while (aside := site.parent / f".aside-{site.name}-{name}-{n}").exists():
            n += 1
        if (site / name).exists():
            (site / name).rename(aside)


def medians(runs: Iterable[Measured]) -> Measured:
    """The middle of some runs."""
    every = list(runs)
    return Measured(
        median(run.wall_s for run in every),
        median(run.cpu_s for run in every),
        max(run.peak_mb for run in every),
    )
