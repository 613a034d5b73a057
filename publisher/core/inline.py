"""What stands inside a paragraph: code, links, addresses, topics, emoji codes, breaks and emphasis marks.

One pass finds everything before anything is made of it. Code spans are paired by run lengths, brackets by a
stack, and every pattern is bounded or possessive, so that no text takes more than linear time.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from typing import Literal

from msgspec import Struct, field

from publisher.core.emoji import is_code
from publisher.core.graphemes import without_unseen
from publisher.core.topics import bare_topic, glued_topics
from publisher.core.urls import FoundUrl, find_urls

Kind = Literal[
    "code",  # `text`
    "topic",  # names in `names`
    "emoji",  # `text` with its brackets
    "url",  # a bare address: `text` as written, `href` with a scheme
    "link",  # its words run to `inner_end`
    "image",  # `text` is its alt
    "char",  # an escape or an entity: `text` is what it stands for
    "soft",  # a line end
    "hard",  # a line end that must break: two spaces, a backslash, <br>
    "marks",  # a run of emphasis marks: `text`
]

MOST_MARKS = 5_000
"""Runs of emphasis marks in one paragraph; the rest are characters. People use a dozen."""

_LONGEST_RUN = 6
_SPECIAL = re.compile(r"[\\`<\[\]#&\n*_~]")
_BACKTICKS = re.compile(r"`+")
_LINE_END = re.compile(r"\n[ \t]*")
_ENTITY = re.compile(r"&(?:#(?:x[0-9a-f]{1,6}|[0-9]{1,7})|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_AUTOLINK = re.compile(r"<(https?://[^\s<>`]++)>", re.IGNORECASE)
_EMAIL = re.compile(
    r"<((?:mailto:)?[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8})>"
)
_HTML = re.compile(
    r"</?(?:a|abbr|article|audio|b|big|blockquote|body|button|center|code|del|details|div|em|embed|figcaption|figure"
    r"|font|form|h[1-6]|head|hr|html|i|iframe|img|input|ins|kbd|li|link|mark|meta|object|ol|p|pre|q|ruby|rt|s|script"
    r"|section|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|th|thead|tr|u|ul|video)"
    r"(?:\s[^<>]*+|/)?>",
    re.IGNORECASE,
)
_ESCAPABLE = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_UNESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_AFTER_WORDS = re.compile(
    r"""\(\s*+(?:<(?P<angle>[^<>\n]*+)>|(?P<bare>(?:[^\s()<>\\]|\\.|\((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*+\))*+\))*+))
    (?:\s++(?:"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>(?:[^'\\]|\\.)*+)'|\((?P<round>(?:[^()\\]|\\.)*+)\)))?+
    \s*+\)""",
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = re.compile(r"\[++|\]++")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Found(Struct):
    """One thing in a paragraph's text: `text[start:end]`."""

    start: int
    end: int
    kind: Kind
    text: str = ""
    href: str = ""
    title: str = ""
    names: tuple[str, ...] = ()
    inner_end: int = 0  # of a link: where its words end
    opens: bool = False  # of marks
    closes: bool = False
    cut: bool = False  # an address that looks cut off


class Inside(Struct):
    """Everything found in one paragraph, by where it begins."""

    at: dict[int, Found] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)  # in order
    html: list[int] = field(default_factory=list)  # where HTML tags stand as text

    def next_start(self, position: int) -> int | None:
        """The first beginning at or after `position`."""
        index = bisect_left(self.starts, position)
        return self.starts[index] if index < len(self.starts) else None


def find(text: str) -> Inside:
    """Everything in a paragraph's text. Linear."""
    return _Pass(text).run() if _SPECIAL.search(text) or "/" in text else Inside()


def usable_address(href: str) -> bool:
    """Whether an address may be linked to: http, https, mailto, or a file beside the document."""
    scheme = _SCHEME.match(href)
    if scheme:
        return href.lower().startswith(("http://", "https://", "mailto:")) and len(href) > scheme.end()
    return bool(href) and not href.startswith(("//", "\\", "#", "?", "/\\"))


def is_web(href: str) -> bool:
    return href.lower().startswith(("http://", "https://"))


def _run_end(text: str, at: int) -> int:
    """Where the run of the same bracket ends."""
    match = _BRACKETS.match(text, at)
    return match.end() if match else at + 1


