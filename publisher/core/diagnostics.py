"""What is wrong with a document, as codes with parameters; the English sentence is the message id.

Codes are public and never change meaning: E the file is not published (its last good version stays),
W published with a note, I told with -v.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from msgspec import Struct, field

Level = Literal["error", "warning", "info"]


class Code(Struct, frozen=True):
    """One kind of finding. `message` and `fix` are English sentences with {names} of parameters."""

    code: str  # "E101"
    slug: str  # "date-missing"
    message: str
    fix: str

    @property
    def level(self) -> Level:
        return {"E": "error", "W": "warning", "I": "info"}[self.code[0]]  # type: ignore[return-value]

    @property
    def names(self) -> frozenset[str]:
        """The parameters that a Diagnostic of this code must carry."""
        return frozenset(re.findall(r"\{(\w+)\}", self.message + self.fix))


CATALOGUE: dict[str, Code] = {}
"""Every code by its slug. Filled by `_define` below; tests hold that codes and slugs are unique."""


def _define(code: str, slug: str, message: str, fix: str) -> None:
    CATALOGUE[slug] = Code(code, slug, message, fix)


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding at one place. `line` and `column` start at 1; columns count characters, not bytes."""

    file: str  # path relative to the documents folder, with '/'
    line: int
    column: int
    slug: str
    params: dict[str, object] = field(default_factory=dict)

    @property
    def spec(self) -> Code:
        return CATALOGUE[self.slug]

    @property
    def code(self) -> str:
        return self.spec.code

    @property
    def level(self) -> Level:
        return self.spec.level


