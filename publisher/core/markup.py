"""An entry's Markdown as tokens that titles, topics, links, counts and HTML all share.

markdown-it-py makes the blocks, less what Chinese prose trips over (indented code, setext headings, link
references, HTML); what stands inside a paragraph is found by core/inline. Beside markdown-it's own types there
are `time_heading_*` (meta: times, start_s, anchor), `end_mark_*`, and inline `topic` (meta: names, bare),
`emoji_code` and `url` (meta: url, cut). Inline tokens know their place: meta['at'] is an offset into the text of
their paragraph, and blocks.place_of makes line and column of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from publisher.core import blocks
from publisher.core.graphemes import without_unseen
from publisher.core.inline import Found, Inside, find

__all__ = ["Token", "read_inline", "read_markdown"]

DEEPEST = 12
"""Open quotes, lists and items; what is nested deeper is text, so that no depth costs more than its characters."""

_BlockRule = Callable[[StateBlock, int, int, bool], bool]
_YEAR = re.compile(r"\d{3,9}[.)]")
_BARE_MARKER = re.compile(r"(?:[-+*]|\d{1,2}[.)])\s*")


def read_markdown(markdown: str, *, heal_lists: bool = True, soft_breaks: str = "br") -> list[Token]:
    """The blocks of a text as a flat list of tokens. Never raises; linear in the length of the text."""
    env = {"heal_lists": heal_lists, "soft_breaks": soft_breaks}
    return _parser().parse(without_unseen(markdown), env)


def read_inline(text: str) -> list[Token]:
    """One line, such as a heading's words, as a single inline token."""
    return _parser().parseInline(without_unseen(text), {"heal_lists": False, "soft_breaks": "join"})


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 100})
    parser.disable(["lheading", "code", "reference", "html_block"])
    parser.enable(["table"])
    block = parser.block.ruler
    block.at("table", _table, {"alt": ["paragraph"]})
    block.at("blockquote", _not_too_deep(blockquote), {"alt": ["paragraph", "blockquote", "list"]})
    block.at("list", _not_too_deep(_list), {"alt": ["paragraph", "blockquote"]})
    block.push("year", _year, {"alt": ["list"]})
    inline = parser.inline
    inline.ruler.enableOnly([])
    inline.ruler.push("prose", _prose)
    inline.ruler.push("found", _found)
    inline.ruler2.enable(["strikethrough"])
    parser.core.ruler.at("inline", _inline)
    parser.core.ruler.before("inline", "blocks", _arrange)
    return parser


# ---------------------------------------------------------------- blocks


def _not_too_deep(rule: _BlockRule) -> _BlockRule:
    """markdown-it drops what is nested too deeply; we read it as text."""

    def guarded(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        return state.level < DEEPEST and rule(state, start, end, silent)

    return guarded


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A list, unless it begins with a year ('1984. 那年') or with a mark that nothing follows."""
    line = _line(state, start)
    if _YEAR.match(line) or _BARE_MARKER.fullmatch(line):
        return False
    return list_block(state, start, end, silent)


def _year(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """A year ends the list above it."""
    return silent and _YEAR.match(_line(state, start)) is not None


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table; cells beyond its columns, which markdown-it drops, stay in the last one."""
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    columns, row, cell = 0, [""], None
    for token in state.tokens[first:]:
        if token.type == "tr_open" and token.map:
            row = _cells(_line(state, token.map[0]))
            columns = columns or len(row)
        elif token.type == "inline":
            cell = token
        elif token.type == "tr_close" and cell is not None and len(row) > columns:
            cell.content = " | ".join(part.strip() for part in [cell.content, *row[columns:]])
    return True


def _cells(line: str) -> list[str]:
    cells: list[str] = escapedSplit(line.strip())
    if cells and cells[0] == "":
        cells.pop(0)
    if cells and cells[-1] == "":
        cells.pop()
    return cells


def _arrange(state: StateCore) -> None:
    """Give every paragraph its place, then our own kinds of blocks their types."""
    blocks.locate(state.tokens, state.src)
    if state.env["heal_lists"]:
        state.tokens = blocks.heal_lists(state.tokens)
    state.tokens = blocks.keep_numbers(state.tokens)
    state.tokens = blocks.mark_blocks(state.tokens)


# ---------------------------------------------------------------- inside a paragraph


def _inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            inside = find(token.content)
            token.meta["html"] = inside.html
            if inside.starts:
                token.children = state.md.inline.parse(token.content, state.md, {"inside": inside}, [])
                blocks.set_breaks(token, state.env["soft_breaks"])
            else:
                token.children = [Token("text", "", 0, content=token.content)] if token.content else []
    blocks.mark_edge_topics(state.tokens)


def _prose(state: StateInline, _silent: bool) -> bool:
    inside: Inside = state.env["inside"]
    following = inside.next_start(state.pos)
    end = state.posMax if following is None else min(following, state.posMax)
    if end == state.pos:
        return False
    state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _found(state: StateInline, _silent: bool) -> bool:
    inside: Inside = state.env["inside"]
    found = inside.at.get(state.pos)
    if found is None:
        return False
    match found.kind:
        case "char":
            state.append_pending(found.text)
        case "marks":
            _push_marks(state, found)
        case "link":
            _push_link(state, found)
        case _:
            _push_one(state, found)
    state.pos = found.end
    return True


_TYPES = {
    "code": "code_inline", "topic": "topic", "emoji": "emoji_code", "url": "url", "image": "image",
    "soft": "softbreak", "hard": "hardbreak",
}  # fmt: skip


def _push_one(state: StateInline, found: Found) -> None:
    if found.kind == "url" and state.linkLevel:
        state.append_pending(found.text)
        return
    token = state.push(_TYPES[found.kind], "", 0)
    token.content = found.text
    token.meta = {"at": found.start}
    match found.kind:
        case "topic":
            token.meta |= {"names": found.names, "bare": state.src[found.start] == "#"}
        case "url":
            token.meta |= {"url": found.href, "cut": found.cut}
        case "image":
            token.attrs = {"src": found.href, "title": found.title}


def _push_link(state: StateInline, found: Found) -> None:
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": found.href, "title": found.title}
    opening.meta = {"at": found.start}
    end, state.posMax, state.pos = state.posMax, found.inner_end, found.start + 1
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.posMax = end
    state.push("link_close", "a", -1)


def _push_marks(state: StateInline, found: Found) -> None:
    """The marks as texts of their own; markdown-it pairs them afterwards."""
    mark = found.text[0]
    whole = mark == "~"
    for piece in [found.text] if whole else found.text:
        token = state.push("text", "", 0)
        token.content = piece
        state.delimiters.append(
            Delimiter(
                marker=ord(mark),
                length=0 if whole else len(found.text),
                token=len(state.tokens) - 1,
                end=-1,
                open=found.opens,
                close=found.closes,
            )
        )
