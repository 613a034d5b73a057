"""Blocks after markdown-it has made them: their places, healed lists, kept numbers, time headings, end marks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.core.topics import edge_topic

if TYPE_CHECKING:
    from markdown_it.token import Token

_TIME = re.compile(
    r"(?P<title>\S.{0,39}?)\s{0,3}[（(](?P<begin>(?:\d{1,2}:)?\d{1,2}:\d\d)\s{0,3}[-–—~～]\s{0,3}"
    r"(?P<end>(?:\d{1,2}:)?\d{1,2}:\d\d|结束|完)[)）]\s{0,3}[:：]?\s*"
)
_END_MARK = re.compile(r"[~～—\-·.。\s]+")
_SENTENCE_ENDS = tuple("。！？…：；”）.!?:;")


QUIET = frozenset({"hr", "end_mark_open"})
"""Blocks that say nothing."""


# ---------------------------------------------------------------- places


def locate(tokens: list[Token], source: str) -> None:
    """Note for each paragraph where its lines begin: meta['places'] = [(offset, line, column)], all from 0."""
    lines = source.split("\n")
    row, column = -1, 0  # cells of one row are looked for one after the other
    for token in tokens:
        if token.type != "inline" or token.map is None:
            continue
        begin = token.map[0]
        column = column if begin == row else 0
        row, places, offset = begin, list[tuple[int, int, int]](), 0
        for number, text in enumerate(token.content.split("\n"), begin):
            line = lines[number] if number < len(lines) else ""
            at = line.find(text, column if number == row else 0)
            places.append((offset, number, max(at, 0)))
            if number == row and at >= 0:
                column = at + len(text)
            offset += len(text) + 1
        token.meta["places"] = places


def place_of(inline: Token, offset: int) -> tuple[int, int]:
    """Line and column, both from 0, of a place in a paragraph's text."""
    places: list[tuple[int, int, int]] = inline.meta.get("places") or [(0, 0, 0)]
    index = max(0, bisect_right(places, offset, key=lambda place: place[0]) - 1)
    begin, line, column = places[index]
    return line, column + max(0, offset - begin)


# ---------------------------------------------------------------- groups


