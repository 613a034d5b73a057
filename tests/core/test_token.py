"""Tokens: one purpose each, no address inside, and nothing that we did not sign."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.token import PATHS, Purpose, TokenError, TokenExpired, address_hash, read, sign

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2025, 1, 29, 8, tzinfo=UTC)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

fields = st.lists(st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=30), max_size=3)


@given(fields, st.sampled_from(PURPOSES), st.integers(1, 10**6))
def test_what_was_signed_is_read(signed: list[str], purpose: Purpose, version: int) -> None:
    token = sign(SECRET, purpose, *signed, key_version=version)
    found = read(SECRET, purpose, token, now=NOW)
    assert (found.fields, found.key_version) == (tuple(signed), version)
    assert set(token) <= set(string.ascii_lowercase + string.digits + "-.")
    assert token[-1] not in ".-"


@pytest.mark.parametrize(("made", "used"), list(permutations(PURPOSES, 2)))
def test_a_token_of_one_purpose_is_worth_nothing_for_another(made: Purpose, used: Purpose) -> None:
    with pytest.raises(TokenError):
        read(SECRET, used, sign(SECRET, made, "k3j2h1"), now=NOW)


@given(st.text(max_size=400))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        read(SECRET, "confirm", text, now=NOW)


@given(st.data())
def test_a_token_changed_in_one_place_is_refused(data: st.DataObject) -> None:
    token = sign(SECRET, "unsubscribe", "k3j2h1", key_version=2, expires=NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(
        st.sampled_from(sorted(set(string.ascii_lowercase + string.digits + "-.") - {token[at]}))
    )
    with pytest.raises(TokenError):
        read(SECRET, "unsubscribe", token[:at] + other + token[at + 1 :], now=NOW)


def test_fields_cannot_run_into_each_other() -> None:
    assert sign(SECRET, "view", "ab", "c") != sign(SECRET, "view", "a", "bc")
    token = sign(SECRET, "view", "a", "b")
    assert read(SECRET, "view", token, now=NOW).fields == ("a", "b")


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(TokenError):
        read(b"another", "confirm", sign(SECRET, "confirm", "a"), now=NOW)


def test_it_holds_until_the_end_of_its_minute_and_then_says_that_it_is_too_old() -> None:
    token = sign(SECRET, "confirm", "a", expires=NOW)
    read(SECRET, "confirm", token, now=NOW + timedelta(seconds=59))
    with pytest.raises(TokenExpired, match="too old"):
        read(SECRET, "confirm", token, now=NOW + timedelta(seconds=60))


def test_a_forged_token_is_never_told_to_be_merely_old() -> None:
    token = sign(b"another", "confirm", "a", expires=NOW)
    with pytest.raises(TokenError) as told:
        read(SECRET, "confirm", token, now=NOW + timedelta(days=1))
    assert not isinstance(told.value, TokenExpired)


def test_without_an_end_it_holds_for_ever() -> None:
    read(SECRET, "unsubscribe", sign(SECRET, "unsubscribe", "a"), now=NOW + timedelta(days=9999))


def test_programs_that_change_letters_or_add_spaces_do_no_harm() -> None:
    token = sign(SECRET, "unsubscribe", "k3j2h1")
    assert read(SECRET, "unsubscribe", f" {token.upper()}\n", now=NOW).fields == ("k3j2h1",)


def test_with_a_subscribers_uid_it_fits_before_the_at_of_an_address() -> None:
    assert len("u+" + sign(SECRET, "unsubscribe", "a" * 16, key_version=99)) <= 64


@pytest.mark.parametrize("field", ["", "Zhang@qq.com", "a.b", "a b", "é", "a" * 65, "a\0"])
def test_an_address_or_anything_odd_is_never_signed(field: str) -> None:
    with pytest.raises(ValueError, match="not a field"):
        sign(SECRET, "confirm", field)


def test_the_sentences_hold_no_token() -> None:
    with pytest.raises(TokenError) as told:
        read(SECRET, "confirm", "secret-looking.1.0.aaaa", now=NOW)
    assert "secret-looking" not in str(told.value)


def test_every_purpose_of_a_link_has_its_place() -> None:
    assert set(PATHS) == set(PURPOSES) - {"form"}


def test_the_hash_of_an_address_depends_on_the_secret_and_does_not_show_it() -> None:
    assert address_hash(SECRET, "zhang@qq.com") == address_hash(SECRET, "zhang@qq.com")
    assert address_hash(SECRET, "zhang@qq.com") != address_hash(b"another", "zhang@qq.com")
    assert "zhang" not in address_hash(SECRET, "zhang@qq.com")
