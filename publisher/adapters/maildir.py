"""The embedded mailer: messages into a Maildir that mutt, Thunderbird's import or Dovecot can open.

    tmp/NAME, synced → new/NAME (one rename) → new/ synced

The name follows from the Message-ID: a message handed over twice is one file, also after a mail program has
moved it to cur/ and hung its flags on the name.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from pathlib import Path

from publisher.core.delivery import Outcome, Outgoing, maildir_name
from publisher.core.errors import FolderError

_ABANDONED_S = 36 * 3600  # the Maildir convention: what lies longer in tmp/ was never finished
_SUFFIX = ".publisher"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}


class MaildirMailer:
    """Delivers into one Maildir, made at the first message. Raises FolderError when it cannot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ready = False

    async def send(
        self, outgoing: AsyncIterator[Outgoing], *, connections: int = 1
    ) -> AsyncGenerator[Outcome, None]:
        """Write every message. FolderError ends it, and what has no outcome is not there."""
        async for one in outgoing:
            self.put(one.message_id, one.segments)
            yield Outcome(key=one.key, kind="accepted")

    def put(self, message_id: str, segments: Iterable[bytes]) -> bool:
        """Write the message durably; True when it is newly written, False when it was there already."""
        name = maildir_name(message_id)
        with self._told():
            self._prepare()
            if self._is_there(name):
                return False
            tmp = self.folder / "tmp" / name
            try:
                self._write(tmp, segments)
                tmp.rename(self.folder / "new" / name)
            except BaseException:
                tmp.unlink(missing_ok=True)
                raise
            with contextlib.suppress(
                OSError
            ):  # it is there: a folder that cannot be synced makes it no less so
                _sync_folder(self.folder / "new")
        return True

    def was_delivered(self, message_id: str) -> bool:
        """True while the message lies in new/ or cur/, read or unread."""
        with self._told():
            return self._is_there(maildir_name(message_id))

    def _is_there(self, name: str) -> bool:
        # new/ first: a mail program moves messages from there to cur/, never back.
        if (self.folder / "new" / name).exists():
            return True
        try:
            with os.scandir(self.folder / "cur") as messages:
                return any(_named(message.name, name) for message in messages)
        except FileNotFoundError:
            return False

    def _prepare(self) -> None:
        if self._ready:
            return
        for part in (self.folder / "tmp", self.folder / "new", self.folder / "cur"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(self.folder)
        self._ready = True

    def _write(self, tmp: Path, segments: Iterable[bytes]) -> None:
        """The message with the line ends of this system's mail programs: LF."""
        handle = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(b"".join(segments).replace(b"\r\n", b"\n"))
            file.flush()
            os.fsync(file.fileno())
            now = os.fstat(file.fileno()).st_mtime
        self._sweep(now)

    def _sweep(self, now: float) -> None:
        """Remove what earlier runs left unfinished. `now` is the disk's own clock: the file just written."""
        with os.scandir(self.folder / "tmp") as leftovers:
            for leftover in leftovers:
                if leftover.name.endswith(_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):
                        if leftover.stat(follow_symlinks=False).st_mtime < now - _ABANDONED_S:
                            Path(leftover.path).unlink()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise self._error(exc) from exc

    def _error(self, exc: OSError) -> FolderError:
        path = self.folder
        if exc.errno in _FULL:
            sentence = "cannot write the mail folder {path}: the disk is full"
            return FolderError(sentence, path=path, fix="make room, then run again")
        if exc.errno in _FORBIDDEN:
            return FolderError(
                "cannot write the mail folder {path}: permission denied",
                path=path,
                fix="give the user that runs publisher the right to write there, or mend [mail] maildir",
            )
        if exc.errno in _NO_FOLDER:
            return FolderError(
                "the mail folder {path} is not a folder",
                path=path,
                fix="move that file away, or mend [mail] maildir",
            )
        return FolderError(
            "cannot use the mail folder {path}: {why}",
            path=path,
            why=exc.strerror or exc,
            fix="mend it, then run again",
        )


def _named(found: str, name: str) -> bool:
    """True for the name itself and with flags: 'NAME:2,S', or '!', ';' where a disk knows no ':'."""
    return found == name or found.startswith((f"{name}:", f"{name}!", f"{name};", f"{name},"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
