"""Which entry is which after an edit, move, split or renumbering: by what it says, never by where it stands.

Over all files at once, each step for what the one before left over:

1. the explicit id that the curator wrote;
2. the same text: on the same date first, then anywhere;
3. a similar text, best pair first; of a split entry the longer part keeps the name;
4. what is left is new, and what is not found any more is withdrawn, unless its file could not be read.

Withdrawn entries take part after the others: one that comes back is the one it was.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from heapq import nsmallest
from typing import Literal, NamedTuple

from msgspec import Struct

from publisher.core.likeness import (
    EVERY,
    FEW,
    Shingles,
    TextsOf,
    anchors,
    containment,
    dice,
    grams_of,
    letters,
)

LONG = 60
"""Letters from which a text is recognised on any date; a shorter one only on its own."""

SIMILAR, SIMILAR_SHORT, CONTAINED = 0.50, 0.60, 0.90
"""Measured: real edits score 0.99, a text cut to half 0.55, different entries below 0.07."""

_SAME_DATE, _SAME_NUMBER = 0.03, 0.02  # what standing in the same place adds to the likeness
_DOUBT = 0.05  # two candidates nearer than this are told to the curator
_GUARD_SHARE, _GUARD_LEAST = 0.30, 3

_RAREST = 128  # of a text's 3-grams, the rarest are looked up: they find its kin
_CROWD = 200  # holders of one 3-gram that are looked at, so that boilerplate does not compare all with all
_ENOUGH = 0.15  # of what could be shared; texts alike by half share three times as much
_CANDIDATES = 8  # texts compared in full for one entry

Change = Literal["new", "edited", "moved", "renumbered", "unchanged"]
State = Literal["live", "archived", "withdrawn"]


class Place(NamedTuple):
    """Where an entry stands: sorts in the order of files and text."""

    file: str
    document: int = 0  # index within the file, from 0
    position: int = 0  # index within the document, from 0


class Known(Struct, frozen=True, kw_only=True):
    """An entry as remembered. Its text is asked for by uid (`texts_of`), and only when it is needed."""

    uid: str
    day: date
    sha: str
    file: str  # where it last stood; "" when that is not known any more
    number: int | None = None
    explicit_id: str | None = None
    state: State = "live"
    published: bool = False  # it has a public page: in an issue, or archived


class Found(Struct, frozen=True, kw_only=True):
    """An entry as just read. `text`: heading and Markdown, the same kind of text as `texts_of` gives."""

    place: Place
    day: date
    sha: str
    text: str
    number: int | None = None
    explicit_id: str | None = None


class Match(Struct, frozen=True, kw_only=True):
    """A found entry and who it is. `known` is None for a new one, whose uid has just been minted."""

    found: Found
    uid: str
    known: Known | None = None

    @property
    def edited(self) -> bool:
        """The text changed, not just spaces or its place."""
        return self.known is not None and self.known.sha != self.found.sha

    @property
    def moved(self) -> bool:
        """It stands under another date. Another file of the same date is not a move that readers see."""
        return self.known is not None and self.known.day != self.found.day

    @property
    def renumbered(self) -> bool:
        return self.known is not None and self.known.number != self.found.number

    @property
    def returned(self) -> bool:
        """It had been withdrawn."""
        return self.known is not None and self.known.state == "withdrawn"

    @property
    def change(self) -> Change:
        """The one word for it in a summary, the weightiest first."""
        if self.known is None:
            return "new"
        if self.edited:
            return "edited"
        if self.moved:
            return "moved"
        return "renumbered" if self.renumbered else "unchanged"


class Doubt(Struct, frozen=True, kw_only=True):
    """Two candidates were nearly equally alike; `uid` was given to `place`. To be warned about."""

    place: Place
    uid: str
    score: float
    rivals: tuple[tuple[Place, str, float], ...]  # (place, uid, score) of pairs that nearly won


class Matching(Struct, frozen=True, kw_only=True):
    """What a scan means. With `guard` nothing is withdrawn until the operator accepts it."""

    matches: tuple[Match, ...]  # one for each found entry, in the order given
    withdrawn: tuple[str, ...] = ()  # uids that are in no file any more
    untouched: tuple[str, ...] = ()  # uids whose file could not be read: they stay as they are
    guard: bool = False
    vanishing: tuple[str, ...] = ()  # with `guard`: the published uids that would be withdrawn
    doubts: tuple[Doubt, ...] = ()


def match(
    known: Sequence[Known],
    found: Sequence[Found],
    *,
    texts_of: TextsOf,
    unread: Collection[str] = (),
    complete: bool = True,
    accept_withdrawals: bool = False,
    taken: Collection[str] = (),
    published: int | None = None,
) -> Matching:
    """Say of every found entry who it is, and of every known one whether it is still there.

    `found` holds the entries of all files that were read, also of those that did not change.
    `unread`: files with errors or that could not be opened; their entries stay as they are. A file that is
    gone from a folder that could be listed is not among them. `complete=False`: the folder itself could not
    be read (a missing mount): nothing is withdrawn. `taken`: uids in use beside those of `known`.
    `known` and `found` may leave out files that did not change; then `published` says how many entries have
    a page in all, for the guard.
    Explicit ids that occur twice are not trusted (see `clashing_ids`). The order of `known` means nothing.
    """
    left = _Left(known, found, frozenset(unread))
    _by_explicit_id(left)
    _by_text(left)
    doubts = _by_likeness(left, texts_of)
    minted = _mint_all(left, {*taken, *(k.uid for k in known)})
    matches = []
    for i, one in enumerate(found):
        old = left.known[left.given[i]] if i in left.given else None
        matches.append(Match(found=one, uid=old.uid if old else minted[i], known=old))
    gone, untouched = _lost(left, complete=complete)
    vanishing = () if accept_withdrawals else _too_many(left, gone, published)
    return Matching(
        matches=tuple(matches),
        withdrawn=() if vanishing else tuple(k.uid for k in gone),
        untouched=tuple(k.uid for k in untouched),
        guard=bool(vanishing),
        vanishing=vanishing,
        doubts=doubts,
    )


def clashing_ids(found: Iterable[Found]) -> dict[str, tuple[Place, ...]]:
    """Explicit ids that stand in more than one place: an error in each of them."""
    places: dict[str, list[Place]] = defaultdict(list)
    for one in found:
        if one.explicit_id:
            places[one.explicit_id].append(one.place)
    return {name: tuple(sorted(where)) for name, where in places.items() if len(where) > 1}


def mint_uid(day: date, text: str, taken: Collection[str]) -> str:
    """Ten characters: the same text on the same day gives the same ones, unless they are taken."""
    seed = f"{day.isoformat()}\n{_normalised(text)}"
    uid, n = _name(seed), 2
    while uid in taken:
        uid, n = _name(f"{seed}\n{n}"), n + 1
    return uid


def guid(tag_host: str, day: date, uid: str) -> str:
    """The entry's name in feeds, for ever (RFC 4151). `tag_host` is the one stored at the first run."""
    return f"tag:{tag_host},{day.isoformat()}:{uid}"


