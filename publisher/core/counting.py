"""How much an entry says, how long it takes to read, and in which language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

_HAN_SET = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇"
_KANA_SET = r"\u3040-\u30ff\u31f0-\u31ff"
_HANGUL_SET = r"\uac00-\ud7a3\u1100-\u11ff"

# Whole runs: a match for every character would cost more than all the rest of reading an entry.
_HAN = re.compile(f"[{_HAN_SET}]+")
_KANA = re.compile(f"[{_KANA_SET}]+")
_HANGUL = re.compile(f"[{_HANGUL_SET}]+")
_EASTERN = re.compile(f"[{_HAN_SET}{_KANA_SET}{_HANGUL_SET}]+")
_FULL_WIDTH = re.compile(
    r"[\u3001-\u3003\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65“”‘’…—·]+"
)
_WORD = re.compile(r"[^\W\d_]++(?:[-'’][^\W\d_]++)*+|\d++(?:[.,:]\d++)*+")
_LATIN = re.compile(r"[A-Za-z]+")


class Tally(Struct, frozen=True, kw_only=True):
    """How many there are of each kind of sign in a text."""

    han: int
    kana: int
    hangul: int
    marks: int  # full-width ones
    words: int  # Latin and others with spaces between them, and numbers
    latin_words: int
    latin_letters: int
    letters: int  # of all scripts

    def characters(self) -> int:
        """字数, as word processors show it: Han, kana, full-width marks, and each Latin word or number."""
        return self.han + self.kana + self.hangul + self.marks + self.words

    def minutes(self, *, han_per_minute: int, words_per_minute: int) -> int:
        """Whole minutes of reading, at least one."""
        eastern = self.han + self.kana + self.hangul
        return max(1, round(eastern / max(1, han_per_minute) + self.words / max(1, words_per_minute)))

    def language(self) -> str:
        """'zh', 'en', 'ja', 'ko', or 'und' for a text that says nothing about its language."""
        if self.kana > 20 and self.kana > 0.15 * self.han:
            return "ja"
        if self.hangul > 20 and self.hangul > self.han:
            return "ko"
        if self.han and self.han >= self.latin_words / 2:
            return "zh"
        return "en" if self.latin_words and self.latin_letters > self.letters / 2 else "und"


def tally(text: str) -> Tally:
    """Count a text's signs."""
    spaced = _EASTERN.sub(" ", text)
    eastern = [_length(kind.findall(text)) for kind in (_HAN, _KANA, _HANGUL)]
    latin = _LATIN.findall(spaced)
    return Tally(
        han=eastern[0], kana=eastern[1], hangul=eastern[2], marks=_length(_FULL_WIDTH.findall(text)),
        words=len(_WORD.findall(spaced)), latin_words=len(latin), latin_letters=_length(latin),
        letters=sum(map(str.isalpha, text)),
    )  # fmt: skip


def _length(runs: Iterable[str]) -> int:
    return sum(map(len, runs))
