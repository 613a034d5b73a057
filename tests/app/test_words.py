"""Every sentence that verbs, store and adapters hand to the operator is in the Chinese catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from publisher.render.words import words

PACKAGE = Path(__file__).resolve().parents[2] / "publisher"
ROOMS = ("app", "store", "adapters", "render", "core", "web", "scheduler.py", "wiring.py")
SAYING = {
    "Note", "UsageError", "OperatorMustAct", "FolderError", "StoreError", "ClockError", "TemplateError", "MailError",
    "ListenError", "_refusal", "AddressError",
}  # fmt: skip
TABLES = {"_SITE_WHY", "_WHY", "_CAUSES", "RESULT_WORDS", "VERDICT_WORDS", "WRONG_WORDS"}


def sentences() -> Iterator[str]:
    for room in ROOMS:
        place = PACKAGE / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield from _said(node)


def _said(node: ast.AST) -> Iterator[str]:
    found: list[ast.AST] = []
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in SAYING:
            found += node.args[:2] if name == "_refusal" else node.args[:1]
            found += [keyword.value for keyword in node.keywords if keyword.arg == "fix"]
        if name == "HeldItem":
            found += [keyword.value for keyword in node.keywords if keyword.arg in ("what", "why", "how")]
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if getattr(target, "id", "") in TABLES and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
        values = node.value.values if isinstance(node.value, ast.Dict) else []
        found += values or [
            c for row in getattr(node.value, "elts", []) for c in getattr(row, "elts", [])[1:]
        ]
    for one in found:
        yield from (
            n.value for n in ast.walk(one) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        )


def is_command(sentence: str) -> bool:
    """A command line is the same in every language."""
    return (sentence.startswith("publisher ") and not sentence.isascii()) or _only_command(sentence)


def _only_command(sentence: str) -> bool:
    return (
        sentence.startswith("publisher ")
        and ":" not in sentence
        and " names " not in sentence
        and " says " not in sentence
    )


def test_every_sentence_has_its_translation() -> None:
    zh = words("zh")
    missing = {s for s in sentences() if s and " " in s and not _only_command(s) and zh(s) == s}
    assert missing == set()


def test_translations_keep_their_parameters() -> None:
    import re

    zh = words("zh")
    for sentence in sentences():
        assert set(re.findall(r"\{(\w+)\}", zh(sentence))) <= set(re.findall(r"\{(\w+)\}", sentence)), (
            sentence
        )
