"""What an entry says about itself: title, byline, topics, links, summary, word count, minutes, language."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_right
from datetime import date
from itertools import pairwise

from msgspec import Struct

from publisher.core import body
from publisher.core.blocks import QUIET
from publisher.core.byline import byline_date
from publisher.core.counting import tally
from publisher.core.diagnostics import Diagnostic, Findings
from publisher.core.document import EntrySource
from publisher.core.graphemes import unseen_places
from publisher.core.heading import ZERO_WIDTH
from publisher.core.inline import is_web
from publisher.core.markup import Token, read_inline, read_markdown
from publisher.core.plaintext import inline_text, plain_text, spoken
from publisher.core.reading_options import ReadingOptions
from publisher.core.references import is_local, references
from publisher.core.slips import Slip, slips
from publisher.core.summary import summary_of
from publisher.core.titles import Title, title_of
from publisher.core.topics import topic_key

_UNSEEN = re.compile(f"[{ZERO_WIDTH}]")


class Topic(Struct, frozen=True):
    """`key` compares (NFKC, case-folded, no spaces); `name` is the first spelling seen."""

    key: str
    name: str


class EntryLink(Struct, frozen=True, kw_only=True):
    """A link in an entry's text."""

    url: str  # as it is asked for: with a scheme, 'http://t.cn/A63SL70V'
    text: str  # as the curator wrote it (the bare address, or the words of [words](url))
    line: int  # in the file, from 1
    column: int = 1


class Section(Struct, frozen=True, kw_only=True):
    """A time-coded heading: 'GPU的起源(0:00-7:59):'."""

    title: str
    times: str  # as shown: '0:00–7:59'
    start_s: int
    anchor: str  # unique within the entry


class Entry(Struct, frozen=True, kw_only=True):
    """An entry read: everything that follows from its text alone."""

    source: EntrySource
    title: str  # plain text, never empty unless the entry is empty
    title_rule: str  # "R0" … "R9"
    title_in_body: bool  # R6, R7…: the title repeats the first words; do not print it above them
    byline: tuple[str, ...] = ()  # lines exactly as written: ('RUCHIR SHARMA 梅特涅的信徒', '2025年01月29日')
    byline_date: date | None = None
    topics: tuple[Topic, ...] = ()  # in order of appearance, distinct by key
    # distinct by url, in order of appearance; the source link is among them
    links: tuple[EntryLink, ...] = ()
    source_link: EntryLink | None = None  # the link at the very end (or of the heading): shown as a link line
    sections: tuple[Section, ...] = ()
    summary: str = ""  # whole sentences, at most 110 characters, plain text
    words: int = 0  # 字数: Han + full-width punctuation + Latin words and numbers
    minutes: int = 1
    lang: str = "zh"  # zh | en | ja | ko | und
    media: tuple[str, ...] = ()  # local files it shows or links, relative to its file's folder, as written
    # markdown-it tokens with our own types (core/markup.py); render/html.py draws them
    blocks: tuple[Token, ...] = ()
    # the body's visible text in reading order, paragraphs separated by blank lines: for search and tests
    text: str = ""
    # sha256 hex of the normalised heading and text: moves exactly when the entry was really edited
    sha: str = ""

    @property
    def is_empty(self) -> bool:
        """No text at all: warned about, never published, its number kept."""
        return not self.title


def read_entry(
    source: EntrySource, *, file: str = "", options: ReadingOptions | None = None
) -> tuple[Entry, tuple[Diagnostic, ...]]:
    """Read one entry. Pure and linear; the same source and options give an equal Entry. Never raises."""
    reader = _Reader(source, options or ReadingOptions())
    entry = reader.entry()
    found = Findings(file)
    reader.tell(found)
    return entry, found.in_order()