class _Pass:
    """One walk through the text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Found] = []
        self.html: list[int] = []
        self.urls = find_urls(text)
        self.brackets: list[tuple[int, bool]] = []  # (place, of an image)
        self.last_close = text.rfind("]")
        self.inert = 0  # so many of them hold a link already, so they are none: links do not nest
        self.code = _CodeSpans(text)
        self.runs = 0

    def run(self) -> Inside:
        at, next_url = 0, 0
        special = self._special(0)
        while special < len(self.text) or next_url < len(self.urls):
            if next_url < len(self.urls) and self.urls[next_url].start <= special:
                url, next_url = self.urls[next_url], next_url + 1
                at = (
                    self._url(url) if url.start >= at else at
                )  # one inside code or a link's address is neither
            else:
                at = self._step(special)
            special = self._special(at) if special < at else special
        self.found.sort(key=lambda found: found.start)
        return Inside({f.start: f for f in self.found}, [f.start for f in self.found], self.html)

    def _special(self, at: int) -> int:
        """Where the next special character stands; the end of the text when none does."""
        match = _SPECIAL.search(self.text, at)
        return match.start() if match else len(self.text)

    def _url(self, url: FoundUrl) -> int:
        written = self.text[url.start : url.end]
        return self._add(Found(url.start, url.end, "url", written, url.url, cut=url.cut))

    def _add(self, found: Found) -> int:
        self.found.append(found)
        return found.end

    def _step(self, at: int) -> int:
        """Read what begins at a special character; where to go on."""
        match self.text[at]:
            case "\\":
                return self._backslash(at)
            case "`":
                return self._backticks(at)
            case "<":
                return self._angle(at)
            case "[":
                if at > self.last_close:  # it never will: a thousand of them cost no more than one
                    return _run_end(self.text, at)
                image = at > 0 and self.text[at - 1] == "!" and not self._is_taken(at - 1)
                self.brackets.append((at, image))
                return at + 1
            case "]":
                return self._close_bracket(at)
            case "#":
                return self._hash(at)
            case "&":
                return self._entity(at)
            case "\n":
                return self._line_end(at, "soft")
            case _:
                return self._marks(at)

    def _is_taken(self, at: int) -> bool:
        return bool(self.found) and self.found[-1].start <= at < self.found[-1].end

    # -- one function a character --------------------------------------------------------------------

    def _backslash(self, at: int) -> int:
        after = self.text[at + 1 : at + 2]
        if after == "\n":
            return self._line_end(at + 1, "hard", start=at)
        if after in _ESCAPABLE and after:
            return self._add(Found(at, at + 2, "char", after))
        return at + 1

    def _backticks(self, at: int) -> int:
        begin, close = self.code.closing(at)
        if close is None:
            return begin
        code = self.text[begin:close].replace("\n", " ")
        if code.startswith(" ") and code.endswith(" ") and code.strip(" "):
            code = code[1:-1]
        end = close + begin - at
        names = glued_topics(code)
        if names:
            return self._add(Found(at, end, "topic", code, names=names))
        return self._add(Found(at, end, "code", code))

    def _angle(self, at: int) -> int:
        text = self.text
        if (match := _BREAK.match(text, at)) is not None:
            return self._line_end(match.end(), "hard", start=at)
        if (match := _AUTOLINK.match(text, at)) is not None:
            return self._add(Found(at, match.end(), "url", match[1], match[1]))
        if (match := _EMAIL.match(text, at)) is not None:
            address = match[1] if match[1].startswith("mailto:") else f"mailto:{match[1]}"
            return self._add(Found(at, match.end(), "url", match[1], address))
        if _HTML.match(text, at) is not None:
            self.html.append(at)
        return at + 1

    def _hash(self, at: int) -> int:
        topic = bare_topic(self.text, at)
        if topic is None:
            return at + 1
        name, end = topic
        return self._add(Found(at, end, "topic", self.text[at:end], names=(name,)))

    def _entity(self, at: int) -> int:
        match = _ENTITY.match(self.text, at)
        meant = html.unescape(match[0]) if match else ""
        if match is None or meant == match[0] or not meant:
            return at + 1
        return self._add(Found(at, match.end(), "char", without_unseen(meant)))

    def _line_end(self, at: int, kind: Kind, start: int | None = None) -> int:
        """A break, with the spaces around it; two spaces before a line end make it a hard one."""
        text, begin = self.text, at if start is None else start
        while begin > 0 and text[begin - 1] in " \t" and not self._is_taken(begin - 1):
            begin -= 1
        if kind == "soft" and text.startswith("  ", at - 2 if at - begin >= 2 else at):
            kind = "hard"
        end = _LINE_END.match(text, at)
        return self._add(Found(begin, end.end() if end else at, kind))

    def _marks(self, at: int) -> int:
        text, mark, end = self.text, self.text[at], at + 1
        while end < len(text) and text[end] == mark:
            end += 1
        length = end - at
        usable = length == 2 if mark == "~" else length <= _LONGEST_RUN
        if usable and self.runs < MOST_MARKS:
            opens, closes = _flanks(text, at, end)
            if opens or closes:
                self.runs += 1
                return self._add(Found(at, end, "marks", text[at:end], opens=opens, closes=closes))
        return end

    def _close_bracket(self, at: int) -> int:
        """The end of a link's words, of an image's, of an emoji code, or of nothing."""
        if not self.brackets:
            return _run_end(self.text, at)
        opening, image = self.brackets.pop()
        able = image or len(self.brackets) >= self.inert
        self.inert = min(self.inert, len(self.brackets))
        target = _AFTER_WORDS.match(self.text, at + 1) if able else None
        href = (
            _unescaped(target["angle"] if target["angle"] is not None else target["bare"]) if target else ""
        )
        if target is None or not usable_address(href):
            inside = self.text[opening + 1 : at] if at - opening <= 9 else ""
            if is_code(inside) and not self.text.startswith(("(", ":"), at + 1):
                return self._add(Found(opening, at + 1, "emoji", f"[{inside}]"))
            return at + 1
        title = _unescaped(next((t for t in target.group("double", "single", "round") if t is not None), ""))
        if image:
            self._drop_from(opening - 1)
            alt = _unescaped(self.text[opening + 1 : at].replace("\n", " "))
            return self._add(Found(opening - 1, target.end(), "image", alt, href, title))
        self.inert = len(self.brackets)
        return self._add(Found(opening, target.end(), "link", "", href, title, inner_end=at))

    def _drop_from(self, start: int) -> None:
        """What was found inside an image's words is nothing of its own."""
        while self.found and self.found[-1].start >= start:
            self.found.pop()


