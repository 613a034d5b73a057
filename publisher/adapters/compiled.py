"""Templates as bytecode, kept between runs in the state folder: translating them anew takes a fifth of a day's run."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """Bytecode that belongs to exactly this source under exactly this rendering; anything else is translated anew.

    A folder that cannot be read or written costs time, never an issue.
    """

    def __init__(self, folder: Path, rendering: str) -> None:
        super().__init__(str(folder), "%s.jinja")
        self._folder = folder
        self._rendering = rendering

    def get_source_checksum(self, source: str) -> str:
        return f"{super().get_source_checksum(source)} {self._rendering}"

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
