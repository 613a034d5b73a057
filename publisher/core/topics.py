"""Weibo topics: '#话题#', '#甲##乙#', and the code spans that an exporter made of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 32
"""Characters of one topic."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇]")
_CODE_MARKS = re.compile(r"[=;{}()<>$\\/|]")
_HEADING = re.compile(r"#+\s")  # `## 标题` in a text about Markdown
_BARE = re.compile(r"#(?![\s#])([^#\n\[\]<>`\\]{1,32})#")


def topic_key(name: str) -> str:
    """What topics are compared by: NFKC, case-folded, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


_NO_LETTER = re.compile(r"[^\w-]|_")
_LOOKS_MARKED = re.compile(r".*-[0-9a-f]{8}", re.DOTALL)
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")  # no file of such a name on Windows
_LONGEST_SLUG = 150  # bytes: a file name has 255


def topic_slug(name: str) -> str:
    """What the topic's folder and address are called: its key, as far as every file system and address holds it.

    Distinct keys have distinct slugs, also where case and Unicode's forms are not told apart: a key that had to be
    changed bears a mark of its own.
    """
    key = topic_key(name)
    slug = unicodedata.normalize("NFC", _NO_LETTER.sub("-", key))
    while len(slug.encode()) > _LONGEST_SLUG:
        slug = slug[:-1]
    if slug and slug == key and not _LOOKS_MARKED.fullmatch(key) and not _DEVICES.fullmatch(key):
        return slug
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug.strip('-') or 'topic'}-{mark}"


def topic_path(name: str) -> str:
    """'topics/大出海/'; percent-encoded where it is written into a page."""
    return f"topics/{topic_slug(name)}/"


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


def glued_topics(code: str) -> tuple[str, ...]:
    """The topics of a code span that holds '##' ('甲##乙'), wherever it stands; () when it is code."""
    if "##" not in code or _is_code(code):
        return ()
    names = [name for part in re.split(r"##+", code) if (name := part.strip("# \u3000"))]
    return tuple(names) if names and all(map(_may_be_name, names)) else ()


def edge_topic(code: str) -> tuple[str, ...]:
    """The topic of a code span without '##' that begins or ends a paragraph; () when it is code."""
    name = code.strip("# \u3000")
    return (name,) if _may_be_name(name) and has_han(name) and not _is_code(code) else ()


def _is_code(text: str) -> bool:
    return _CODE_MARKS.search(text) is not None or _HEADING.match(text) is not None


def bare_topic(text: str, at: int) -> tuple[str, int] | None:
    """The topic '#…#' that begins at `at`, and where it ends; None when the mark is just a mark.

    Weibo needs both marks. 'C# 和 F#', '#1和#2' and '#daily' hold none.
    """
    match = _BARE.match(text, at)
    if match is None or (at and text[at - 1].isascii() and text[at - 1].isalnum()):
        return None
    name, end = match[1], match.end()
    after = text[end : end + 1]
    if (name[-1].isspace() and after != "#") or (name[0].isdigit() and after.isdigit()):
        return None
    if "://" in name or not _may_be_name(name.strip()):
        return None
    return name.strip(), end


def _may_be_name(name: str) -> bool:
    return len(name) <= LONGEST and any(c.isalpha() for c in name)