def has_errors(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> bool:
    """True when any finding keeps its file from being published."""
    return any(d.level == "error" for d in diagnostics)


MOST_OF_A_KIND = 100
"""Of one file no code is told more often: a hostile file must not flood the terminal."""


class Findings:
    """Collects the findings of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._all: list[Diagnostic] = []
        self._told: Counter[str] = Counter()

    def add(self, slug: str, line: int, column: int = 1, /, **params: object) -> None:
        self._told[slug] += 1
        if self._told[slug] <= MOST_OF_A_KIND:
            self._all.append(
                Diagnostic(file=self.file, line=line, column=column, slug=slug, params=dict(params))
            )

    def in_order(self) -> tuple[Diagnostic, ...]:
        """By place; findings of one place in the order they were made."""
        return tuple(sorted(self._all, key=lambda d: (d.line, d.column)))


# No literal braces in sentences: one without parameters is shown as it is, one with them is formatted.

# E10x  the date
_define("E101", "date-missing", "no date found for this document", "begin the file with '# 2025-01-29'")
_define(
    "E102",
    "date-invalid",
    "'{text}' is not a day of the calendar",
    "write the day as year-month-day, like 2025-01-29",
)
_define(
    "E103",
    "date-disagrees-name",
    "the heading says {heading}, but the file name says {name}",
    "correct the heading, or rename the file",
)
_define(
    "E104",
    "date-disagrees-matter",
    "the heading says {heading}, but 'date:' at the top of the file says {matter}",
    "keep one of the two dates",
)
_define(
    "E105",
    "matter-disagrees-name",
    "'date:' at the top of the file says {matter}, but the file name says {name}",
    "correct the date, or rename the file",
)
_define(
    "E106",
    "entry-before-date",
    "an entry stands above the first date, so its day is unknown",
    "put a line like '# 2025-01-29' above it",
)
_define(
    "E107",
    "front-matter-broken",
    "the lines between '---' and '---' at the top of the file cannot be read as YAML",
    "write one 'name: value' a line, like 'date: 2025-01-29', or take the block out",
)

# E11x  bytes and files
_define(
    "E111",
    "encoding-unknown",
    "the file is not UTF-8 text: the bytes {bytes} (at byte {offset}) mean nothing here",
    "mend this place, or save the whole file again as UTF-8",
)
_define(
    "E112",
    "control-character",
    "the invisible control character {codepoint} cannot be part of a text",
    "delete this character; if there are many, save the file again as UTF-8 text",
)
_define(
    "E113",
    "file-too-large",
    "the file has {size} MB, more than the {limit} MB that one file may have",
    "split it into a file for each day, and keep pictures in files of their own",
)
_define(
    "E114",
    "file-unreadable",
    "the file could not be read: {reason}",
    "check that the file is there and that publisher may read it",
)
_define(
    "E115",
    "file-name-unreadable",
    "the name of this file is not UTF-8 text",
    "rename the file, for instance to 2025-01-29.md",
)

# E12x  identity
_define(
    "E121",
    "duplicate-id",
    "the id '{id}' is already taken by the entry at {other}",
    "give one of the two entries another id, or take it out",
)

# W20x  headings, days, front matter
_define(
    "W201",
    "heading-spelling",
    "'{written}' was read as the heading '{meant}'",
    "write '{meant}', with a half-width # and a space after it",
)
_define(
    "W202",
    "heading-without-date",
    "the heading '{text}' holds no date and was read as text",
    "write '## ' before an entry's title, and '# ' only before a date",
)
_define(
    "W203",
    "no-entries",
    "{day} holds no entries, so nothing of it is published",
    "begin each entry with a line like '## 1'",
)
_define(
    "W204",
    "file-empty",
    "the file is empty",
    "write the day, beginning with '# 2025-01-29', or delete the file",
)
_define(
    "W205",
    "duplicate-number",
    "the number {label} was given before, on line {other}",
    "renumber the entries; both are published as they stand",
)
_define(
    "W206",
    "day-repeated",
    "{day} had already begun on line {other}; both parts belong to the same day",
    "correct the date, or put the entries under one heading",
)
_define(
    "W207",
    "encoding-gb18030",
    "the file is in GB18030 (GBK), not in UTF-8; it was read all the same",
    "save it as UTF-8: iconv -f GB18030 -t UTF-8",
)
_define(
    "W208",
    "front-matter-unclosed",
    "the block that begins with '---' at the top of the file was read as text",
    "close it with a line '---' before the first heading, or take the first line out",
)
_define(
    "W209",
    "draft-unclear",
    "'draft: {value}' is neither true nor false, so the day waits",
    "write 'draft: true' or 'draft: false'",
)

# W21x  inside an entry
_define(
    "W211",
    "list-item-healed",
    "a broken list item was joined with line {joined}",
    "join the two lines if they belong together; else end the item with a full stop",
)
_define(
    "W212",
    "short-link-cut",
    "the short link {url} looks cut off",
    "copy the whole link again: at least 4 characters follow t.cn/",
)
_define("W213", "doubled-word", "'{text}' is written twice in a row", "take one out, if it is a slip")
_define("W214", "doubled-punctuation", "'{text}' is doubled", "keep one mark, or write …… for a pause")
_define(
    "W215",
    "image-without-alt",
    "the picture {path} has no words for those who cannot see it",
    "say in a few words what it shows: ![what it shows]({path})",
)
_define(
    "W216",
    "media-missing",
    "the file {path} is not there",
    "put it beside the day file, or correct the path",
)
_define(
    "W217",
    "entry-empty",
    "entry '{label}' has no text and is not published; its number is kept",
    "write the entry, or take its heading out",
)
_define(
    "W218",
    "fence-unclosed",
    "a code block begins here and never ends; it was closed before the next heading",
    "end it with a line ``` of its own",
)
_define(
    "W219",
    "raw-html",
    "HTML is not used and stands in the text as it was typed",
    "write it as Markdown",
)

# W22x  comments, ids, media
_define(
    "W220",
    "weekday-wrong",
    "{day} is not a '{written}'",
    "correct the date or the weekday; the page shows the right weekday by itself",
)
_define(
    "W221",
    "comment-hidden",
    "the comment '{text}' is left out of everything that readers see",
    "all is well if you wished it so; else take the comment marks out",
)
_define(
    "W222",
    "comment-unclosed",
    "a comment begins here and never ends, so it was read as text",
    "end it with '-->', or take '<!--' out",
)
_define(
    "W223",
    "id-invalid",
    "'{id}' cannot be an id",
    "use 1 to 64 letters a-z, digits and the marks - _ . beginning with a letter or digit",
)
_define(
    "W224", "id-second", "the entry has the id '{id}' besides its first one; the first is used", "keep one id"
)
_define(
    "W225",
    "title-second",
    "the entry has the title '{title}' besides the one in its heading; the heading is used",
    "keep one title",
)
_define(
    "W226",
    "media-outside",
    "the file {path} lies outside the documents folder and is not published",
    "copy it beside the day file",
)
_define(
    "W227",
    "media-too-large",
    "the file {path} has {size} MB, more than the {limit} MB that are published",
    "make it smaller, or link to it",
)
_define(
    "W228",
    "media-type",
    "the file {path} is of a kind that is not published",
    "use a picture (PNG, JPEG, GIF, WebP, AVIF), sound, film or PDF",
)
_define(
    "W229",
    "comment-hides-entries",
    "the comment that begins here ends on line {last} and hides {count} headings of entries or days",
    "if it should have ended earlier, put '-->' there",
)

# W23x  identity and scanning
_define(
    "W231",
    "near-duplicate",
    "this entry is nearly the same as {other} of {day} (likeness {score}) and waits",
    "if it is meant: publisher allow {uid}",
)
_define(
    "W232",
    "archived-late",
    "this entry is older than the start of the publication: it gets a page, but no mail and no feed",
    "to publish it in the next issue: publisher allow {uid}",
)
_define(
    "W233",
    "two-candidates",
    "two earlier entries resemble this one equally; it was taken for {uid}, not for {other}",
    "to settle it, write <!-- id: my-id --> as the first line of the entry",
)
_define(
    "W234",
    "file-vanished",
    "the file was there when the scan began and is gone now",
    "all is well if you moved it; else look for it in the trash",
)
_define(
    "W235",
    "entry-too-similar",
    "this entry is nearly the same as the one at {other} (likeness {score})",
    "delete one of the two, if it was pasted twice",
)
_define(
    "W236",
    "entry-withdrawn",
    "'{title}' ({uid}) was published and is gone from the documents; its page says that it was withdrawn",
    "all is well if you wished it so; else put the entry back",
)
_define(
    "W237",
    "entry-repeated",
    "this entry stands word for word at {other} too; it is published once",
    "delete one of the two",
)

# I30x  told with -v
_define(
    "I301",
    "number-gap",
    "after number {before} comes {after}",
    "all is well if none was lost; numbers are shown as written",
)
_define(
    "I302",
    "front-matter-key",
    "'{key}' at the top of the file is not used",
    "known are date, title and draft",
)
_define(
    "I303",
    "entry-draft",
    "this entry is a draft: it waits, unless it is out already",
    "take <!-- draft --> out to publish it; what is out stays out",
)
_define(
    "I304",
    "day-draft",
    "{day} is a draft: its entries wait, but for those that are out already",
    "take 'draft: true' or <!-- draft --> out to publish it; what is out stays out",
)
_define(
    "I305",
    "image-remote",
    "the picture {url} lies on another site and is shown as a link",
    "save it beside the day file, or set [site] remote_images = true",
)
_define(
    "I306",
    "no-end-punctuation",
    "the paragraph ends without a full stop",
    "look whether something was cut off",
)
_define(
    "I307",
    "reference-definition",
    "a line like '[name]: address' stands in the text as it was typed",
    "write links as [words](address)",
)
_define(
    "I308",
    "emoji-unknown",
    "the emoji code {code} is not known and stays as it is",
    "nothing to do; or write an emoji in its place",
)
_define(
    "I309",
    "file-settling",
    "the file was changed {seconds} s ago and is left alone for now",
    "nothing to do; the next run reads it",
)
_define(
    "I310",
    "day-future",
    "{day} has not come yet; its entries wait for it",
    "nothing to do; or correct the date",
)
_define(
    "I311",
    "number-order",
    "number {label} stands after {before}; the order of the file is kept",
    "move the entry, if it should come earlier",
)
_define(
    "I312",
    "entry-moved",
    "the entry {uid} has moved here from {day}; its address stays",
    "nothing to do; it is not mailed again",
)
_define(
    "I313",
    "entry-edited",
    "the entry {uid} has changed since it was published",
    "nothing to do; pages and feeds follow",
)
_define(
    "I314",
    "day-in-files",
    "{day} is also in {other}; both files make up the day, in the order of their names",
    "all is well if you mean it so",
)
