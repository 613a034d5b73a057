"""Which parts of a file are code or comments: no heading is seen in either, and nobody sees a comment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from publisher.core.diagnostics import Findings

_OPEN, _CLOSE = "<!--", "-->"


class Comment(Struct, frozen=True):
    """A comment and where it begins; lines and columns from 1."""

    line: int
    column: int
    last_line: int
    text: str


class Visible(Struct):
    """A file's lines without comments (as many lines as before), and which of them are code."""

    lines: list[str]
    code: set[int] = field(default_factory=set)  # indexes from 0
    comments: list[Comment] = field(default_factory=list)


class _Fence(Struct, frozen=True):
    mark: str  # "`" or "~"
    length: int
    bare: bool  # nothing after the marks: it can close


def find_hidden(
    lines: Sequence[str], start: int, is_heading: Callable[[int], bool], found: Findings
) -> Visible:
    """Scan from line `start` (from 0) to the end. `is_heading` tells entry and day headings by index."""
    return _Scan(lines, is_heading, found).run(start)


class _Scan:
    """One pass over the lines. Every look ahead is a table made beforehand, so the whole is linear."""

    def __init__(self, lines: Sequence[str], is_heading: Callable[[int], bool], found: Findings) -> None:
        self.raw = lines
        self.found = found
        self.fences = {i: fence for i, line in enumerate(lines) if (fence := _read_fence(line))}
        self.headings = [i for i in range(len(lines)) if is_heading(i)] if self.fences else []
        self.closers = _closers(self.fences)
        self.balanced: dict[int, bool] = {}
        self.comments = _CommentTable(lines)
        self.visible = Visible(list(lines))

    def run(self, start: int) -> Visible:
        at = start
        while at < len(self.raw):
            at = self._fence(at) if at in self.fences else self._line(at)
        return self.visible

    def _fence(self, at: int) -> int:
        """Mark the code that begins here; the index of the first line after it."""
        end = self._end_of_fence(at)
        self.visible.code.update(range(at, end))
        return end

    def _end_of_fence(self, at: int) -> int:
        close = self.closers.get(at)
        after = bisect_right(self.headings, at)
        heading = self.headings[after] if after < len(self.headings) else None
        if close is not None and (heading is None or close < heading or not self._stands_alone(close)):
            return close + 1
        self.found.add("fence-unclosed", at + 1)
        return len(self.raw) if heading is None else heading

    def _stands_alone(self, close: int) -> bool:
        """Whether the stretch between headings around `close` has whole code blocks of its own.

        Then that line opens or closes one of those, and the block begun before the heading was never closed.
        """
        stretch = bisect_right(self.headings, close)
        if stretch not in self.balanced:
            first = self.headings[stretch - 1]
            last = self.headings[stretch] if stretch < len(self.headings) else len(self.raw)
            self.balanced[stretch] = self._is_balanced(first, last)
        return self.balanced[stretch]

    def _is_balanced(self, first: int, last: int) -> bool:
        inside: _Fence | None = None
        for fence in (self.fences[i] for i in range(first, last) if i in self.fences):
            if inside is None:
                inside = fence
            elif _closes(fence, inside):
                inside = None
            elif not fence.bare:  # '```python' inside a block: a sign that it is not inside
                return False
        return inside is None

    def _line(self, at: int) -> int:
        """Take the comments out of one line (and of those they run on to); the index of the next line."""
        line, column, kept = at, 0, list[str]()
        code = _code_spans(self.raw[at], 0)
        while (opening := self.comments.next_opening(line, column)) is not None:
            ending = self._ending(line, opening, code)
            if ending is None:
                kept.append(self.raw[line][column : opening + len(_OPEN)])
                column = opening + len(_OPEN)
                continue
            kept.append(self.raw[line][column:opening])
            last, column = ending
            self._keep(line, opening, last, column)
            if last != line:
                self._show(line, kept)
                self.visible.lines[line + 1 : last] = [""] * (last - line - 1)
                line, kept, code = last, [], _code_spans(self.raw[last], column)
        if line != at or kept:
            kept.append(self.raw[line][column:])
            self._show(line, kept)
        return line + 1

    def _ending(self, line: int, opening: int, code: list[tuple[int, int]]) -> tuple[int, int] | None:
        """Where the comment ends; None when it is no comment: in code, behind a backslash, unclosed."""
        span = bisect_right(code, (opening, len(self.raw[line]))) - 1
        if span >= 0 and opening < code[span][1]:
            return None
        if opening and self.raw[line][opening - 1] == "\\":
            return None
        ending = self.comments.ending(line, opening)
        if ending is None:
            self.found.add("comment-unclosed", line + 1, opening + 1)
        return ending

    def _keep(self, line: int, opening: int, last: int, end: int) -> None:
        if line == last:
            text = self.raw[line][opening + len(_OPEN) : end]
        else:
            first = self.raw[line][opening + len(_OPEN) :]
            text = "\n".join([first, *self.raw[line + 1 : last], self.raw[last][:end]])
        text = text.removesuffix(_CLOSE).strip()
        self.visible.comments.append(Comment(line + 1, opening + 1, last + 1, text))

    def _show(self, line: int, kept: list[str]) -> None:
        text = "".join(kept)
        self.visible.lines[line] = text if text.strip() else ""


