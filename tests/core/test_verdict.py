"""Verdicts: what a link's checks add up to, over years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from publisher.core.link import Answer, LinkCheck, Result
from publisher.core.verdict import (
    GOOD_DAYS,
    Standing,
    counts_in_void,
    events,
    is_void,
    judge,
    kind_of,
    next_time,
    points_elsewhere,
)

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
URL = "http://t.cn/A6abcdef"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FAILED = ("broken", "suspect", "timeout", "unreachable")
UNDECIDED = ("blocked", "unknown", "policy", "invalid")


def check(result: Result, at: datetime = NOON, **fields: object) -> LinkCheck:
    return LinkCheck(url=URL, result=result, at=at, **fields)  # type: ignore[arg-type]


def after(*steps: tuple[Result, timedelta] | LinkCheck, start: Standing | None = None) -> Standing:
    """The link after these checks, each so long after NOON."""
    standing = start or Standing(url=URL)
    for step in steps:
        standing = judge(standing, step if isinstance(step, LinkCheck) else check(step[0], NOON + step[1]))
    return standing


# ---------------------------------------------------------------- dying


@pytest.mark.parametrize("result", get_args(Result))
def test_one_check_never_says_dead(result: Result) -> None:
    expected = {"good": "alive", "deferred": "unchecked"}.get(kind_of(result), "unsure")
    assert judge(Standing(url=URL), check(result)).verdict == expected


@pytest.mark.parametrize("result", FAILED)
def test_three_failures_over_a_week_are_death(result: Result) -> None:
    assert after((result, 0 * DAY), (result, DAY), (result, 7 * DAY)).verdict == "dead"


def test_many_failures_within_a_week_are_not() -> None:
    assert after(*(("broken", n * HOUR) for n in range(0, 160, 4))).verdict == "unsure"


def test_two_failures_over_years_are_not() -> None:
    assert after(("broken", 0 * DAY), ("broken", 700 * DAY)).verdict == "unsure"


def test_a_success_in_between_begins_the_count_anew() -> None:
    standing = after(("broken", 0 * DAY), ("broken", 3 * DAY), ("ok", 5 * DAY), ("broken", 8 * DAY))
    assert (standing.verdict, standing.fails, standing.failed_since) == ("unsure", 1, NOON + 8 * DAY)


@pytest.mark.parametrize("quiet", UNDECIDED)
def test_walls_neither_add_to_failures_nor_reset_them(quiet: Result) -> None:
    standing = after(("broken", 0 * DAY), (quiet, DAY), (quiet, 2 * DAY), (quiet, 8 * DAY))
    assert (standing.verdict, standing.fails) == ("unsure", 1)
    assert after(("broken", 9 * DAY), ("broken", 10 * DAY), start=standing).verdict == "dead"


def deleted(at: timedelta) -> LinkCheck:
    return check("broken", NOON + at, deleted=True)


def test_deleted_twice_a_day_apart_is_death() -> None:
    assert after(deleted(0 * DAY), deleted(DAY)).verdict == "dead"
    assert after(deleted(0 * DAY), deleted(23 * HOUR)).verdict == "unsure"
    assert after(deleted(0 * DAY), ("blocked", HOUR), deleted(DAY)).verdict == "dead"
    assert after(deleted(0 * DAY), ("ok", HOUR), deleted(DAY)).verdict == "unsure"
    assert after(deleted(0 * DAY), ("broken", 2 * DAY)).verdict == "unsure"


def test_the_dead_come_back_by_answering_and_only_so() -> None:
    dead = after(("broken", 0 * DAY), ("broken", DAY), ("broken", 8 * DAY))
    assert dead.since == NOON + 8 * DAY
    for result in (*FAILED, *UNDECIDED, "deferred"):
        assert judge(dead, check(result, NOON + 100 * DAY)).verdict == "dead"
    back = judge(dead, check("ok", NOON + 100 * DAY))
    assert (back.verdict, back.fails, back.since) == ("alive", 0, NOON + 100 * DAY)


def test_a_check_that_was_not_made_changes_nothing() -> None:
    before = after(("broken", 0 * DAY), ("ok", DAY))
    assert judge(before, check("deferred", NOON + 9 * DAY)) == before


# ---------------------------------------------------------------- destinations


def test_the_first_good_target_and_title_are_kept_for_ever() -> None:
    first = judge(Standing(url=URL), check("ok", target="http://a.org/", target_title="A", http_status=200))
    later = judge(first, check("ok", NOON + DAY, target="http://parked.example/", target_title="Buy"))
    assert (later.target, later.target_title, later.now_target) == (
        "http://a.org/",
        "A",
        "http://parked.example/",
    )
    broken = judge(later, check("broken", NOON + 2 * DAY, target="http://x.org/", http_status=404))
    assert (broken.target, broken.http_status) == ("http://a.org/", 404)


def test_a_target_seen_on_the_way_is_kept_until_a_good_one_comes() -> None:
    slow = judge(Standing(url=URL), check("timeout", target="http://a.org/x"))
    assert slow.target == "http://a.org/x"
    good = judge(slow, check("ok", NOON + HOUR, target="http://a.org/y"))
    assert good.target == "http://a.org/y"


def test_a_new_destination_is_told_once_and_www_is_no_new_one() -> None:
    first = judge(Standing(url=URL), check("ok", target="http://a.org/1"))
    www = check("ok", NOON + DAY, target="http://www.a.org/2")
    assert events(first, judge(first, www), www) == ()
    moved = check("redirected", NOON + 2 * DAY, target="http://b.org/")
    second = judge(judge(first, www), moved)
    (event,) = events(judge(first, www), second, moved)
    assert (event.kind, event.was, event.now) == ("moved", "http://www.a.org/2", "http://b.org/")
    assert points_elsewhere(second)
    again = check("redirected", NOON + 9 * DAY, target="http://b.org/other")
    assert events(second, judge(second, again), again) == ()


def kinds(*steps: tuple[Result, timedelta]) -> list[str]:
    """The events of a link's life."""
    standing, found = Standing(url=URL), []
    for result, at in steps:
        made = check(result, NOON + at)
        following = judge(standing, made)
        found += [event.kind for event in events(standing, following, made)]
        standing = following
    return found