def permalink(day: date, uid: str) -> str:
    """Where its page lies below the site root, for ever."""
    return f"{day.isoformat().replace('-', '/')}/{uid}/"  # strftime drops the zeros of early years


def _name(seed: str) -> str:
    return (
        base64.b32encode(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest())[:10].decode().lower()
    )


def _normalised(text: str) -> str:
    """NFC without spaces and invisible characters, so that another editor names nothing anew."""
    bare = "".join(unicodedata.normalize("NFC", text).split())
    if bare.isprintable():  # nearly always, and told at a glance
        return bare
    return "".join(c for c in bare if unicodedata.category(c) != "Cf")


class _Left:
    """What is not matched yet. Known and found entries are named by their index here."""

    def __init__(self, known: Sequence[Known], found: Sequence[Found], unread: frozenset[str]) -> None:
        self.known = sorted(known, key=lambda k: (k.day, k.file, k.number or 0, k.uid))
        self.found = found
        self.given: dict[int, int] = {}  # found → known
        self._claimed: set[int] = set()
        everyone = range(len(self.known))
        self.withdrawn = [k for k in everyone if self.known[k].state == "withdrawn"]
        present = [k for k in everyone if self.known[k].state != "withdrawn"]
        self.unread = [k for k in present if _in_unread(self.known[k], unread)]
        self.present = [k for k in present if not _in_unread(self.known[k], unread)]

    def give(self, found: int, known: int) -> None:
        self.given[found] = known
        self._claimed.add(known)

    def is_open(self, found: int, known: int) -> bool:
        return found not in self.given and known not in self._claimed

    def open_found(self) -> list[int]:
        return [f for f in range(len(self.found)) if f not in self.given]

    def open_known(self, pool: Iterable[int]) -> list[int]:
        return [k for k in pool if k not in self._claimed]


