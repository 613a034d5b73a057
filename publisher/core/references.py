"""What an entry refers to: addresses, and files beside it, with the places they stand at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.core.blocks import place_of
from publisher.core.inline import is_web
from publisher.core.plaintext import inline_text

if TYPE_CHECKING:
    from markdown_it.token import Token


class Reference(Struct, frozen=True):
    """An address or a file in an entry's text."""

    token: Token
    target: str
    text: str  # as written: the address, the words of a link, the words for a picture
    line: int  # of the entry's Markdown, from 0
    column: int  # from 0

    @property
    def is_web(self) -> bool:
        return is_web(self.target)


def references(tokens: Sequence[Token]) -> Iterator[Reference]:
    """Every reference in order of appearance, repetitions included."""
    for inline in tokens:
        if inline.type != "inline":
            continue
        children = inline.children or []
        for at, token in enumerate(children):
            target, text = _target(children, at)
            if target:
                yield Reference(token, target, text, *place_of(inline, token.meta["at"]))


def _target(children: Sequence[Token], at: int) -> tuple[str, str]:
    token = children[at]
    match token.type:
        case "url":
            return str(token.meta["url"]), token.content
        case "image":
            return str(token.attrs["src"]), token.content
        case "link_open":
            close = next(i for i in range(at, len(children)) if children[i].type == "link_close")
            href = str(token.attrs["href"])
            return href, inline_text(children[at + 1 : close]).strip() or href
        case _:
            return "", ""


def is_local(target: str) -> bool:
    """Whether it is a file beside the document (not an address, not a path below the site's root)."""
    return not is_web(target) and not target.lower().startswith(("mailto:", "/"))
