"""Deliveries: states end, books balance, names never change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core import delivery
from publisher.core.delivery import FOLLOWS, STATES, Books, close, maildir_name, may_follow, message_id

NOW = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
DAY = date(2026, 3, 4)
counts = st.dictionaries(st.sampled_from(STATES), st.integers(0, 10_000))


def test_every_state_can_come_to_an_end() -> None:
    ends = {state for state in STATES if delivery.is_final(state)}
    assert ends == {"accepted", "rejected", "skipped"}
    reached = set(ends)
    while more := {s for s in STATES if FOLLOWS[s] & reached} - reached:
        reached |= more
    assert reached == set(STATES)


def test_nothing_leads_out_of_an_end() -> None:
    assert not any(
        may_follow(end, s) for end in ("accepted", "rejected", "skipped") for s in STATES if s != end
    )


def test_only_a_claimed_delivery_is_ever_accepted_by_a_server() -> None:
    assert {s for s in STATES if "accepted" in FOLLOWS[s]} == {"sending", "uncertain"}


def test_an_uncertain_delivery_never_goes_out_by_itself() -> None:
    assert "sending" not in FOLLOWS["uncertain"]


@given(counts)
def test_books_from_counts_balance(found: dict[str, int]) -> None:
    books = Books.of(found)
    assert books.balanced
    assert books.recipients == sum(found.values())


@given(counts, counts)
def test_books_add_up_and_stay_balanced(one: dict[str, int], other: dict[str, int]) -> None:
    total = Books.of(one) + Books.of(other)
    assert total.balanced
    assert total.recipients == sum(one.values()) + sum(other.values())


def test_a_forgotten_recipient_unbalances_the_books() -> None:
    assert not Books.of({"accepted": 2}, recipients=3).balanced


def test_an_unknown_state_is_not_swept_under_the_carpet() -> None:
    with pytest.raises(KeyError, match="lost"):
        Books.of({"lost": 1})


@given(
    st.lists(
        st.sampled_from(["deferred"] * 9 + ["accepted", "rejected", "uncertain"]), min_size=1, max_size=40
    )
)
def test_attempts_only_grow_and_end(kinds: list[delivery.Kind]) -> None:
    now, attempts, ended = NOW, 0, False
    for kind in kinds:
        closed = close(kind, attempts=attempts, opened_at=NOW, now=now)
        assert closed.attempts == attempts + 1
        assert may_follow("sending", closed.state)
        if closed.state != "deferred":
            assert closed.next_at is None
            ended = True
            break
        assert closed.next_at is not None
        assert now < closed.next_at <= NOW + delivery.GIVE_UP_AFTER
        now, attempts = closed.next_at, closed.attempts
    assert ended or attempts <= 20


def test_deferring_for_ever_is_given_up_within_36_hours() -> None:
    now, attempts = NOW, 0
    while (closed := close("deferred", attempts=attempts, opened_at=NOW, now=now)).next_at is not None:
        now, attempts = closed.next_at, closed.attempts
    assert closed.state == "rejected"
    assert now - NOW > timedelta(hours=24)


def test_a_message_id_is_the_same_for_ever() -> None:
    named = message_id("a-uuid", "daily", DAY, 1, "reader1", "example.org")
    assert named == "<ac6b4c2dfbbc59ffe14eb8e52ca1a8eb@example.org>" or len(named) == 46
    assert named == "<2c85c70610dc060442986a451034d7ea@example.org>"


def test_a_host_in_chinese_is_named_by_its_ascii_form() -> None:
    assert message_id("a", "daily", DAY, 1, "r", "例子.中国").endswith("@xn--fsqu00a.xn--fiqs8s>")
    assert message_id("a", "daily", DAY, 1, "r", "::1").endswith("@1>")


@pytest.mark.parametrize(
    "other",
    [
        ("b", "daily", DAY, 1, "reader1"),
        ("a", "extra", DAY, 1, "reader1"),
        ("a", "daily", date(2026, 3, 5), 1, "reader1"),
        ("a", "daily", DAY, 2, "reader1"),
        ("a", "daily", DAY, 1, "reader2"),
    ],
)
def test_another_mailing_or_reader_has_another_message_id(other: tuple[str, str, date, int, str]) -> None:
    assert message_id(*other, "example.org") != message_id("a", "daily", DAY, 1, "reader1", "example.org")


@given(st.text(max_size=40))
def test_a_message_id_is_a_valid_header_whatever_the_host(host: str) -> None:
    named = message_id("a", "daily", DAY, 1, "reader1", host)
    left, right = named[1:-1].split("@")
    assert named[0] == "<"
    assert named[-1] == ">"
    assert named.isascii()
    assert len(left) == 32
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", right)


@given(st.text(max_size=60))
def test_a_maildir_name_is_a_plain_file_name(named: str) -> None:
    name = maildir_name(named)
    assert name == maildir_name(named)
    assert not set(name) & set(":/\0 ")
    assert not name.startswith(".")


def test_two_messages_are_two_files() -> None:
    one, two = (message_id("a", "daily", DAY, n, "reader1", "example.org") for n in (1, 2))
    assert maildir_name(one) != maildir_name(two)


@pytest.mark.parametrize("kind", ["daily", "extra", "weekly"])
def test_a_mailing_has_a_word_that_can_be_read_back(kind: str) -> None:
    key = delivery.mailing_key(kind, date(2025, 1, 9), 12)
    assert delivery.read_mailing_key(key) == (kind, date(2025, 1, 9), 12)


@pytest.mark.parametrize(
    "key", ["", "daily", "daily-20250132-1", "daily-20250101-", "x-2025-01-01", "daily-２0250101-1"]
)
def test_what_names_no_mailing_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        delivery.read_mailing_key(key)
