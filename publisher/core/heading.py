"""A heading line's grammar: dates in all their spellings, entry numbers, links, ids and titles."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from msgspec import Struct

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_LONGEST = 1000  # characters of a heading that are searched for links and marks: keeps every search linear

# One character for one, so that offsets hold.
_PLAIN = str.maketrans(
    "０１２３４５６７８９－–—‐‑−／．。（）［］＃：\u3000\u00a0", "0123456789------/..()[]#:  "
)
_HASHES = re.compile(rf"([ {ZERO_WIDTH}]{{0,9}})([#＃]{{1,6}})(?![#＃])")
_DATE = re.compile(
    r"(\d{4})\s{0,3}[-/.年]\s{0,3}(\d{1,2})\s{0,3}[-/.月]\s{0,3}(\d{1,2})(?!\d)(?:\s{0,3}[日号號])?"
    r"|(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)",
    re.ASCII,
)
_OPENING = re.compile(r"[*_`]{0,3}([\[(【〔]?)\s{0,3}")
_CLOSING = re.compile(r"\s{0,3}[\])】〕]?[*_`]{0,3}")
_WEEKDAY = re.compile(
    r"\s{0,3}\(?\s{0,3}((?:星期|周|週|礼拜|禮拜)([一二三四五六日天]))\s{0,3}\)?(?=\s|$|[^\w])"
)
_SEPARATORS = " \t\u00a0\u3000-–—:：·|,，、~～・"
_LINK = re.compile(
    r"(?<!!)\[([^\[\]]{0,300})\]\(\s?<?([^\s<>()]+(?:\([^\s<>()]*\)[^\s<>()]*)?)>?(?:\s\"[^\"]*\")?\s?\)"
)
_NUMERAL = r"\d{1,2}(?!\d)(?!\ufe0f?\u20e3)|[一二三四五六七八九十]{1,3}"
_MARKED = r"[①-⑳㉑-㉟㊱-㊿❶-❿]|\d\ufe0f?\u20e3"
_NUMBER = re.compile(
    rf"(?:\(\s?({_NUMERAL})\s?\)[.、:]?|({_MARKED})[.、:]?|({_NUMERAL})(?:\s{{0,3}}[.、):](?!\d)|(?=\s)|$))\s*",
    re.ASCII,
)
_ATTRIBUTE = re.compile(
    r"\s*(?:#(?P<id>[^\s{}]+)|title=(?:\"(?P<a>[^\"]*)\"|“(?P<b>[^”]*)”|'(?P<c>[^']*)'|(?P<d>[^\s\"“'{}]+)))\s*"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGITS = "一二三四五六七八九"


class Hashes(Struct, frozen=True, kw_only=True):
    """A line that begins with hash marks."""

    level: int
    column: int  # of the first mark, from 1
    text: str  # what follows, without closing hash marks
    well_spelled: bool  # half-width marks with a space after them
    closed: bool  # hash marks at the end too


class DayHeading(Struct, frozen=True, kw_only=True):
    """A heading with a date in it."""

    day: date | None  # None: written like a date, but no day of the calendar
    written: str  # the date as written
    title: str
    url: str | None
    leads: bool  # the date comes first; else it stands in brackets after words
    weekday: str = ""  # as written, when it is not this day's


class EntryHeading(Struct, frozen=True, kw_only=True):
    """A heading that begins an entry."""

    number: int | None = None
    label: str = ""
    title: str = ""
    url: str | None = None
    explicit_id: str | None = None
    spare_title: str = ""  # a title="…" beside words in the heading: not used, to be told
    bad_id: str = ""  # '{#…}' that cannot be an id: stays among the words, to be told


def read_hashes(line: str) -> Hashes | None:
    """The line as a heading of level 1 to 6, or None. Four spaces before it make it text."""
    match = _HASHES.match(line)
    if match is None or match[1].count(" ") > 3:
        return None
    after = line[match.end() :].lstrip(ZERO_WIDTH)
    text = after.strip().strip(ZERO_WIDTH)
    bare = _without_closing_hashes(text)
    return Hashes(
        level=len(match[2]),
        column=match.start(2) + 1,
        text=bare,
        well_spelled="＃" not in match[2] and (not after or after[0].isspace()),
        closed=text.endswith(("#", "＃")),
    )


def _without_closing_hashes(text: str) -> str:
    """'3 ##' is '3', but 'C#' stays 'C#' (CommonMark 4.2)."""
    cut = text.rstrip("#")
    return cut.rstrip() if cut != text and (not cut or cut[-1].isspace()) else text


def read_date(text: str) -> tuple[date | None, str, int] | None:
    """A date at the beginning: the day (None: not of the calendar), as written, and where it ends."""
    match = _DATE.match(text.translate(_PLAIN))
    return None if match is None else (_day(match), text[: match.end()], match.end())


def date_in_name(name: str) -> date | None:
    """The day in a file's path: 2025-01-29.md, 20250129-2.md, 日报2025年1月29日.md, 2025/01/29.md."""
    stem = name.rpartition("/")[2].rpartition(".")[0] or name.rpartition("/")[2]
    for text in (stem.replace("_", "-"), name.rpartition(".")[0]):
        for match in _DATE.finditer(text[-_LONGEST:].translate(_PLAIN)):
            if (day := _day(match)) is not None:
                return day
    return None


