"""The configuration as it holds now: each option with its value and origin, secrets hidden."""

from __future__ import annotations

import json
import re
from datetime import time
from typing import Literal

from msgspec import Struct
from pydantic import SecretStr

from publisher.config.options import Config, all_options

HIDDEN = "***"
SECRETS = frozenset({"mail.password", "serve.metrics_token", "alerts.ping_url"})
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")


class Setting(Struct, frozen=True):
    """One effective option. `origin` is 'default', 'file' or 'environment'; secrets are '***'."""

    key: str  # 'mail.sender'
    value: object
    origin: Literal["default", "file", "environment"]


def effective(config: Config) -> list[Setting]:
    """Every option in the order of the file, with what holds now and where it comes from."""
    return [_setting(config, section, key) for section, key in all_options()]


def _setting(config: Config, section: str, key: str) -> Setting:
    name = f"{section}.{key}"
    origin = config._origins.get(name, "default")  # noqa: SLF001
    kind: Literal["default", "file", "environment"] = (
        "default" if origin == "default" else "file" if origin == "file" else "environment"
    )
    return Setting(name, masked(name, getattr(getattr(config, section), key)), kind)


def masked(key: str, value: object) -> object:
    """The value as any output may carry it: passwords hidden, also inside a database address."""
    if isinstance(value, SecretStr) or key in SECRETS:
        secret = value.get_secret_value() if isinstance(value, SecretStr) else value
        return HIDDEN if secret else ""
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", value)
    return value.strftime("%H:%M") if isinstance(value, time) else value


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case tuple() | list():
            return f"[{', '.join(map(toml_value, value))}]"
        case _:
            return str(value)
