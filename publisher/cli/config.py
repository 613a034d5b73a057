"""`publisher config`: the configuration as it holds now, each option with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from publisher.cli.asking import Ask
from publisher.cli.command import command

HELP = """The effective configuration: config.toml with the environment over it and the defaults under it.
Secrets are shown as ***."""


@command("config", HELP)
def config(ask: Ask) -> int:
    from publisher.config import effective

    loaded = ask.loaded
    settings = effective(loaded)
    ask.screen.json(_face(str(loaded.file), settings))
    ask.screen.lines(_lines(ask, settings))
    return 0


def _lines(ask: Ask, settings: list[Any]) -> Iterator[str]:
    """TOML that could be saved as it is, but for the secrets."""
    from publisher.config import toml_value

    yield f"# {ask.loaded.file}"
    section = ""
    for setting in settings:
        table, _, key = setting.key.partition(".")
        if table != section:
            section = table
            yield f"\n[{table}]"
        line = f"{key} = {toml_value(setting.value)}"
        yield line if setting.origin == "file" else f"{line}  # {ask.words(setting.origin)}"


def _face(file: str, settings: list[Any]) -> dict[str, Any]:
    """{"site": {"title": …}, …} and, beside it, where each value comes from."""
    face: dict[str, Any] = {"file": file, "origins": {setting.key: setting.origin for setting in settings}}
    for setting in settings:
        table, _, key = setting.key.partition(".")
        value = setting.value.isoformat() if isinstance(setting.value, date) else setting.value
        face.setdefault(table, {})[key] = value
    return face
