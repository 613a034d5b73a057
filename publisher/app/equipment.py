"""What a run works with: the configuration, the store, and the reaches outside, all handed in by wiring."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime

from publisher.app.build import Building
from publisher.app.check_links import Probe
from publisher.app.deliver import Delivering, Identity
from publisher.app.ports import Clock, Documents, Lock, Mailer, Output
from publisher.app.scan import Scanning
from publisher.config import Config, site_of
from publisher.core import calendar
from publisher.core.entry import ReadingOptions
from publisher.core.site import Site
from publisher.render.environment import Templates
from publisher.store.engine import Store
from publisher.store.publication import Publication


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """Everything a verb needs. `rendering` names templates, words and drawing code; it moves when they do."""

    config: Config
    store: Store
    documents: Documents
    output: Output
    mailer: Mailer
    probing: Callable[[], AbstractAsyncContextManager[Probe]] | None  # None: nobody is asked
    lock: Lock
    clock: Clock
    monotonic: Callable[[], float]
    mint_uid: Callable[[], str]  # of a subscriber: unguessable
    mint_uuid: Callable[[], str]
    mint_secret: Callable[[], bytes]
    host: str  # this machine, for the log of runs
    rendering: str

    @property
    def options(self) -> ReadingOptions:
        """How Markdown is read."""
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

    def templates(self, publication: Publication) -> Templates:
        return Templates(self.site(publication), user_folder=self.config.templates_folder)

    def building(self, publication: Publication) -> Building:
        c = self.config
        return Building(
            templates=self.templates(publication), options=self.options,
            rendering=f"{self.rendering}{self.site(publication)!r}",
            window_entries=c.feed.window_entries, window_bytes=c.feed.window_bytes, born=publication.created_at,
        )  # fmt: skip

    def identity(self, publication: Publication) -> Identity:
        return Identity(uuid=publication.uuid, host=publication.tag_host)

    @property
    def alarms_at(self) -> str:
        """Where pages that no rule of short links knows are kept, as the operator finds them."""
        return f"{self.config.state_folder.name}/links/"

    @property
    def delivering(self) -> Delivering:
        """How mail is handed over."""
        return Delivering(sender=self.config.sender, late_after_h=self.config.mail.late_after_h)

    def rehearsing(self, store: Store, output: Output) -> Equipment:
        """The same house with a copy of the store and another output folder; nobody is asked."""
        return replace(self, store=store, output=output, probing=None)