def test_each_change_is_told_once() -> None:
    life = [("ok", 0 * DAY), *(("broken", n * DAY) for n in (1, 2, 9, 99)), ("ok", 200 * DAY)]
    assert kinds(*life) == ["failing", "dead", "back"]  # type: ignore[arg-type]
    assert kinds(*(("blocked", n * DAY) for n in (0, 10, 29, 31, 60, 90))) == ["walled"]


# ---------------------------------------------------------------- void runs


def run(fine: int, failing: int, *, before: int = 0) -> list[tuple[Standing, Answer]]:
    """A run over links that were fine, `before` of them failing already."""
    new = [(Standing(url=URL), Answer(url=URL, result="ok"))] * fine
    new += [(Standing(url=URL), Answer(url=URL, result="timeout"))] * failing
    return new + [(Standing(url=URL, fails=2), Answer(url=URL, result="broken"))] * before


def test_a_run_is_void_when_too_many_fine_links_fail_at_once() -> None:
    assert not is_void(run(70, 30), canary_alive=True)
    assert is_void(run(69, 31), canary_alive=True)


def test_links_that_failed_before_may_fail_again_all_of_them() -> None:
    assert not is_void(run(10, 3, before=500), canary_alive=True)


def test_a_handful_of_links_makes_no_run_void_but_a_dead_canary_does() -> None:
    assert not is_void(run(0, 9), canary_alive=True)
    assert is_void(run(0, 1), canary_alive=False)


def test_of_a_void_run_only_successes_of_a_sound_network_are_believed() -> None:
    good, bad = Answer(url=URL, result="ok"), Answer(url=URL, result="broken")
    assert counts_in_void(good, canary_alive=True)
    assert not counts_in_void(good, canary_alive=False)
    assert not counts_in_void(bad, canary_alive=True)


# ---------------------------------------------------------------- cadence


def test_good_links_are_asked_ever_more_rarely() -> None:
    standing, at, gaps = Standing(url=URL), NOON, []
    for _ in range(8):
        standing = judge(standing, check("ok", at))
        assert standing.next_at is not None
        gaps.append((standing.next_at - at) / DAY)
        at = standing.next_at
    for gap, days in zip(gaps, (*GOOD_DAYS, 30, 30, 30), strict=True):
        assert days * 0.5 <= gap <= days * 1.2 + 1.5, gaps


