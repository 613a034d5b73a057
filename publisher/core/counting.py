"""How much an entry says, how long it takes to read, and in which language."""

from __future__ import annotations

import re

_HAN_SET = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇"
_KANA_SET = r"\u3040-\u30ff\u31f0-\u31ff"
_HANGUL_SET = r"\uac00-\ud7a3\u1100-\u11ff"
_LETTER = rf"(?:(?![{_HAN_SET}{_KANA_SET}{_HANGUL_SET}])[^\W\d_])"

_HAN = re.compile(f"[{_HAN_SET}]")
_KANA = re.compile(f"[{_KANA_SET}]")
_HANGUL = re.compile(f"[{_HANGUL_SET}]")
_FULL_WIDTH = re.compile(
    r"[\u3001-\u3003\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65“”‘’…—·]"
)
_WORD = re.compile(rf"{_LETTER}++(?:[-'’]{_LETTER}++)*+|\d++(?:[.,:]\d++)*+")
_LATIN = re.compile(r"[A-Za-z]+")


def count_words(text: str) -> int:
    """字数, as word processors show it: Han, kana, full-width marks, and each Latin word or number."""
    kinds = (_HAN, _FULL_WIDTH, _KANA, _HANGUL, _WORD)
    return sum(len(kind.findall(text)) for kind in kinds)


def reading_minutes(text: str, *, han_per_minute: int, words_per_minute: int) -> int:
    """Whole minutes, at least one."""
    han = sum(len(kind.findall(text)) for kind in (_HAN, _KANA, _HANGUL))
    words = len(_WORD.findall(text))
    return max(1, round(han / max(1, han_per_minute) + words / max(1, words_per_minute)))


def language_of(text: str) -> str:
    """'zh', 'en', 'ja', 'ko', or 'und' for a text that says nothing about its language."""
    han, kana, hangul = (len(kind.findall(text)) for kind in (_HAN, _KANA, _HANGUL))
    latin = _LATIN.findall(text)
    if kana > 20 and kana > 0.15 * han:
        return "ja"
    if hangul > 20 and hangul > han:
        return "ko"
    if han and han >= len(latin) / 2:
        return "zh"
    return "en" if latin and sum(map(len, latin)) > sum(map(str.isalpha, text)) / 2 else "und"
