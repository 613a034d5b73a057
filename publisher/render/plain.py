"""An entry's tokens as the lines of a text mail: a paragraph is a line, an address stands on its own line."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.core.blocks import groups
from publisher.core.emoji import emoji_of
from publisher.core.link import short_form
from publisher.core.markup import Token
from publisher.core.plaintext import token_text
from publisher.render.phrases import seen

Block = list[Token]


def plain(tokens: Sequence[Token]) -> str:
    """Blocks with blank lines between; lists numbered as written."""
    return seen("\n\n".join(_blocks(list(tokens))))


def _blocks(tokens: Block) -> list[str]:
    return [said for begin, end in groups(tokens) if (said := _block(tokens[begin:end]))]


def _block(block: Block) -> str:
    first = block[0]
    match first.type:
        case "hr":
            return "* * *"
        case "fence":
            return first.content.removesuffix("\n")
        case "ordered_list_open" | "bullet_list_open":
            return _list(block)
        case "blockquote_open":
            inner = "\n\n".join(_blocks(block[1:-1]))
            return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
        case "table_open":
            return _table(block)
        case "time_heading_open":
            return f"{_inline(block[1])} {first.meta['times']}"
        case _:
            return _inline(block[1])


def _list(block: Block) -> str:
    """Items line by line; a blank line between them where the curator left one."""
    items = [_item(block[1 + begin : 1 + end]) for begin, end in groups(block[1:-1])]
    loose = any(token.type == "paragraph_open" and not token.hidden for token in block)
    return ("\n\n" if loose else "\n").join(items)


def _item(item: Block) -> str:
    mark = f"{item[0].meta['number']}." if "number" in item[0].meta else "-"
    inner = "\n".join(_blocks(item[1:-1]))
    return f"{mark} " + inner.replace("\n", "\n" + " " * (len(mark) + 1))


def _table(block: Block) -> str:
    rows: list[list[str]] = []
    for token in block:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token))
    return "\n".join(" | ".join(row) for row in rows)


def _inline(inline: Token) -> str:
    """The words, and below them the addresses.

    A mail program would take the Chinese that follows an address for a part of it.
    """
    said: list[str] = []
    addresses: dict[str, None] = {}
    for token in inline.children or ():
        match token.type:
            case "url":
                said.append(short_form(token.content))
                addresses.setdefault(str(token.meta["url"]))
            case "link_open":
                addresses.setdefault(str(token.attrs["href"]))
            case "emoji_code":
                said.append(emoji_of(token.content[1:-1]) or token.content)
            case _:
                said.append(token_text(token))
    return "\n".join(filter(None, ["".join(said).strip(), *addresses]))
