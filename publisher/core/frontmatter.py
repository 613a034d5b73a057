"""The block between '---' lines at the top of a file: date, title and draft, read as YAML but never built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.core.diagnostics import Findings
from publisher.core.heading import ZERO_WIDTH, read_date

if TYPE_CHECKING:
    from publisher.core.plain_yaml import Value

_MOST_LINES = 200
_MOST_CHARACTERS = 16_384  # a longer block is no front matter; this bounds the YAML scanner's work too
_TRUE = {"true", "yes", "on", "y", "1", "是", "真"}
_FALSE = {"false", "no", "off", "n", "0", "", "~", "null", "否", "假"}


class FrontMatter(Struct, frozen=True, kw_only=True):
    """What the top of a file says about its day."""

    end: int = 0  # index of the first line after it; 0: there is none
    day: date | None = None
    bad_day: bool = False  # a date was given that is none
    line: int = 1  # of the date
    column: int = 1
    title: str = ""
    draft: bool = False


def read_front_matter(
    lines: Sequence[str], is_heading: Callable[[int], bool], found: Findings
) -> FrontMatter:
    """Read it, or tell why it is text: unclosed (a heading comes first), or no list of names and values."""
    if lines[0].strip(ZERO_WIDTH).rstrip() != "---":
        return FrontMatter()
    end = _closing_line(lines, is_heading)
    if end is None:
        found.add("front-matter-unclosed", 1)
        return FrontMatter()
    from publisher.core.plain_yaml import NotPlainError, values_of  # few files have such a block

    inner = list(lines[1:end])
    try:
        values = values_of("\n".join(inner))
    except NotPlainError:
        return _unreadable(inner, end, found)
    if not values and any(line.strip() and not line.lstrip().startswith("#") for line in inner):
        return _unreadable(inner, end, found)
    return _understood(values, end + 1, found)


def _closing_line(lines: Sequence[str], is_heading: Callable[[int], bool]) -> int | None:
    size = 0
    for at in range(1, min(len(lines), _MOST_LINES)):
        size += len(lines[at])
        if size > _MOST_CHARACTERS or is_heading(at):
            return None
        if lines[at].rstrip() in ("---", "..."):
            return at
    return None


def _unreadable(inner: list[str], end: int, found: Findings) -> FrontMatter:
    """Text between two rules is text; what looks like names and values must be mended, not shown."""
    for at, line in enumerate(inner):
        name, colon, _ = line.partition(":")
        if colon and name.strip().casefold() in ("date", "title", "draft"):
            found.add("front-matter-broken", at + 2)
            return FrontMatter(end=end + 1)
    found.add("front-matter-unclosed", 1)
    return FrontMatter()


def _understood(values: list[Value], end: int, found: Findings) -> FrontMatter:
    day, bad_day, title, draft, place = None, False, "", False, (1, 1)
    for value in values:
        match value.key.strip().casefold():
            case "date" if value.text.strip():
                day, place = _day(value, found), value.at
                bad_day = bad_day or day is None
            case "date":
                pass  # not filled in
            case "title":
                title = " ".join(value.text.split())
            case "draft":
                draft = _is_draft(value, found) or draft
            case _:
                found.add("front-matter-key", *value.key_at, key=value.key[:40])
    return FrontMatter(
        end=end, day=day, bad_day=bad_day, line=place[0], column=place[1], title=title, draft=draft
    )


def _day(value: Value, found: Findings) -> date | None:
    read = read_date(value.text.strip())
    if read is None or read[0] is None:
        found.add("date-invalid", *value.at, text=value.text.strip()[:40])
        return None
    return read[0]


def _is_draft(value: Value, found: Findings) -> bool:
    """Anything that is not clearly 'no' waits: publishing cannot be taken back."""
    word = value.text.strip().casefold()
    if word not in _TRUE and word not in _FALSE:
        found.add("draft-unclear", *value.at, value=value.text.strip()[:40])
    return word not in _FALSE
