"""What an SMTP server's refusal means: whose fault it is, and what becomes of the delivery.

Decided in this order: the enhanced status (x.y.z), the table of what providers say, the basic code. The first
digit alone would be wrong: QQ answers rate limits with 550, and a sender on a block list gets 5xx at RCPT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

from publisher.core.delivery import Kind, Outcome

ReplyClass = Literal["sent", "retry", "slow-domain", "stop-run", "hard", "soft"]
"""sent         the server has taken the message
retry        not now; the same message again later
slow-domain  policy: too much, too fast, not trusted; never the reader's fault
stop-run     no message of this run can succeed: the operator must act
hard         the address does not exist: evidence about the reader
soft         this message cannot reach this reader; the next one may
"""
CLASSES: tuple[ReplyClass, ...] = get_args(ReplyClass)

Stage = Literal["connect", "auth", "mail", "rcpt", "data", "final"]
"""Which command was answered; `data` is the reply to DATA itself, `final` the one after the closing dot."""
STAGES: tuple[Stage, ...] = get_args(Stage)

KINDS: Mapping[ReplyClass, Kind] = {
    "sent": "accepted",
    "retry": "deferred",
    "slow-domain": "deferred",
    "stop-run": "deferred",
    "hard": "rejected",
    "soft": "rejected",
}
"""What a reply makes of a delivery. `uncertain` is not here: it is what no reply at all means."""

STOP_AFTER = 20
"""So many refusals in a row that no reader is to blame for, and the run should stop."""

# ---------------------------------------------------------------- the table


class Rule(Struct, frozen=True):
    """One row: a reply that fits both patterns is of class `says`. The first row that fits decides."""

    says: ReplyClass
    status: str  # the whole enhanced status; "": the text decides, with or without a status
    text: str  # found in the text, case ignored, after addresses and web addresses were cut out of it
    why: str

    def fits(self, status: str, text: str) -> bool:
        if self.status and not re.fullmatch(self.status, status):
            return False
        return not self.text or re.search(self.text, text, re.IGNORECASE) is not None


_OUR_ADDRESS = (
    r"\bsender\b.{0,20}\b(address|verif\w*|reject\w*|denie[ds]|refused|unvalidated|not (allowed|owned))\b"
    r"|\b(denies|reject\w*|invalid|illegal) (the )?(sender|mail from)\b|\bmail from (is )?(invalid|illegal)\b"
)
_TOO_MUCH_OF_US = (
    r"\b(daily|hourly|sending|sender|relay|rate|outbound)\b.{0,20}\b(limit|quota)\b"
    r"|\b(rate|frequency) (is )?limited\b|\bthrottl"
    r"|\btoo many (messages|e?mails?|connections|recipients|same size)"
)
_NOT_LOGGED_IN = (
    r"\bauth(entication|orization)? (is )?required\b|\bauthenticate (first|before)\b"
    r"|\b(must|need to|please) (be )?(authenticate|log ?in)|\bmail from (address )?must (be same as|equal)\b"
)
_NO_RELAY = (
    r"\brelay(ing)?\b.{0,20}\b(denied|prohibited|not (permitted|allowed))\b|\bdenies relay|\brelay check"
    r"|\b(unable|not (permitted|allowed)) (to )?relay"
)
_POLICY = (
    r"\bspam|\b(black|block|deny)[ -]?list|\bblocked\b|\b(dns|r)bl\b|\bblack ip\b|\breputation\b|\bpolicy\b"
    r"|\bunsolicited\b|\b(dmarc|spf|dkim)\b|\bcontent (denied|reject)|\b(client host|helo command) rejected\b"
)

# fmt: off
RULES: tuple[Rule, ...] = (
    # the enhanced status; what turns its meaning round comes first
    Rule("slow-domain", r"5\.[12]\.\d+", _OUR_ADDRESS, "about our address, not the reader's"),
    Rule("retry", r"[45]\.2\.1", r"\breceiving e?mail (too quickly|at a rate)", "Gmail: too much at once"),
    Rule("hard", r"5\.1\.([1236]|10)", "", "no such mailbox or domain"),
    Rule("hard", r"5\.2\.1", "", "the mailbox is disabled"),
    Rule("slow-domain", r"[45]\.1\.[78]", "", "our address is bad or not known"),
    Rule("slow-domain", r"5\.1\.90|5\.2\.12[12]|5\.4\.5", "", "Outlook, Gmail: our quota is used up"),
    Rule("soft", r"5\.2\.[234]|5\.3\.4|5\.4\.\d+", "", "mailbox full, message too large, no route"),
    Rule("retry", r"5\.3\.\d+", "", "the server itself is ill"),
    Rule("retry", r"5\.5\.[1245]", "", "our commands displease; says nothing about the reader"),
    Rule("slow-domain", r"5\.7\.515", "", "Outlook, above 5000 a day: SPF, DKIM or DMARC fails"),
    Rule("slow-domain", r"[45]\.7\.2[5-9]", "", "Gmail: PTR, SPF and DKIM, rate, TLS"),
    Rule("slow-domain", r"5\.7\.\d+", "", "policy"),
    Rule("slow-domain", r"4\.7\.[5-9]\d\d|4\.5\.3", "", "Outlook: slow down; too much on one connection"),
    # what providers say without a status of any worth
    Rule("slow-domain", "", r"\b(domain|sender|connection|ip) frequency (is )?limited", "QQ: rate, as 550"),
    Rule("slow-domain", "", r"\bmailbox unavailable or access denied", "QQ: too much for this reader"),
    Rule("soft", "", r"\brejected by recipients?\b", "QQ: the reader's own filter"),
    Rule("slow-domain", "", r"\b(HL|MI|DT|RP|WM|SY):[A-Z]{3}\b", "163, 126: rate, reputation, spam"),
    Rule("stop-run", "", _NOT_LOGGED_IN, "we are not logged in, or not as this sender"),
    Rule("slow-domain", "", _NO_RELAY, "the relay does not serve us"),
    Rule("slow-domain", "", _OUR_ADDRESS, "about our address, not the reader's"),
    Rule("slow-domain", "", _TOO_MUCH_OF_US, "a limit of ours"),
    Rule("slow-domain", "", _POLICY, "policy in plain words"),
)
# fmt: on
"""Seen in the wild: reference/email.md §4a and §4c, the providers' own lists, smtp.codes."""

