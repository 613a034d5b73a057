"""Links: what an answer means (result), what we believe (verdict), and how an address is shown to people.

A check has a *result* (eleven words), a link has a *verdict* (four); core.verdict makes the second of the
first. Nothing here asks anybody: adapters do, and `Answer` is what they bring back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

Verdict = Literal["alive", "dead", "unsure", "unchecked"]

Result = Literal[
    "ok",  # answered as it should
    "redirected",  # answered, on another host than the one that was written
    "suspect",  # says 200 but looks like a "not found" page
    "broken",  # gone, says the server: 404, 410, no such name, a sorry page, a loop
    "blocked",  # a wall for robots: 401, 403, 418, a challenge page; people may well get in
    "unknown",  # a login wall or a loop of Weibo's: nobody can tell from outside
    "timeout",  # the deadline of the link passed
    "unreachable",  # refused, reset, TLS, a failing server: perhaps only now
    "deferred",  # not asked in this run: budget, rate limit, no network
    "policy",  # we do not ask such an address: private network, odd port, other scheme
    "invalid",  # not an address at all
]


class LinkState(Struct, frozen=True, kw_only=True):
    """What is known of one address, as pages, feeds and reports show it."""

    url: str
    verdict: Verdict = "unchecked"
    result: str | None = None  # of the last check (a `Result`); None: never asked
    target: str | None = None  # where it first led, kept for ever; None: unknown or the address itself
    target_title: str | None = None  # cleaned, plain text
    http_status: int | None = None
    checked_at: datetime | None = None
    ok_at: datetime | None = None  # when it last answered as it should

    @property
    def archive_url(self) -> str:
        """Where a copy of what it led to may be found: built, not looked up."""
        return archive_address(self.target or self.url, self.ok_at)


Network = Literal["heard", "absent", "unclear"]
"""What an answer says about our own network: a server spoke; no name server or no route; could be either."""


class Answer(Struct, frozen=True, kw_only=True):
    """What came of asking one address, as the network saw it."""

    url: str  # as it was asked for
    result: Result
    http_status: int | None = None  # of the last response
    target: str | None = None  # where it leads, when that is known and another address
    target_title: str | None = None  # cleaned, plain text; only of a page that answered as it should
    chain: tuple[str, ...] = ()  # every address on the way, the first is the one asked for
    ms: int = 0  # spent with servers, without our own waiting
    error: str = ""  # an English message id; "" when nothing is wrong
    network: Network = "unclear"
    deleted: bool = (
        False  # the server says in so many words that it was taken away: 410, "deleted by its author"
    )
    rule: str = ""  # the name of the rule that decided, when one did
    alarm: bool = False  # a page that a rule should have known: the rules may be out of date
    pause: tuple[str, float] | None = None  # a host that wants no more questions, and for how many seconds
    again: bool = False  # a passing fault: worth one more question in the same run


class Hop(Struct, frozen=True, kw_only=True):
    """One step of a chain, for an operator who wants to see it."""

    url: str
    status: int | None = None  # None: not asked, the address alone said enough
    headers: tuple[tuple[str, str], ...] = ()
    rule: str = ""  # the rule that read it
    text: str = ""  # the beginning of a page's text


class LinkCheck(Answer, frozen=True, kw_only=True):
    """An answer with its moment."""

    at: datetime


class Reading(Struct, frozen=True, kw_only=True):
    """What a rule makes of an address or a page: an end (`result`), the address behind (`target`), or both.

    A target without a result is asked next.
    """

    result: Result | None = None
    target: str | None = None
    title: str | None = None
    error: str = ""
    deleted: bool = False
    rule: str = ""
    alarm: bool = False


class NotReached(Exception):  # noqa: N818 - an outcome, told between adapters; it never reaches a verb
    """No HTTP response could be had; `result` and `error` say what that means for the link."""

    def __init__(self, result: Result, error: str, network: Network = "unclear") -> None:
        self.result: Result = result
        self.error = error
        self.network: Network = network
        super().__init__(error)


# ---------------------------------------------------------------- in words

RESULT_WORDS: Mapping[Result, str] = {
    "ok": "fine",
    "redirected": "moved",
    "suspect": "looks like a page that is gone",
    "broken": "broken",
    "blocked": "closed to robots",
    "unknown": "nobody can tell from outside",
    "timeout": "no answer in time",
    "unreachable": "not reachable",
    "deferred": "not checked yet",
    "policy": "not asked: not a public address",
    "invalid": "not an address",
}
"""Each result as a message id."""

_WORDS: Mapping[str, str] = {str(result): said for result, said in RESULT_WORDS.items()}

VERDICT_WORDS: Mapping[Verdict, str] = {
    "alive": "fine",
    "dead": "dead",
    "unsure": "unsure",
    "unchecked": "not checked yet",
}
"""Each verdict as a message id."""


def warning(state: LinkState) -> tuple[str, str] | None:
    """What readers are warned of: a message id with {day} and {why}, and the why, one too (or '404').

    None when there is nothing to warn of: a wall for robots, a login, a check that was not made say nothing
    about what a person will find.
    """
    why = str(state.http_status) if state.result == "broken" and (state.http_status or 0) >= 400 else ""
    why = why or _WORDS.get(state.result or "", "broken")
    if state.verdict == "dead":
        return "this link is dead ({why}, checked {day})", why
    if state.verdict == "unsure" and state.result in ("broken", "suspect", "timeout", "unreachable"):
        return "checked {day}: did not open ({why})", why
    return None


# ---------------------------------------------------------------- what may be asked

PORTS = frozenset({80, 443, 8000, 8080, 8443})
"""Ports that web sites for people are found on; others are somebody's machinery."""

