"""Who wrote a text and when, as lines below its title say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from publisher.core.heading import read_date
from publisher.core.plaintext import inline_text, lines_of

if TYPE_CHECKING:
    from markdown_it.token import Token

_LONGEST = 40
_ROLE = re.compile(
    r"(?:原?作者|撰文|撰稿|采写|文字?|[编翻]?译者?|编译|来源|出处|转自|整理|编辑|图|摄影|记者|口述|审校|校对|by|source)"
    r"(?:\s*[:：/／|｜]\s*\S.*|\s(?<=(?i:by)\s)[A-Z].*)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z][A-Z.'’-]+(?:\s+[A-Z][A-Z.'’-]*){1,4}(?:\s+[\u4e00-\u9fff·]{1,12})?")
_LEAST_NAME = 7  # Latin letters: 'GPU CPU 的区别' is no name
_REST_OF_DATE = re.compile(r"\s*(?:[（(]?(?:星期|周)[一二三四五六日天][）)]?)?\s*(?:\d{1,2}:\d\d)?\s*")


def byline_of(block: Sequence[Token]) -> tuple[str, ...]:
    """The lines of a paragraph when each of them is a byline, exactly as written; else ()."""
    if len(block) != 3 or block[0].type != "paragraph_open":
        return ()
    children = block[1].children or []
    if any(child.type not in ("text", "hardbreak") for child in children) or len(children) > 7:
        return ()
    lines = [inline_text(line).strip() for line in lines_of(children)]
    return tuple(lines) if lines and all(map(_is_byline, lines)) else ()


def byline_date(lines: Sequence[str]) -> date | None:
    """The first date that a line of its own gives."""
    return next((day for line in lines if (day := _date(line)) is not None), None)


def _is_byline(line: str) -> bool:
    if not line or len(line) > _LONGEST:
        return False
    if _ROLE.fullmatch(line) is not None or _date(line) is not None:
        return True
    return _NAME.fullmatch(line) is not None and sum(c.isascii() and c.isalpha() for c in line) >= _LEAST_NAME


def _date(line: str) -> date | None:
    read = read_date(line)
    if read is None or _REST_OF_DATE.fullmatch(line, read[2]) is None:
        return None
    return read[0]
