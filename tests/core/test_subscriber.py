"""Subscribers: which addresses are accepted, when two are the same person, and how states change."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import publisher
from publisher.core import subscriber
from publisher.core.errors import UsageError
from publisher.core.subscriber import STATES, AddressError, Subscriber, may_become, normalise_email

GOOD = {
    "reader@example.org": ("reader@example.org", "reader@example.org"),
    " Reader.Name@Example.ORG\n": ("Reader.Name@example.org", "reader.name@example.org"),
    "curator@localhost": ("curator@localhost", "curator@localhost"),
    "me@box.local": ("me@box.local", "me@box.local"),
    "try@mail.test": ("try@mail.test", "try@mail.test"),
    "a+daily@qq.com": ("a+daily@qq.com", "a+daily@qq.com"),
    "读者@例子.中国".replace("读者", "reader"): (
        "reader@xn--fsqu00a.xn--fiqs8s",
        "reader@xn--fsqu00a.xn--fiqs8s",
    ),
    "reader@example.org.": ("reader@example.org", "reader@example.org"),
}

BAD = {
    "": "missing",
    "   ": "missing",
    "reader": "no @",
    "reader@gmail": "no dot",
    "reader@": "no dot",
    "@example.org": "not an e-mail address",
    "a@b@example.org": "more than one @",
    "reader＠example.org": "full-width",
    "读者@example.org": "before the @",
    "two words@example.org": "not an e-mail address",
    "reader@exa mple.org": "not an e-mail address",
    "reader@[192.0.2.1]": "not an e-mail address",
    '"odd"@example.org': "not an e-mail address",
    "reader@-box.local": "not an e-mail address",
    ".reader@localhost": "not an e-mail address",
    "reader@example.org\r\nBcc: all@example.org": "control character",
    "rea\u200bder@example.org": "invisible",
    "a" * 65 + "@example.org": "not an e-mail address",
    "a@" + "b." * 130 + "org": "longer than",
}


@pytest.mark.parametrize("written", GOOD)
def test_good_addresses_are_taken_and_compared(written: str) -> None:
    found = normalise_email(written)
    assert (found.email, found.norm) == GOOD[written]


@pytest.mark.parametrize("written", BAD)
def test_bad_addresses_are_refused_with_the_reason_and_the_fix(written: str) -> None:
    with pytest.raises(AddressError, match=BAD[written]) as refused:
        normalise_email(written)
    assert isinstance(refused.value, UsageError)
    assert refused.value.fix


def test_a_refusal_is_safe_to_print() -> None:
    with pytest.raises(AddressError) as refused:
        normalise_email("\x1b[31mred\x1b[0m@example.org")
    assert "\x1b" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_refusal(written: str) -> None:
    try:
        found = normalise_email(written)
    except AddressError:
        return
    assert found.email.isascii()
    assert found.email.isprintable()
    assert found.email.count("@") == 1
    assert normalise_email(found.email) == found


def test_case_does_not_make_two_readers() -> None:
    assert normalise_email("A.B@QQ.com").norm == normalise_email("a.b@qq.COM").norm


def test_only_active_subscribers_receive() -> None:
    receiving = [
        s for s in STATES if Subscriber(uid="u", email="a@b.org", norm="a@b.org", state=s).may_receive
    ]
    assert receiving == ["active"]


def test_who_complained_is_never_made_active_by_others() -> None:
    assert not may_become("complained", "active")
    assert may_become("unsubscribed", "active")
    assert all(may_become(state, state) for state in STATES)


def test_every_refusal_is_told_in_chinese() -> None:
    catalogue = Path(publisher.__file__).parent / "locale/zh_Hans/LC_MESSAGES/core.mo"
    with catalogue.open("rb") as file:
        words = gettext.GNUTranslations(file)
    for written in BAD:
        with pytest.raises(AddressError) as refused:
            subscriber.normalise_email(written)
        for message in (refused.value.sentence, refused.value.fix):
            assert words.gettext(message) != message
