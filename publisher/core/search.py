"""Search: how a text and a question become the same small pieces, and where in a text the words of a question stand.

A text is a row of units: each character of a script that is written without spaces (Han, kana, Hangul, Thai …) is
one, and so is each word of any other script. What is looked up are single units and pairs of neighbours: a word of two
Chinese characters is one pair, a longer one a chain of pairs, which is exactly the same characters in the same order.
Where a comma or another mark stands between two such characters they are another pair, in texts as in questions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import regex
from msgspec import Struct

from publisher.core.graphemes import clusters

LONGEST_QUERY = 200
MOST_TERMS = 12
MOST_UNITS = 40
"""Longer questions are cut: nobody types them."""

SNIPPET_CHARACTERS = 110
_LEAD_IN = 24
_MOST_MATCHES = 200
_PREFIX_FROM = 3
"""Words of so many letters also find longer ones that begin with them: 'publish' finds 'publishing'."""

_SPACELESS = (
    r"\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    r"\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    r"\u3105-\u312f\u31a0-\u31bf\uac00-\ud7a3\u1100-\u11ff"  # bopomofo, Hangul
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
)
_ALONE = re.compile(f"[{_SPACELESS}]")
_MARK = regex.compile(r"\p{M}")
_BREAK = "\ue000"
_GAP = re.compile(rf"(?<=[{_SPACELESS}])(?!\s+[{_SPACELESS}])[\W_]+(?=[{_SPACELESS}])")
_UNIT = re.compile(rf"[{_SPACELESS}{_BREAK}]|(?:(?![{_SPACELESS}])[^\W_])+")
_WORD_PART = rf"(?:(?![{_SPACELESS}])[^\W_])"
_QUOTES = {'"': '"', "“": "”", "”": "”", "„": "“", "「": "」", "『": "』", "«": "»"}
_MINUS = "-－−–"
_JOIN = "·"
"""Between two words of a pair; a tokenizer of ASCII takes it for a letter."""


# ---------------------------------------------------------------- texts


def _folded(piece: str) -> str:
    return unicodedata.normalize("NFKC", piece).casefold()


class _FoldedCharacters(dict[int, str]):
    """For str.translate, filled as characters turn up; there are no more of them than Unicode has."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


class _AloneCharacters(dict[str, bool]):
    """Whether a character is a unit by itself."""

    def __missing__(self, character: str) -> bool:
        self[character] = alone = _ALONE.fullmatch(character) is not None
        return alone


_FOLDED, _IS_ALONE = _FoldedCharacters(), _AloneCharacters()


def _pieces(text: str) -> list[str]:
    """The text in pieces that fold each by itself: single characters, with the marks that stand on them."""
    pieces: list[str] = []
    for character in text:
        if pieces and unicodedata.category(character)[0] == "M":
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def fold(text: str) -> str:
    """What texts are compared by: wide, small and capital forms of one letter are the same."""
    return "".join(map(_folded, _pieces(text))) if _MARK.search(text) else text.translate(_FOLDED)


def units(text: str) -> list[str]:
    """The row of units that a text is, with a break wherever a mark stands between two that need no space."""
    return _UNIT.findall(_GAP.sub(_BREAK, fold(text).replace(_BREAK, " ")))


def pairs(row: Sequence[str]) -> list[str]:
    """Every two neighbours as one piece."""
    made, before, broken = list[str](), "", False
    for unit in row:
        if unit == _BREAK:
            broken = True
            continue
        if before:
            made.append(before + _joint(before, unit, broken=broken) + unit)
        before, broken = unit, False
    return made


def _joint(a: str, b: str, *, broken: bool) -> str:
    """What stands between two units of a pair, so that no two different pairs are the same."""
    if broken:
        return _BREAK
    return "" if _alone(a) and _alone(b) else _JOIN


def _alone(unit: str) -> bool:
    return len(unit) == 1 and _IS_ALONE[unit]


