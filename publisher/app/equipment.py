"""What a run works with: the configuration, the store, and the reaches outside, all handed in by wiring."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from publisher.app.check_links import Probe
from publisher.app.deliver import Delivering, Identity
from publisher.app.ports import Caller, Clock, Documents, Lock, Mailer, Output
from publisher.app.scan import Scanning
from publisher.app.wanted import Building
from publisher.config import Config, site_of
from publisher.core import calendar
from publisher.core.preferences import AskLimits
from publisher.core.site import Site
from publisher.store.engine import Store
from publisher.store.publication import Publication
from publisher.store.search import SearchIndex

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

    from publisher.core.reading_options import ReadingOptions
    from publisher.render.environment import Templates


class Equipment(Struct, frozen=True, kw_only=True):
    """Everything a verb needs. `rendering` names templates, words and drawing code; it moves when they do."""

    config: Config
    store: Store
    index: SearchIndex
    documents: Documents
    output: Output
    mailer: Mailer
    webhook: Caller
    probing: Callable[[], AbstractAsyncContextManager[Probe]] | None  # None: nobody is asked
    lock: Lock
    clock: Clock
    monotonic: Callable[[], float]
    mint_uid: Callable[[], str]  # of a subscriber: unguessable
    mint_uuid: Callable[[], str]
    mint_secret: Callable[[], bytes]
    host: str  # this machine, for the log of runs
    rendering: str
    compiled: Callable[[], BytecodeCache] | None = None  # where translated templates are kept; None: nowhere
    limits: AskLimits = field(default_factory=AskLimits)  # one for all requests of a process

    @property
    def options(self) -> ReadingOptions:
        """How Markdown is read."""
        from publisher.core.reading_options import ReadingOptions

        c = self.config
        return ReadingOptions(
            heal_lists=c.documents.heal_lists, soft_breaks=c.documents.soft_breaks,
            han_per_minute=c.reading.han_per_minute, words_per_minute=c.reading.words_per_minute,
        )  # fmt: skip

    def today(self, now: datetime) -> date:
        """The publication's local date."""
        return calendar.today(now, self.config.zone)

    def local(self, at: datetime) -> datetime:
        """A moment on the publication's clock."""
        return at.astimezone(self.config.zone)

    def scanning(self, tag_host: str) -> Scanning:
        return Scanning(
            options=self.options, entry_level=self.config.documents.entry_level, tag_host=tag_host
        )

    def site(self, publication: Publication) -> Site:
        return site_of(self.config, uuid=publication.uuid, tag_host=publication.tag_host)

    def templates(self, publication: Publication, *, language: str | None = None) -> Templates:
        """The templates, in the site's language or in another one that a reader chose for our words."""
        from publisher.render.environment import Templates

        site = self.site(publication)
        if language is not None:
            site = replace(site, language=language)
        compiled = self.compiled() if self.compiled else None
        return Templates(site, user_folder=self.config.templates_folder, compiled=compiled)

    def building(self, publication: Publication) -> Building:
        c = self.config
        return Building(
            templates=cache(lambda: self.templates(publication)), options=self.options,
            rendering=f"{self.rendering}{self.site(publication)!r}",
            window_entries=c.feed.window_entries, window_bytes=c.feed.window_bytes, hub=c.feed.hub,
            born=publication.created_at,
        )  # fmt: skip

    def identity(self, publication: Publication) -> Identity:
        return Identity(
            uuid=publication.uuid, host=publication.tag_host, secret=publication.secret, zone=self.config.zone
        )

    @property
    def alarms_at(self) -> str:
        """Where pages that no rule of short links knows are kept, as the operator finds them."""
        return f"{self.config.state_folder.name}/links/"

    @property
    def backups_folder(self) -> Path:
        """Where copies of the database are kept."""
        return self.config.state_folder / "backups"

    @property
    def delivering(self) -> Delivering:
        """How mail is handed over."""
        return Delivering(sender=self.config.sender, late_after_h=self.config.mail.late_after_h)

    def rehearsing(self, store: Store, output: Output) -> Equipment:
        """The same house with a copy of the store and another output folder; nobody is asked, nothing is kept."""
        return replace(self, store=store, output=output, probing=None, compiled=None)