def _in_unread(known: Known, unread: frozenset[str]) -> bool:
    """An entry whose file is not known may be in any file that could not be read."""
    return bool(unread) and (not known.file or known.file in unread)


def _by_explicit_id(left: _Left) -> None:
    twice = clashing_ids(left.found)
    by_id: dict[str, int] = {}
    for pool in (left.withdrawn, left.unread, left.present):  # the later ones win
        by_id.update({name: k for k in pool if (name := left.known[k].explicit_id)})
    for f, found in enumerate(left.found):
        if found.explicit_id in by_id and found.explicit_id not in twice:
            left.give(f, by_id[found.explicit_id])


def _by_text(left: _Left) -> None:
    """The same text: in the same place, on the same date, anywhere.

    A text that stood in a file that cannot be read now is taken for moved: it must not be mailed twice.
    """
    keys: tuple[Callable[[Known | Found], Hashable], ...] = (
        lambda e: (e.sha, e.day, e.file if isinstance(e, Known) else e.place.file, e.number),
        lambda e: (e.sha, e.day, e.number),
        lambda e: (e.sha, e.day),
        lambda e: e.sha,
    )
    for pool in (left.present, left.unread, left.withdrawn):
        for key in keys:
            holders: dict[Hashable, deque[int]] = defaultdict(deque)
            for k in left.open_known(pool):
                holders[key(left.known[k])].append(k)
            for f in left.open_found():
                if waiting := holders.get(key(left.found[f])):
                    left.give(f, waiting.popleft())


class _Pair(Struct, frozen=True):
    """A found and a known entry that may be one."""

    found: int
    known: int
    score: float
    same_number: bool


def _by_likeness(left: _Left, texts_of: TextsOf) -> tuple[Doubt, ...]:
    """Similar texts. Entries of a file that cannot be read now are left out: they may be there as before."""
    pools = [left.open_known(left.present), left.open_known(left.withdrawn)]
    found = left.open_found()
    if not found or not any(pools):
        return ()
    texts = texts_of([left.known[k].uid for pool in pools for k in pool])
    doubts: list[Doubt] = []
    for pool in pools:
        library = _Library(left.known, {k: texts.get(left.known[k].uid, "") for k in pool})
        pairs = [pair for f in left.open_found() for pair in _alike(left, f, library)]
        doubts += _settle(left, pairs)
    return tuple(doubts)


class _Library:
    """Left-over known texts, found by their 3-grams: two thousand are not compared with each other."""

    def __init__(self, known: Sequence[Known], texts: Mapping[int, str]) -> None:
        self._known = known
        self._texts = texts
        self._sizes: dict[int, int] = {}  # 3-grams of each text; they themselves would fill the memory
        self._holders: dict[str, list[int]] = defaultdict(list)
        self._standing: dict[tuple[date, int | None], list[int]] = defaultdict(list)
        for k, text in texts.items():
            grams = grams_of(text)
            self._sizes[k] = len(grams)
            self._standing[known[k].day, known[k].number].append(k)
            for gram in anchors(grams):
                self._holders[gram].append(k)

    def text(self, k: int) -> str:
        return self._texts[k]

    def candidates(self, found: Found, grams: Shingles) -> list[int]:
        """The few that share most of its rarest 3-grams, and whoever stood in its place."""
        holders = self._holders
        hits = [gram for gram in anchors(grams) if gram in holders]
        shared: Counter[int] = Counter()
        for gram in nsmallest(_RAREST, hits, key=lambda gram: (len(holders[gram]), gram)):
            shared.update(holders[gram][:_CROWD])
        likely = [k for k, n in shared.items() if n >= _ENOUGH * self._hopes(len(grams), len(hits), k)]
        likely.sort(key=lambda k: (-shared[k], self._known[k].day != found.day, k))
        here = self._standing.get((found.day, found.number), [])[:_CANDIDATES]
        return list(dict.fromkeys((*likely[:_CANDIDATES], *here)))

    def _hopes(self, size: int, hits: int, k: int) -> float:
        """How many looked-up 3-grams the two would share if the smaller one were part of the larger."""
        sampled = max(size, self._sizes[k]) > FEW
        return min(min(size, self._sizes[k]) / (EVERY if sampled else 1), hits, _RAREST)


