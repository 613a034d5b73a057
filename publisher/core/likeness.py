"""How alike two texts are: 3-grams of letters, Dice and containment, and sketches small enough to keep."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from operator import add

from msgspec import Struct

SKETCH = 24
"""Hashes kept of a text: two texts alike by 0.8 share about sixteen of them, and it takes a quarter to be compared in
full. Of 1 154 pairs alike by 0.80 to 0.83 none was missed; of 145 530 pairs of strangers 5 were compared."""

NEAR_DUPLICATE = 0.8
"""Dice from which an entry counts as a repetition of one in another file."""

FEW, EVERY = 256, 8
"""A text of more than FEW 3-grams is looked up by one in EVERY."""

_GRAM = 3
SHARED = 0.25  # of the smaller sketch, before two texts are compared in full; alike by 0.8 they share 0.6
_CANDIDATES = 8  # texts compared in full for one entry
_CROWD = 200  # holders of one hash that are looked at: a boilerplate line must not cost a whole library

_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_NO_LETTER = re.compile(r"[\W\d_]+")
# A sixteenth of all hashes: in a text of 400 letters and more the smallest SKETCH are among them.
_SMALL = 1 << 28

Shingles = frozenset[str]

TextsOf = Callable[[Collection[str]], Mapping[str, str]]
"""Texts of known entries by uid; an uid without a text may be missing. Asked once, for few."""


def shingle_text(text: str) -> str:
    """What comparison sees: NFKC, lower case, letters and Han only; no addresses, digits or marks."""
    plain = _NO_LETTER.sub("", _ADDRESS.sub(" ", text))
    if not unicodedata.is_normalized("NFKC", plain):  # rare without its marks, and dear
        plain = _NO_LETTER.sub("", unicodedata.normalize("NFKC", plain))
    return plain.lower()


def shingles(comparable: str) -> Shingles:
    """The 3-grams of a `shingle_text`; a text of one or two letters is its own only gram."""
    if len(comparable) <= _GRAM:
        return frozenset((comparable,)) if comparable else frozenset()
    return frozenset(_grams(comparable))


def _grams(comparable: str) -> Iterator[str]:
    """Every 3-gram of a longer text, in order; one by one in Python it would take three times as long."""
    return map(add, map(add, comparable, comparable[1:]), comparable[2:])


@lru_cache(maxsize=256)
def letters(text: str) -> int:
    """How much comparable text there is, in characters."""
    return len(shingle_text(text))


@lru_cache(maxsize=256)
def grams_of(text: str) -> Shingles:
    """The 3-grams of any text. The last few are kept: the same ones are compared again and again."""
    return shingles(shingle_text(text))


def dice(one: Shingles, other: Shingles) -> float:
    """Twice the shared part over the sum: 1 for equal texts, below 0.1 for different ones."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0


def containment(one: Shingles, other: Shingles) -> float:
    """How much of the smaller text is in the larger one: near 1 when one was cut from the other."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0


def anchors(grams: Shingles) -> Collection[str]:
    """The 3-grams to look a text up by: all of a short one, every eighth kind of a long one.

    Whether a 3-gram counts depends on itself alone, so that a part of a text keeps its share of them.
    """
    if len(grams) <= FEW:
        return grams
    return [g for g in grams if not (ord(g[0]) * 31 + ord(g[1]) * 17 + ord(g[2])) % EVERY]


def sketch(text: str) -> tuple[int, ...]:
    """The smallest hashes of a text's 3-grams, ascending: the same on every machine, small enough to store.

    Alike texts share most of them, so an index by hash finds the few old texts worth comparing in full.
    """
    comparable = shingle_text(text)
    grams = _grams(comparable) if len(comparable) > _GRAM else iter(shingles(comparable))
    hashes = set(map(zlib.crc32, map(str.encode, grams)))
    small = sorted(filter(_SMALL.__gt__, hashes))  # most are never sorted
    return tuple((small if len(small) >= SKETCH else sorted(hashes))[:SKETCH])


class Arrival(Struct, frozen=True, kw_only=True):
    """A new entry that may repeat an older one. `text` is its heading and Markdown, `sketch` that of the text."""

    uid: str
    file: str
    text: str
    sketch: tuple[int, ...]


class NearDuplicate(Struct, frozen=True, kw_only=True):
    """`uid` says what `of` said before, in another file."""

    uid: str
    of: str
    score: float


def near_duplicates(
    arrivals: Sequence[Arrival],
    *,
    index: Mapping[int, Collection[str]],
    file_of: Mapping[str, str],
    texts_of: TextsOf,
) -> tuple[NearDuplicate, ...]:
    """New entries that repeat an entry of another file: a recent one, or an earlier one of these arrivals.

    `arrivals` in order of day and place: of two alike ones the first is the original. `index`: hash → uids of
    recent entries (the last 400 days), for the hashes of the arrivals' sketches. `file_of`: their files by
    uid, "" when one has none.
    """
    earlier: dict[int, list[str]] = {}
    files = dict(file_of)
    candidates: list[list[str]] = []
    for arrival in arrivals:
        files[arrival.uid] = arrival.file
        candidates.append(_candidates(arrival, index, earlier, files))
        for value in arrival.sketch:
            earlier.setdefault(value, []).append(arrival.uid)
    own = {arrival.uid: arrival.text for arrival in arrivals}
    wanted = {uid for uids in candidates for uid in uids} - set(own)
    texts = {**(texts_of(sorted(wanted)) if wanted else {}), **own}
    return tuple(
        found
        for arrival, uids in zip(arrivals, candidates, strict=True)
        if (found := _nearest(arrival, uids, texts)) is not None
    )


def _candidates(
    arrival: Arrival,
    index: Mapping[int, Collection[str]],
    earlier: Mapping[int, list[str]],
    files: Mapping[str, str],
) -> list[str]:
    holders = (known.get(value) for known in (index, earlier) for value in arrival.sketch)
    shared = Counter(chain.from_iterable(islice(some, _CROWD) for some in holders if some))
    enough = max(1.0, len(arrival.sketch) * SHARED)
    others = (
        uid
        for uid, n in shared.items()
        if n >= enough and uid != arrival.uid and files.get(uid, "") != arrival.file
    )
    likely = sorted(others, key=lambda uid: (-shared[uid], uid))
    return likely[:_CANDIDATES]


def _nearest(arrival: Arrival, uids: Sequence[str], texts: Mapping[str, str]) -> NearDuplicate | None:
    if not uids:
        return None
    grams = grams_of(arrival.text)
    scored = [(dice(grams, grams_of(texts.get(uid, ""))), uid) for uid in uids]
    score, uid = max(scored, default=(0.0, ""))
    return NearDuplicate(uid=arrival.uid, of=uid, score=score) if score >= NEAR_DUPLICATE else None
