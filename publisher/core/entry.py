"""What an entry says about itself: title, byline, topics, links, summary, word count, minutes, language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from publisher.core.diagnostics import Diagnostic
from publisher.core.document import EntrySource

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` compares (NFKC, case-folded, no spaces); `name` is the first spelling seen."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLink:
    """A link in an entry's text."""

    url: str  # as it is asked for: with a scheme, 'http://t.cn/A63SL70V'
    text: str  # as the curator wrote it (the bare address, or the words of [words](url))
    line: int  # in the file, from 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A time-coded heading: 'GPU的起源(0:00-7:59):'."""

    title: str
    times: str  # as shown: '0:00–7:59'
    start_s: int
    anchor: str  # unique within the entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How Markdown is read; all of it from config.toml."""

    heal_lists: bool = True
    soft_breaks: str = "br"  # "br" | "join"
    han_per_minute: int = 400
    words_per_minute: int = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry read: everything that follows from its text alone."""

    source: EntrySource
    title: str  # plain text, never empty unless the entry is empty
    title_rule: str  # "R0" … "R9"
    title_in_body: bool  # R6, R7…: the title repeats the first words; do not print it above them
    byline: tuple[str, ...] = ()  # lines exactly as written: ('RUCHIR SHARMA 梅特涅的信徒', '2025年01月29日')
    byline_date: date | None = None
    topics: tuple[Topic, ...] = ()  # in order of appearance, distinct by key
    links: tuple[EntryLink, ...] = ()  # distinct by url, in order of appearance; the source link is among them
    source_link: EntryLink | None = None  # the link at the very end (or of the heading): shown as a link line
    sections: tuple[Section, ...] = ()
    summary: str = ""  # whole sentences, at most 110 characters, plain text
    words: int = 0  # 字数: Han + full-width punctuation + Latin words and numbers
    minutes: int = 1
    lang: str = "zh"  # zh | en | ja | ko | und
    media: tuple[str, ...] = ()  # local files it shows or links, relative to its file's folder, as written
    blocks: tuple[Token, ...] = ()  # markdown-it tokens with our own types (core/markup.py); render/html.py draws them
    text: str = ""  # the visible text in reading order, paragraphs separated by blank lines: for search and tests
    sha: str = ""  # sha256 hex of the normalised heading and text: moves exactly when the entry was really edited

    @property
    def is_empty(self) -> bool:
        """No text at all: warned about, never published, its number kept."""
        return not self.title


def read_entry(
    source: EntrySource, *, file: str = "", options: ReadingOptions | None = None
) -> tuple[Entry, tuple[Diagnostic, ...]]:
    """Read one entry. Pure and linear; the same source and options give an equal Entry. Never raises."""
    raise NotImplementedError
