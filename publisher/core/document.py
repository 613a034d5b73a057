"""The line scanner: a file's bytes as dated documents and entries, with line and column of everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from publisher.core.diagnostics import Diagnostic, has_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySource:
    """One entry exactly as the curator wrote it, before any reading of its Markdown."""

    number: int | None = None  # 1..99, from '## 3', '## ３', '## 三', '## ③'; None for '## Title'
    label: str = ""  # the number as written; "" when there is none
    heading: str = ""  # what the heading says beside the number: the given title (rule R0)
    heading_url: str | None = None  # '## [title](url)': where the heading links to
    explicit_id: str | None = None  # '{#my-id}' or '<!-- id: my-id -->'
    draft: bool = False  # '<!-- draft -->'
    markdown: str = ""  # the body: LF line ends, comments blanked out (line count kept), outer blank lines cut
    line: int = 1  # of the heading, from 1
    body_line: int = 1  # of the first line of `markdown`, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One day of a file."""

    day: date
    line: int = 1
    title: str = ""  # the text after the date in the heading, or ""
    preface: str = ""  # Markdown between the date heading and the first entry
    preface_line: int = 1
    draft: bool = False  # front matter `draft: true`: the whole day waits
    entries: tuple[EntrySource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A file's documents in file order. With an error among the diagnostics nothing of it is published."""

    name: str  # path relative to the documents folder, with '/'
    documents: tuple[Document, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def refused(self) -> bool:
        return has_errors(self.diagnostics)


def parse_file(name: str, data: bytes, *, entry_level: int = 2) -> ParsedFile:
    """Read one day file. Never raises for any input: what is wrong is in `diagnostics`. Linear time."""
    raise NotImplementedError
