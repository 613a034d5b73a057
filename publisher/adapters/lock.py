"""One actor at a time on one machine: an OS lock that the kernel drops at kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from publisher.core.errors import Busy, FolderError

WAIT_S = 10.0


@contextlib.contextmanager
def held(path: Path, *, command: str, since: str, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock at `path`; who holds it is written beside it, for people.

    Raises Busy, naming the holder, when it is still taken after `wait_s`; FolderError when it cannot be made.
    """
    lock = filelock.FileLock(path, mode=0o644)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait_s, poll_interval=0.1)
    except filelock.Timeout as exc:
        raise _busy(path) from exc
    except OSError as exc:
        raise FolderError(
            "cannot lock {path}: {why}",
            path=path,
            why=exc.strerror or exc,
            fix="check the folder's permissions",
        ) from exc
    try:
        _write_holder(path, command, since)
        yield
    finally:
        with contextlib.suppress(OSError):  # first: a name without a lock would be a lie
            _holder_file(path).unlink(missing_ok=True)
        lock.release()


def _holder_file(path: Path) -> Path:
    # Beside the lock, not in it: on some systems a locked file cannot be read by others.
    return path.with_name(path.name + ".holder")


def _write_holder(path: Path, command: str, since: str) -> None:
    with contextlib.suppress(OSError):  # only for people: a full disk must not stop here
        _holder_file(path).write_text(
            json.dumps({"pid": os.getpid(), "command": command, "since": since}), encoding="utf-8"
        )


def _busy(path: Path) -> Busy:
    for _ in range(5):  # the holder may be between taking the lock and writing its name
        try:
            said = json.loads(_holder_file(path).read_text(encoding="utf-8"))
            return Busy(pid=int(said["pid"]), command=str(said["command"]), since=str(said["since"]))
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(0.05)
    return Busy(pid=0, command="?", since="?")
