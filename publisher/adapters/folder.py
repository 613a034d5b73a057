"""The curator's folder: documents and the files beside them, read and never written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from msgspec import Struct

from publisher.core.errors import FolderError

_SUFFIXES = {".md", ".markdown"}


class FileInfo(Struct, frozen=True):
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
            raise self._error(exc, Path(exc.filename or self.folder)) from exc
        return found

    def _walk(self, folder: Path, below: PurePosixPath) -> Iterator[FileInfo]:
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                if item.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(item.path), below / item.name)
                elif Path(item.name).suffix.lower() in _SUFFIXES:
                    try:
                        if item.is_file():
                            yield _info(str(below / item.name), item.stat())
                    except OSError:  # a link to itself, say: who reads it is told what is wrong with it
                        yield _info(str(below / item.name), None)

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
        return _info(inside.as_posix(), status)

    def look(self, path: str) -> FileInfo | None:
        """Size and time of a file below the folder, None when it is gone."""
        try:
            status = (self.folder / path).stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError:
            return _info(path, None)
        return _info(path, status)

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


def _info(path: str, status: os.stat_result | None) -> FileInfo:
    """None: it is there, and nothing more can be said of it."""
    return FileInfo(path, status.st_size, status.st_mtime_ns) if status else FileInfo(path, 0, 0)
