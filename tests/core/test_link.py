"""What answers mean, and how addresses are shown."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import publisher
from publisher.adapters.shortlinks import Address, Page, shipped_rules
from publisher.core.link import (
    RESULT_WORDS,
    VERDICT_WORDS,
    Answer,
    LinkCheck,
    LinkState,
    Result,
    Shown,
    Verdict,
    archive_address,
    host_label,
    is_short,
    refused,
    same_host,
    short_form,
    shown,
    warning,
)
from publisher.core.verdict import EVENT_WORDS
from publisher.render.words import words

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
URLS = st.one_of(st.text(max_size=60), st.text(max_size=60).map(lambda text: f"http://{text}"))


# ---------------------------------------------------------------- in words


def test_readers_are_warned_of_what_did_not_open_and_of_nothing_else() -> None:
    def said(result: str | None, verdict: Verdict = "unsure", status: int | None = None) -> str | None:
        found = warning(LinkState(url="u", verdict=verdict, result=result, http_status=status))
        zh = words("zh")
        return zh(found[0], why=zh(found[1]), day="1月29日") if found else None

    assert said("broken", status=404) == "1月29日查：打不开（404）"
    assert said("broken", status=302) == "1月29日查：打不开（打不开）"
    assert said("timeout") == "1月29日查：打不开（超时）"
    assert said("broken", "dead", 410) == "链接已失效（410，1月29日查）"
    for quiet in ("ok", "redirected", "blocked", "unknown", "deferred", "policy", "invalid", None):
        assert said(quiet) is None


def test_every_word_about_links_is_there_in_chinese() -> None:
    zh = words("zh")
    root = Path(publisher.__file__).parent
    said = {*RESULT_WORDS.values(), *VERDICT_WORDS.values()}
    said.update(rule.error for rule in shipped_rules().all() if isinstance(rule, Address | Page))
    said.update(EVENT_WORDS.values())
    for name in ("adapters/addresses.py", "adapters/fetch.py", "adapters/shortlinks.py"):
        source = (root / name).read_text(encoding="utf-8")
        said.update(re.findall(r'NotReached\(\s*"\w+",\s*"([^"]+)"', source))
        said.update(re.findall(r'error="([^"]+)"', source))
        said.update(re.findall(r'^ {8}"([a-z][a-z ]+)",$', source, re.MULTILINE))
    said.update(re.findall(r'return "([a-z][a-z ]+)"', (root / "core/link.py").read_text(encoding="utf-8")))
    said.update(re.findall(r'= "([a-z][a-z ]+)"', (root / "app/check_links.py").read_text(encoding="utf-8")))
    said -= {"alive", "broken", "blocked", "unknown", "heard", "absent"}  # words of the code
    assert len(said) > 35
    assert [message for message in sorted(said) if zh(message) == message] == []
    assert set(RESULT_WORDS) == set(get_args(Result))
    assert set(VERDICT_WORDS) == set(get_args(Verdict))


# ---------------------------------------------------------------- shown


@pytest.mark.parametrize(
    ("url", "label", "short"),
    [
        ("http://t.cn/A63SL70V", "t.cn", "t.cn/A63SL70V"),
        ("https://www.weibo.com/a/b/", "weibo.com", "weibo.com/a/b"),
        ("https://Example.ORG/?q=1#f", "example.org", "example.org/?q=1#f"),
        ("http://a.org:8080/x", "a.org:8080", "a.org:8080/x"),
        ("https://a.org:443/x", "a.org", "a.org/x"),
        ("http://中国.cn/x", "中国.cn", "中国.cn/x"),
        ("http://xn--fiqs8s.cn/", "中国.cn", "中国.cn"),
        ("http://müller.de/", "müller.de", "müller.de"),
        ("http://пример.рф/", "пример.рф", "пример.рф"),
        ("http://аpple.com/", "xn--pple-43d.com", "xn--pple-43d.com"),  # a Cyrillic а
        ("http://аррӏе.com/", "xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),  # Cyrillic all of it, before .com
        ("http://xn--a/", "xn--a", "xn--a"),
        ("http://[::1]/", "[::1]", "[::1]"),
        ("http://[bad", "", "http://[bad"),
        ("mailto:x@a.org", "", "mailto:x@a.org"),
        ("", "", ""),
    ],
)
def test_an_address_is_shown_as_people_read_it(url: str, label: str, short: str) -> None:
    assert (host_label(url), short_form(url)) == (label, short)


def test_a_long_address_is_cut() -> None:
    assert short_form("http://a.org/" + "x" * 100, limit=20) == "a.org/" + "x" * 13 + "…"


def test_short_links_are_known_by_their_host() -> None:
    assert is_short("http://t.cn/A63SL70V")
    assert is_short("https://b23.tv/x")
    assert not is_short("http://t.cn/")
    assert not is_short("https://import.cn/A63SL70V")
    assert not is_short("https://weibo.com/1/A")


@given(URLS)
def test_whatever_is_written_is_shown_without_a_fault_and_without_tricks(url: str) -> None:
    is_short(url)
    for said in (host_label(url), short_form(url)):
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in said)
    assert len(short_form(url)) <= 60


# ---------------------------------------------------------------- what may be asked


@pytest.mark.parametrize(
    ("scheme", "host", "port", "fine"),
    [
        ("https", "a.org", None, True), ("http", "a.org", 8080, True), ("http", "8.8.8.8", None, True),
        ("http", "163.com", None, True), ("http", "a.123", None, False), ("http", "2130706433", None, False),
        ("http", "0x7f.1", None, False), ("http", "0177.0.0.1", None, False), ("http", "127.1", None, False),
        ("http", "a.org", 25, False), ("ftp", "a.org", None, False), ("http", "", None, False),
    ],
)  # fmt: skip
def test_only_addresses_of_web_sites_may_be_asked(
    scheme: str, host: str, port: int | None, fine: bool
) -> None:
    assert (refused(scheme=scheme, host=host, port=port, userinfo=False) == "") == fine


def test_a_password_is_never_sent() -> None:
    assert refused(scheme="https", host="a.org", port=None, userinfo=True)


def test_a_check_is_an_answer_with_its_moment() -> None:
    assert isinstance(LinkCheck(url="u", result="ok", at=NOON), Answer)


# ---------------------------------------------------------------- as readers get it

SHORT = LinkState(url="http://t.cn/A63SL70V", target="https://weibo.com/1/a", target_title="春天\u202e")


@pytest.mark.parametrize(
    ("state", "show", "words", "expected"),
    [
        (SHORT, "both", "", Shown("http://t.cn/A63SL70V", "春天 — weibo.com", "t.cn/A63SL70V")),
        (SHORT, "resolved", "", Shown("https://weibo.com/1/a", "春天 — weibo.com")),
        (SHORT, "original", "", Shown("http://t.cn/A63SL70V", "t.cn/A63SL70V")),
        (SHORT, "both", "看这里", Shown("http://t.cn/A63SL70V", "看这里", "t.cn/A63SL70V")),
        (SHORT, "resolved", "看这里", Shown("https://weibo.com/1/a", "看这里")),
        (LinkState(url="http://t.cn/A63SL70V"), "resolved", "", Shown("http://t.cn/A63SL70V", "t.cn/A63SL70V")),
        (LinkState(url="http://a.org/x", target="http://b.org/"), "resolved", "", Shown("http://a.org/x", "a.org/x")),
    ],
)  # fmt: skip
def test_a_link_is_shown_as_the_operator_wants_it(
    state: LinkState, show: str, words: str, expected: Shown
) -> None:
    assert shown(state, show=show, words=words) == expected  # type: ignore[arg-type]


def test_an_archive_address_is_built_and_only_for_the_web() -> None:
    assert (
        archive_address("https://a.org/x?y=1", NOON)
        == "https://web.archive.org/web/20261124/https://a.org/x?y=1"
    )
    assert archive_address("https://a.org/", None) == "https://web.archive.org/web/https://a.org/"
    assert archive_address("javascript:alert(1)", NOON) == ""


def test_www_and_m_are_no_other_site() -> None:
    assert same_host("https://www.a.org/x", "http://a.org/y")
    assert same_host("https://m.weibo.cn/x", "https://weibo.cn/y")
    assert not same_host("https://m.cn/", "https://a.cn/")
