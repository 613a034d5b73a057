"""A store that stays open between the requests of a server: opening one takes ten times as long as a question."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from publisher.store.engine import Store, open_store


class StoreAtHand:
    """One for all threads of a process. A database that was restored is another file: the old one is let go."""

    def __init__(self, at: Path | str) -> None:
        self._at = at
        self._lock = threading.Lock()
        self._kept: tuple[Store, tuple[int, int]] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Store]:
        """The store; an empty one while there is no database yet. Raises StoreError."""
        store = self._store()
        try:
            yield store
        finally:
            if store.path is None:
                store.close()

    def close(self) -> None:
        """Let go of it; a question after that opens it anew."""
        with self._lock:
            if self._kept is not None:
                self._kept[0].close()
                self._kept = None

    def _store(self) -> Store:
        with self._lock:
            if self._kept is not None:
                store, known = self._kept
                if _file_id(store.path) == known:
                    return store
                store.close()  # what is under way keeps its connection
                self._kept = None
            store = open_store(self._at, create=False)
            if (found := _file_id(store.path)) is not None:
                self._kept = (store, found)
            return store


def _file_id(path: Path | None) -> tuple[int, int] | None:
    """Which file stands at a path; None when there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None
