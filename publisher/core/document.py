"""The line scanner: a file's bytes as dated documents and entries, with line and column of everything."""

from __future__ import annotations

import re
import string
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from publisher.core.diagnostics import Diagnostic, Findings, has_errors
from publisher.core.encoding import decode
from publisher.core.frontmatter import read_front_matter
from publisher.core.heading import (
    ZERO_WIDTH,
    DayHeading,
    EntryHeading,
    Hashes,
    date_in_name,
    is_id,
    read_day_heading,
    read_entry_heading,
    read_hashes,
    without_link,
)
from publisher.core.hidden import Comment, find_hidden

MOST_MEGABYTES = 32
"""A larger file is refused unread: nobody writes so much in a day."""

_DIRECTIVE = re.compile(r"(?P<draft>draft|草稿)|id\s*[:：]\s*(?P<id>\S+)", re.IGNORECASE)


class EntrySource(Struct, frozen=True, kw_only=True):
    """One entry exactly as the curator wrote it, before any reading of its Markdown."""

    number: int | None = None  # 1..99, from '## 3', '## ３', '## 三', '## ③'; None for '## Title'
    label: str = ""  # the number as written; "" when there is none
    heading: str = ""  # what the heading says beside the number: the given title (rule R0)
    heading_url: str | None = None  # '## [title](url)': where the heading links to
    explicit_id: str | None = None  # '{#my-id}' or '<!-- id: my-id -->'
    draft: bool = False  # '<!-- draft -->'
    markdown: str = ""  # the body: LF ends, comments blanked out (line count kept), outer blank lines cut
    line: int = 1  # of the heading, from 1
    body_line: int = 1  # of the first line of `markdown`, from 1
    section: str = ""  # with entry_level = 3: the '## …' heading above this entry that has no text of its own


class Document(Struct, frozen=True, kw_only=True):
    """One day of a file."""

    day: date
    line: int = 1
    title: str = ""  # the text after the date in the heading, or ""
    preface: str = ""  # Markdown between the date heading and the first entry
    preface_line: int = 1
    draft: bool = False  # front matter `draft: true`: the whole day waits
    entries: tuple[EntrySource, ...] = ()
    heading_url: str | None = None  # '# [2025-01-29](url)': where the heading links to


