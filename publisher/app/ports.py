"""What the verbs need from outside, each as narrow as the need; wiring hands the real ones in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from publisher.core.delivery import Outcome, Outgoing


class Clock(Protocol):
    """The only wall clock: aware, UTC."""

    def __call__(self) -> datetime: ...


class Listed(Protocol):
    """A document as its folder lists it; `path` is relative, with '/'."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...


class Documents(Protocol):
    """The curator's folder, never written to. All of them raise FolderError."""

    def list(self) -> Iterable[Listed]: ...
    def read(self, path: str) -> bytes: ...
    def find(self, document: str, name: str) -> Listed | None:
        """A file that a document names; None when it is not there. Raises ValueError outside the folder."""

    def look(self, path: str) -> Listed | None:
        """A file below the folder as it is now, None when it is gone."""


class Fresh(Protocol):
    """A file as just written."""

    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...


class Output(Protocol):
    """The public folder. A file is replaced whole or not at all; FolderError when it cannot be."""

    def stats(self) -> dict[str, tuple[int, int]]:
        """Size and mtime in ns of every file there."""

    def look(self, paths: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Size and mtime in ns of those of these files that are there."""

    def read(self, path: str) -> bytes | None: ...
    def write(self, path: str, data: bytes, *, durable: bool) -> Fresh: ...
    def remove(self, path: str) -> None: ...
    def sync(self) -> None: ...
    def sweep(self) -> list[str]:
        """Remove half-written files of a dead run."""


class Mailer(Protocol):
    """Takes finished messages, one whenever a connection is free, and says what came of each."""

    def send(
        self, outgoing: AsyncIterator[Outgoing], *, connections: int = 1
    ) -> AsyncGenerator[Outcome, None]:
        """One outcome for each message, as soon as it is known.

        A PublisherError ends the sending; every message that had no outcome by then was surely not handed over.
        """

    def was_delivered(self, message_id: str) -> bool:
        """True when the mailer can tell that it has this message; False when it has not, or cannot tell."""


class Called(Protocol):
    """What came of a call; `error` is a message id, "" when it was taken."""

    @property
    def ok(self) -> bool: ...
    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str: ...


class Caller(Protocol):
    """Posts to an address of the operator's: a monitor, a hub. Never raises for what the other side does."""

    async def __call__(
        self,
        url: str,
        body: bytes = b"",
        *,
        content_type: str = "text/plain; charset=utf-8",
        patient: bool = True,
    ) -> Called: ...


class Lock(Protocol):
    """One actor at a time: raises Busy when somebody else keeps it, without `wait` at once."""

    def __call__(self, command: str, *, wait: bool = True) -> AbstractContextManager[None]: ...
