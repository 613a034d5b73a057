"""What a file of the site is, by its path: its type, who may keep it and for how long, and whether to compress it."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Kind = Literal["feed", "page", "asset", "media"]
"""As /metrics counts them. asset: style sheets, icons, sitemaps and other small files beside the pages."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "opml": "text/x-opml; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "ico": "image/x-icon",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "pdf": "application/pdf",
    "woff2": "font/woff2",
    "webmanifest": "application/manifest+json; charset=utf-8",
}
_FEEDS = (
    (re.compile(r"(.*/)?rss\.xml"), "application/rss+xml; charset=utf-8"),
    (re.compile(r"(.*/)?(atom|daily)\.xml|.*\.atom\.xml|.*\.atom"), "application/atom+xml; charset=utf-8"),
    (re.compile(r"(.*/)?feed\.json|.*\.feed\.json"), "application/feed+json; charset=utf-8"),
)
_ARCHIVED = re.compile(r"archive/[^/]+\.(atom\.xml|feed\.json)")
_MEDIA = re.compile(r"media/[0-9a-f]{64}(\.[a-z0-9]+)?")
_TEXT = re.compile(r"text/|application/(rss|atom|feed|xml|json|manifest)|image/(svg|x-icon)")

A_YEAR_S = 31_536_000  # of what is named by its hash
A_DAY_S = 86_400  # of a feed's archive, which changes by an edit alone


class FileKind(Struct, frozen=True):
    """One file's kind. `holds_s`: how long its bytes hold whatever the schedule; 0: until the next slot."""

    kind: Kind
    content_type: str
    holds_s: int
    text: bool


def kind_of(path: str) -> FileKind:
    """By the path below the site's root, '2025/01/29/index.html'."""
    for pattern, content_type in _FEEDS:
        if pattern.fullmatch(path):
            holds_s = A_DAY_S if _ARCHIVED.fullmatch(path) else 0
            return FileKind("feed", content_type, holds_s, text=True)
    suffix = path.rpartition(".")[2].lower()
    content_type = _TYPES.get(suffix, "application/octet-stream")
    if _MEDIA.fullmatch(path):
        return FileKind("media", content_type, A_YEAR_S, text=bool(_TEXT.match(content_type)))
    kind: Kind = "page" if suffix == "html" else "asset"
    return FileKind(kind, content_type, 0, text=bool(_TEXT.match(content_type)))
