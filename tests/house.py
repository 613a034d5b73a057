"""A whole publication in a temporary folder, with a clock that is set by hand and a web that is a dictionary."""

from __future__ import annotations

import asyncio
import contextlib
import mailbox
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from publisher.adapters.webhook import Webhook
from publisher.app.summary import RunSummary
from publisher.config import load_config
from publisher.config.options import LinksConfig
from publisher.core.link import Answer
from publisher.wiring import App, make_app

ZONE = ZoneInfo("Asia/Shanghai")
CANARIES = LinksConfig().canaries


class _Remembered(BytecodeCache):
    """Houses of one process share their translated templates: else half of all the time went into translating them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Remembered()


def essay(name: str, *, paragraphs: int = 2) -> str:
    """Some Chinese paragraphs that resemble no other name's. The same name gives the same words."""
    dice = random.Random(name)
    lines = [
        "".join(chr(dice.randrange(0x4E00, 0x8FFF)) for _ in range(70)) + "。" for _ in range(paragraphs)
    ]
    return f"{name}的故事\n\n" + "\n\n".join(lines)


def day_file(day: str, *bodies: str) -> str:
    """A day file with these entries, numbered from 1."""
    return f"# {day}\n\n" + "\n\n".join(f"## {n}\n\n{body}" for n, body in enumerate(bodies, start=1)) + "\n"


def essays(day: str, n: int) -> str:
    """A day file with n essays."""
    return day_file(day, *(essay(f"{day} 第{i}篇") for i in range(1, n + 1)))


@dataclass
class Web:
    """What the links lead to: address → answer. Everything else is "no network"."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    canary_sings: bool = True
    resting: dict[str, str] = field(default_factory=dict)  # hosts that we were told to leave alone

    def leads(self, url: str, target: str, title: str = "") -> None:
        self.answers[url] = Answer(
            url=url,
            result="redirected",
            http_status=200,
            target=target,
            target_title=title or None,
            network="heard",
        )

    def fails(self, url: str, status: int = 404) -> None:
        self.answers[url] = Answer(
            url=url, result="broken", http_status=status, error="the server does not have it", network="heard"
        )

    def shut(self, hosts: Mapping[str, str]) -> None:
        self.resting |= hosts

    async def ask(self, url: str) -> Answer:
        if url in CANARIES:
            result = "ok" if self.canary_sings else "unreachable"
            return Answer(url=url, result=result, network="heard" if self.canary_sings else "absent")
        self.asked.append(url)
        if (urlsplit(url).hostname or "") in self.resting:
            return Answer(url=url, result="deferred", error="the server asked us to come later")
        return self.answers.get(url) or Answer(
            url=url, result="unreachable", error="no such name", network="absent"
        )

    @contextlib.asynccontextmanager
    async def probing(self) -> AsyncIterator[Web]:
        self.resting.clear()
        yield self


class House:
    """One publication. Times are local: `house.once("2025-01-29 08:00")`."""

    def __init__(
        self, root: Path, *, url: str = "https://daily.example.cn/", **sections: dict[str, object]
    ) -> None:
        self.root = root
        self.seeds = root / "seeds"
        self.public = root / "public"
        self.web = Web()
        self.now = datetime(2025, 1, 29, 8, tzinfo=ZONE)
        self.seeds.mkdir(parents=True, exist_ok=True)
        self.sections: dict[str, dict[str, object]] = {
            "site": {"title": "每日手记", "url": url},
            "links": {"retry_wait_s": 0},
            "alerts": {"mail": False, "report": "never"},  # the mailbox holds what readers get
            "store": {"backups": 0},
            **sections,
        }
        self.configure()

    # -- the curator's and operator's hands

    def configure(self, **sections: dict[str, object]) -> None:
        """Write config.toml, with these options over the ones before."""
        for section, options in sections.items():
            self.sections[section] = self.sections.get(section, {}) | options
        lines = []
        for section, options in self.sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {_toml(value)}" for key, value in options.items()]
        (self.root / "config.toml").write_text("\n".join(lines) + "\n", "utf-8")

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a document; '2025-01-29' is 2025-01-29.md."""
        path = self.seeds / (name if "." in name else f"{name}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def remove(self, name: str) -> None:
        (self.seeds / f"{name}.md").unlink()

    def at(self, when: str) -> None:
        """Set the clock."""
        self.now = datetime.fromisoformat(when).replace(tzinfo=ZONE)

    # -- verbs

    @property
    def app(self) -> App:
        config = load_config(self.root / "config.toml", {})
        return make_app(
            config, now=lambda: self.now, probing=self.web.probing, compiled=lambda: _COMPILED,
            webhook=Webhook(pauses_s=(0.0,)),
        )  # fmt: skip

    def once(self, when: str = "", **options: bool) -> RunSummary:
        if when:
            self.at(when)
        return asyncio.run(self.app.once(**options))

    def tick(self, when: str = "") -> RunSummary:
        if when:
            self.at(when)
        return asyncio.run(self.app.tick())

    def plan(self, when: str = "") -> RunSummary:
        if when:
            self.at(when)
        return asyncio.run(self.app.plan())

    def deliver(self, issue: object = None, *, release: bool = False) -> RunSummary:
        return asyncio.run(self.app.deliver(issue, release=release))  # type: ignore[arg-type]

    # -- what came of it

    def mails(self) -> list[EmailMessage]:
        """Every message in the Maildir, oldest issue first."""
        folder = self.root / "var" / "mail"
        if not folder.exists():
            return []
        box = mailbox.Maildir(str(folder), create=False)
        read = [
            BytesParser(policy=policy.default).parsebytes(bytes(box.get_bytes(key))) for key in box.iterkeys()
        ]
        return sorted(read, key=lambda m: m["Date"].datetime)  # type: ignore[return-value]

    def text(self, mail: EmailMessage) -> str:
        body = mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def page(self, path: str) -> str:
        """A page of the site: '2025/01/29/', 'rss.xml'."""
        file = self.public / (f"{path}index.html" if path.endswith("/") or not path else path)
        return file.read_text("utf-8")

    def exists(self, path: str) -> bool:
        return (self.public / (f"{path}index.html" if path.endswith("/") else path)).exists()

    def site(self) -> dict[str, bytes]:
        """Every public file and its bytes."""
        return {
            p.relative_to(self.public).as_posix(): p.read_bytes()
            for p in sorted(self.public.rglob("*"))
            if p.is_file()
        }

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask the database itself."""
        with contextlib.closing(sqlite3.connect(self.root / "var" / "publisher.db")) as connection:
            return connection.execute(query).fetchall()

    def content_rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything remembered but the log of runs and the clock."""
        tables = [
            str(name)
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
        ]
        kept = [name for name in tables if name not in ("runs", "publication", "alembic_version")]
        return {name: sorted(self.rows(f"SELECT * FROM {name}"), key=repr) for name in kept}


def titles(run: RunSummary) -> list[str]:
    """The titles of the run's issue, in order."""
    return [entry.title for entry in run.issue.entries] if run.issue else []


def held(run: RunSummary) -> Iterator[tuple[str, str]]:
    """What waits for the operator: (kind, why)."""
    return ((item.kind, item.why) for item in run.held)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'
