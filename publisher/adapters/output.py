"""The public folder: every file is written aside and moved into its place, so that a reader never sees half a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from publisher.core.errors import FolderError
from publisher.core.faults import fault

_TMP = ".tmp-"


class Fresh(Struct, frozen=True):
    """A file as just written."""

    sha256: str
    size: int
    mtime_ns: int


class OutputFolder:
    """Files of mode 0644. What is half written lies at the top of the folder: a dead run's rests are found there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stats(self) -> dict[str, tuple[int, int]]:
        """Size and mtime of every file there, by path; one pass over the folder."""
        found: dict[str, tuple[int, int]] = {}
        pending = [(self.folder, "")]
        while pending:
            folder, below = pending.pop()
            try:
                items = list(os.scandir(folder))
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise _error(exc, folder) from exc
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    pending.append((Path(item.path), f"{below}{item.name}/"))
                else:
                    status = item.stat(follow_symlinks=False)
                    found[below + item.name] = (status.st_size, status.st_mtime_ns)
        return found

    def look(self, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Size and mtime of those of these files that are there: far less than a pass over twenty thousand folders."""
        root, found = f"{self.folder}{os.sep}", {}
        for path in paths:
            try:
                status = os.lstat(root + path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as exc:
                raise _error(exc, self.folder / path) from exc
            found[path] = (status.st_size, status.st_mtime_ns)
        return found

    def read(self, path: str) -> bytes | None:
        """The bytes of an output, None when it is not there."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _error(exc, self.folder / path) from exc

    def write(self, path: str, data: bytes, *, durable: bool) -> Fresh:
        """Replace one file. `durable`: on the disk before this returns, and in the folder after it."""
        target = self.folder / path
        temporary = self.folder / f"{_TMP}{os.getpid()}-{target.name}"
        try:
            status = self._write_aside(temporary, data, durable=durable)
            fault("output-written")
            try:
                temporary.replace(target)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(target)
            if durable:
                _sync_folder(target.parent)
        except OSError as exc:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _error(exc, target) from exc
        return Fresh(hashlib.sha256(data).hexdigest(), status.st_size, status.st_mtime_ns)

    def _write_aside(self, temporary: Path, data: bytes, *, durable: bool) -> os.stat_result:
        try:
            file = temporary.open("wb", buffering=0)
        except FileNotFoundError:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = temporary.open("wb", buffering=0)
        with file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            if durable:
                os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
            return os.fstat(file.fileno())

    def remove(self, path: str) -> None:
        """Remove one file and the folders it leaves empty; fine when it is gone already."""
        target = self.folder / path
        try:
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self.folder or not folder.is_relative_to(self.folder):
                    break
                folder.rmdir()
        except OSError:
            return  # a folder that is not empty stays

    def sync(self) -> None:
        """Everything renamed so far reaches the disk: one call before the commit, instead of one a page."""
        if hasattr(os, "sync"):
            os.sync()

    def sweep(self) -> list[str]:
        """Remove half-written files of a run that died. Call only while holding the lock."""
        try:
            with os.scandir(self.folder) as items:
                left = [item.name for item in items if item.name.startswith(_TMP)]
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise _error(exc, self.folder) from exc
        for name in left:
            with contextlib.suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)
        return left


def _error(exc: OSError, path: Path) -> FolderError:
    return FolderError(
        "cannot write {path}: {why}", path=path, why=exc.strerror or exc,
        fix="free some space or check the permissions; the next run finishes what was begun",
    )  # fmt: skip


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