def test_failing_links_are_asked_soon_and_dead_ones_quarterly() -> None:
    standing, at, gaps = Standing(url=URL), NOON, []
    while standing.verdict != "dead":
        standing = judge(standing, check("broken", at))
        assert standing.next_at is not None
        gaps.append(standing.next_at - at)
        at = standing.next_at
    assert gaps[:2] == [HOUR, 6 * HOUR]
    assert len(gaps) <= 6
    assert timedelta(days=70) < gaps[-1] < timedelta(days=111)


def test_what_was_published_together_is_spread_over_the_day_and_never_at_the_full_hour() -> None:
    urls = [f"http://t.cn/A6abc{n:03}" for n in range(400)]
    moments = [next_time(judge(Standing(url=u), check("ok")), NOON) for u in urls]
    assert all(5 <= moment.minute < 55 for moment in moments)
    assert len({moment.hour for moment in moments}) == 24


@given(st.sampled_from(get_args(Result)), st.integers(0, 30), st.text(max_size=20), st.integers(0, 10**8))
def test_the_next_check_lies_ahead(result: Result, streak: int, url: str, second: int) -> None:
    at = NOON + timedelta(seconds=second)
    standing = Standing(url=url, result=result, streak=streak or 1, fails=streak)
    assert at < next_time(standing, at) <= at + timedelta(days=40)


# ---------------------------------------------------------------- properties

_CHECKS = st.lists(
    st.tuples(
        st.sampled_from(get_args(Result)),
        st.integers(1, 40 * 24),  # hours since the one before
        st.booleans(),
        st.sampled_from([None, "http://a.org/x", "http://b.org/y"]),
    ),
    max_size=30,
)


def lived(steps: list[tuple[Result, int, bool, str | None]]) -> list[tuple[LinkCheck, Standing]]:
    standing, at, life = Standing(url=URL), NOON, []
    for result, hours, gone, target in steps:
        at += hours * HOUR
        made = check(result, at, deleted=gone and result == "broken", target=target)
        standing = judge(standing, made)
        life.append((made, standing))
    return life


@given(_CHECKS)
def test_any_sequence_of_answers_ends_in_exactly_one_state(
    steps: list[tuple[Result, int, bool, str | None]],
) -> None:
    for made, standing in lived(steps):
        assert standing.verdict in ("alive", "dead", "unsure", "unchecked")
        assert (standing.verdict == "alive") == (
            standing.ok_at is not None
            and standing.fails == 0
            and (standing.result is not None and kind_of(standing.result) == "good")
        )
        if kind_of(made.result) == "good":
            assert (standing.verdict, standing.fails, standing.deleted_at) == ("alive", 0, None)


@given(_CHECKS)
def test_only_a_failure_kills_and_never_the_first_two_but_deletions(
    steps: list[tuple[Result, int, bool, str | None]],
) -> None:
    before = Standing(url=URL)
    for made, standing in lived(steps):
        if standing.verdict == "dead" and before.verdict != "dead":
            assert kind_of(made.result) == "failed"
            assert standing.fails >= 2
            assert standing.fails >= 3 or made.deleted
            assert standing.failed_since is not None
            assert made.at - standing.failed_since >= DAY
        before = standing


@given(_CHECKS, st.lists(st.sampled_from(UNDECIDED), max_size=5))
def test_walls_thrown_in_anywhere_change_no_death(
    steps: list[tuple[Result, int, bool, str | None]], walls: list[Result]
) -> None:
    """Every undecided check may be left out: the same links die at the same moments."""
    life = [made for made, _ in lived(steps)]
    mixed: list[LinkCheck] = []
    for made in life:
        mixed += [check(wall, made.at - timedelta(minutes=1)) for wall in walls]
        mixed.append(made)

    def deaths(checks: list[LinkCheck]) -> list[datetime]:
        standing, found = Standing(url=URL), []
        for made in checks:
            following = judge(standing, made)
            if following.verdict == "dead" != standing.verdict:
                found.append(made.at)
            standing = following
        return found

    sure = [made for made in life if kind_of(made.result) != "undecided"]
    assert deaths(mixed) == deaths(sure)


@given(_CHECKS)
def test_a_target_once_good_never_changes(steps: list[tuple[Result, int, bool, str | None]]) -> None:
    settled: str | None = None
    for _, standing in lived(steps):
        if settled:
            assert standing.target == settled
        if standing.ok_at and standing.target:
            settled = standing.target


def test_states_are_what_pages_show() -> None:
    standing = replace(after(("ok", 0 * DAY)), target="https://weibo.com/1")
    assert standing.state.archive_url == "https://web.archive.org/web/20261124/https://weibo.com/1"
