"""Every error of ours, drawn as one tree and branched by what the caller can do.

PublisherError                 .sentence (message id), .params, .exit_code
├── UsageError                 exit 2   the command line is wrong
├── TokenError                 a reader followed a link that is not ours, too old or void (core.token)
├── OperatorMustAct            exit 1   mend it, then run again; what was begun is finished then
│   ├── ConfigError            every problem of config.toml at once
│   ├── FolderError            a file cannot be read or written (full disk, permissions, gone)
│   ├── StoreError             the database is locked, damaged or of another version
│   ├── ClockError             the clock jumped; --accept-clock
│   ├── TemplateError          a template is wrong: names the template and the line
│   ├── MailError              the mail server cannot be reached or trusted, or turns us away
│   └── ListenError            the web server's address cannot be had
└── Busy                       another run holds the lock
"""

from __future__ import annotations

from typing import ClassVar


class PublisherError(Exception):
    """Base of all. `sentence` is an English sentence with {names}: the message id of its translation."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, /, *, fix: str = "", **params: object) -> None:
        self.sentence = sentence
        self.fix = fix
        self.params = params
        super().__init__(str(self))

    def __str__(self) -> str:
        text = self.sentence.format(**self.params)
        return f"{text} — {self.fix.format(**self.params)}" if self.fix else text


class UsageError(PublisherError):
    """The command line asks for something that does not exist (an unknown uid, a bad date)."""

    exit_code = 2


class OperatorMustAct(PublisherError):  # noqa: N818 - what it is, not that it failed
    """Something outside must be mended; running again afterwards finishes the work."""


class ConfigError(OperatorMustAct):
    """config.toml is wrong; `problems` holds one finished line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("{problems}", problems="\n".join(problems))


class FolderError(OperatorMustAct):
    """A file or folder could not be read or written."""


class StoreError(OperatorMustAct):
    """The database cannot be used."""


class ClockError(OperatorMustAct):
    """The clock contradicts the records."""


class TemplateError(OperatorMustAct):
    """A template cannot be rendered."""


class MailError(OperatorMustAct):
    """The mail server cannot be used: what was not sent waits and goes out with the next run."""


class ListenError(OperatorMustAct):
    """The web server cannot listen where it was told to."""


class Busy(PublisherError):  # noqa: N818 - as above
    """Another run holds the lock: its pid, command and start are in `holder`."""

    def __init__(self, *, pid: int, command: str, since: str) -> None:
        self.holder = {"pid": pid, "command": command, "since": since}
        super().__init__(
            "another publisher is at work: '{command}' (process {pid}, since {since})",
            fix="wait for it, or stop it",
            pid=pid,
            command=command,
            since=since,
        )
