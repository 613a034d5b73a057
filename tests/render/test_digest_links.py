"""What a digest leads its reader to: ways out, choices and a page of the very mail, with tokens of their own."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from publisher.render.digest import Frozen, Reader, Tokens, splice
from publisher.render.digest import html_of as html_part
from tests.render.digest_sample import (
    MANAGE_URL,
    READER,
    digest,
    essay,
    frozen,
    full_sample,
    html_of,
    opened,
    parsed,
    raw,
    text_of,
    week_sample,
)


def test_one_leaves_by_mail_where_no_site_answers() -> None:
    data = raw(digest())
    message = opened(data)
    assert message["List-Unsubscribe"] == "<mailto:digest@example.org?subject=unsubscribe%20rdr0000001>"
    assert message["List-Unsubscribe-Post"] is None
    assert "mailto:digest@example.org?subject=unsubscribe%20rdr0000001" in text_of(data).split("\n")
    assert "偏好" not in text_of(data) + html_of(data)


def test_one_leaves_with_one_click_and_by_mail_only_to_somebody_who_reads_it() -> None:
    there = digest(manage_url=MANAGE_URL)
    message = opened(raw(there))
    assert message["List-Unsubscribe"] == "<https://daily.example.org/u/leave.1.0.aaaa>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    head = raw(replace(there, unsubscribe_to="leave@example.org")).partition(b"\r\n\r\n")[0]
    assert (
        b"\r\nList-Unsubscribe: <https://daily.example.org/u/leave.1.0.aaaa>, "
        b"<mailto:leave@example.org?subject=unsubscribe%20rdr0000001>\r\n"
    ) in head


def test_the_foot_leads_to_pages_of_the_readers_own_in_both_parts() -> None:
    data = raw(digest(manage_url=MANAGE_URL))
    wanted = {
        "退订": "https://daily.example.org/subscribe/unsubscribe/?t=leave.1.0.aaaa",
        "偏好（改为每周）": "https://daily.example.org/subscribe/preferences/?t=choose.1.0.bbbb",
        "在浏览器中阅读": "https://daily.example.org/subscribe/view/?t=look.1.0.cccc",
    }
    foot = parsed(html_of(data)).xpath("//table[@class='foot']")[0]
    found = {a.xpath("string()"): a.get("href") for a in foot.xpath(".//a")}
    lines = text_of(data).split("\n")
    for words, url in wanted.items():
        assert found[words] == url
        assert lines[lines.index(url) - 1] == f"{words}："


def test_the_large_part_is_shared_although_the_links_are_not() -> None:
    """The first word of a reader's own stands in the foot: all before it is encoded once."""
    one = frozen(digest(*(essay(n, 40) for n in range(1, 10)), manage_url=MANAGE_URL))
    sizes = [len(piece) for piece in splice(one, READER)]
    assert len(one.html.rows) > 0.9 * one.html_bytes
    assert sum(size for size in sizes if size < 20_000) < 8_000


def test_the_page_of_what_was_mailed_is_the_html_that_was_mailed() -> None:
    for sample in (full_sample("zh-CN"), digest(), week_sample()):
        one = frozen(sample)
        mailed = opened(b"".join(splice(one, READER))).get_body(("html",))
        assert mailed is not None
        assert html_part(one, READER) == mailed.get_payload(decode=True)


def test_a_mailing_that_leads_to_a_site_is_not_sent_without_tokens() -> None:
    with pytest.raises(ValueError, match="tokens"):
        splice(frozen(digest(manage_url=MANAGE_URL)), replace(READER, tokens=None))


def test_tokens_are_not_shown() -> None:
    assert "aaaa" not in repr(READER)
    with pytest.raises(ValueError, match="token") as caught:
        splice(frozen(digest(manage_url=MANAGE_URL)), with_token("secret word"))
    assert "secret word" not in str(caught.value)


def test_what_was_frozen_before_there_were_links_is_sent_as_it_was() -> None:
    old = frozen(digest(unsubscribe_to="curator@example.org"))
    value = json.loads(old.to_bytes()) | {"format": 1}
    del value["manage_url"]
    again = Frozen.from_bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    assert b"".join(splice(again, READER)) == b"".join(splice(old, READER))


def with_token(token: str) -> Reader:
    return replace(READER, tokens=Tokens(unsubscribe=token, preferences="b", view="c"))


@pytest.mark.parametrize(
    "token", ["a\r\nBcc: a@b.c", "a\n", "a>", "a b", "雪", "", "a" * 301, "a/../b", "a&t=b"]
)
def test_a_token_cannot_become_a_header_or_another_address(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        splice(frozen(digest(manage_url=MANAGE_URL)), with_token(token))
