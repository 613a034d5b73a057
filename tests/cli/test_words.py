"""Every sentence of the command line and of the configuration's complaints is in the Chinese catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from publisher.app import progress
from publisher.cli.entrance import COMMANDS
from publisher.config.reading import _SENTENCES
from publisher.render.words import LOCALE_FOLDER

PACKAGE = Path(__file__).resolve().parents[2] / "publisher"
SAYING = {"words", "say", "problem", "UsageError", "FolderError", "command"}
COUNTING = {"plural", "_plural"}


def sentences(folder: Path) -> Iterator[str]:
    """The string literals that are said: arguments of words(...), plural(...), help=…, fix=…, HELP."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            yield from _said(node)


def _said(node: ast.AST) -> Iterator[str]:
    values: list[ast.AST] = []
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        values += node.args if name in SAYING else node.args[:1] if name in COUNTING else []
        values += [keyword.value for keyword in node.keywords if keyword.arg in {"help", "fix"}]
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"HELP", "ADD", "TRIAL"}:
        values.append(node.value)
    yield from (
        value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


def catalogue(domain: str) -> set[str]:
    from babel.messages.mofile import read_mo

    with (LOCALE_FOLDER / "zh_Hans" / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        found = read_mo(file)
    return {
        message.id if isinstance(message.id, str) else message.id[0] for message in found if message.string
    }


def test_the_command_line_is_translated_whole() -> None:
    names = set(COMMANDS) | {"add", "list", "remove", "check", "report", "probe", "fix"}
    names |= {"pause", "set", "import", "export", "forget"}
    said = set(sentences(PACKAGE / "cli")) | {short for _, short in COMMANDS.values()}
    told = {value for name, value in vars(progress).items() if name.isupper()}
    assert (said | told) - names - catalogue("cli") - {""} == set()


def test_the_configurations_complaints_are_translated_whole() -> None:
    said = {sentence for sentence in sentences(PACKAGE / "config") if " " in sentence} | set(
        _SENTENCES.values()
    )
    assert said - catalogue("config") == set()
