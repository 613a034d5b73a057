"""What a digest is called: its days, subject and preview line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

import regex

from publisher.core.issue import PublishedEntry
from publisher.render.words import Words

_SUBJECT_WIDTH = 28  # Han characters; phones show about so many
_PREHEADER = 90  # characters
_GIVEN_RULES = {"R0", "R1", "R2", "R3", "R4", "R5", "R5b"}  # titles somebody wrote, not cut by us
_PICTURES = regex.compile(
    r"[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\uFE0E\uFE0F\u20E3\u200D]"
)
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}


def one_line(value: str) -> str:
    """Without control characters and line ends of any kind; runs of white space become one space."""
    kept = "".join(" " if unicodedata.category(c) in _CONTROLS else c for c in value)
    return " ".join(kept.split())


def cut(text: str, width: int) -> str:
    """At most `width` Han characters wide, with '…' where it was cut; never inside an emoji or an accent."""
    shown: list[str] = []
    room = width * 2
    for cluster in regex.findall(r"\X", text):
        room -= _columns(cluster)
        if room < 0:
            room += _columns(cluster)
            while shown and room < 2:
                room += _columns(shown.pop())
            return "".join(shown).rstrip() + "…"
        shown.append(cluster)
    return text


def _columns(cluster: str) -> int:
    return 2 if unicodedata.east_asian_width(cluster[0]) in "WF" else 1


def days_heading(days: Sequence[date], slot: date, words: Words) -> str:
    """'1月29日', '1月27–29日', '1月30日–2月2日'; with the year when it is not the slot's."""
    if not days:
        return words.day_short(slot)
    first, last = min(days), max(days)
    if first.year != last.year:
        return f"{words.day_full(first)}–{words.day_full(last)}"
    full = words.day_short if first.year == slot.year else words.day_full
    if first == last:
        return full(first)
    if words.language == "zh":
        end = f"{last.day}日" if first.month == last.month else words.day_short(last)
        start = full(first).removesuffix("日") if first.month == last.month else full(first)
        return f"{start}–{end}"
    start = str(first.day) if first.month == last.month else words.day_short(first)
    return f"{start}–{full(last)}"


def subject_of(heading: str, entries: Sequence[PublishedEntry], words: Words) -> str:
    """'1月29日 · 故乡往事，如何失色？等 9 篇': the first given title, without emoji or brackets."""
    if not entries:
        return heading
    given = (p for p in entries if p.entry.title_rule in _GIVEN_RULES)
    chosen = next(given, entries[0])
    title = cut(_plain(chosen.entry.title), _SUBJECT_WIDTH)
    if len(entries) == 1:
        return f"{heading} · {title}" if title else heading
    if not title:
        return f"{heading} · {words.plural('{n} entry', '{n} entries', len(entries))}"
    # A Latin end keeps a space before 等, as careful setting wants it.
    space = " " if words.language == "zh" and title[-1].isascii() and title[-1].isalnum() else ""
    n = len(entries)
    more = words("{title} and {more} more", title=title + space, more=n - 1, n=n)
    return f"{heading} · {more}"


def preheader_of(entries: Sequence[PublishedEntry]) -> str:
    """The first three titles, as the line that lists of mail show after the subject."""
    line = " · ".join(title for p in entries[:3] if (title := one_line(p.entry.title)))
    clusters = regex.findall(r"\X", line)
    return line if len(clusters) <= _PREHEADER else "".join(clusters[: _PREHEADER - 1]) + "…"


def _plain(title: str) -> str:
    without = _PICTURES.sub("", one_line(title))
    return " ".join(re.sub(r"[\[\]【】]", " ", without).split())
