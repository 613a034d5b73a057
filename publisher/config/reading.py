"""Reading config.toml: the environment over it, secrets from files, and every problem at once.

Sentences are English message ids; whoever asks hands in the words they are said with.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from publisher.config.options import Config, all_options, is_loopback, options_of
from publisher.config.showing import HIDDEN, SECRETS, masked, toml_value
from publisher.core.errors import ConfigError

Say = Callable[..., str]
"""`say("expected {choices}, got {got}", choices=…, got=…)`: a message id as a sentence; `Words` is one."""

ENVIRONMENT_PREFIX = "PUBLISHER_"


def load_config(path: Path, environ: Mapping[str, str], say: Say | None = None) -> Config:
    """Read, overlay, check. Raises ConfigError holding every problem as `config.toml: key: what is wrong`.

    `environ` is the process environment; only PUBLISHER_SECTION__KEY names are looked at, empty ones ignored.
    """
    reading = _Reading(Path(path).absolute(), say or _english)
    data = reading.file()
    reading.overlay(data, environ)
    reading.secrets(data)
    config = reading.checked(data)
    if config is None or reading.problems:
        raise ConfigError(list(dict.fromkeys(reading.problems)))
    return config


def _english(message: str, /, **params: object) -> str:
    return message.format(**params)


class _Reading:
    """One reading of one file: collects every problem instead of stopping at the first."""

    def __init__(self, path: Path, say: Say) -> None:
        self.path = path
        self.say = say
        self.problems: list[str] = []
        self.origins: dict[str, str] = {}  # 'mail.sender' → 'file' or the variable's name
        self._name = path.name or str(path)

    def problem(self, key: str, message: str, **params: object) -> None:
        origin = self.origins.get(key, "file")
        place = f"{self._name}: {key}" if origin == "file" else origin
        self.problems.append(f"{place}: {self.say(message, **params)}")

    def file(self) -> dict[str, Any]:
        """The file's tables. What cannot be read at all ends the reading."""
        try:
            data = tomllib.loads(self.path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
        except FileNotFoundError as exc:
            message = "there is no such file; `publisher init {folder}` lays out a new site"
            raise self._end("", message, folder="DIR") from exc
        except OSError as exc:
            raise self._end("", "cannot be read: {what}", what=exc.strerror or exc) from exc
        except UnicodeDecodeError as exc:
            raise self._end("", "is not UTF-8 (byte {n})", n=exc.start + 1) from exc
        except tomllib.TOMLDecodeError as exc:
            raise self._syntax(str(exc)) from exc
        return self._tables(data)

    def _end(self, position: str, message: str, **params: object) -> ConfigError:
        return ConfigError([f"{self._name}{position}: {self.say(message, **params)}"])

    def _syntax(self, told: str) -> ConfigError:
        """tomllib tells the place in words only: 'Invalid value (at line 3, column 8)'."""
        match = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", told)
        what, line, column = match.groups() if match else (told, None, None)
        position = f":{line}:{column}" if line else ""
        return self._end(position, "not valid TOML: {what}", what=what)

    def _tables(self, data: dict[str, Any]) -> dict[str, Any]:
        """Only known tables with known keys; the rest are problems."""
        tables: dict[str, Any] = {"site": {}}
        for section, table in data.items():
            if section not in Config.model_fields:
                message, near = _unknown(section, Config.model_fields, anywhere=True)
                self.problem(section, message, near=near)
            elif not isinstance(table, dict):
                self.problem(section, "expected a table: [{section}]", section=section)
            else:
                tables[section] = dict(self._known(section, table))
        return tables

    def _known(self, section: str, table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if key in options_of(section):
                self.origins[f"{section}.{key}"] = "file"
                yield key, value
            else:
                message, near = _unknown(key, options_of(section), anywhere=True)
                self.problem(f"{section}.{key}", message, near=near)

    def overlay(self, data: dict[str, Any], environ: Mapping[str, str]) -> None:
        """PUBLISHER_MAIL__PASSWORD=… over [mail] password."""
        names = {_variable(section, key): (section, key) for section, key in all_options()}
        for name in sorted(environ):
            if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name or not environ[name]:
                continue
            if name in names:
                section, key = names[name]
                data.setdefault(section, {})[key] = environ[name]
                self.origins[f"{section}.{key}"] = name
            else:
                message, near = _unknown(name, names)
                self.problems.append(f"{name}: {self.say(message, near=near)}")

    def secrets(self, data: dict[str, Any]) -> None:
        """password_file becomes password, unless the environment gives the password itself."""
        mail = data.get("mail", {})
        written = mail.get("password_file")
        if not written or not isinstance(written, str):
            return
        if mail.get("password"):
            if self.origins["mail.password"] == self.origins["mail.password_file"]:
                self.problem("mail.password_file", "give either password or password_file, not both")
            return
        try:
            mail["password"] = (self.path.parent / Path(written).expanduser()).read_text("utf-8").strip()
        except (OSError, ValueError) as exc:
            what = exc.strerror if isinstance(exc, OSError) else "not UTF-8"
            self.problem("mail.password_file", "cannot read {file}: {what}", file=written, what=what)
        else:
            self.origins["mail.password"] = self.origins["mail.password_file"]

    def checked(self, data: dict[str, Any]) -> Config | None:
        try:
            config = Config.model_validate(data)
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                self._invalid(error)
            return None
        config._file = self.path  # noqa: SLF001 (a private attribute of our own value, set once at its birth)
        config._origins = dict(self.origins)  # noqa: SLF001
        for key, message, other in _conflicts(config):
            self.problem(key, message, other=other)
        return config

    def _invalid(self, error: ErrorDetails) -> None:
        key = ".".join(map(str, error["loc"][:2]))
        context = {name: value for name, value in error.get("ctx", {}).items() if name != "error"}
        message = _SENTENCES.get(error["type"]) or "{what}, got {got}"
        choices = str(context.pop("expected", "")).replace(", ", " | ").replace(" or ", " | ")
        params = context | {"choices": choices, "what": error["msg"], "got": _shown(key, error["input"])}
        self.problem(key, message, **params)


_SENTENCES = {
    "missing": "missing; every site needs it",
    "string_type": "expected text in quotes, got {got}",
    "int_type": "expected a whole number, got {got}",
    "int_parsing": "expected a whole number, got {got}",
    "int_from_float": "expected a whole number, got {got}",
    "float_type": "expected a number, got {got}",
    "float_parsing": "expected a number, got {got}",
    "finite_number": "expected a number, got {got}",
    "bool_type": "expected true or false, got {got}",
    "bool_parsing": "expected true or false, got {got}",
    "literal_error": "expected {choices}, got {got}",
    "greater_than": "must be more than {gt}, got {got}",
    "greater_than_equal": "must be at least {ge}, got {got}",
    "less_than_equal": "must be at most {le}, got {got}",
    "one_line": "must be one line without control characters",
    "blank": "must not be empty",
    "email": "expected an email address, got {got}",
    "url": "expected an address like https://example.org/, got {got}",
    "zone": "unknown time zone {got}",
    "zone_near": "unknown time zone {got}; did you mean '{near}'?",
    "language": "expected a language tag like zh-CN or en, got {got}",
    "clock": "expected a time like '08:00', got {got}",
    "start": "expected 'latest' or a date like 2025-01-01, got {got}",
    "address": "expected an address like https://example.org/ping, got {got}",
    "addresses": "expected a list of addresses like https://example.org/, got {got}",
    "hosts": "expected a list of host names like www.example.org, got {got}",
    "networks": "expected a list of addresses or networks like 10.0.0.0/8, got {got}",
    "store": "expected an address like sqlite:///var/publisher.db, got {got}",
}
"""Kind of fault → message id. Kinds of pydantic's that are not here are said in pydantic's own words."""


def _variable(section: str, key: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()


def _unknown(written: str, known: Iterable[str], *, anywhere: bool = False) -> tuple[str, str]:
    """The sentence about an unknown name and the name it probably means ('' when none is near)."""
    by_lower = {name.lower(): name for name in known}
    near = [f"{section}.{key}" for section, key in all_options() if anywhere and key == written.lower()]
    near = near or [by_lower[name] for name in difflib.get_close_matches(written.lower(), by_lower, n=1)]
    return ("no such option; did you mean '{near}'?", near[0]) if near else ("no such option", "")


def _shown(key: str, value: object) -> str:
    """A value as an error may quote it: as TOML writes it, cut to a line, secrets hidden."""
    if key in SECRETS:
        return HIDDEN
    text = toml_value(masked(key, value))
    text = f"'{text[1:-1]}'" if isinstance(value, str) else text
    return text if len(text) <= 80 else text[:79] + "…"


def _conflicts(config: Config) -> Iterator[tuple[str, str, str]]:
    """What no single option can see: key, message id, the other option. The output folder is on the web."""
    output = config.output_folder.resolve()
    private = {
        "config.toml": config.file,
        "documents.folder": config.documents_folder,
        "mail.maildir": config.maildir,
        "store.url": config.database_file,
        "templates.folder": config.templates_folder,
    }
    for other, place in private.items():
        if place is not None and place.resolve().is_relative_to(output):
            yield "output.folder", "is public and must not contain {other}", other
    if output.is_relative_to(config.documents_folder.resolve()):
        yield "output.folder", "must not lie inside {other}", "documents.folder"
    if config.mail.transport == "smtp":
        yield from _smtp_conflicts(config)


def _smtp_conflicts(config: Config) -> Iterator[tuple[str, str, str]]:
    """What sending through a server needs."""
    mail = config.mail
    here = is_loopback(mail.host)
    if not mail.host:
        yield "mail.host", "is needed by {other}", "transport = 'smtp'"
    elif mail.security == "none" and not here and not mail.allow_plain:
        message = "'none' would send mail and password in the open; use 'starttls' or 'tls', or set {other}"
        yield "mail.security", message, "allow_plain = true"
    if mail.username and not mail.password.get_secret_value():
        yield "mail.username", "needs {other}", "PUBLISHER_MAIL__PASSWORD or password_file"
    if mail.host and not here and mail.owner.endswith("@localhost"):
        yield (
            "mail.owner",
            "cannot be reached through {other}; give your own address, or '' for none",
            mail.host,
        )