class Grams(Struct, frozen=True):
    """The pieces of a text, each list with spaces between: what an index keeps."""

    single: str
    pairs: str


def grams(text: str) -> Grams:
    """Every unit, and every pair of neighbours, in the order of the text."""
    row = units(text)
    return Grams(" ".join(unit for unit in row if unit != _BREAK), " ".join(pairs(row)))


# ---------------------------------------------------------------- questions


class Term(Struct, frozen=True):
    """Something that a text must hold, unit after unit. `said`: as it was typed, without quotes."""

    row: tuple[str, ...]  # with its breaks
    said: str

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(unit for unit in self.row if unit != _BREAK)

    @property
    def open_ended(self) -> bool:
        """Whether the last word may go on."""
        last = self.units[-1]
        return len(last) >= _PREFIX_FROM and not last.isdigit()

    @property
    def pairs(self) -> list[str]:
        return pairs(self.row)


class Query(Struct, frozen=True):
    """What was asked: all of `terms` and none of `without`."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse_query(said: str) -> Query:
    """Words are all wanted; "words in quotes" in this order; -word not at all. Never raises."""
    terms: dict[tuple[str, ...], Term] = {}
    without: dict[tuple[str, ...], Term] = {}
    for text, excluded in _words(said[:LONGEST_QUERY]):
        row = tuple(units(text)[:MOST_UNITS])
        while row and row[-1] == _BREAK:
            row = row[:-1]
        if row:
            (without if excluded else terms).setdefault(row, Term(row, text.strip()))
    kept = [term for row, term in terms.items() if row not in without]
    return Query(tuple(kept[:MOST_TERMS]), tuple(without.values())[:MOST_TERMS])


def _words(said: str) -> Iterator[tuple[str, bool]]:
    """(word or words in quotes, whether it has a minus) from left to right."""
    at = 0
    while at < len(said):
        if said[at].isspace():
            at += 1
            continue
        excluded = said[at] in _MINUS and at + 1 < len(said) and not said[at + 1].isspace()
        at += excluded
        closing = _QUOTES.get(said[at])
        end = said.find(closing, at + 1) if closing else -1
        if end > 0:
            yield said[at + 1 : end], excluded
            at = end + 1
            continue
        stop = at + 1
        while stop < len(said) and not said[stop].isspace() and said[stop] not in _QUOTES:
            stop += 1
        yield said[at:stop], excluded
        at = stop


def loosened(query: Query) -> list[str]:
    """Questions that ask for less, for when nothing was found: without what is excluded, each term alone, halves of
    a long word without spaces."""
    words = [f'"{term.said}"' if any(map(str.isspace, term.said)) else term.said for term in query.terms]
    asked = [" ".join(words)] if query.without else []
    if len(query.terms) > 1:
        asked += words
    for term in query.terms:
        if _BREAK in term.row:
            asked += "".join(term.row).split(_BREAK)
        elif all(map(_alone, term.units)):
            asked += ["".join(term.units[:2]), "".join(term.units[-2:])] if len(term.units) > 2 else []
        elif len(term.units) > 1:
            asked += term.units
    return list(dict.fromkeys(asked))


# ---------------------------------------------------------------- what is shown of a text


class Part(Struct, frozen=True):
    """A stretch of a text; `hit`: it is what was asked for."""

    text: str
    hit: bool = False


def snippet(text: str, terms: Sequence[Term], *, most: int = SNIPPET_CHARACTERS) -> tuple[Part, ...]:
    """The stretch of a text in which most of the terms stand, with the hits told apart; its beginning if there is
    none. Cut ends have an ellipsis; no character is changed and none is cut in two."""
    found = _hits(text, terms)
    begin, end = _window(text, found, most)
    begin, end = _whole(text, begin, end)
    inside = [(a, b) for a, b, _ in found if begin <= a and b <= end]
    parts = [Part("…")] if begin else []
    parts += _split(text, inside, begin, end)
    if end < len(text):
        parts.append(Part("…"))
    return tuple(parts)


def marked(text: str, terms: Sequence[Term]) -> tuple[Part, ...]:
    """The whole text with the hits told apart."""
    return tuple(_split(text, [(a, b) for a, b, _ in _hits(text, terms)], 0, len(text)))


def _hits(text: str, terms: Sequence[Term]) -> list[tuple[int, int, int]]:
    """(begin, end, which term) in the text as it stands, in order, without overlaps."""
    whole = fold(text)
    spans: list[tuple[int, int, int]] = []
    for n, term in enumerate(terms):
        for count, match in enumerate(_pattern(term).finditer(whole)):
            if count >= _MOST_MATCHES:
                break
            spans.append((match.start(), match.end(), n))
    if not spans:
        return []
    begins, ends = _places(text, whole)
    kept: list[tuple[int, int, int]] = []
    for begin, end, n in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or begins[begin] >= kept[-1][1]:
            kept.append((begins[begin], ends[end - 1], n))
    return kept


def _places(text: str, whole: str) -> tuple[Sequence[int], Sequence[int]]:
    """For every place of the folded text, where the piece that it comes from begins and ends in the text itself."""
    if _MARK.search(text):
        pieces = _pieces(text)
        starts = [*accumulate(map(len, pieces), initial=0)]
        owners = [n for n, piece in enumerate(pieces) for _ in _folded(piece)]
        return [starts[n] for n in owners], [starts[n + 1] for n in owners]
    if len(text) == len(whole):
        return range(len(text)), range(1, len(text) + 1)  # no character became two, so each is where it was
    owners = [n for n, character in enumerate(text) for _ in _FOLDED[ord(character)]]
    return owners, [n + 1 for n in owners]


@lru_cache(256)
def _pattern(term: Term) -> re.Pattern[str]:
    first, last = term.units[0], term.units[-1]
    before = "" if _alone(first) else f"(?<!{_WORD_PART})"
    after = f"{_WORD_PART}*" if term.open_ended else ("" if _alone(last) else f"(?!{_WORD_PART})")
    between = {_BREAK: r"[\W_]+", "": r"\s*", _JOIN: r"[\W_]*"}
    said, last_unit, broken = "", "", False
    for unit in term.row:
        if unit != _BREAK:
            said += (between[_joint(last_unit, unit, broken=broken)] if last_unit else "") + re.escape(unit)
            last_unit = unit
        broken = unit == _BREAK
    return re.compile(before + said + after)


def _window(text: str, found: Sequence[tuple[int, int, int]], most: int) -> tuple[int, int]:
    """The stretch with the most different terms; of equal ones the first."""
    if len(text) <= most or not found:
        return 0, min(len(text), most)
    best, begin = 0, 0
    for at, _, _ in found:
        start = max(0, at - _LEAD_IN)
        terms = len({n for a, b, n in found if a >= start and b <= start + most})
        if terms > best:
            best, begin = terms, start
    begin = max(0, min(begin, len(text) - most))
    return begin, min(len(text), begin + most)


def _whole(text: str, begin: int, end: int) -> tuple[int, int]:
    """The stretch moved so that it begins and ends between characters as readers see them, and between words."""
    around = text[max(0, begin - 40) : end + 40]
    offset = max(0, begin - 40)
    edges, at = [offset], offset
    for cluster in clusters(around):
        at += len(cluster)
        edges.append(at)
    edges = [edge for edge in edges if not _in_word(text, edge)]
    return (
        max((edge for edge in edges if edge <= begin), default=begin) if begin else 0,
        min((edge for edge in edges if edge >= end), default=end),
    )


def _in_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at - 1 : at + 1].isascii() and text[at - 1 : at + 1].isalnum()


def _split(text: str, spans: Iterable[tuple[int, int]], begin: int, end: int) -> list[Part]:
    parts, at = [], begin
    for a, b in spans:
        parts += [Part(text[at:a]), Part(text[a:b], hit=True)]
        at = b
    parts.append(Part(text[at:end]))
    return [part for part in parts if part.text]
