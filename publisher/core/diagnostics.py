"""What is wrong with a document, as codes with parameters; the English sentence is the message id.

Codes are public and never change meaning: E the file is not published (its last good version stays),
W published with a note, I told with -v.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding. `message` and `fix` are English sentences with {names} of parameters."""

    code: str  # "E101"
    slug: str  # "date-missing"
    message: str
    fix: str

    @property
    def level(self) -> Level:
        return {"E": "error", "W": "warning", "I": "info"}[self.code[0]]  # type: ignore[return-value]


CATALOGUE: dict[str, Code] = {}
"""Every code by its slug. Filled by `_define` below; tests hold that codes and slugs are unique."""


def _define(code: str, slug: str, message: str, fix: str) -> None:
    CATALOGUE[slug] = Code(code, slug, message, fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding at one place. `line` and `column` start at 1; columns count characters, not bytes."""

    file: str  # path relative to the documents folder, with '/'
    line: int
    column: int
    slug: str
    params: dict[str, object] = field(default_factory=dict)

    @property
    def spec(self) -> Code:
        return CATALOGUE[self.slug]

    @property
    def code(self) -> str:
        return self.spec.code

    @property
    def level(self) -> Level:
        return self.spec.level


def has_errors(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> bool:
    """True when any finding keeps its file from being published."""
    return any(d.level == "error" for d in diagnostics)


_define("E101", "date-missing", "no date found for this document", "begin the file with '# 2025-01-29'")
