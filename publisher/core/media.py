"""Files that documents show: which kinds are published, how large they may be, and what they are called."""

from __future__ import annotations

MOST_MEGABYTES = 50
"""A larger file is not copied: a daily page is read on phones."""

KINDS = frozenset({
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif",
    ".mp3", ".m4a", ".ogg", ".opus", ".flac", ".wav",
    ".mp4", ".webm", ".mov",
    ".pdf",
})  # fmt: skip
"""Endings that are published. SVG is not among them: it can carry scripts."""


def is_published_kind(name: str) -> bool:
    """True for pictures, sound, film and PDF, by the ending of the name."""
    return _ending(name) in KINDS


def media_path(name: str, sha256: str) -> str:
    """Where a file lies below the site root: named by its content, so that it never changes under its address."""
    return f"media/{sha256}{_ending(name)}"


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem and dot else ""
