"""Variants: the forms a mailing is drawn in, by what its readers chose; everybody with the same form gets one body."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from msgspec import Struct

from publisher.core.issue import IssueName

Body = Literal["full", "lead", "titles"]
"""How much of an entry a reader wants: all, its beginning, a line of the contents."""

BODIES: tuple[Body, ...] = get_args(Body)

Language = Literal["zh-Hans", "en"]
"""Of our words. What the curator wrote is never translated."""


class Variant(Struct, frozen=True):
    """`issues` is set for weekly readers who had some of the week before: what is left for them."""

    body: Body = "full"
    language: Language = "zh-Hans"
    issues: tuple[IssueName, ...] = ()  # (): all of the mailing

    def __str__(self) -> str:
        """Its name in the store: 'full.zh-Hans', 'lead.en.1f3a09c27d'. Equal variants have equal names."""
        name = f"{self.body}.{self.language}"
        if not self.issues:
            return name
        said = "\n".join(map(str, self.issues))
        return f"{name}.{hashlib.sha256(said.encode()).hexdigest()[:10]}"


def language_of(tag: str) -> Language:
    """The language of our words for a language tag: everything that is not English reads Chinese."""
    return "en" if tag.lower().split("-")[0] == "en" else "zh-Hans"


def body_of(written: str) -> Body:
    """What a reader chose; what nobody knows is the whole."""
    return next((body for body in BODIES if body == written), "full")
