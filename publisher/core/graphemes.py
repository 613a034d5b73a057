"""Characters as people count them: cuts that never land inside an emoji, and pictures told from letters."""

from __future__ import annotations

import regex

_CLUSTER = regex.compile(r"\X")
_PICTURE = regex.compile(
    r"(?:[\p{Extended_Pictographic}--[\u00a9\u00ae\u2122\u203c\u2049\u3030\u303d]]|\p{Regional_Indicator}|\p{Emoji_Modifier}"
    r"|[0-9#*]\ufe0f?\u20e3)[\ufe0e\ufe0f\u20e3\u200d\p{Emoji_Modifier}\U000e0020-\U000e007f]*",
    regex.V1,
)
_UNSEEN = regex.compile(r"[\u200b\u2060\ufeff]")
_JOINER = regex.compile(
    r"(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{L}\p{M}--[\p{Latin}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]])"
    r"[\u200c\u200d]+",
    regex.V1,
)


def clusters(text: str) -> list[str]:
    """The text as what readers see as single characters."""
    found: list[str] = _CLUSTER.findall(text)
    return found


def length(text: str) -> int:
    """How many characters readers see."""
    return len(text) if text.isascii() else len(clusters(text))


def cut(text: str, most: float) -> str:
    """The beginning of the text, at most so wide, never ending inside a character; nothing is added."""
    shown, room = "", most
    for cluster in _CLUSTER.finditer(text[: int(most) * 24]):
        room -= 0.5 if cluster[0].isascii() else 1
        if room < 0:
            break
        shown += cluster[0]
    return shown


def without_pictures(text: str) -> str:
    """The text without emoji."""
    return str(_PICTURE.sub("", text))


def without_unseen(text: str) -> str:
    """Without zero-width characters; joiners stay where a script or an emoji needs them."""
    text = str(_UNSEEN.sub("", text))
    return str(_JOINER.sub("", text)) if "\u200d" in text or "\u200c" in text else text


def width(text: str) -> float:
    """How wide the text is, in Han characters: an ASCII one is half as wide."""
    narrow = len(text.encode("ascii", "ignore"))
    return length(text) - narrow / 2


def unseen_places(raw: str) -> list[int]:
    """Where zero-width characters were, as places in `without_unseen(raw)`, in order."""
    seen = without_unseen(raw)
    places: list[int] = []
    if len(seen) == len(raw):
        return places
    at = 0
    for char in raw:
        if at < len(seen) and char == seen[at]:
            at += 1
        else:
            places.append(at)
    return places
