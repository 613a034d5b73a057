"""An entry in a hundred characters: whole sentences from its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from publisher.core import graphemes
from publisher.core.plaintext import lines_of, sentences, spoken

if TYPE_CHECKING:
    from markdown_it.token import Token

LONGEST = 110
"""Characters."""

_ENOUGH = 60  # a shorter one takes the first clauses of the next sentence too
_LOOK = 2_000  # characters that are read for it
_ENDED = re.compile(r"[。！？!?…：:；;.][”」』）)\"']*$")
_CLAUSE = re.compile(r"[，、；：,;:]|——")
_SILENT = {"heading_open", "time_heading_open", "end_mark_open", "table_open", "fence", "hr"}


def summary_of(blocks: Sequence[Sequence[Token]], title: str) -> str:
    """Whole sentences, at most LONGEST characters; the line that the title repeats is left out."""
    text = _beginning(blocks, title)
    shown = ""
    for sentence in sentences(text):
        if len(shown) + len(sentence.rstrip()) > LONGEST:
            return _filled(shown, sentence) if len(shown) < _ENOUGH else shown.rstrip()
        shown += sentence
    return shown.rstrip()


def _beginning(blocks: Sequence[Sequence[Token]], title: str) -> str:
    """The first words of an entry as one text; a paragraph without an end gets one before the next."""
    text = ""
    for said in _lines(blocks, title):
        if text and not _ENDED.search(text[-4:]):
            text += "。" if not text[-1].isascii() or not said[0].isascii() else "."
        text += f" {said}" if text and text[-1].isascii() and said[0].isascii() else said
        if len(text) > _LOOK:
            break
    return text


def _lines(blocks: Sequence[Sequence[Token]], title: str) -> Iterator[str]:
    for block in blocks:
        if block[0].type in _SILENT:
            continue
        for token in block:
            for line in lines_of(token.children or ()) if token.type == "inline" else ():
                said = spoken(line)
                if said and said.rstrip("。 ") != title:
                    yield said


def _filled(shown: str, sentence: str) -> str:
    """What there is, and as many clauses of the next sentence as there is room for."""
    room = LONGEST - len(shown) - 1
    best = ""
    for clause in _CLAUSE.finditer(sentence[: room + 1]):
        best = sentence[: clause.start()]
    if best:
        return shown + best + "…"
    return shown.rstrip() or graphemes.cut(sentence, room).strip()[:room] + "…"
