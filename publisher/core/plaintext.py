"""An entry's tokens as plain text: what is said, without marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from publisher.core.graphemes import without_pictures

if TYPE_CHECKING:
    from markdown_it.token import Token

_SENTENCE_END = re.compile(r"[。！？!?]+[”」』）)\"']*|(?<=[A-Za-z0-9)’”])\.[”\"’)]*(?=\s|$)|…{2,}(?=\s|$)")


def token_text(token: Token) -> str:
    """What one inline token says."""
    match token.type:
        case "hardbreak":
            return "\n"
        case "image":
            return token.content or str(token.attrs.get("src", ""))
        case "topic":
            return token.content if token.meta["bare"] else " ".join(token.meta["names"])
        case _:
            return token.content


def inline_text(children: Iterable[Token]) -> str:
    """What a paragraph says; line ends stay."""
    return "".join(map(token_text, children))


def paragraphs(tokens: Sequence[Token]) -> Iterator[str]:
    """Each paragraph, heading, table row and code block in reading order; list numbers are not said."""
    row: list[str] | None = None
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield " ".join(row or ())
            row = None
        elif token.type == "fence":
            yield token.content.strip("\n")
        elif token.type == "inline":
            text = inline_text(token.children or ()).strip()
            if row is not None:
                row.append(text)
            elif text:
                yield text


def plain_text(tokens: Sequence[Token]) -> str:
    """The visible text, paragraphs separated by blank lines."""
    return "\n\n".join(paragraphs(tokens))


def lines_of(children: Sequence[Token]) -> Iterator[list[Token]]:
    """The children of a paragraph, line by line, without the breaks."""
    line: list[Token] = []
    for token in children:
        if token.type == "hardbreak":
            yield line
            line = []
        else:
            line.append(token)
    yield line


def spoken(children: Iterable[Token], *, pictures: bool = True) -> str:
    """What a line says in words: no images, addresses or emoji codes; white space evened."""
    said: list[str] = []
    for token in children:
        if token.type == "topic":
            said.append(" ".join(token.meta["names"]))
        elif token.type not in ("image", "url", "emoji_code"):
            said.append(token.content)
    text = "".join(said)
    return tidy(text if pictures else without_pictures(text))


def tidy(text: str) -> str:
    """White space evened: one space, and none between two Chinese characters."""
    words = text.split()
    tidied = words[:1]
    for before, word in pairwise(words):
        glued = not before[-1].isascii() and not word[0].isascii()
        tidied.append(word if glued else f" {word}")
    return "".join(tidied)


def is_word(text: str) -> bool:
    """Whether a text says something: a letter, a Han character or a digit is in it."""
    return any(map(str.isalnum, text))


def sentences(text: str) -> Iterator[str]:
    """The sentences of a line with the white space behind them; the last one may have no end."""
    at = 0
    for end in _SENTENCE_END.finditer(text):
        stop = end.end()
        while stop < len(text) and text[stop].isspace():
            stop += 1
        yield text[at:stop]
        at = stop
    if at < len(text):
        yield text[at:]
