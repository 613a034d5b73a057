"""What an entry is called: the first rule that fits, from a title somebody wrote (R0) to a cut sentence (R7).

    R0   the heading names it                     R5b  up to 48, nothing but ！ and ？ sentences
    R1   the first block is a deeper heading      R6   one sentence of up to 30 with 。, and more follows
    R2   【…】 opens the entry                     R7   the first sentence, or its first clauses
    R3   the first block is a topic               R8   nothing but a link
    R4   a short line with a colon                R9   nothing but emoji and marks
    R5   a short line, and more follows

Lengths are widths in Han characters: a Latin letter takes half of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.core import graphemes
from publisher.core.blocks import QUIET, groups
from publisher.core.link import short_form
from publisher.core.plaintext import inline_text, is_word, lines_of, sentences, spoken, tidy

if TYPE_CHECKING:
    from markdown_it.token import Token

_COLON, _SHORT, _CALLS, _SENTENCE, _MARKS, _BRACKET_REST = 32, 32, 48, 30, 20, 24
_LOOK = 400  # characters of a line that are looked at: a title is short, a line may be a book
_LEAST_CLAUSE = 8  # a shorter first clause ('上周…') says too little
_BRACKETS = re.compile(r"【\s*([^【】\n]{2,40}?)\s*】")
_CLAUSE = re.compile(r"[，、：；,;:]|——|…+|\s[-–—]\s")
_NO_TITLE_ENDS = ("。", "，", "；", "、", ",", ";", ".")
_FULL_STOP = re.compile(r"。|[a-z0-9)”’]\.(?:\s|$)")
_WORD_START = re.compile(r"[A-Za-z0-9'’-]+$")


class Title(Struct, frozen=True, kw_only=True):
    """A title and where it came from."""

    text: str
    rule: str
    block: int = -1  # index of the outermost block that gave it; -1: none did
    taken: bool = False  # its first line says nothing else and leaves the body
    bracketed: bool = False  # R2: '【…】' leaves the body, the rest of its line stays


class _Line(Struct, frozen=True):
    """A line that says something in words."""

    block: int
    number: int  # within its block
    tokens: list[Token]
    kind: str  # type of the outermost block's first token
    text: str  # as a title: no pictures, addresses, codes
    whole: bool  # `text` says everything that the line says


def title_of(heading: str, tokens: Sequence[Token]) -> Title:
    """The title of an entry whose heading says `heading` beside its number; text "" when nothing is said."""
    if heading:
        return Title(text=heading, rule="R0")
    blocks = [tokens[begin:end] for begin, end in groups(list(tokens))]
    return _of_topic(blocks) or _of_words(blocks) or _of_little(tokens)


def _of_topic(blocks: Sequence[Sequence[Token]]) -> Title | None:
    """R3: the first block is one or more topics."""
    if not blocks or blocks[0][0].type != "paragraph_open":
        return None
    children = blocks[0][1].children or []
    names = [name for token in children if token.type == "topic" for name in token.meta["names"]]
    others = [t for t in children if t.type not in ("topic", "url", "hardbreak") and t.content.strip()]
    return Title(text=" · ".join(names), rule="R3", block=0) if names and not others else None


def _of_words(blocks: Sequence[Sequence[Token]]) -> Title | None:
    lines = _lines(blocks)
    first = next(lines, None)
    if first is None:
        return None
    more = _more_follows(blocks, first)
    if first.kind == "heading_open":
        return _taken(first, first.text, "R1")
    return _of_brackets(first, more) or _of_line(first, more)


def _of_brackets(line: _Line, more: bool) -> Title | None:
    match = _BRACKETS.match(line.text)
    if match is None:
        return None
    rest = line.text[match.end() : _LOOK].strip(" ：:")
    if graphemes.width(rest) <= _BRACKET_REST:
        text = f"{match[1]} {rest}" if rest else match[1]
        return _taken(line, text, "R2") if more else Title(text=text, rule="R2", block=line.block)
    opens = line.number == 0 and line.kind == "paragraph_open" and _opens_with_brackets(line.tokens)
    return Title(text=match[1], rule="R2", block=line.block, bracketed=opens)


def _opens_with_brackets(tokens: Sequence[Token]) -> bool:
    first = tokens[0]
    return first.type == "text" and _BRACKETS.match(first.content.lstrip()) is not None


def _of_line(line: _Line, more: bool) -> Title:
    text = line.text[:_LOOK]
    width, calls = graphemes.width(text), text.endswith(("！", "？", "!", "?"))
    stops = _FULL_STOP.search(text) is not None  # such a line is text, not a title
    if more and text.endswith(("：", ":")) and width <= _COLON:
        return _taken(line, text.rstrip("：: "), "R4")
    if more and width <= _SHORT and not text.endswith(_NO_TITLE_ENDS) and not stops:
        return _taken(line, text, "R5")
    if more and width <= _CALLS and calls and not stops:
        return _taken(line, text, "R5b")
    alone = len(list(sentences(text))) == 1 and text.endswith(("。", "."))
    rule = "R6" if more and width <= _SENTENCE and alone else "R7"
    return Title(text=first_words(text), rule=rule, block=line.block)


def _taken(line: _Line, text: str, rule: str) -> Title:
    """A title that leaves the body, unless its line says more than the title does."""
    paragraph = line.kind in ("paragraph_open", "heading_open")
    return Title(text=text, rule=rule, block=line.block, taken=line.whole and paragraph and line.number == 0)


def first_words(text: str) -> str:
    """R6, R7: the first sentence if it is short, else its first clauses with '…'."""
    bare = next(sentences(text), text).strip().rstrip("。.")
    if graphemes.width(bare) <= _SENTENCE:
        return _trimmed(bare)
    best = ""
    for clause in _CLAUSE.finditer(bare):
        if graphemes.width(bare[: clause.start()]) > _SENTENCE - 1:
            break
        best = bare[: clause.start()]
    if graphemes.width(best) >= _LEAST_CLAUSE:
        return _trimmed(best) + "…"
    return _cut_at_word(bare, _SENTENCE - 1).rstrip("，、：；,;: ") + "…"


def _cut_at_word(text: str, width: int) -> str:
    """At most so wide, and no Latin word cut in two when there is a word before it."""
    shown = graphemes.cut(text, width)
    inside_word = shown[-1:].isascii() and shown[-1:].isalnum() and text[len(shown) :][:1].isalnum()
    return _WORD_START.sub("", shown) or shown if inside_word else shown


def _trimmed(text: str) -> str:
    return text.strip().rstrip("：，；、,;: ")


def _of_little(tokens: Sequence[Token]) -> Title:
    """R8, R9: no words at all."""
    inlines = [token for token in tokens if token.type == "inline"]
    children = [child for token in inlines for child in token.children or ()]
    link = next((c for c in children if c.type in ("url", "link_open")), None)
    marks = tidy("".join(inline_text([c]) for c in children if c.type not in ("url",)))
    if link is not None and not is_word(marks):
        url = link.meta["url"] if link.type == "url" else str(link.attrs["href"])
        return Title(text=f"链接 {short_form(url)}", rule="R8")
    code = next((token.content.strip() for token in tokens if token.type == "fence"), "")
    return Title(text=graphemes.cut(marks or tidy(code.partition("\n")[0]), _MARKS), rule="R9")


# ---------------------------------------------------------------- lines


def _lines(blocks: Sequence[Sequence[Token]]) -> Iterator[_Line]:
    """The lines that say something, tables and code left out."""
    for index, block in enumerate(blocks):
        if block[0].type in ("table_open", "time_heading_open", "end_mark_open"):
            continue
        for token in block:
            if token.type != "inline":
                continue
            for number, line in enumerate(lines_of(token.children or ())):
                text = _as_title(line)
                if is_word(text):
                    yield _Line(index, number, line, block[0].type, text, _says_all(line, text))


def _as_title(line: Sequence[Token]) -> str:
    """The line as a title: topics that open or close it, pictures and addresses are left out."""
    begin, end = 0, len(line)
    while begin < end and (_is_label(line[begin]) or _is_blank(line[begin], " ")):
        begin += 1
    while begin < end and (
        line[end - 1].type in ("topic", "url", "emoji_code") or _is_blank(line[end - 1], " -–—")
    ):
        end -= 1
    return spoken(line[begin:end] or line, pictures=False).rstrip(" -–—" if end < len(line) else " ")


def _is_label(token: Token) -> bool:
    return token.type == "topic" and not token.meta["bare"]


def _is_blank(token: Token, marks: str) -> bool:
    return token.type == "text" and not token.content.strip(marks)


def _says_all(line: Sequence[Token], text: str) -> bool:
    """Whether nothing is lost when the title stands for the line; topics that go to their row are not."""
    said = "".join(inline_text([token]) for token in line if not _is_label(token))
    plain = all(token.type not in ("link_open", "image", "url") for token in line)
    closed = sum(token.nesting for token in line) == 0  # emphasis does not run on into the next line
    return plain and closed and "".join(said.split()) == "".join(text.split())


def _more_follows(blocks: Sequence[Sequence[Token]], line: _Line) -> bool:
    """Whether anything but marks stands below the line."""
    inline = next((t for t in blocks[line.block] if t.type == "inline"), None)
    below = list(lines_of(inline.children or ()))[line.number + 1 :] if inline else []
    if any(inline_text(rest).strip() for rest in below):
        return True
    further = any(block[0].type not in QUIET for block in blocks[line.block + 1 :])
    return further or len(blocks[line.block]) > len(("paragraph_open", "inline", "paragraph_close"))
