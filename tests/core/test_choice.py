"""Choosing: what goes today, what waits and why, what is archived, and what the subject says."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.core.choice import (
    Candidate,
    Choice,
    choose_entries,
    days_of_material,
)
from publisher.core.identity import Place

TODAY = date(2025, 1, 29)
JANUARY = date(2025, 1, 1)
NOON = datetime(2025, 1, 29, 4, tzinfo=UTC)


def _day(number: int) -> date:
    return date(2025, 1, number)


def _entries(day: date, n: int, **facts: object) -> list[Candidate]:
    return [
        Candidate(uid=f"{day:%m%d}-{i}", day=day, place=Place(f"{day}.md", 0, i), **facts)  # type: ignore[arg-type]
        for i in range(n)
    ]


def _choose(
    candidates: list[Candidate], *, since: date | None = JANUARY, room: int = 20, **more: object
) -> Choice:
    return choose_entries(candidates, today=TODAY, max_entries=room, since=since, **more)  # type: ignore[arg-type]


def _uids(choice: Choice) -> list[str]:
    return [one.uid for one in choice.chosen]


def _reasons(choice: Choice) -> dict[str, str]:
    return {one.uid: one.reason for one in choice.waiting}


def test_the_oldest_day_goes_first() -> None:
    choice = _choose([*_entries(_day(29), 1), *_entries(_day(27), 2)])
    assert _uids(choice) == ["0127-0", "0127-1", "0129-0"]
    assert choice.days == (_day(27), _day(29))


def test_later_dates_wait() -> None:
    choice = _choose(_entries(_day(30), 2))
    assert _uids(choice) == []
    assert _reasons(choice) == {"0130-0": "future", "0130-1": "future"}


def test_whole_days_go_while_there_is_room() -> None:
    choice = _choose([*_entries(_day(27), 9), *_entries(_day(28), 9), *_entries(_day(29), 9)])
    assert Counter(one.day for one in choice.chosen) == {_day(27): 9, _day(28): 9}
    assert set(_reasons(choice).values()) == {"room"}


def test_a_smaller_later_day_does_not_overtake() -> None:
    choice = _choose([*_entries(_day(27), 5), *_entries(_day(28), 9), *_entries(_day(29), 1)], room=8)
    assert {one.day for one in choice.chosen} == {_day(27)}


def test_a_larger_day_is_split_in_file_order() -> None:
    day = _entries(_day(28), 23)
    choice = _choose(list(reversed(day)))
    assert _uids(choice) == [c.uid for c in day[:20]]
    assert _reasons(choice) == {c.uid: "room" for c in day[20:]}


def test_the_rest_of_a_split_day_is_no_late_addition() -> None:
    rest = _entries(_day(28), 3, first_seen=NOON.replace(microsecond=5))
    choice = _choose(rest, published_days={_day(28): NOON})
    assert [one.late for one in choice.chosen] == [False] * 3


def test_an_entry_added_to_a_published_day_is_late() -> None:
    added = _entries(_day(28), 1, first_seen=NOON + timedelta(hours=1))
    choice = _choose([*added, *_entries(_day(29), 1)], published_days={_day(28): NOON})
    assert [(one.uid, one.late) for one in choice.chosen] == [("0128-0", True), ("0129-0", False)]


def test_an_allowed_entry_of_a_published_day_is_late() -> None:
    held = _entries(_day(28), 1, first_seen=NOON, hold="near-duplicate:abc", allowed=True)
    assert _choose(held, published_days={_day(28): NOON}).chosen[0].late


def test_several_files_of_a_day_go_in_file_order() -> None:
    one = Candidate(uid="b", day=TODAY, place=Place("b.md", 0, 0))
    two = Candidate(uid="a", day=TODAY, place=Place("a.md", 0, 5))
    assert _uids(_choose([one, two])) == ["a", "b"]


def test_the_first_issue_is_the_newest_due_day_and_older_ones_are_archived() -> None:
    choice = _choose([*_entries(_day(27), 2), *_entries(_day(28), 3), *_entries(_day(30), 1)], since=None)
    assert _uids(choice) == ["0128-0", "0128-1", "0128-2"]
    assert [(one.uid, one.warn) for one in choice.archived] == [("0127-0", False), ("0127-1", False)]
    assert choice.since == _day(28)


def test_a_start_date_queues_everything_from_that_day() -> None:
    days = [*_entries(_day(20), 2), *_entries(_day(27), 2), *_entries(_day(28), 3)]
    choice = _choose(days, since=None, start=_day(25))
    assert {one.day for one in choice.chosen} == {_day(27), _day(28)}
    assert {one.day for one in choice.archived} == {_day(20)}
    assert choice.since == _day(25)


def test_with_nothing_due_the_first_start_is_still_to_come() -> None:
    choice = _choose(_entries(_day(30), 2), since=None)
    assert choice.since is None
    assert not choice.archived


def test_a_document_older_than_the_start_is_archived_with_a_warning() -> None:
    choice = _choose(_entries(_day(5), 1), since=_day(20))
    assert [(one.uid, one.warn) for one in choice.archived] == [("0105-0", True)]
    assert not choice.chosen


@pytest.mark.parametrize("state", ["live", "archived"])
def test_an_allowed_old_entry_is_queued(state: str) -> None:
    assert _uids(_choose(_entries(_day(5), 1, allowed=True, state=state), since=_day(20))) == ["0105-0"]


def test_archived_and_withdrawn_entries_stay_what_they_are() -> None:
    choice = _choose([*_entries(_day(28), 1, state="archived"), *_entries(_day(29), 1, state="withdrawn")])
    assert choice == Choice(since=_day(1))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [({"draft": True}, "draft"), ({"empty": True}, "empty"), ({"hold": "near-duplicate:abc"}, "held")],
)
def test_what_cannot_go_is_told_with_its_reason(facts: dict[str, object], reason: str) -> None:
    choice = _choose([*_entries(_day(28), 1, **facts), *_entries(_day(29), 1)])
    assert _uids(choice) == ["0129-0"]
    assert _reasons(choice) == {"0128-0": reason}


def test_a_draft_older_than_the_start_gets_no_page() -> None:
    choice = _choose([*_entries(_day(5), 1, draft=True), *_entries(_day(29), 1)], since=None)
    assert not choice.archived


def test_an_issue_without_room_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="max_entries"):
        _choose([], room=0)


candidates = st.lists(
    st.builds(
        Candidate,
        uid=st.uuids().map(str),
        day=st.dates(date(2025, 1, 15), date(2025, 2, 10)),
        place=st.builds(Place, st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 30)),
        state=st.sampled_from(["live"] * 6 + ["archived", "withdrawn"]),
        draft=st.sampled_from([False] * 6 + [True]),
        empty=st.sampled_from([False] * 6 + [True]),
        hold=st.sampled_from([None] * 6 + ["near-duplicate:abc"]),
        allowed=st.sampled_from([False] * 6 + [True]),
    ),
    max_size=60,
    unique_by=lambda c: c.uid,
)


@settings(deadline=None)
@given(candidates, st.integers(1, 25), st.none() | st.dates(date(2025, 1, 10), date(2025, 2, 1)))
def test_a_choice_never_holds_what_must_not_go(found: list[Candidate], room: int, since: date | None) -> None:
    choice = _choose(found, since=since, room=room)
    by_uid = {c.uid: c for c in found}
    chosen = [by_uid[one.uid] for one in choice.chosen]
    assert len(chosen) <= room
    for c in chosen:
        assert c.day <= TODAY
        assert not c.draft
        assert not c.empty
        assert c.allowed or (c.hold is None and c.state == "live")
    assert chosen == sorted(chosen, key=lambda c: (c.day, c.place, c.uid))


@settings(deadline=None)
@given(candidates, st.integers(1, 25), st.none() | st.dates(date(2025, 1, 10), date(2025, 2, 1)))
def test_every_live_entry_is_chosen_waiting_or_archived(
    found: list[Candidate], room: int, since: date | None
) -> None:
    choice = _choose(found, since=since, room=room)
    told = [one.uid for group in (choice.chosen, choice.waiting, choice.archived) for one in group]
    assert len(told) == len(set(told))
    assert set(told) == {c.uid for c in found if c.state == "live" or (c.state == "archived" and c.allowed)}


@settings(deadline=None)
@given(candidates, st.integers(1, 25))
def test_days_stay_whole_unless_one_is_larger_than_the_issue(found: list[Candidate], room: int) -> None:
    choice = _choose(found, room=room)
    torn = {one.day for one in choice.chosen} & {w.day for w in choice.waiting if w.reason == "room"}
    assert not torn or len({one.day for one in choice.chosen}) == 1
    assert choice.chosen or "room" not in _reasons(choice).values()


@settings(deadline=None)
@given(candidates, st.integers(1, 25))
def test_day_after_day_everything_due_goes_out_exactly_once(found: list[Candidate], room: int) -> None:
    left, gone, issues = list(found), list[str](), 0
    for n in range(100):
        choice = choose_entries(left, today=TODAY + timedelta(days=n), max_entries=room, since=JANUARY)
        issues += bool(choice.chosen)
        gone += _uids(choice)
        left = [c for c in left if c.uid not in _uids(choice)]
    assert len(gone) == len(set(gone))
    assert not {"room", "future"} & set(_reasons(choice).values())
    yesterday = TODAY - timedelta(days=1)
    assert issues == days_of_material(found, today=yesterday, max_entries=room, since=JANUARY)


def test_days_of_material_counts_slots_not_days() -> None:
    queued = [*_entries(_day(28), 45), *_entries(_day(31), 2)]
    assert days_of_material(queued, today=TODAY, max_entries=20, since=_day(1)) == 3
    assert days_of_material([], today=TODAY, max_entries=20, since=_day(1)) == 0
    assert days_of_material(_entries(_day(5), 3), today=TODAY, max_entries=20, since=_day(20)) == 0