_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)\.?", re.ASCII | re.IGNORECASE)
_DOTTED_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})", re.ASCII)


def refused(
    *, scheme: str, host: str, port: int | None, userinfo: bool, ports: frozenset[int] = PORTS
) -> str:
    """Why an address must not be asked at all (a message id), or ""; its name is looked at later."""
    if scheme not in ("http", "https"):
        return "only web addresses are asked"
    if not host:
        return "the address has no host"
    if userinfo:
        return "the address holds a user name"
    if port is not None and port not in ports:
        return "a port that no web site for people uses"
    if _NUMERIC_HOST.fullmatch(host) and not _DOTTED_QUAD.fullmatch(host):
        return "a number in disguise instead of a host"  # 2130706433 and 0x7f.1 are 127.0.0.1
    return ""


# ---------------------------------------------------------------- how an address is shown

SHORT_HOSTS = frozenset({
    "t.cn", "sinaurl.cn", "url.cn", "w.url.cn", "dwz.cn", "suo.im", "b23.tv", "v.douyin.com", "xhslink.com",
    "m.tb.cn", "tb.cn", "3.cn", "u.jd.com", "kurl.cn", "mrw.so", "163.fm", "reurl.cc",
    "t.co", "bit.ly", "tinyurl.com", "goo.gl", "is.gd", "ow.ly", "buff.ly", "lnkd.in", "dlvr.it", "amzn.to",
    "git.io",
})  # fmt: skip
"""Hosts whose addresses say nothing about where they lead."""


def is_short(url: str) -> bool:
    """True for an address of a link shortener: the reader cannot see where it leads."""
    host, rest = _parts(url)
    return host.partition(":")[0].removeprefix("www.") in SHORT_HOSTS and bool(rest.strip("/"))


def host_label(url: str) -> str:
    """The host as people read it: 'weibo.com', no 'www.'; an IDN in letters, in punycode when scripts mix."""
    host, _ = _parts(url)
    return visible(_shown_host(host.removeprefix("www.")))


def short_form(url: str, *, limit: int = 60) -> str:
    """The address without scheme, 'www.' and closing '/': 't.cn/A63SL70V'; cut with '…' at the limit."""
    host, rest = _parts(url)
    shown = visible(_shown_host(host.removeprefix("www.")) + rest if host else url).removesuffix("/")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def same_host(one: str, other: str) -> bool:
    """Whether two addresses are on one site; 'www.' and 'm.' are no other site."""
    return _bare(one) == _bare(other)