class _CodeSpans:
    """Which run of backticks closes which: runs are sorted by length once, and each list is walked once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.runs: dict[int, list[int]] = {}
        for run in _BACKTICKS.finditer(text):
            self.runs.setdefault(run.end() - run.start(), []).append(run.start())

    def closing(self, at: int) -> tuple[int, int | None]:
        """Where the run at `at` ends, and where the run begins that closes it."""
        run = _BACKTICKS.match(self.text, at)
        begin = run.end() if run else at + 1
        places = self.runs.get(begin - at, [])
        index = bisect_left(places, begin)
        return begin, places[index] if index < len(places) else None


def _unescaped(text: str) -> str:
    text = _UNESCAPE.sub(r"\1", text) if "\\" in text else text
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]) or entity[0], text) if "&" in text else text


# ---------------------------------------------------------------- emphasis beside Chinese


def _flanks(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether marks may open and close. As CommonMark, but a Chinese neighbour excuses punctuation.

    So '**粗体。**后' is bold (CommonMark issue 650). '*' between ASCII letters or digits is a star: 2048*1024.
    """
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isascii() and after.isascii() and before.isalnum() and after.isalnum():
        return False, False
    space_before, space_after = not before or before.isspace(), not after or after.isspace()
    mark_before, mark_after = _is_mark(before), _is_mark(after)
    left = not space_after and (not mark_after or space_before or mark_before or _is_cjk(before))
    right = not space_before and (not mark_before or space_after or mark_after or _is_cjk(after))
    if text[start] != "_":
        return left, right
    return left and (not right or mark_before), right and (not left or mark_after)


def _is_cjk(char: str) -> bool:
    """Han, kana, Hangul, full-width forms, and the quotes and dashes that Chinese is set with."""
    return bool(char) and (
        "\u1100" <= char <= "\u11ff" or "\u2e80" <= char <= "\ua4cf" or "\uac00" <= char <= "\ud7ff"
        or "\uf900" <= char <= "\ufaff" or "\ufe30" <= char <= "\ufe4f" or "\uff00" <= char <= "\uffef"
        or "\U00020000" <= char <= "\U0003ffff" or char in "“”‘’…—·"
    )  # fmt: skip


def _is_mark(char: str) -> bool:
    """Punctuation or a symbol, of a script other than Chinese."""
    return bool(char) and not _is_cjk(char) and unicodedata.category(char)[0] in "PS"
