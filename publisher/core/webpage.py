"""A fetched page as text: its charset, and the title that is safe to show beside a link."""

from __future__ import annotations

import codecs
import html
import re

from publisher.core.link import visible

TITLE_LENGTH = 200

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I
)
_TITLE = re.compile(r"<title(?:\s[^>]{0,300})?>", re.IGNORECASE)
_META_TAG = re.compile(
    r"<meta\s([^>]{1,600})>", re.IGNORECASE
)  # bounded, so that no page costs more than linear time
_OG_TITLE = re.compile(r"(?:property|name)\s*=\s*[\"']?og:title\b", re.IGNORECASE)
_CONTENT = re.compile(r"content\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_PLAIN_CHARSET = re.compile(  # Python knows more, some of them in quadratic time
    r"utf-?8|utf-?16(?:le|be|-le|-be)?|gb18030|big5(?:-?hkscs)?|shift[_-]jis|euc-(?:jp|kr)|iso-2022-jp"
    r"|windows-125[0-8]|iso-8859-(?:[2-9]|1[013-6])|koi8-[ru]"
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def page_text(body: bytes, content_type: str = "") -> str:
    """The bytes as text, by byte order mark, header, meta tag, or else UTF-8, else GB18030. Never fails."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    header, meta = _CHARSET.search(content_type), _META.search(body[:4096])
    named = (header and header[1]) or (meta and meta[1].decode("ascii"))
    return _decoded(body, named) if named else _guessed(body)


def _decoded(body: bytes, charset: str) -> str:
    name = charset.lower()
    if name in ("gb2312", "gbk", "x-gbk", "gb_2312-80", "cp936"):
        name = (
            "gb18030"  # what pages say they are and what they are differ: the largest of the family reads all
        )
    if name in ("iso-8859-1", "latin1", "us-ascii", "ascii"):
        name = "windows-1252"
    return body.decode(name, "replace") if _PLAIN_CHARSET.fullmatch(name) else _guessed(body)


def _guessed(body: bytes) -> str:
    """UTF-8 when it is (the last character may be cut off), else GB18030, which Chinese pages use besides."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        return decoder.decode(body)
    except UnicodeDecodeError:
        return body.decode("gb18030", "replace")


def page_title(text: str) -> str:
    """The title of an HTML page, cleaned; og:title when <title> is empty, as in WeChat articles; or ""."""
    text = text[:131_072]
    opening = _TITLE.search(text)
    if opening:
        inner = text[opening.end() : opening.end() + 4000]
        title = clean_title(re.split(r"</title|<", inner, maxsplit=1, flags=re.IGNORECASE)[0])
        if title:
            return title
    for tag in _META_TAG.finditer(text):
        content = _CONTENT.search(tag[1]) if _OG_TITLE.search(tag[1]) else None
        if content:
            return clean_title(content[1] or content[2] or "")
    return ""


_UNSEEN_ELEMENTS = ("script", "style", "title", "noscript", "template", "!--")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_REFRESH = re.compile(r"http-equiv\s*=\s*[\"']?refresh\b", re.IGNORECASE)
_REFRESH_TO = re.compile(
    r"\s*(\d{1,3})(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?\s*([^\"'\s>]{1,4000})", re.IGNORECASE
)
QUICK_S = 5
"""A page that leads on within so many seconds was no place to stay."""


def visible_text(page: str) -> str:
    """The text that a reader sees, on one line: no scripts, styles, comments, title, tags. Linear, never fails."""
    kept = _without_unseen(page)
    return " ".join(html.unescape(_TAG.sub(" ", kept)).split())


def _without_unseen(page: str) -> str:
    """Cut elements whose content nobody sees. One that is never closed takes the rest with it."""
    lower = page.lower()
    if len(lower) != len(page):  # a letter whose small form is longer: places would not match
        lower = page
    pieces, at = [], 0
    for match in _UNSEEN_OPENING.finditer(lower):
        if match.start() < at:
            continue
        name = match[1]
        end = lower.find("-->" if name == "!--" else f"</{name}", match.end())
        pieces.append(page[at : match.start()])
        at = len(page) if end < 0 else end
        if end < 0:
            break
    pieces.append(page[at:])
    return "".join(pieces)


_UNSEEN_OPENING = re.compile(r"<(" + "|".join(map(re.escape, _UNSEEN_ELEMENTS)) + r")(?![a-z0-9])")


def quick_refresh(page: str) -> str:
    """Where a page's <meta http-equiv=refresh> leads at once; "" when it stays. One for browsers without scripts
    does not count."""
    head = _without_unseen(page[:32_768])
    for tag in _META_TAG.finditer(head):
        content = _CONTENT.search(tag[1]) if _REFRESH.search(tag[1]) else None
        to = _REFRESH_TO.match(html.unescape(content[1] or content[2] or "")) if content else None
        if to and int(to[1]) <= QUICK_S:
            return to[2]
    return ""


_SECRETS = re.compile(
    r"(?P<email>[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64})|(?P<ip>\b(?:\d{1,3}\.){3}\d{1,3}\b)|(?P<long>\b[A-Za-z0-9_-]{24,}\b)|(?P<digits>\d{8,})"
)


def redacted(page: str) -> str:
    """A page that may be kept and shown: mail addresses, IP addresses, long tokens and numbers are blanked."""
    return _SECRETS.sub(lambda found: f"[{found.lastgroup}]", page)


def clean_title(text: str) -> str:
    """Somebody else's words made safe for one line: entities read, nothing invisible, not too long."""
    line = visible(" ".join(html.unescape(text).replace("\ufffd", " ").split()))
    line = " ".join(line.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
