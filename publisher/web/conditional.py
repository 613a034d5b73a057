"""Conditional and partial requests, and which coding to send: RFC 9110 as functions of header values.

More lenient than the letter where readers are wrong in known ways: entity tags without quotes, weak ones,
those of another coding of the same bytes, dates that are echoed from somewhere else than Last-Modified.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal

Coding = Literal["", "gzip", "br"]
"""'' is the bytes as they are."""

_TAG = re.compile(rb'(?:W/|w/)?"([^"]*)"|([^\s,"]+)')
_RANGE = re.compile(rb"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_MAX_TAGS = 100


@lru_cache(maxsize=512)
def coding(accept: bytes) -> Coding:
    """The best coding that Accept-Encoding allows. '' means: without the header."""
    weights = {}
    for part in accept.lower().split(b",")[:_MAX_TAGS]:
        name, _, parameters = part.partition(b";")
        weights[name.strip()] = _weight(parameters)
    anything = weights.get(b"*", 0.0)
    if weights.get(b"br", anything) > 0 and weights.get(b"br", anything) >= weights.get(b"gzip", anything):
        return "br"
    return "gzip" if weights.get(b"gzip", weights.get(b"x-gzip", anything)) > 0 else ""


def _weight(parameters: bytes) -> float:
    """The q of ';q=0.5'; 1 when it is not given, 0 when it is nonsense."""
    name, _, value = parameters.partition(b"=")
    if name.strip() != b"q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def matches(if_none_match: bytes, tags: Collection[bytes]) -> bool:
    """Whether one of the tags (opaque parts, without quotes) is listed, by weak comparison; '*' matches all."""
    if if_none_match.strip() == b"*":
        return True
    found = (quoted or bare for quoted, bare in _TAG.findall(if_none_match)[:_MAX_TAGS])
    return any(one in tags or one.removeprefix(b"W/") in tags for one in found)


@lru_cache(maxsize=512)
def seconds(http_date: bytes) -> int | None:
    """A date of HTTP, in any of its three forms, as seconds since 1970; None when it is none."""
    try:
        return int(parsedate_to_datetime(http_date.decode("ascii")).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def byte_range(value: bytes, size: int) -> tuple[int, int] | Literal["whole", "unsatisfiable"]:
    """First and one past the last byte of a single range. Several ranges, or nonsense: the whole."""
    match = _RANGE.fullmatch(value.strip())
    if match is None or not (match[1] or match[2]):
        return "whole"
    if len(match[1]) > 18 or len(match[2]) > 18:  # more digits than any file has bytes
        return "unsatisfiable" if len(match[1]) > 18 else "whole"
    if not match[1]:
        last = int(match[2])
        return (max(0, size - last), size) if last and size else "unsatisfiable"
    first = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < first:
        return "whole"
    return (first, end) if first < size else "unsatisfiable"
