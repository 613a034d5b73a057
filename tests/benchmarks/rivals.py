"""Hugo and Pelican, installed where they disturb nobody, and how each builds a site from nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.archive import Day, write_hugo, write_pelican
from tests.benchmarks.measuring import Measured, measure, set_aside

PACKAGES = ("hugo", "pelican[markdown]")  # the extra "bench" in pyproject.toml says why


@dataclass(frozen=True, slots=True)
class Rival:
    """A program to measure beside ours."""

    name: str
    command: Sequence[str]
    write: Callable[[Path, Iterable[Day]], None]
    made: tuple[str, ...]  # folders that a build leaves, taken out of the way before the next

    def build(self, site: Path) -> Measured:
        """One build from nothing."""
        set_aside(site, self.made)
        return measure(self.command, cwd=site)


def install(folder: Path) -> None:
    """Put the rivals into a virtual environment of their own; one that is there already is used as it is."""
    if (folder / "pyvenv.cfg").exists():
        return
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    for package in PACKAGES:  # one at a time: a missing one leaves the other
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=False, stdout=sys.stderr)


def rivals(folder: Path) -> tuple[list[Rival], list[str]]:
    """Those that are installed, and what is missing."""
    found, missing = [], []
    hugo = next(folder.glob("lib/python*/site-packages/hugo/binaries/hugo*"), None)
    if hugo is not None and os.access(hugo, os.X_OK):
        # The binary itself: the package's script would add the start of a Python to it.
        found.append(Rival("Hugo", [str(hugo), "--quiet"], write_hugo, ("public", "resources")))
    else:
        missing.append("Hugo: the package 'hugo' brought no binary for this machine")
    pelican = folder / "bin" / "pelican"
    if pelican.exists():
        command = [str(pelican), "--quiet", "-s", "pelicanconf.py", "content"]
        found.append(Rival("Pelican", command, write_pelican, ("output", "__pycache__")))
    else:
        missing.append("Pelican: it could not be installed")
    return found, missing
