"""An entry's tokens as the lines of a text mail: a paragraph is a line, an address stands on its own line."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from publisher.core.blocks import groups
from publisher.core.emoji import emoji_of
from publisher.core.link import short_form
from publisher.core.markup import Token
from publisher.core.plaintext import token_text
from publisher.render.phrases import Phrases, seen

Block = list[Token]


def plain(tokens: Sequence[Token], phrases: Phrases | None = None) -> str:
    """Blocks with blank lines between; lists numbered as written. `phrases` knows where links lead."""
    return seen("\n\n".join(_Lines(phrases).of_blocks(list(tokens))))


class _Lines(Struct, frozen=True):
    phrases: Phrases | None

    def of_blocks(self, tokens: Block) -> list[str]:
        return [said for begin, end in groups(tokens) if (said := self._block(tokens[begin:end]))]

    def _block(self, block: Block) -> str:
        first = block[0]
        match first.type:
            case "hr":
                return "* * *"
            case "fence":
                return first.content.removesuffix("\n")
            case "ordered_list_open" | "bullet_list_open":
                return self._list(block)
            case "blockquote_open":
                inner = "\n\n".join(self.of_blocks(block[1:-1]))
                return "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
            case "table_open":
                return self._table(block)
            case "time_heading_open":
                return f"{self._inline(block[1])} {first.meta['times']}"
            case _:
                return self._inline(block[1])

    def _list(self, block: Block) -> str:
        """Items line by line; a blank line between them where the curator left one."""
        items = [self._item(block[1 + begin : 1 + end]) for begin, end in groups(block[1:-1])]
        loose = any(token.type == "paragraph_open" and not token.hidden for token in block)
        return ("\n\n" if loose else "\n").join(items)

    def _item(self, item: Block) -> str:
        mark = f"{item[0].meta['number']}." if "number" in item[0].meta else "-"
        inner = "\n".join(self.of_blocks(item[1:-1]))
        return f"{mark} " + inner.replace("\n", "\n" + " " * (len(mark) + 1))

    def _table(self, block: Block) -> str:
        rows: list[list[str]] = []
        for token in block:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(self._inline(token))
        return "\n".join(" | ".join(row) for row in rows)

    def _inline(self, inline: Token) -> str:
        """The words, and below them the addresses.

        A mail program would take the Chinese that follows an address for a part of it.
        """
        said: list[str] = []
        addresses: dict[str, None] = {}
        warnings: list[str] = []
        for token in inline.children or ():
            match token.type:
                case "url":
                    text, address = self._url(str(token.meta["url"]), token.content)
                    said.append(text)
                    addresses.setdefault(address)
                case "link_open":
                    href = str(token.attrs["href"])
                    addresses.setdefault(self.phrases.address(href) if self.phrases else href)
                    warnings.append(self.phrases.warning_of(href) if self.phrases else "")
                case "link_close":
                    said.append(warnings.pop())
                case "emoji_code":
                    said.append(emoji_of(token.content[1:-1]) or token.content)
                case _:
                    said.append(token_text(token))
        return "\n".join(filter(None, ["".join(said).strip(), *addresses]))

    def _url(self, url: str, written: str) -> tuple[str, str]:
        """What a bare address says, and the address that stands below."""
        if self.phrases is None:
            return short_form(written), url
        return self.phrases.said_of(url, written), self.phrases.address(url)