class _CommentTable:
    """Where comments open and close, so that no search is made twice."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.starts: list[int] = []
        offset = 0
        for line in lines:
            self.starts.append(offset)
            offset += len(line) + 1
        text = "\n".join(lines) if any(_OPEN in line for line in lines) else ""
        self.openings = _all(text, _OPEN)
        self.closings = _all(text, _CLOSE) if self.openings else []

    def next_opening(self, line: int, column: int) -> int | None:
        """The column (from 0) of the next opening in this line at or after `column`."""
        at = bisect_left(self.openings, self.starts[line] + column)
        if at == len(self.openings):
            return None
        end = self.starts[line + 1] if line + 1 < len(self.starts) else self.openings[at] + 1
        return self.openings[at] - self.starts[line] if self.openings[at] < end else None

    def ending(self, line: int, opening: int) -> tuple[int, int] | None:
        """Line and column just after the end of the comment, or None when it has none.

        A comment in which another one begins was never closed: rather show too much than lose a text.
        """
        offset = self.starts[line] + opening
        at = bisect_left(self.closings, offset + 2)  # '<!-->' is a whole comment (CommonMark 6.6)
        if at == len(self.closings):
            return None
        following = bisect_left(self.openings, offset + len(_OPEN))
        if following < len(self.openings) and self.openings[following] < self.closings[at]:
            return None
        end = self.closings[at] + len(_CLOSE)
        last = bisect_right(self.starts, self.closings[at]) - 1
        return last, end - self.starts[last]


def _all(text: str, part: str) -> list[int]:
    places, at = [], text.find(part)
    while at >= 0:
        places.append(at)
        at = text.find(part, at + 1)
    return places


def _read_fence(line: str) -> _Fence | None:
    text = line.strip(" \t")
    if not text.startswith(("```", "~~~")):
        return None
    rest = text.lstrip(text[0])
    if text[0] == "`" and "`" in rest:  # a code span, not a fence
        return None
    return _Fence(text[0], len(text) - len(rest), not rest)


def _closes(fence: _Fence, opened: _Fence) -> bool:
    return fence.bare and fence.mark == opened.mark and fence.length >= opened.length


def _closers(fences: dict[int, _Fence]) -> dict[int, int]:
    """For each fence line the next line that could close it (a next-greater-element search, linear)."""
    closers: dict[int, int] = {}
    waiting: dict[str, list[tuple[int, int]]] = {"`": [], "~": []}  # (length, line), longest first
    for at, fence in reversed(fences.items()):
        later = waiting[fence.mark]
        closers |= _first_long_enough(at, fence, later)
        if fence.bare:
            while later and later[-1][0] <= fence.length:
                later.pop()
            later.append((fence.length, at))
    return closers


def _first_long_enough(at: int, fence: _Fence, later: list[tuple[int, int]]) -> dict[int, int]:
    """The nearest of the waiting closers with enough marks; lengths fall towards the end of the list."""
    low, high = 0, len(later)
    while low < high:
        middle = (low + high) // 2
        if later[middle][0] >= fence.length:
            low = middle + 1
        else:
            high = middle
    return {at: later[low - 1][1]} if low else {}


def _code_spans(line: str, start: int) -> list[tuple[int, int]]:
    """The code spans of one line as (begin, end), by run lengths in one pass; none where no comment is."""
    runs: list[tuple[int, int]] = []
    at = line.find("`", start) if _OPEN in line else -1
    while at >= 0:
        end = at
        while end < len(line) and line[end] == "`":
            end += 1
        runs.append((at, end))
        at = line.find("`", end)
    return _paired(runs)


def _paired(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each run with the next one of its length, none inside another pair."""
    following: dict[int, int] = {}
    partner: list[int | None] = [None] * len(runs)
    for index in range(len(runs) - 1, -1, -1):
        length = runs[index][1] - runs[index][0]
        partner[index] = following.get(length)
        following[length] = index
    spans, index = [], 0
    while index < len(runs):
        other = partner[index]
        if other is None:
            index += 1
        else:
            spans.append((runs[index][0], runs[other][1]))
            index = other + 1
    return spans
