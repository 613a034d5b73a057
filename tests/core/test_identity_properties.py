"""Which entry is which, under any editing that hypothesis thinks of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from publisher.core.identity import Found, Known, Matching, Place, match

HAN = [chr(0x4E00 + 7 * n) for n in range(2000)]
START = date(2026, 1, 1)
properties = settings(deadline=None, max_examples=60)


@dataclass(frozen=True)
class Written:
    """An entry in the curator's folder; `name` is ours, to follow it through edits."""

    name: str
    day: date
    text: str


def _text(seed: int, length: int) -> str:
    """Different seeds share next to nothing."""
    stream = b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(length // 16 + 1))
    return "".join(HAN[int.from_bytes(stream[2 * i : 2 * i + 2]) % len(HAN)] for i in range(length))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _found(folder: list[Written]) -> list[Found]:
    """The folder as a scan sees it: entries numbered by their order within the day."""
    numbers: dict[date, int] = {}
    found = []
    for one in folder:
        number = numbers[one.day] = numbers.get(one.day, 0) + 1
        place = Place(f"{one.day}.md", 0, number)
        found.append(Found(place=place, day=one.day, sha=_sha(one.text), text=one.text, number=number))
    return found


class Ledger:
    """What the store would remember between scans."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.texts: dict[str, str] = {}

    def scan(self, folder: list[Written], **more: object) -> tuple[Matching, dict[str, str]]:
        """The matching, and our name of each entry → its uid."""
        found = _found(folder)
        matching = match(
            list(self.known.values()), found, texts_of=lambda uids: {u: self.texts[u] for u in uids}, **more
        )  # type: ignore[arg-type]
        for uid in matching.withdrawn:
            self.known[uid] = replace(self.known[uid], state="withdrawn")
        for one in matching.matches:
            f = one.found
            self.known[one.uid] = Known(uid=one.uid, day=f.day, sha=f.sha, file=f.place.file, number=f.number)
            self.texts[one.uid] = f.text
        return matching, {w.name: one.uid for w, one in zip(folder, matching.matches, strict=True)}


@st.composite
def folders(draw: st.DrawFn) -> list[Written]:
    lengths = draw(st.lists(st.integers(80, 150), min_size=1, max_size=12))
    days = st.integers(0, 3).map(lambda n: START + timedelta(days=n))
    return [Written(f"e{i}", draw(days), _text(i, length)) for i, length in enumerate(lengths)]


@st.composite
def _edited(draw: st.DrawFn, one: Written) -> Written:
    """A few characters changed, dropped or added; perhaps another day."""
    text = one.text
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text) - 1))
        new = draw(st.sampled_from(["", "改", "，", "补一句"]))
        text = text[:at] + new + text[at + 1 :]
    moved = draw(st.sampled_from([0, 0, 0, 1, -1]))
    return Written(one.name, one.day + timedelta(days=moved), text)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Written]]:
    """A folder and what it looks like after each of a few editing sessions."""
    folder = draw(folders())
    history = [folder]
    for session in range(draw(st.integers(1, 4))):
        folder = [draw(_edited(one)) for one in folder if draw(st.integers(0, 9))]
        if draw(st.booleans()):
            day = START + timedelta(days=draw(st.integers(0, 3)))
            folder.append(Written(f"new{session}", day, _text(1000 + session, 100)))
        folder = draw(st.permutations(folder))
        history.append(folder)
    return history


@properties
@given(histories())
def test_an_entry_keeps_its_name_through_edits_moves_and_renumbering(history: list[list[Written]]) -> None:
    ledger, names = Ledger(), dict[str, str]()
    for folder in history:
        _, uids = ledger.scan(folder, accept_withdrawals=True)
        for name, uid in uids.items():
            assert names.setdefault(name, uid) == uid


@properties
@given(histories())
def test_no_name_is_given_twice(history: list[list[Written]]) -> None:
    ledger, owner = Ledger(), dict[str, str]()
    for folder in history:
        _, uids = ledger.scan(folder, accept_withdrawals=True)
        assert len(set(uids.values())) == len(folder)
        for name, uid in uids.items():
            assert owner.setdefault(uid, name) == name


@properties
@given(histories())
def test_every_known_entry_is_found_gone_or_untouched(history: list[list[Written]]) -> None:
    ledger = Ledger()
    for folder in history:
        before = {uid for uid, known in ledger.known.items() if known.state != "withdrawn"}
        matching, uids = ledger.scan(folder, unread=[f"{START}.md"], accept_withdrawals=True)
        told = [*uids.values(), *matching.withdrawn, *matching.untouched]
        assert len(told) == len(set(told))
        assert before <= set(told)


@properties
@given(histories())
def test_scanning_twice_changes_nothing(history: list[list[Written]]) -> None:
    ledger = Ledger()
    for folder in history:
        _, first = ledger.scan(folder, accept_withdrawals=True)
        matching, second = ledger.scan(folder, accept_withdrawals=True)
        assert first == second
        assert all(one.change == "unchanged" for one in matching.matches)
        assert not matching.withdrawn


@properties
@given(folders(), st.randoms(use_true_random=False))
def test_an_empty_ledger_gives_the_same_names_in_any_order(folder: list[Written], rng: object) -> None:
    found = _found(folder)
    mixed = list(found)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    names = [
        {one.found.place: one.uid for one in match([], f, texts_of=lambda _: {}).matches}
        for f in (found, mixed)
    ]
    assert names[0] == names[1]


@properties
@given(
    st.lists(st.text(max_size=90), max_size=8),
    st.lists(st.text(max_size=90), max_size=8),
    st.sampled_from(["live", "archived", "withdrawn"]),
)
def test_any_texts_are_matched_one_to_one(old: list[str], new: list[str], state: str) -> None:
    known = [
        Known(uid=f"u{i}", day=START, sha=_sha(repr(text)), file="a.md", state=state)  # type: ignore[arg-type]
        for i, text in enumerate(old)
    ]
    found = [
        Found(place=Place("a.md", 0, i), day=START, sha=_sha(repr(text)), text=text)
        for i, text in enumerate(new)
    ]
    matching = match(
        known, found, texts_of=lambda uids: {u: old[int(u[1:])] for u in uids}, accept_withdrawals=True
    )
    uids = [one.uid for one in matching.matches]
    assert len(set(uids)) == len(new)
    for one in matching.matches:
        if one.change == "new":
            assert one.found.sha not in {k.sha for k in known if k.uid not in uids}