def _alike(left: _Left, f: int, library: _Library) -> Iterator[_Pair]:
    """Known entries that this one may be."""
    grams = grams_of(left.found[f].text)
    for k in library.candidates(left.found[f], grams):
        pair = _judge(left, f, k, library.text(k))
        if pair is not None:
            yield pair


def _judge(left: _Left, f: int, k: int, known_text: str) -> _Pair | None:
    """The pair with its score, if the two are alike enough to be one entry."""
    found, known = left.found[f], left.known[k]
    if found.explicit_id and known.explicit_id and found.explicit_id != known.explicit_id:
        return None  # the curator says that they are two
    one, other = grams_of(found.text), grams_of(known_text)
    same_date = found.day == known.day
    same_number = found.number is not None and found.number == known.number
    score = dice(one, other) + _SAME_DATE * same_date + _SAME_NUMBER * same_number
    if min(letters(found.text), letters(known_text)) < LONG:
        alike = same_date and score >= SIMILAR_SHORT
    else:
        alike = score >= SIMILAR or containment(one, other) >= CONTAINED
    return _Pair(f, k, score, same_number) if alike else None


def _settle(left: _Left, pairs: Sequence[_Pair]) -> list[Doubt]:
    """Give names, best pair first; between nearly equal ones the number decides, and the curator is told."""
    of_found: dict[int, list[_Pair]] = defaultdict(list)
    of_known: dict[int, list[_Pair]] = defaultdict(list)
    ranked = sorted(pairs, key=lambda p: (-p.score, left.found[p.found].place, p.known))
    for pair in ranked:
        of_found[pair.found].append(pair)
        of_known[pair.known].append(pair)
    doubts = []
    for pair in ranked:
        if not left.is_open(pair.found, pair.known):
            continue
        near = [
            p
            for p in (*of_found[pair.found], *of_known[pair.known])
            if p != pair and pair.score - p.score < _DOUBT and left.is_open(p.found, p.known)
        ]
        chosen = next((p for p in (pair, *near) if p.same_number), pair)
        if near:
            doubts.append(_doubt(left, chosen, [p for p in (pair, *near) if p != chosen]))
        left.give(chosen.found, chosen.known)
    return doubts


def _doubt(left: _Left, chosen: _Pair, rivals: Sequence[_Pair]) -> Doubt:
    named = [(left.found[p.found].place, left.known[p.known].uid, round(p.score, 3)) for p in rivals]
    return Doubt(
        place=left.found[chosen.found].place,
        uid=left.known[chosen.known].uid,
        score=round(chosen.score, 3),
        rivals=tuple(named),
    )


def _mint_all(left: _Left, taken: set[str]) -> dict[int, str]:
    """Names for what is new, in the order of dates and places, so that every machine gives the same ones."""
    minted: dict[int, str] = {}
    for f in sorted(left.open_found(), key=lambda f: (left.found[f].day, left.found[f].place)):
        minted[f] = mint_uid(left.found[f].day, left.found[f].text, taken)
        taken.add(minted[f])
    return minted


def _lost(left: _Left, *, complete: bool) -> tuple[list[Known], list[Known]]:
    """Known entries that were not found: those that are gone, and those of which nothing can be said."""
    gone = [left.known[k] for k in left.open_known(left.present)]
    untouched = [left.known[k] for k in left.open_known(left.unread)]
    return (gone, untouched) if complete else ([], [*gone, *untouched])


def _too_many(left: _Left, gone: Sequence[Known], total: int | None) -> tuple[str, ...]:
    """The published ones among them, if they are too many to believe that the curator removed them."""
    vanishing = tuple(k.uid for k in gone if k.published)
    published = total
    if published is None:
        published = sum(1 for k in left.known if k.published and k.state != "withdrawn")
    return vanishing if len(vanishing) > max(_GUARD_SHARE * published, _GUARD_LEAST) else ()
