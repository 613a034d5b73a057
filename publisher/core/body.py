"""What leaves an entry's text because the page shows it elsewhere: source link, topics, title, byline.

Each function takes its part out of the tokens; nothing leaves that is not shown in its own place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from publisher.core.blocks import QUIET, groups
from publisher.core.byline import byline_of
from publisher.core.titles import Title

if TYPE_CHECKING:
    from markdown_it.token import Token

Block = list["Token"]

_LABEL = re.compile(
    r"(?:原文|全文|阅读全文|阅读原文|来源|出处|链接|地址|详见|原文链接|全文链接|source|link|via)\s*[:：]?\s*",
    re.IGNORECASE,
)
_BYLINES = 3  # blocks after the title that may be bylines
_HEADLINES = frozenset({"R0", "R1", "R2", "R3", "R4", "R5", "R5b"})
"""Rules whose title is a headline; below a first sentence nobody looks for a byline."""


def split(tokens: Sequence[Token]) -> list[Block]:
    """The outermost blocks."""
    tokens = list(tokens)
    return [tokens[begin:end] for begin, end in groups(tokens)]


# ---------------------------------------------------------------- source link


def take_source(blocks: list[Block]) -> Token | None:
    """The bare address at the very end of the entry, taken out; marks and topics may follow it."""
    for block in reversed(blocks):
        if block[0].type in QUIET:
            continue
        inline = next((token for token in reversed(block) if token.type == "inline"), None)
        if inline is None or block[0].type in ("table_open", "fence") or block[-1].type == "heading_close":
            return None
        at = _last_said(inline.children or [])
        if at is None:
            continue  # nothing but topics
        return _take_url(inline, at)
    return None


def _last_said(children: Block) -> int | None:
    """The index of the last token that says something, topics left out."""
    for at in range(len(children) - 1, -1, -1):
        if not _is_silent(children[at]) and children[at].type != "topic":
            return at
    return None


def _is_silent(token: Token) -> bool:
    return token.type == "hardbreak" or (token.type == "text" and not token.content.strip())


def _take_url(inline: Token, at: int) -> Token | None:
    children = inline.children or []
    url = children[at]
    if url.type != "url" or not url.meta["url"].startswith(("http", "HTTP")):
        return None
    del children[at]
    before = children[at - 1] if at else None
    if before is not None and before.type == "text":
        alone = at == 1 or children[at - 2].type == "hardbreak"
        if alone and _LABEL.fullmatch(before.content):
            before.content = ""  # the row of the link says it
        elif before.content.rstrip().endswith(("-", "–")) and at == len(children):
            before.content = before.content.rstrip().rstrip("-–")
    _strip(children)
    return url


def _strip(children: Block) -> None:
    """White space and breaks at both ends."""
    while children and _is_silent(children[-1]):
        children.pop()
    first = 0
    while first < len(children) and _is_silent(children[first]):
        first += 1
    del children[:first]
    if children and children[-1].type == "text":
        children[-1].content = children[-1].content.rstrip()
    if children and children[0].type == "text":
        children[0].content = children[0].content.lstrip()


# ---------------------------------------------------------------- topics


def take_topics(blocks: list[Block]) -> None:
    """Topics at the edges of paragraphs go to the entry's row; those among words stay.

    A bare '#话题#' that opens a sentence is a word of it, and so is one that ends it without a mark before it.
    """
    for block in blocks:
        if block[0].type == "paragraph_open":
            children = block[1].children or []
            if not all(child.type == "topic" or _is_silent(child) for child in children):
                _take_trailing(children)
                _take_leading(children)
            else:
                children.clear()
            _strip(children)


def _take_trailing(children: Block) -> None:
    end = len(children)
    while end and (_is_silent(children[end - 1]) or children[end - 1].type == "topic"):
        end -= 1
    before = children[end - 1].content[-1:] if end else ""
    first = children[end] if end < len(children) else None
    is_word = first is not None and first.type == "topic" and first.meta["bare"] and before.isalnum()
    if not is_word:
        del children[end:]


def _take_leading(children: Block) -> None:
    first = 0
    while first < len(children) and (
        _is_silent(children[first]) or (children[first].type == "topic" and not children[first].meta["bare"])
    ):
        first += 1
    del children[:first]


# ---------------------------------------------------------------- title and byline


def take_title(blocks: list[Block], title: Title) -> bool:
    """Take the title's line out; whether it was (else the body repeats it)."""
    if title.rule in ("R0", "R3"):
        return True
    if title.rule == "R8":  # '链接 t.cn/…': said twice only when the link still stands in the body
        return not any(token.children for block in blocks for token in block)
    if title.bracketed:
        first = (blocks[title.block][1].children or [])[0]
        first.content = first.content[first.content.index("】") + 1 :].lstrip(" ：:")
        return True
    if title.taken:
        children = blocks[title.block][1].children or []
        _drop_line(children)
        _strip(children)
    return title.taken


def _drop_line(children: Block) -> None:
    for at, child in enumerate(children):
        if child.type == "hardbreak":
            del children[: at + 1]
            return
    children.clear()


def take_bylines(blocks: list[Block], title: Title) -> tuple[str, ...]:
    """The lines right below a headline that say who and when, taken out."""
    lines: list[str] = []
    begin = title.block + 1 if title.rule in _HEADLINES else len(blocks)
    for block in blocks[begin : begin + _BYLINES]:
        found = byline_of(block)
        if not found:
            break
        lines += found
        (block[1].children or []).clear()
    return tuple(lines)


def without_empty(blocks: list[Block]) -> list[Block]:
    """Without paragraphs that nothing is left of, nor rules at the beginning or end."""
    kept = [
        block
        for block in blocks
        if block[0].type not in ("paragraph_open", "heading_open") or block[1].children
    ]
    begin, end = 0, len(kept)
    while begin < end and kept[begin][0].type == "hr":
        begin += 1
    while end > begin and kept[end - 1][0].type == "hr":
        end -= 1
    return kept[begin:end]