_UNKNOWN_USER = re.compile(
    r"\b(unknown|no such|invalid|not a (known|valid)) (local )?(user|recipient|mailbox)\b"
    r"|\b(user|recipient|mailbox|account)( name)?( is)? (unknown|not (found|known|exist))"
    r"|\b(user|recipient|mailbox|account)\b.{0,40}\b(does not?|doesn't) exist"
    r"|\b(does not|doesn't) have an?\b.{0,20}\baccount\b|\bunavailable mail user\b|\bno mailbox here\b"
    r"|(用户|收件人|邮箱|账号|帐号)不存在",
    re.IGNORECASE,
)
_FULL = re.compile(r"\b(mailbox|inbox|storage)\b.{0,20}\bfull\b|\bquota\b|\bout of storage", re.IGNORECASE)

_LOGIN_CODES = frozenset({530, 534, 535, 538})
_COMMAND_CODES = frozenset({500, 502, 503, 504})
"""What a server says about our commands, not about an address."""

_STATUS = re.compile(r"(?:\A\s*[#(\[<]?|[#(\[])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_EACH_LINE = re.compile(r"^[ \t]*[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)", re.MULTILINE)
_ADDRESSES = re.compile(r"\bhttps?://\S+|<?[^\s<>@]+@[^\s<>@]+>?")

# ---------------------------------------------------------------- the decision


def classify(code: int, text: str, *, stage: Stage) -> ReplyClass:
    """What a reply means. `text` is all lines of it, without the codes in front.

    Nobody is refused for what is not about them. The server knows the reader from RCPT on, so nothing before
    can be a rejection; and at RCPT alone is a 5xx without a reason taken to be about the reader (`soft`:
    rejected this time, not struck off). An unexplained 5xx at MAIL, DATA or after the dot is `retry`: it
    meets every reader alike, and calling it a rejection would lose the whole list over one misconfigured
    relay. What is deferred keeps its place and is given up in the open after 36 hours; `Streak` ends such a
    run long before. At `connect` and `auth` no message is at stake yet: a 5xx is `stop-run`.
    """
    if not 400 <= code <= 599:
        return "sent" if stage == "final" and 200 <= code <= 299 else "retry"
    if code >= 500 and (code in _LOGIN_CODES or stage in ("connect", "auth")):
        return "stop-run"
    says = _said(code, text)
    if code < 500:
        return "slow-domain" if says == "slow-domain" else "retry"
    if says is None:
        return "soft" if stage == "rcpt" and code not in _COMMAND_CODES else "retry"
    return _at(stage, says, text)


def _at(stage: Stage, says: ReplyClass, text: str) -> ReplyClass:
    """The same words at another stage: at MAIL nothing is about the reader, at RCPT everything may be."""
    if stage == "mail" and says in ("hard", "soft"):
        return "retry"
    if stage in ("data", "final"):
        if enhanced_status(text) == "5.3.4":
            return "retry"  # by then it is the relay's own limit, the same for every reader
        if says == "stop-run":
            return "slow-domain"  # "authentication required" of a message means DKIM, not our login
    return says


def _said(code: int, text: str) -> ReplyClass | None:
    """What status and words say; None when they say nothing."""
    status, words = enhanced_status(text), _words(text)
    if status and int(status[0]) != code // 100:
        if code >= 500:
            return "retry"  # 550 4.x.y: of two answers the milder one
        status = ""
    for rule in RULES:
        if rule.fits(status, words):
            return rule.says
    if _UNKNOWN_USER.search(words):
        return "hard"
    return "soft" if code == 552 and _FULL.search(words) else None


def enhanced_status(text: str) -> str:
    """'5.1.1' from the beginning of a reply or from brackets in it; '' when it has none. RFC 3463."""
    found = _STATUS.search(text)
    return found[1] if found else ""


def _words(text: str) -> str:
    """The text on one line, without statuses and without addresses, which may contain any word."""
    return " ".join(_ADDRESSES.sub(" ", _EACH_LINE.sub(" ", text)).split())


def one_line(text: str) -> str:
    """A reply as it is kept: one printable line, the status once.

    `text` has LF between its lines, and bytes that were no UTF-8 as surrogates: Chinese servers write GBK too.
    """
    raw = text.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    first, *more = text.split("\n")
    if status := _EACH_LINE.match(first):
        more = [line.removeprefix(status[0]) for line in more]
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", " ".join([first, *more])).split())


def is_hard(outcome: Outcome) -> bool:
    """True when a rejection proves that the address does not exist, so that the reader must be struck off."""
    if outcome.kind != "rejected" or outcome.code is None:
        return False
    return classify(outcome.code, outcome.text, stage="rcpt") == "hard"


class Streak(Struct, frozen=True):
    """Refusals in a row that no reader is to blame for (5.7.x, 5xx at MAIL or DATA, QQ's 550).

    An acceptance or a rejection ends it. What has no verdict (4xx, no reply) neither counts nor ends it.
    """

    length: int = 0

    def after(self, outcome: Outcome) -> Streak:
        if outcome.kind in ("accepted", "rejected"):
            return Streak()
        if outcome.kind == "deferred" and outcome.code is not None and outcome.code >= 500:
            return Streak(self.length + 1)
        return self

    @property
    def too_long(self) -> bool:
        """True when the run should stop: it is being refused as a whole."""
        return self.length >= STOP_AFTER
