"""What every verb works with, made of the configuration: the store, the folders, the mailer, the reaches outside."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from publisher import __version__
from publisher.adapters.folder import DocumentsFolder
from publisher.adapters.lock import WAIT_S, held
from publisher.adapters.output import OutputFolder
from publisher.app.equipment import Equipment
from publisher.config import Config
from publisher.core.errors import ConfigError, FolderError
from publisher.core.preferences import AskLimits
from publisher.render.environment import shipped_templates
from publisher.render.words import LOCALE_FOLDER
from publisher.store.at_hand import StoreAtHand
from publisher.store.engine import Store, open_store
from publisher.store.search import SearchIndex

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

    from publisher.adapters.compiled import CompiledTemplates
    from publisher.adapters.fetch import Fetcher
    from publisher.adapters.shortlinks import Rules
    from publisher.app.ports import Called, Mailer
    from publisher.core.site import Site
    from publisher.render.environment import Templates

_PACKAGE = Path(__file__).resolve().parent
_KEPT_PAGES = 50


@dataclass
class Equipping:
    """The parts of one configuration. Nothing is opened or touched before it is asked for."""

    config: Config
    now: Callable[[], datetime]
    overrides: dict[str, object]

    @contextlib.contextmanager
    def _equipped(self, *, create: bool = True) -> Iterator[Equipment]:
        """With an open store. `create=False`: a question, which leaves no trace where there is no database yet."""
        store = open_store(self.config.store_at, create=create)
        try:
            yield self._equipment(store)
        finally:
            store.close()

    def _equipment(self, store: Store | None) -> Equipment:
        parts: dict[str, object] = {
            "config": self.config,
            "store": store,
            "index": self._index,
            "documents": DocumentsFolder(self.config.documents_folder),
            "output": OutputFolder(self.config.output_folder),
            "mailer": self._mailer(),
            "webhook": self._webhook,
            "probing": self._probing,
            "lock": self._lock,
            "clock": self.now,
            "monotonic": time.monotonic,
            "mint_uid": lambda: secrets.token_urlsafe(12).replace("_", "a").replace("-", "b").lower(),
            "mint_uuid": lambda: str(uuid.uuid4()),
            "mint_secret": lambda: secrets.token_bytes(32),
            "host": socket.gethostname(),
            "rendering": self._rendering,
            "compiled": self._compiled,
            "limits": self._limits,
        }
        return Equipment(**(parts | self.overrides))  # type: ignore[arg-type]

    @cached_property
    def _index(self) -> SearchIndex:
        return SearchIndex(self.config.state_folder / "search.db")

    @cached_property
    def _page_templates(self) -> dict[str, Templates]:
        """By language, "" for the site's own: for pages that say nothing of the publication's identity."""
        return {}

    def _templates(self, site: Site) -> Templates:
        from publisher.render.environment import Templates

        compiled = cast("Callable[[], BytecodeCache]", self.overrides.get("compiled", self._compiled))
        return Templates(site, user_folder=self.config.templates_folder, compiled=compiled(), watched=True)

    @cached_property
    def _at_hand(self) -> StoreAtHand:
        return StoreAtHand(self.config.store_at)

    @cached_property
    def _limits(self) -> AskLimits:
        return AskLimits()

    def _compiled(self) -> CompiledTemplates:
        from publisher.adapters.compiled import CompiledTemplates

        return CompiledTemplates(self.config.state_folder / "templates", self._rendering)

    def _mailer(self) -> Mailer:
        mail = self.config.mail
        if mail.transport == "maildir":
            from publisher.adapters.maildir import MaildirMailer

            return MaildirMailer(self.config.maildir)
        from publisher.adapters.smtp import SmtpMailer, Timeouts

        return SmtpMailer(
            host=mail.host, port=mail.port, security=mail.security, username=mail.username,
            password=mail.password.get_secret_value(), allow_plain=mail.allow_plain,
            timeouts=Timeouts(command_s=mail.timeout_s, final_s=max(600.0, mail.timeout_s)),
        )  # fmt: skip

    async def _webhook(self, url: str, body: bytes = b"", **options: Any) -> Called:
        """The HTTP client is loaded when somebody is really called."""
        from publisher.adapters.webhook import Webhook

        return await Webhook()(url, body, **options)

    @contextlib.asynccontextmanager
    async def _probing(self) -> AsyncIterator[Fetcher]:
        import random

        from publisher.adapters.addresses import GuardedTransport
        from publisher.adapters.fetch import Fetcher
        from publisher.adapters.pace import Manners, Pace
        from publisher.adapters.shortlinks import ShortLinks

        links = self.config.links
        transport = GuardedTransport()
        try:
            yield Fetcher(
                transport=transport, rules=ShortLinks(self._rules()), site_url=self.config.site.url,
                pace=Pace(
                    in_flight=links.in_flight, usual=Manners(links.per_host, links.gap_s), jitter=random.random,
                    manners={"t.cn": Manners(1, links.short_gap_s, links.short_jitter_s)},
                ),
                deadline_s=links.timeout_s, on_alarm=self._keep_page,
            )  # fmt: skip
        finally:
            await transport.aclose()

    def _rules(self) -> Rules:
        """The rules for short links, the operator's own before ours."""
        from publisher.adapters.shortlinks import RulesError, load_rules

        written = self.config.links.rules
        try:
            return load_rules(self.config.path(written) if written else None)
        except RulesError as exc:
            raise ConfigError([f"{written}: {problem}" for problem in exc.problems]) from exc

    def _keep_page(self, url: str, page: str) -> None:
        """Keep a page that no rule knows, for the operator to write one: redacted, each once, a few of them."""
        from publisher.core.webpage import redacted

        folder = self._links_folder
        text = f"<!-- {url} -->\n{redacted(page)}\n"
        path = folder / f"{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}.html"
        with contextlib.suppress(OSError):  # a page that cannot be kept must not stop an issue
            folder.mkdir(parents=True, exist_ok=True)
            if len(list(folder.iterdir())) < _KEPT_PAGES:
                path.write_text(text, "utf-8", errors="replace")

    @property
    def _links_folder(self) -> Path:
        return self.config.state_folder / "links"

    def _lock(self, command: str, *, wait: bool = True) -> AbstractContextManager[None]:
        since = self.now().astimezone(self.config.zone).strftime("%Y-%m-%d %H:%M:%S")
        path = self.config.state_folder / "publisher.lock"
        return held(path, command=f"publisher {command}", since=since, wait_s=WAIT_S if wait else 0)

    def _refuse_own(self, folder: Path) -> None:
        """Nothing is exported into a folder that we work with, or over one."""
        c, wanted = self.config, folder.resolve()
        for own in (c.output_folder, c.documents_folder, c.state_folder, c.templates_folder):
            if own is None:
                continue
            here = own.resolve()
            if wanted == here or here in wanted.parents or wanted in here.parents:
                raise FolderError(
                    "cannot export into {path}: {own} is a folder that publisher works with", path=folder, own=own,
                    fix="name another folder",
                )  # fmt: skip

    def _shown(self, folder: Path) -> str:
        """A folder as the operator sees it from where they stand."""
        with contextlib.suppress(ValueError):
            return folder.relative_to(Path.cwd()).as_posix()
        return str(folder)

    @cached_property
    def _rendering(self) -> str:
        """A hash of everything that draws: our code and words, the shipped templates and the user's."""
        seen = hashlib.sha256(__version__.encode())
        folders = [_PACKAGE / "render", _PACKAGE / "core", LOCALE_FOLDER, shipped_templates()]
        for folder in (*folders, self.config.templates_folder):
            for path in sorted(folder.rglob("*")) if folder is not None else ():
                if path.is_file() and path.suffix not in (".pyc", ".po"):
                    seen.update(f"{path.name}\0".encode("utf-8", "surrogatepass"))
                    seen.update(path.read_bytes())
        return seen.hexdigest()[:16]
