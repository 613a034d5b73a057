"""`publisher init`: a new site in a folder: configuration, sample days, .gitignore."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from publisher.cli.asking import Ask
from publisher.cli.command import command
from publisher.core.errors import FolderError
from publisher.render.words import Words

HELP = """Lay out a new site in DIR: config.toml, seeds/ with sample days, .gitignore.
Never overwrites a file."""

_PACKAGE = Path(__file__).resolve().parent.parent
_GITIGNORE = b"public/\nvar/\n"


@command("init", HELP)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--systemd", is_flag=True, help="also write hardened systemd units into DIR/systemd")
def init(ask: Ask, *, folder: Path, systemd: bool) -> int:
    from publisher.cli.systemd import units

    files = dict(site_files())
    if systemd:
        files |= {f"systemd/{name}": data for name, data in units(folder.resolve()).items()}
        if (folder / "config.toml").exists():  # a site that is there only gets its units
            files = {name: data for name, data in files.items() if name.startswith("systemd/")}
    try:
        _refuse_to_overwrite(folder, files)
        _write(folder, files)
    except OSError as exc:
        why = exc.strerror or str(exc)
        raise FolderError("cannot write {path}: {why}", path=exc.filename or folder, why=why) from exc
    ask.screen.json({"folder": str(folder), "files": sorted(files)})
    ask.screen.lines(_lines(folder, len(files), ask.words))
    if systemd:
        ask.screen.lines(
            [
                ask.words(
                    "systemd units are in {path}; how to install them stands at their top",
                    path=folder / "systemd",
                )
            ]
        )
    return 0


def shipped(name: str) -> Path:
    """Something that comes with us: inside an installed package, or at the top of a checkout."""
    installed = _PACKAGE / "_shipped"
    return (installed if installed.is_dir() else _PACKAGE.parent) / name


def site_files() -> Iterator[tuple[str, bytes]]:
    """What a new site consists of: paths below its folder and their bytes."""
    seeds = shipped("seeds")
    for path in sorted(seeds.rglob("*")):
        inside = path.relative_to(seeds)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield f"seeds/{inside.as_posix()}", path.read_bytes()
    yield ".gitignore", _GITIGNORE
    yield "config.toml", shipped("config.toml").read_bytes()


def _refuse_to_overwrite(folder: Path, files: dict[str, bytes]) -> None:
    """A file with the very bytes we would write is ours: an interrupted init may be run again."""
    there = [name for name, data in files.items() if _differs(folder / name, data)]
    if there:
        raise FolderError(
            "{folder} already holds {files}",
            fix="choose an empty folder; nothing was written",
            folder=folder,
            files=", ".join(there[:3]) + ("…" if len(there) > 3 else ""),
        )


def _differs(path: Path, data: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != data)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _lines(folder: Path, count: int, words: Words) -> Iterator[str]:
    yield words("{folder}: {n} files laid out", folder=folder, n=count)
    yield words("edit title and url in {path}; then:", path=folder / "config.toml")
    if folder.resolve() != Path.cwd():
        yield f"  cd {shlex.quote(str(folder))}"
    yield "  publisher once"
