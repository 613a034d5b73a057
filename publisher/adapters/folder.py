"""The two folders: reading the curator's documents, and writing our outputs so that a reader never sees half a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from publisher.core.errors import FolderError
from publisher.core.faults import fault

_SUFFIXES = {".md", ".markdown"}
_TMP = ".tmp-"


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A document as the folder lists it. `path` is relative, with '/'."""

    path: str
    size: int
    mtime_ns: int


class DocumentsFolder:
    """The curator's folder; never written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self) -> list[FileInfo]:
        """Every Markdown file, sorted by path; hidden files and folders are left out.

        Raises FolderError when the folder is gone or unreadable: nothing is withdrawn then.
        """
        try:
            found = sorted(self._walk(self.folder, PurePosixPath()), key=lambda info: info.path)
        except OSError as exc:
            raise self._error(exc, self.folder) from exc
        return found

    def _walk(self, folder: Path, below: PurePosixPath) -> Iterator[FileInfo]:
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                if item.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(item.path), below / item.name)
                elif Path(item.name).suffix.lower() in _SUFFIXES and item.is_file():
                    status = item.stat()
                    yield FileInfo(str(below / item.name), status.st_size, status.st_mtime_ns)

    def read(self, path: str) -> bytes:
        """The bytes of a document. Raises FolderError."""
        try:
            return (self.folder / path).read_bytes()
        except OSError as exc:
            raise self._error(exc, self.folder / path) from exc

    def find(self, document: str, name: str) -> FileInfo | None:
        """A file that a document names, relative to itself; None when no plain file is there.

        Its `path` is below the folder. Raises ValueError when it would lie outside.
        """
        try:
            root = self.folder.resolve()
            target = (self.folder / document).parent.joinpath(name).resolve()
            inside = target.relative_to(root)
            status = target.stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return FileInfo(inside.as_posix(), status.st_size, status.st_mtime_ns)

    def look(self, path: str) -> FileInfo | None:
        """Size and time of a file below the folder, None when it is gone."""
        try:
            status = (self.folder / path).stat()
        except (OSError, ValueError):
            return None
        return FileInfo(path, status.st_size, status.st_mtime_ns)

    @staticmethod
    def _error(exc: OSError, path: Path) -> FolderError:
        if isinstance(exc, FileNotFoundError):
            return FolderError(
                "the documents folder {path} is not there",
                path=path,
                fix="create it, or mend [documents] folder",
            )
        return FolderError(
            "cannot read {path}: {why}", path=path, why=exc.strerror or exc, fix="check its permissions"
        )


@dataclass(frozen=True, slots=True)
class Fresh:
    """A file as just written."""

    sha256: str
    size: int
    mtime_ns: int


class OutputFolder:
    """The public folder. Every file is written beside its place and moved over it; mode 0644."""

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
                raise self._error(exc, folder) from exc
            for item in items:
                if item.is_dir(follow_symlinks=False):
                    pending.append((Path(item.path), f"{below}{item.name}/"))
                else:
                    status = item.stat(follow_symlinks=False)
                    found[below + item.name] = (status.st_size, status.st_mtime_ns)
        return found

    def read(self, path: str) -> bytes | None:
        """The bytes of an output, None when it is not there."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self._error(exc, self.folder / path) from exc

    def write(self, path: str, data: bytes, *, durable: bool) -> Fresh:
        """Replace one file. `durable`: on the disk before this returns, and in the folder after it."""
        target = self.folder / path
        temporary = target.with_name(f"{_TMP}{os.getpid()}-{target.name}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o644)
                status = os.fstat(file.fileno())
            fault("output-written")
            temporary.replace(target)
            if durable:
                _sync_folder(target.parent)
        except OSError as exc:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise self._error(exc, target) from exc
        return Fresh(hashlib.sha256(data).hexdigest(), status.st_size, status.st_mtime_ns)

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
        left = [path for path in self.stats() if path.rpartition("/")[2].startswith(_TMP)]
        for path in left:
            with contextlib.suppress(OSError):
                (self.folder / path).unlink(missing_ok=True)
        return left

    @staticmethod
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