class _Reader:
    """Reads one entry: tokens, then what follows from them, then what leaves the body for its own place."""

    def __init__(self, source: EntrySource, options: ReadingOptions) -> None:
        self.source = source
        self.options = options
        self.raw_lines = source.markdown.split("\n")
        self.tokens = read_markdown(
            source.markdown, heal_lists=options.heal_lists, soft_breaks=options.soft_breaks
        )
        self.heading = read_inline(source.heading) if source.heading else []
        self.unseen: dict[int, list[int]] = {}  # by line
        self.slips: list[Slip] = []
        self.is_empty = False

    def entry(self) -> Entry:
        source, options = self.source, self.options
        links, media = self._references()  # everything is looked at before anything leaves the body
        topics = self._topics()
        sections, counted = self._sections(), tally(self._counted())
        blocks = body.split(self.tokens)
        title = title_of(self._given_title(), self.tokens)
        self.is_empty = not title.text or (title.rule == "R0" and not self._says_anything())
        self._look_for_slips(blocks, title)
        source_link = self._source_link(blocks)
        body.take_topics(blocks)
        taken = body.take_title(blocks, title)
        byline = body.take_bylines(blocks, title)
        blocks = body.without_empty(blocks)
        tokens = tuple(token for block in blocks for token in block)
        return Entry(
            source=source,
            title="" if self.is_empty else title.text,
            title_rule=title.rule,
            title_in_body=not taken,
            byline=byline,
            byline_date=byline_date(byline),
            topics=topics,
            links=self._with_source(links, source_link),
            source_link=source_link,
            sections=sections,
            summary=summary_of(blocks, title.text),
            words=counted.characters(),
            minutes=counted.minutes(
                han_per_minute=options.han_per_minute, words_per_minute=options.words_per_minute
            ),
            lang=counted.language(),
            media=media,
            blocks=tokens,
            text=plain_text(tokens),
            sha=_sha(source),
        )

    # -- heading -------------------------------------------------------------------------------------

    def _heading_children(self) -> list[Token]:
        return [child for token in self.heading for child in token.children or ()]

    def _given_title(self) -> str:
        """What the heading says beside its number; an address in it is a link, not a title."""
        said = [child for child in self._heading_children() if child.type != "url"]
        return " ".join(inline_text(said).split())

    def _says_anything(self) -> bool:
        """Whether anything stands below the heading, or the heading leads somewhere: a bare one is a stub."""
        said = any(block[0].type not in QUIET for block in body.split(self.tokens))
        return said or self._heading_link() is not None

    def _heading_link(self) -> EntryLink | None:
        """Where the heading leads: its [words](address), or an address that stands in it."""
        url = self.source.heading_url or ""
        if not is_web(url):
            found = (c.meta["url"] for c in self._heading_children() if c.type == "url")
            url = next(filter(is_web, found), "")
        return EntryLink(url=url, text=url, line=self.source.line) if url else None

    # -- what is in the text -------------------------------------------------------------------------

    def _topics(self) -> tuple[Topic, ...]:
        children = self._heading_children()
        children += [child for token in self.tokens for child in token.children or ()]
        topics: dict[str, Topic] = {}
        for child in children:
            for name in child.meta["names"] if child.type == "topic" else ():
                topics.setdefault(topic_key(name), Topic(topic_key(name), name))
        return tuple(topics.values())

    def _references(self) -> tuple[list[EntryLink], tuple[str, ...]]:
        """Links and files, repetitions left out."""
        links: dict[str, EntryLink] = {}
        media: dict[str, None] = {}
        self.links_by_token: dict[int, EntryLink] = {}
        for one in references(self.tokens):
            if one.is_web:
                line, column = self._place(one.line, one.column)
                link = EntryLink(url=one.target, text=one.text, line=line, column=column)
                links.setdefault(link.url, link)
                self.links_by_token[id(one.token)] = link
            elif is_local(one.target):
                media.setdefault(one.target)
        return list(links.values()), tuple(media)

    def _sections(self) -> tuple[Section, ...]:
        sections = []
        for opening, inline in pairwise(self.tokens):
            if opening.type == "time_heading_open":
                title = inline_text(inline.children or ())
                sections.append(Section(title=title, **opening.meta))
        return tuple(sections)

    def _counted(self) -> str:
        """Everything that is read: no addresses, no emoji codes; time codes are."""
        said = [self._given_title()]
        for token in self.tokens:
            if token.type == "inline":
                said.append(spoken(token.children or ()))
            elif token.type in ("time_heading_open", "fence"):
                said.append(token.meta["times"] if token.meta else token.content)
        return "\n".join(said)

    # -- the source link -----------------------------------------------------------------------------

    def _source_link(self, blocks: list[body.Block]) -> EntryLink | None:
        link = self._heading_link()
        if link is None:
            token = body.take_source(blocks)
            link = self.links_by_token[id(token)] if token is not None else None
        return link

    @staticmethod
    def _with_source(links: list[EntryLink], source: EntryLink | None) -> tuple[EntryLink, ...]:
        if source is None or any(link.url == source.url for link in links):
            return tuple(links)
        return (source, *links)

    # -- places and findings -------------------------------------------------------------------------

    def _place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file, from 1, of a place in the Markdown without zero-width characters."""
        if line not in self.unseen:
            self.unseen[line] = unseen_places(self.raw_lines[line]) if line < len(self.raw_lines) else []
        return self.source.body_line + line, column + bisect_right(self.unseen[line], column) + 1

    def _look_for_slips(self, blocks: list[body.Block], title: Title) -> None:
        places = blocks[title.block][1].map if title.taken else None
        skipped = {places[0]} if places else set()
        self.slips = list(slips(self.tokens, frozenset(skipped)))

    def tell(self, found: Findings) -> None:
        if self.is_empty:
            found.add("entry-empty", self.source.line, label=self.source.label or self.source.heading[:40])
        for slug, line, column, params in self.slips:
            if "joined" in params:
                params = {"joined": self.source.body_line + int(str(params["joined"]))}
            found.add(slug, *self._place(line, column), **params)


def _sha(source: EntrySource) -> str:
    """Moves exactly when the words do: white space, zero-width characters and line ends say nothing."""
    text = "\n".join([source.heading, source.heading_url or "", source.markdown])
    bare = unicodedata.normalize("NFC", "".join(_UNSEEN.sub("", text).split()))
    return hashlib.sha256(bare.encode("utf-8", "surrogatepass")).hexdigest()
