"""Web addresses in running Chinese text: where each begins and ends, so that no sentence is swallowed."""

from __future__ import annotations

import re

from msgspec import Struct

SHORTEST_CODE, LONGEST_CODE = 4, 12
"""Characters after 't.cn/': codes have six or seven today; one of fewer than four was cut off."""

_START = re.compile(
    r"(?P<scheme>https?://)(?:t\.cn/(?P<code>(?:(?!https?://)[a-z0-9])*+)|(?=[a-z0-9]|\[[a-f0-9:]))"
    r"|(?<![a-z0-9.])t\.cn/(?P<bare>(?:(?!https?://)[a-z0-9])*+)",
    re.IGNORECASE,
)
_NO_ADDRESS = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
_TURN = re.compile(r"[()\[\]]|https?://", re.IGNORECASE)
_OPENERS = {")": "(", "]": "["}
_TRAILING = ".,;:!?'\"*_~"  # never the end of an address in prose; the last three are Markdown's


class FoundUrl(Struct, frozen=True):
    """An address as it stands in a text: `text[start:end]`."""

    start: int
    end: int
    url: str  # as it is asked for: with a scheme
    cut: bool = False  # a t.cn code too short to be whole


def find_urls(text: str) -> list[FoundUrl]:
    """Every bare address, in order; none overlaps another. Linear.

    A t.cn link is its code and nothing else, with or without scheme. Any other address has a scheme and runs on
    over ASCII address characters, up to a bracket it did not open, less the punctuation it ends with.
    """
    found: list[FoundUrl] = []
    at = run_end = 0  # of the run of address characters: measured once, though many addresses may share it
    while (match := _START.search(text, at)) is not None:
        url = _short(match)
        if url is None and match["scheme"] is not None:
            host = match.end("scheme")
            if run_end <= host:
                run_end = _end_of_run(text, host)
            url = _general(text, match, run_end)
        if url is not None:
            found.append(url)
        at = url.end if url else match.end()
    return found


def _short(match: re.Match[str]) -> FoundUrl | None:
    """A t.cn link with a code of the usual length."""
    code = match["code"] if match["bare"] is None else match["bare"]
    if code is None or not SHORTEST_CODE <= len(code) <= LONGEST_CODE:
        return None
    url = match[0] if match["scheme"] is not None else f"http://{match[0]}"
    return FoundUrl(match.start(), match.end(), url)


def _end_of_run(text: str, begin: int) -> int:
    other = _NO_ADDRESS.search(text, begin)
    return other.start() if other else len(text)


def _general(text: str, match: re.Match[str], run_end: int) -> FoundUrl:
    start, host = match.start(), match.end("scheme")
    end = _first_stray(text, host, run_end)
    while end > host and text[end - 1] in _TRAILING:
        end -= 1
    cut = match["code"] is not None and len(match["code"]) < SHORTEST_CODE
    return FoundUrl(start, end, text[start:end], cut)


def _first_stray(text: str, begin: int, end: int) -> int:
    """The first bracket that closes what the address did not open, or the next address glued on; else `end`."""
    depth = {"(": 0, "[": 0}
    for turn in _TURN.finditer(text, begin, end):
        mark = turn[0]
        if mark in depth:
            depth[mark] += 1
        elif mark not in _OPENERS:
            if text[turn.start() - 1] not in "/=?":  # 'web.archive.org/web/2020/http://…' goes on
                return turn.start()
        elif depth[_OPENERS[mark]]:
            depth[_OPENERS[mark]] -= 1
        else:
            return turn.start()
    return end