class ParsedFile(Struct, frozen=True, kw_only=True):
    """A file's documents in file order. With an error among the diagnostics nothing of it is published."""

    name: str  # path relative to the documents folder, with '/'
    documents: tuple[Document, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def refused(self) -> bool:
        return has_errors(self.diagnostics)


def parse_file(name: str, data: bytes, *, entry_level: int = 2) -> ParsedFile:
    """Read one day file. Never raises for any input: what is wrong is in `diagnostics`. Linear time."""
    found = Findings(name)
    text = _text(data, found)
    documents = () if text is None else _Reader(name, text, entry_level, found).documents()
    return ParsedFile(name=name, documents=documents, diagnostics=found.in_order())


def _text(data: bytes, found: Findings) -> str | None:
    if len(data) > MOST_MEGABYTES * 2**20:
        found.add("file-too-large", 1, size=len(data) // 2**20, limit=MOST_MEGABYTES)
        return None
    text = decode(data, found)
    if text is not None and not text.strip(ZERO_WIDTH + string.whitespace):
        found.add("file-empty", 1)
        return None
    return text


class _Mark(Struct, frozen=True):
    """A heading that means something to the file: a day, an entry, a section above entries, a bare '# …'."""

    at: int  # index of its line
    column: int
    kind: Literal["day", "entry", "section", "plain"]
    text: str
    day: DayHeading | None = None
    entry: EntryHeading | None = None


def _may_be_heading(line: str) -> bool:
    """A cheap first look, for files of a million lines."""
    return "#" in line[:16] or "＃" in line[:16]


class _Reader:
    """Reads one file: headings → days → entries. `lines` lose comments and used headings, never a line."""

    def __init__(self, name: str, text: str, entry_level: int, found: Findings) -> None:
        self.name = name
        self.found = found
        self.entry_level = entry_level
        self.raw = text.split("\n")
        self.matter = read_front_matter(self.raw, self._may_begin_something, found)
        seen = find_hidden(self.raw, self.matter.end, self._may_begin_something, found)
        self.lines, self.code, self.comments = seen.lines, seen.code, seen.comments
        self.lines[: self.matter.end] = [""] * self.matter.end
        self.comment_lines = [comment.line for comment in self.comments]
        self.marks = list(self._marks())
        self.mark_places = [mark.at for mark in self.marks]

    # -- headings ------------------------------------------------------------------------------------

    def _may_begin_something(self, at: int) -> bool:
        """Whether a line looks like a day's or an entry's heading, wherever it stands."""
        line = self.raw[at]
        return _may_be_heading(line) and self._read_mark(at, line, first=False) is not None

    def _read_mark(self, at: int, line: str, *, first: bool) -> _Mark | None:
        """The heading of a day, an entry or a section, else None. `first`: bracketed dates count too."""
        hashes = read_hashes(line)
        if hashes is None or hashes.level > self.entry_level:
            return None
        if hashes.level == 1:
            return self._day_mark(at, hashes, first=first)
        entry = read_entry_heading(hashes.text)
        if not hashes.well_spelled and (
            entry.number is None or hashes.closed or hashes.level < self.entry_level
        ):
            return None
        kind: Literal["entry", "section"] = "entry" if hashes.level == self.entry_level else "section"
        return _Mark(at, hashes.column, kind, hashes.text, entry=entry)

    def _day_mark(self, at: int, hashes: Hashes, *, first: bool) -> _Mark | None:
        day = read_day_heading(hashes.text)
        if day is None or not (day.leads or first):
            return None
        if not hashes.well_spelled and (hashes.closed or not day.leads or (day.title and not first)):
            return None  # '#2025-01-29发布会#' in a text is a topic
        return _Mark(at, hashes.column, "day", hashes.text, day=day)

    def _marks(self) -> Iterator[_Mark]:
        first = True
        worded = True  # '# 小寒（2025-01-29）' counts until an entry or a heading of another style came
        for at, line in enumerate(self.lines):
            if at in self.code or not _may_be_heading(line):
                continue
            hashes = read_hashes(line)
            mark = self._read_mark(at, line, first=worded)
            if hashes is not None and mark is not None:
                self._tell_spelling(mark, hashes)
                worded = bool(mark.day and not mark.day.leads) or (worded and not first)
                first = False
                yield mark
            elif hashes is not None and hashes.level == 1 and hashes.well_spelled:
                yield _Mark(at, hashes.column, "plain", hashes.text)

    def _tell_spelling(self, mark: _Mark, hashes: Hashes) -> None:
        if not hashes.well_spelled:
            written = self.raw[mark.at].strip()[:40]
            meant = "#" * hashes.level + " " + mark.text[:40]
            self.found.add("heading-spelling", mark.at + 1, mark.column, written=written, meant=meant)
        if mark.day is None:
            return
        if mark.day.day is None:
            self.found.add("date-invalid", mark.at + 1, mark.column, text=mark.day.written)
        elif mark.day.weekday:
            day = mark.day.day.isoformat()
            self.found.add("weekday-wrong", mark.at + 1, mark.column, day=day, written=mark.day.weekday)

    # -- days ----------------------------------------------------------------------------------------

    def documents(self) -> tuple[Document, ...]:
        headings = [mark for mark in self.marks if mark.kind == "day"]
        base = self._base_day(headings)
        return tuple(self._settled(list(self._days(headings, base))))

    def _base_day(self, headings: Sequence[_Mark]) -> date | None:
        """The day that front matter or file name give; every disagreement is told."""
        name_day, matter = date_in_name(self.name), self.matter
        days = [mark.day.day for mark in headings if mark.day]
        if not days and matter.day and name_day and matter.day != name_day:
            place = (matter.line, matter.column)
            self.found.add("matter-disagrees-name", *place, matter=str(matter.day), name=str(name_day))
        if days and None not in days:
            place = (headings[0].at + 1, headings[0].column)
            if name_day and name_day not in days:
                self.found.add("date-disagrees-name", *place, heading=str(days[0]), name=str(name_day))
            if matter.day and matter.day not in days:
                self.found.add("date-disagrees-matter", *place, heading=str(days[0]), matter=str(matter.day))
        if not days and not name_day and not matter.day and not matter.bad_day:
            self.found.add("date-missing", 1)
        return matter.day or name_day

    def _days(self, headings: Sequence[_Mark], base: date | None) -> Iterator[Document]:
        """One document for each day heading, and one for what stands above the first of them."""
        start, stop = self.matter.end, headings[0].at if headings else len(self.lines)
        orphan = next((m for m in self.marks if m.at < stop and m.kind in ("entry", "section")), None)
        if not headings or orphan is not None:
            if base is not None:
                yield self._document(base, None, start, stop)
            elif orphan is not None and headings:
                self.found.add("entry-before-date", orphan.at + 1, orphan.column)
            start = stop
        for heading, following in zip(headings, [*headings[1:], None], strict=False):
            end = following.at if following else len(self.lines)
            if heading.day and heading.day.day:
                yield self._document(heading.day.day, heading, start, end)
            start = end

    def _document(self, day: date, heading: _Mark | None, start: int, stop: int) -> Document:
        """The day whose lines run from `start` to `stop`; words above its heading belong to its preface."""
        marks = self._between(start, stop)
        begins = [mark for mark in marks if mark.kind in ("entry", "section")]
        preface_end = begins[0].at if begins else stop
        title, url, line = self._title(heading, marks, start)
        preface, preface_line = self._block(start, preface_end)
        draft = self.matter.draft | self._preface_comments(start, preface_end)
        self._tell_plain_headings(marks)
        return Document(
            day=day,
            line=line,
            title=title,
            preface=preface,
            preface_line=preface_line if preface else line,
            draft=draft,
            entries=tuple(self._entries(begins, stop)),
            heading_url=url,
        )

    def _title(
        self, heading: _Mark | None, marks: Sequence[_Mark], start: int
    ) -> tuple[str, str | None, int]:
        """The day's title, the heading's link and its line. The heading is taken out of the lines."""
        title, url, line = "", None, min(start + 1, len(self.lines))
        if heading is not None and heading.day is not None:
            title, url, line = heading.day.title, heading.day.url, heading.at + 1
            self.lines[heading.at] = ""
        first = marks[0] if marks else None
        if first is not None and first.kind == "plain" and not title and not url:
            above = heading is None or first.at < heading.at
            if above and not any(text.strip() for text in self.lines[start : first.at]):
                title, url = without_link(first.text)
                self.lines[first.at] = ""
                line = line if heading else first.at + 1
        if not title and start == self.matter.end:
            title = self.matter.title
        return title, url, line

    def _settled(self, documents: list[Document]) -> Iterator[Document]:
        """The documents as they are, after telling what only shows when they are all there."""
        begun: dict[date, int] = {}
        ids: dict[str, int] = {}
        for document in documents:
            day = document.day.isoformat()
            if document.day in begun:
                self.found.add("day-repeated", document.line, day=day, other=begun[document.day])
            begun.setdefault(document.day, document.line)
            if document.draft:
                self.found.add("day-draft", document.line, day=day)
            elif not document.entries:
                self.found.add("no-entries", document.line, day=day)
            self._tell_numbers(document.entries)
            self._tell_ids(document.entries, ids)
            yield document

    # -- entries -------------------------------------------------------------------------------------

    def _entries(self, begins: Sequence[_Mark], stop: int) -> Iterator[EntrySource]:
        section = ""
        for mark, following in zip(begins, [*begins[1:], None], strict=False):
            end = following.at if following else stop
            body, body_line = self._block(mark.at + 1, end)
            names_others = following is not None and following.kind == "entry"
            if mark.kind == "section" and not body and names_others:
                section = mark.text
                self._entry_comments(mark.at, end, None)
                continue
            section = "" if mark.kind == "section" else section
            yield self._entry(mark, end, body, body_line, section)

    def _entry(self, mark: _Mark, end: int, body: str, body_line: int, section: str) -> EntrySource:
        entry = mark.entry or EntryHeading()
        explicit_id, draft = self._entry_comments(mark.at, end, entry.explicit_id)
        place = (mark.at + 1, mark.column)
        if entry.bad_id:
            self.found.add("id-invalid", *place, id=entry.bad_id)
        if entry.spare_title:
            self.found.add("title-second", *place, title=entry.spare_title)
        if draft:
            self.found.add("entry-draft", *place)
        return EntrySource(
            number=entry.number,
            label=entry.label,
            heading=entry.title,
            heading_url=entry.url,
            explicit_id=explicit_id,
            draft=draft,
            markdown=body,
            line=mark.at + 1,
            body_line=body_line if body else mark.at + 1,
            section=section,
        )

    def _tell_numbers(self, entries: Sequence[EntrySource]) -> None:
        numbered = [(entry.number, entry) for entry in entries if entry.number is not None]
        first: dict[int, EntrySource] = {}
        for number, entry in numbered:
            if number in first:
                other = first[number].line
                self.found.add("duplicate-number", entry.line, label=entry.label, other=other)
            first.setdefault(number, entry)
        for (before, earlier), (number, entry) in pairwise(numbered):
            if number < before:
                self.found.add("number-order", entry.line, label=entry.label, before=earlier.label)
        for before, number in pairwise(sorted(first)):
            if number > before + 1:
                self.found.add("number-gap", first[number].line, before=before, after=number)

    def _tell_ids(self, entries: Sequence[EntrySource], ids: dict[str, int]) -> None:
        for entry in entries:
            if entry.explicit_id is None:
                continue
            if entry.explicit_id in ids:
                other = f"{self.name}:{ids[entry.explicit_id]}"
                self.found.add("duplicate-id", entry.line, id=entry.explicit_id, other=other)
            ids.setdefault(entry.explicit_id, entry.line)

    # -- comments and lines --------------------------------------------------------------------------

    def _comments_in(self, start: int, stop: int) -> Sequence[Comment]:
        lines = self.comment_lines
        return self.comments[bisect_left(lines, start + 1) : bisect_left(lines, stop + 1)]

    def _entry_comments(self, start: int, stop: int, given: str | None) -> tuple[str | None, bool]:
        """The entry's id and whether it is a draft, from its comments; every other comment is told."""
        explicit_id, draft = given, False
        for comment in self._comments_in(start, stop):
            directive = _DIRECTIVE.fullmatch(comment.text)
            if directive is None:
                self._tell_comment(comment)
            elif directive["draft"]:
                draft = True
            elif not is_id(directive["id"]):
                self.found.add("id-invalid", comment.line, comment.column, id=directive["id"][:70])
            elif explicit_id not in (None, directive["id"]):
                self.found.add("id-second", comment.line, comment.column, id=directive["id"])
            else:
                explicit_id = directive["id"]
        return explicit_id, draft

    def _preface_comments(self, start: int, stop: int) -> bool:
        """Whether a comment above the first entry makes the day a draft; every other comment is told."""
        draft = False
        for comment in self._comments_in(start, stop):
            directive = _DIRECTIVE.fullmatch(comment.text)
            if directive is not None and directive["draft"]:
                draft = True
            else:
                self._tell_comment(comment)
        return draft

    def _tell_comment(self, comment: Comment) -> None:
        hidden = sum(self._may_begin_something(at) for at in range(comment.line, comment.last_line))
        if hidden:
            where = (comment.line, comment.column)
            self.found.add("comment-hides-entries", *where, last=comment.last_line, count=hidden)
        elif comment.text:
            short = " ".join(comment.text[:200].split())
            short = short if len(short) <= 30 else short[:29] + "…"
            self.found.add("comment-hidden", comment.line, comment.column, text=short)

    def _tell_plain_headings(self, marks: Sequence[_Mark]) -> None:
        for mark in marks:
            if mark.kind == "plain" and self.lines[mark.at]:
                self.found.add("heading-without-date", mark.at + 1, mark.column, text=mark.text[:40])

    def _between(self, start: int, stop: int) -> list[_Mark]:
        places = self.mark_places
        return self.marks[bisect_left(places, start) : bisect_left(places, stop)]

    def _block(self, start: int, stop: int) -> tuple[str, int]:
        """The lines without outer blank ones, and the number (from 1) of the first; "" when none is left."""
        while start < stop and not self.lines[start].strip():
            start += 1
        while stop > start and not self.lines[stop - 1].strip():
            stop -= 1
        return "\n".join(self.lines[start:stop]), start + 1
