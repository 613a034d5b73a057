"""How entries are read. Apart from the reading itself, which a run without a changed file never loads."""

from __future__ import annotations

from msgspec import Struct


class ReadingOptions(Struct, frozen=True, kw_only=True):
    """How Markdown is read; all of it from config.toml."""

    heal_lists: bool = True
    soft_breaks: str = "br"  # "br" | "join"
    han_per_minute: int = 400
    words_per_minute: int = 220