def _bare(url: str) -> str:
    host = _parts(url)[0].removeprefix("www.")
    return host[2:] if host.startswith("m.") and host.count(".") >= 2 else host


def archive_address(url: str, at: datetime | None) -> str:
    """The address of a copy at the Internet Archive nearest to a moment; '' for what is no web address."""
    if not url.startswith(("http://", "https://")):
        return ""
    return f"https://web.archive.org/web/{at:%Y%m%d}/{url}" if at else f"https://web.archive.org/web/{url}"


Show = Literal["original", "resolved", "both"]
"""Which address of a short link is the link: the one that was written, the one behind it, or the second beside
the first."""


class Shown(Struct, frozen=True):
    """A link as readers get it: where it leads, what it says, and the address told beside it ('' for none)."""

    href: str
    text: str
    beside: str = ""


def shown(state: LinkState, *, show: Show = "both", words: str = "") -> Shown:
    """A link with what is known of it. `words` are the curator's own for it, if there are any.

    >>> shown(LinkState(url="http://t.cn/A63SL70V", target="https://weibo.com/1/a", target_title="春天"))
    Shown(href='http://t.cn/A63SL70V', text='春天 — weibo.com', beside='t.cn/A63SL70V')
    """
    short = short_form(state.url)
    known = bool(state.target) and (is_short(state.url) or bool(state.target_title))
    if show == "original" or not known:
        return Shown(state.url, words or short, short if words else "")
    said = words or " — ".join(
        filter(None, (visible(state.target_title or ""), host_label(state.target or "")))
    )
    if show == "resolved":
        return Shown(state.target or state.url, said, "")
    return Shown(state.url, said, short)


def visible(text: str) -> str:
    """Without what is not seen but changes what is seen: controls, bidi marks, zero-width characters."""
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


_NO_HOST = re.compile(r"\s*(?:mailto|tel|sms|data|javascript|magnet|about|file):", re.IGNORECASE)


def _parts(url: str) -> tuple[str, str]:
    """Host in lower case, with a port that is not the scheme's, and what follows; ('', '') without a host."""
    if _NO_HOST.match(url):
        return "", ""
    try:
        split = urlsplit(url if "://" in url or url.startswith("//") else f"//{url}")
        host, port = (split.hostname or "").rstrip("."), split.port
    except ValueError:
        return "", ""
    if ":" in host:
        host = f"[{host}]"
    if port and port != {"http": 80, "https": 443}.get(split.scheme):
        host += f":{port}"
    query = f"?{split.query}" if split.query else ""
    fragment = f"#{split.fragment}" if split.fragment else ""
    return host, split.path + query + fragment


_SCRIPTS_THAT_MIX = (  # "highly restrictive" of UTS #39: what people really write together
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)


def _shown_host(host: str) -> str:
    if host.isascii() and "xn--" not in host:
        return host
    ascii_labels = [_to_ascii(label) for label in host.split(".")]
    labels = [_to_unicode(label) for label in ascii_labels]
    scripts = {_script(c) for label in labels for c in label}
    scripts.discard("COMMON")
    honest = "" not in scripts and (len(scripts) <= 1 or any(scripts <= mix for mix in _SCRIPTS_THAT_MIX))
    return ".".join(labels if honest else ascii_labels)


def _to_ascii(label: str) -> str:
    label = unicodedata.normalize("NFKC", label).lower()
    if label.isascii() or len(label) > 63:  # longer than DNS allows; the codec takes quadratic time
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _to_unicode(label: str) -> str:
    """A punycode label as letters; as it is when it does not come back the same."""
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label
    return decoded if _to_ascii(decoded) == label else label


def _script(char: str) -> str:
    """A letter's script, by its Unicode name; 'COMMON' for digits and '-', '' for what is no letter."""
    if char in "-_0123456789:[]":
        return "COMMON"
    if not char.isalpha():
        return ""
    name = unicodedata.name(char, "")
    return "HAN" if name.startswith(("CJK", "IDEOGRAPHIC")) else name.split(" ")[0].split("-")[0]