def groups(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Each outermost block as (begin, end): `tokens[begin:end]`."""
    depth = begin = 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield begin, at + 1
            begin = at + 1


# ---------------------------------------------------------------- lists


def heal_lists(tokens: list[Token]) -> list[Token]:
    """Join an item that was broken by a blank line with its rest, when the next item follows.

    The item ends without a mark, then comes one plain paragraph, then item n + 1: only then. The joined list's
    opening token says which lines were joined: meta['healed'] = [(item line, column, joined line)], from 0.
    """
    blocks = [tokens[begin:end] for begin, end in groups(tokens)]
    kept: list[list[Token]] = []
    at = 0
    while at < len(blocks):
        here = kept[-1] if kept else []
        following = blocks[at + 1] if at + 1 < len(blocks) else []
        if _is_broken(here, blocks[at], following):
            _join(here, blocks[at], following)
            at += 2
        else:
            kept.append(blocks[at])
            at += 1
    return [token for block in kept for token in block]


def _is_broken(list_: list[Token], rest: list[Token], following: list[Token]) -> bool:
    if (
        not list_
        or not following
        or list_[0].type != "ordered_list_open"
        or following[0].type != list_[0].type
    ):
        return False
    if rest[0].type != "paragraph_open" or list_[-3].type != "paragraph_close" or list_[-2].level != 1:
        return False
    text = list_[-4].content
    if (
        text.endswith(_SENTENCE_ENDS)
        or _TIME.fullmatch(rest[1].content)
        or _END_MARK.fullmatch(rest[1].content)
    ):
        return False
    last = next(token for token in reversed(list_) if token.type == "list_item_open" and token.level == 1)
    return following[1].info == str(int(last.info) + 1)


def _join(list_: list[Token], rest: list[Token], following: list[Token]) -> None:
    item, joined = list_[-4], rest[1]
    shift = len(item.content)
    healed = (item.meta["places"][0][1], 0, joined.meta["places"][0][1])
    list_[0].meta.setdefault("healed", []).append(healed)
    item.meta["places"] += [(shift + at, line, column) for at, line, column in joined.meta["places"]]
    item.content += joined.content
    list_[-1:] = following[1:]


def keep_numbers(tokens: list[Token]) -> list[Token]:
    """Begin a new list wherever the curator's numbers jump: browsers count on by themselves.

    A list that says '1.' before every item is meant to be counted.
    """
    kept: list[Token] = []
    lists: list[_Numbers] = []
    for at, token in enumerate(tokens):
        if token.type == "ordered_list_open":
            lists.append(_Numbers(token, _numbers_of(tokens, at)))
        elif token.type == "list_item_open" and token.info and lists:
            lists[-1].count(token, kept)
        elif token.type == "ordered_list_close":
            lists.pop()
        kept.append(token)
    return kept


def _numbers_of(tokens: list[Token], at: int) -> bool:
    """Whether the first two items of the list that begins here have the same number."""
    level = tokens[at].level + 1
    first = ""
    for index in range(at + 1, len(tokens)):
        token = tokens[index]
        if token.level < level:
            break
        if token.type == "list_item_open" and token.level == level:
            if first:
                return token.info == first
            first = token.info
    return False


class _Numbers:
    """The numbers of one open list."""

    def __init__(self, opening: Token, counted: bool) -> None:
        self.opening = opening
        self.counted = counted
        self.next: int | None = None

    def count(self, item: Token, kept: list[Token]) -> None:
        number = int(item.info)
        if self.next is None or self.counted:
            self.next = number if self.next is None else self.next
        elif number != self.next:
            start = self.opening.copy(attrs={"start": number}, map=item.map, meta={})
            kept += [start.copy(type="ordered_list_close", nesting=-1, attrs={}, map=None), start]
            self.next = number
        item.meta["number"] = self.next
        self.next += 1


# ---------------------------------------------------------------- our own blocks


def mark_blocks(tokens: list[Token]) -> list[Token]:
    """Give time headings and end marks their types."""
    marked: list[Token] = []
    anchors: Counter[int] = Counter()
    for begin, end in groups(tokens):
        block = tokens[begin:end]
        if block[0].type in ("paragraph_open", "heading_open"):
            block = _marked(block, anchors)
        marked += block
    return marked


def _marked(block: list[Token], anchors: Counter[int]) -> list[Token]:
    first, _, rest = block[1].content.partition("\n")
    time = _TIME.fullmatch(first)
    if time is not None:
        heading = _time_heading(block, time, anchors)
        return heading + _without_first_line(block, rest) if rest else heading
    if block[0].type == "paragraph_open" and _END_MARK.fullmatch(block[1].content):
        block[0].type, block[2].type = "end_mark_open", "end_mark_close"
    return block


def _time_heading(block: list[Token], time: re.Match[str], anchors: Counter[int]) -> list[Token]:
    start = _seconds(time["begin"])
    anchors[start] += 1
    anchor = f"t{start}" + (f"-{anchors[start]}" if anchors[start] > 1 else "")
    meta = {"times": f"{time['begin']}–{time['end']}", "start_s": start, "anchor": anchor}
    opening, inline, closing = block
    title = inline.copy(content=time["title"], meta=dict(inline.meta), children=[])
    return [
        opening.copy(type="time_heading_open", tag="h3", meta=meta),
        title,
        closing.copy(type="time_heading_close", tag="h3"),
    ]


def _without_first_line(block: list[Token], rest: str) -> list[Token]:
    opening, inline, closing = block
    shift = len(inline.content) - len(rest)
    places = [(at - shift, line, column) for at, line, column in inline.meta["places"][1:]]
    text = rest.lstrip(" \t")
    return [opening, inline.copy(content=text, meta={"places": places}, children=[]), closing]


def _seconds(clock: str) -> int:
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


# ---------------------------------------------------------------- inside paragraphs


def set_breaks(inline: Token, soft_breaks: str) -> None:
    """Make line ends what the curator wishes: breaks, or nothing (a space between Latin words)."""
    for token in inline.children or ():
        if token.type == "softbreak" and soft_breaks == "join":
            at, text = token.meta["at"], inline.content
            latin = _neighbour(text, at - 1, -1).isascii() and _neighbour(text, at, 1).isascii()
            token.type, token.tag, token.content = "text", "", " " if latin else ""
        elif token.type in ("softbreak", "hardbreak"):
            token.type, token.tag = "hardbreak", "br"


def _neighbour(text: str, at: int, step: int) -> str:
    """The nearest character on one side that is neither white space nor an emphasis mark."""
    while 0 <= at < len(text) and text[at] in " \t\n*_~":
        at += step
    return text[at] if 0 <= at < len(text) else ""


def mark_edge_topics(tokens: list[Token]) -> None:
    """A Chinese code span that begins or ends a paragraph of its own is a topic."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if (
            token.type == "inline"
            and before is not None
            and before.type == "paragraph_open"
            and not before.level
        ):
            children = token.children or []
            _mark_run(children)
            _mark_run(children[::-1])


def _mark_run(children: list[Token]) -> None:
    for token in children:
        if token.type == "code_inline" and (names := edge_topic(token.content)):
            token.type = "topic"
            token.meta |= {"names": names, "bare": False}
        elif token.type not in ("topic", "url") and not (token.type == "text" and not token.content.strip()):
            return