def _day(match: re.Match[str]) -> date | None:
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day) if 1000 <= year < 3000 else None
    except ValueError:
        return None


def read_day_heading(text: str) -> DayHeading | None:
    """'2025年1月29日 星期三 小寒' or '小寒（2025-01-29）'; None when no date is written."""
    words, url = without_link(text)
    plain = words.translate(_PLAIN)
    opening = _OPENING.match(plain)
    start = opening.end() if opening else 0
    match = _DATE.match(plain, start)
    leads = match is not None
    if match is None:
        match, start = _bracketed_date(plain)
        if match is None:
            return None
    begin = 0 if leads else start
    end = _CLOSING.match(plain, match.end()).end()  # type: ignore[union-attr]  # it matches the empty string too
    day = _day(match)
    end, weekday = _skip_weekday(plain, end, day)
    title = " ".join(
        filter(None, (words[:begin].rstrip(_SEPARATORS), words[end:].lstrip(_SEPARATORS).rstrip()))
    )
    return DayHeading(day=day, written=match[0], title=title, url=url, leads=leads, weekday=weekday)


def _bracketed_date(plain: str) -> tuple[re.Match[str] | None, int]:
    for match in _DATE.finditer(plain, 0, _LONGEST):
        before = plain[: match.start()].rstrip()
        if before.endswith(("(", "[", "【", "〔")) and _CLOSING.match(plain, match.end()):
            return match, len(before) - 1
    return None, 0


def _skip_weekday(plain: str, end: int, day: date | None) -> tuple[int, str]:
    """Past a weekday that is right (pages show it by themselves); a wrong one stays in the title."""
    match = _WEEKDAY.match(plain, end)
    if match is None or day is None:
        return end, ""
    right = "一二三四五六日"[day.weekday()]
    return (match.end(), "") if match[2].replace("天", "日") == right else (end, match[1])


def read_entry_heading(text: str) -> EntryHeading:
    """'3', '３、标题', '四', '[标题](url) {#id}', …: any text is a heading."""
    text, attributes = _without_attributes(text)
    words, url = without_link(text)
    number, label, end = _number(words)
    title = words[end:].strip()
    given = attributes.get("title", "")
    return EntryHeading(
        number=number,
        label=label,
        title=title or given,
        url=url,
        explicit_id=attributes.get("id"),
        spare_title=given if title and given != title else "",
        bad_id=attributes.get("bad id", ""),
    )


def _number(words: str) -> tuple[int | None, str, int]:
    match = _NUMBER.match(words.translate(_PLAIN))
    if match is None or match.lastindex is None:
        return None, "", 0
    number = _value(match[match.lastindex])
    if number is None:
        return None, "", 0
    return number, words[match.start(match.lastindex) : match.end(match.lastindex)], match.end()


def _value(numeral: str) -> int | None:
    """1 to 99, from '7', '二十三', '⑨', '3️⃣'."""
    if numeral[0] in _DIGITS + "十":
        return _chinese_value(numeral)
    digits = numeral.rstrip("\ufe0f\u20e3")
    value = int(digits) if digits.isdecimal() else int(unicodedata.numeric(digits))
    return value or None


def _chinese_value(numeral: str) -> int | None:
    tens, ten, ones = numeral.partition("十")
    if len(tens) > 1 or len(ones) > 1 or (not ten and len(numeral) > 1) or "十" in ones:
        return None
    if not ten:
        return _DIGITS.index(numeral) + 1
    return 10 * (_DIGITS.index(tens) + 1 if tens else 1) + (_DIGITS.index(ones) + 1 if ones else 0)


def without_link(text: str) -> tuple[str, str | None]:
    """The first [words](address) as its words, and the address."""
    match = _LINK.search(text, 0, _LONGEST)
    if match is None:
        return text, None
    return text[: match.start()] + match[1] + text[match.end() :], match[2]


def _without_attributes(text: str) -> tuple[str, dict[str, str]]:
    """Take a trailing {#id title="…"} off; braces that hold anything else are words of the heading."""
    start = text.rfind("{", max(0, len(text) - _LONGEST))
    if start < 0 or not text.endswith("}"):
        return text, {}
    inside, at, found = text[start + 1 : -1].strip(), 0, dict[str, str]()
    while at < len(inside):
        match = _ATTRIBUTE.match(inside, at)
        if match is None:
            return text, {}
        if match["id"] and not is_id(match["id"]):
            return text, {"bad id": match["id"]}
        found |= {"id": match["id"]} if match["id"] else {"title": _given_title(match)}
        at = match.end()
    return (text[:start].rstrip(), found) if found else (text, {})


def _given_title(match: re.Match[str]) -> str:
    return (match["a"] or match["b"] or match["c"] or match["d"] or "").strip()


def is_id(text: str) -> bool:
    """Whether a curator may use it as an entry's id."""
    return _ID.fullmatch(text) is not None
