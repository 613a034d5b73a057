"""What a curator may want to look at again in an entry: slips of the pen, cut links, pictures without words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from publisher.core.blocks import groups, place_of
from publisher.core.emoji import emoji_of
from publisher.core.plaintext import inline_text
from publisher.core.references import references
from publisher.core.topics import has_han

if TYPE_CHECKING:
    from markdown_it.token import Token

Slip = tuple[str, int, int, dict[str, object]]
"""Slug, line and column in the entry's Markdown (from 0), parameters."""

# Doubled characters are mostly right in Chinese (好好, 慢慢): only these are slips, and not in their idioms.
_DOUBLED_WORD = re.compile(
    r"的的(?!确)|(?<!不)了了(?!之)|是是(?!非)|首首(?=先|要|选)|(?<!实)在在|(?<!随)和和(?!气)"
)
_DOUBLED = re.compile(r"([的了是首在和。，、])\1")
"""Found in every one of both, and looked for ten times as fast."""
_DOUBLED_MARK = re.compile(r"(?<!。)。。(?!。)|(?<!，)，，(?!，)|(?<!、)、、(?!、)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\[\]\n]{1,80}\]:\s*\S", re.MULTILINE)
_BREAKS_OFF = 20  # characters from which a paragraph of sentences should end with a mark
_STOPS = re.compile(r"[。！？，；!?]")


def slips(tokens: Sequence[Token], skipped: frozenset[int]) -> Iterator[Slip]:
    """Everything worth telling. `skipped`: lines that need no end mark, like titles and bylines."""
    for token in tokens:
        if token.type == "ordered_list_open":
            for line, column, joined in token.meta.get("healed", ()):
                yield "list-item-healed", line, column, {"joined": joined}
        elif token.type == "inline":
            yield from _in_paragraph(token)
    yield from _in_references(tokens)
    yield from _broken_off(tokens, skipped)


def _in_paragraph(inline: Token) -> Iterator[Slip]:
    if "]:" in inline.content:
        for match in _REFERENCE.finditer(inline.content):
            yield "reference-definition", *place_of(inline, match.start()), {}
    for at in inline.meta.get("html", [])[:1]:
        yield "raw-html", *place_of(inline, at), {}
    if _DOUBLED.search(inline.content):
        yield from _doubled(inline)
    for token in inline.children or ():
        inside = token.content[1:-1]
        if token.type == "emoji_code" and emoji_of(inside) is None and has_han(inside):
            yield "emoji-unknown", *place_of(inline, token.meta["at"]), {"code": token.content}


def _doubled(inline: Token) -> Iterator[Slip]:
    code = [
        (t.meta["at"], t.meta["at"] + len(t.content))
        for t in inline.children or ()
        if t.type == "code_inline"
    ]
    for slug, pattern in (("doubled-word", _DOUBLED_WORD), ("doubled-punctuation", _DOUBLED_MARK)):
        for match in pattern.finditer(inline.content):
            if not any(begin <= match.start() <= end for begin, end in code[:50]):
                yield slug, *place_of(inline, match.start()), {"text": match[0]}


def _in_references(tokens: Sequence[Token]) -> Iterator[Slip]:
    for one in references(tokens):
        if one.token.type == "url" and one.token.meta["cut"]:
            yield "short-link-cut", one.line, one.column, {"url": one.target}
        elif one.token.type == "image":
            if one.is_web:
                yield "image-remote", one.line, one.column, {"url": one.target}
            if not one.text.strip():
                yield "image-without-alt", one.line, one.column, {"path": one.target}


def _broken_off(tokens: Sequence[Token], skipped: frozenset[int]) -> Iterator[Slip]:
    """Paragraphs of sentences whose last one has no end."""
    for begin, _ in groups(list(tokens)):
        if tokens[begin].type != "paragraph_open":
            continue
        inline = tokens[begin + 1]
        children = [t for t in inline.children or () if t.type not in ("topic", "url")]
        if inline.map is None or inline.map[0] in skipped or any(t.type == "hardbreak" for t in children):
            continue
        text = inline_text(children).rstrip()
        if len(text) >= _BREAKS_OFF and text[-1].isalnum() and has_han(text[-1]) and _STOPS.search(text):
            end = inline.content.rfind(text[-8:])
            yield "no-end-punctuation", *place_of(inline, max(0, end + len(text[-8:]) - 1)), {}
