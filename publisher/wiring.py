"""The one place where all floors meet, and the only wall clock: make_app(config) gives the verbs, ready to call."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import asdict, replace

from publisher.adapters.folder import DocumentsFolder
from publisher.adapters.output import OutputFolder
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress, Silent
from publisher.config import Config, site_of
from publisher.core import faults
from publisher.core.errors import FolderError
from publisher.core.link import LinkCheck
from publisher.equipping import Equipping

if TYPE_CHECKING:
    from publisher.app.backup import BackupSummary, RestoreSummary
    from publisher.app.export import ExportedSite
    from publisher.app.link_summary import FixSummary, LinksSummary, ProbeSummary
    from publisher.app.people_summary import (
        ExportSummary,
        ImportSummary,
        SubscribersChange,
        SubscribersSummary,
    )
    from publisher.app.search import SearchSummary
    from publisher.app.served import Files, Pulse
    from publisher.app.subscribe import Because
    from publisher.app.summary import RunSummary
    from publisher.app.verb_summary import (
        AdoptSummary,
        DeliveriesSummary,
        EntryChange,
        HistorySummary,
        LintSummary,
        PreviewSummary,
        Said,
        StatusSummary,
    )
    from publisher.core.issue import IssueName
    from publisher.render.environment import Templates

_PREVIEW = "preview"
_LINKS_CHECK_S = 600.0
"""A check by hand may take so long, unless told otherwise."""


def make_app(config: Config, *, now: Callable[[], datetime] | None = None, **overrides: object) -> App:
    """The verbs for one configuration. `now` stands in for the wall clock; `overrides` replace parts of Equipment."""
    _arm_faults(os.environ)
    return App(config, now or (lambda: datetime.now(UTC)), dict(overrides))


class App(Equipping):
    """Every verb, each opening what it needs and no more. Nothing is touched before a verb is called."""

    # -- verbs

    async def once(
        self,
        *,
        extra: bool = False,
        accept_clock: bool = False,
        accept_withdrawals: bool = False,
        progress: Progress | None = None,
    ) -> RunSummary:
        from publisher.app.publish import once
        from publisher.app.rounds import attended

        with self._equipped() as e:
            run = partial(
                once, e, progress or Silent(), extra=extra, accept_clock=accept_clock,
                accept_withdrawals=accept_withdrawals,
            )  # fmt: skip
            return await attended(e, run, by_clock=False)

    async def tick(
        self,
        *,
        going: Callable[[], bool] = lambda: True,
        fresh: bool = True,
        progress: Progress | None = None,
    ) -> RunSummary:
        from publisher.app.publish import tick
        from publisher.app.rounds import attended

        with self._equipped() as e:
            run = partial(tick, e, going=going, fresh=fresh, progress=progress)
            return await attended(e, run, by_clock=True)

    def note_trouble(self, said: str) -> None:
        """Write a trouble of the scheduler into the log of runs."""
        from publisher.store import runs

        with self._equipped() as e, e.store.write() as tx:
            run_id = runs.begin(tx, kind="scheduler", host=e.host, now=self.now())
            runs.end(tx, run_id, now=self.now(), ok=False, outcome="error", error=said)

    def history(self, n: int = 20) -> HistorySummary:
        from publisher.app.history import history

        with self._equipped(create=False) as e:
            return history(e, n)

    def pause(self, issue: IssueName | None = None) -> Said:
        from publisher.app import post

        with self._equipped() as e:
            return post.set_going(e, issue, paused=True)

    def resume(self, issue: IssueName | None = None) -> Said:
        from publisher.app import post

        with self._equipped() as e:
            return post.set_going(e, issue, paused=False)

    def cancel(self, issue: IssueName) -> Said:
        from publisher.app import post

        with self._equipped() as e:
            return post.cancel(e, issue)

    def skip(self, day: date) -> Said:
        from publisher.app import post

        with self._equipped() as e:
            return post.skip(e, day)

    async def plan(self, *, progress: Progress | None = None) -> RunSummary:
        from publisher.app.plan import plan

        with self._equipped(create=False) as e:
            return await plan(e, progress or Silent())

    async def preview(self, *, progress: Progress | None = None) -> PreviewSummary:
        from publisher.app.plan import preview

        folder = self.config.state_folder / _PREVIEW
        with self._equipped(create=False) as e:
            return await preview(e, progress or Silent(), OutputFolder(folder), self._shown(folder))

    def export(self, folder: Path) -> ExportedSite:
        from publisher.app.export import export

        self._refuse_own(folder)
        with self._equipped(create=False) as e, e.lock("export"):
            return export(e, OutputFolder(folder), shown_as=self._shown(folder.absolute()))

    def status(self) -> StatusSummary:
        from publisher.app.status import status

        with self._equipped(create=False) as e:
            return status(e)

    def search(self, query: str, *, year: int | None = None, topic: str = "", page: int = 1) -> SearchSummary:
        from publisher.app.search import search

        site, lagging = site_of(self.config), self._days_behind()
        return search(self._index, site, query, year=year, topic=topic, page=page, lagging=lagging)

    def keep_search_index(
        self, begun: Callable[[int], None] = lambda days: None, *, most: int = sys.maxsize
    ) -> int:
        """All of it, however long that takes, or about so many entries; returns how many days are left. `begun` is
        told of how many days, when there are any."""
        from publisher.app.index import keep_index

        with self._equipped(create=False) as e:
            return keep_index(e, most=most, begun=begun)

    def _days_behind(self) -> int:
        left = self._index.days_left()
        if left is not None:
            return left
        from publisher.app.index import days_behind

        with self._equipped(create=False) as e:
            return days_behind(e)

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[Equipment]:
        """For a server: over a store that stays open between requests, unless its file is another one now."""
        with self._at_hand.opened() as store:
            yield self._equipment(store)

    def close(self) -> None:
        """Let go of what a server kept open. The last to close a database empties the log beside it."""
        self._at_hand.close()

    def page_templates(self, language: str = "") -> Templates:
        """Templates of pages in the site's language, or in one that a reader chose for our words."""
        if language not in self._page_templates:
            site = site_of(self.config)
            self._page_templates[language] = self._templates(
                replace(site, language=language) if language else site
            )
        return self._page_templates[language]

    def search_page(self, query: str, *, year: int | None = None, topic: str = "", page: int = 1) -> bytes:
        from publisher.render.search import search_page

        return search_page(self.page_templates(), self.search(query, year=year, topic=topic, page=page))

    def served_files(self) -> Files:
        from publisher.app.served import files

        with self._equipped(create=False) as e:
            return files(e)

    def pulse(self) -> Pulse:
        from publisher.app.served import pulse

        with self._equipped(create=False) as e:
            return pulse(e)

    def lint(self, files: tuple[str, ...]) -> LintSummary:
        from publisher.app.lint import Reached, lint

        e = self._equipment(store=None)
        folder = DocumentsFolder(self.config.documents_folder)
        if files:
            reached = [
                Reached(folder=DocumentsFolder(Path(name).parent), path=Path(name).name, name=name)
                for name in files
            ]
        else:
            reached = [Reached(folder=folder, path=info.path, name=info.path) for info in folder.list()]
        return lint(reached, options=e.options, entry_level=self.config.documents.entry_level)

    def allow(self, uid: str) -> EntryChange:
        from publisher.app.amend import allow

        with self._equipped() as e:
            return allow(e, uid)

    def correct(self, uid: str, note: str) -> EntryChange:
        from publisher.app.amend import correct

        with self._equipped() as e:
            return correct(e, uid, note, now=self.now())

    def backup(self, file: Path | None = None) -> BackupSummary:
        from publisher.app.backup import backup_now

        with self._equipped(create=False) as e:
            return backup_now(e, file)

    def restore(self, file: Path) -> RestoreSummary:
        from publisher.app.backup import restore

        e = self._equipment(store=None)
        return restore(
            file,
            self.config.database_file,
            folder=e.backups_folder,
            output=e.output,
            lock=e.lock,
            clock=e.clock,
            mint_uid=e.mint_uid,
        )

    def adopt(self) -> AdoptSummary:
        from publisher.app.adopt import adopt
        from publisher.app.beginning import begin

        with self._equipped() as e, e.lock("adopt"):
            begin(e, self.now())
            return adopt(e.store, e.output, now=self.now())

    async def deliver(
        self, issue: IssueName | None, *, release: bool = False, progress: Progress | None = None
    ) -> RunSummary:
        from publisher.app.post import deliver_now

        with self._equipped() as e:
            return await deliver_now(e, progress or Silent(), issue, release=release)

    def deliveries(self, *, uncertain: bool, settle: Literal["resend", "sent"] | None) -> DeliveriesSummary:
        from publisher.app.post import listed

        with self._equipped(create=settle is not None) as e:
            return listed(e, uncertain=uncertain, settle=settle)

    def add_subscribers(self, emails: tuple[str, ...], *, pending: bool = False) -> SubscribersChange:
        from publisher.app.subscribe import add
        from publisher.core.variant import language_of

        with self._equipped() as e, e.lock("subscribers add"):
            language = language_of(self.config.site.language)
            return add(
                e.store, emails, pending=pending, mint_uid=e.mint_uid, now=self.now(), language=language
            )

    def remove_subscribers(self, emails: tuple[str, ...], *, because: Because = "left") -> SubscribersChange:
        from publisher.app.subscribe import remove

        with self._equipped() as e, e.lock("subscribers remove"):
            return remove(e.store, emails, because=because, now=self.now())

    def list_subscribers(self, *, state: str | None = None) -> SubscribersSummary:
        from publisher.app.subscribe import listed

        with self._equipped(create=False) as e:
            return listed(e.store, zone=self.config.zone, state=state)

    def import_subscribers(
        self, data: bytes, name: str, *, cadence: str | None = None, dry_run: bool = False
    ) -> ImportSummary:
        from publisher.app import people

        with self._equipped(create=not dry_run) as e:
            if dry_run:
                return people.import_people(e, data, name, cadence=cadence, dry_run=True)
            with e.lock("subscribers import"):
                return people.import_people(e, data, name, cadence=cadence)

    def export_subscribers(self) -> ExportSummary:
        from publisher.app.people import export_people

        with self._equipped(create=False) as e:
            return export_people(e)

    def forget_subscribers(self, emails: tuple[str, ...]) -> SubscribersChange:
        from publisher.app.people import forget

        with self._equipped() as e, e.lock("subscribers forget"):
            return forget(e, emails, now=self.now())

    def pause_subscriber(self, email: str, until: date | None) -> SubscribersChange:
        from publisher.app.people import pause

        with self._equipped() as e:
            return pause(e, email, until, now=self.now())

    def wake_subscriber(self, email: str) -> SubscribersChange:
        from publisher.app.people import resume

        with self._equipped() as e:
            return resume(e, email, now=self.now())

    def set_subscriber(
        self, email: str, *, cadence: str | None = None, body: str | None = None, language: str | None = None
    ) -> SubscribersChange:
        from publisher.app.people import choose

        with self._equipped() as e:
            return choose(e, email, cadence=cadence, body=body, language=language, now=self.now())

    async def send_letters(self, *, going: Callable[[], bool] = lambda: True) -> int:
        """Answer forms and send single letters that are due; needs no lock."""
        from publisher.app.notices import send_due

        with self.at_hand() as e:
            return await send_due(e, going=going)

    async def check_links(
        self,
        *,
        which: Literal["due", "all", "entry"] = "due",
        entry: str | None = None,
        budget_s: float | None = None,
        concurrency: int | None = None,
        progress: Progress | None = None,
    ) -> LinksSummary:
        from publisher.app import links

        if concurrency is not None:
            app = self._asking(concurrency)
            return await app.check_links(which=which, entry=entry, budget_s=budget_s, progress=progress)
        with self._equipped() as e:
            return await links.check(
                e, progress or Silent(), which=which, entry=entry, budget_s=budget_s or _LINKS_CHECK_S
            )

    async def check_file(
        self,
        files: tuple[Path, ...],
        *,
        budget_s: float | None = None,
        concurrency: int | None = None,
        progress: Progress | None = None,
    ) -> LinksSummary:
        from publisher.app import links

        if concurrency is not None:
            return await self._asking(concurrency).check_file(files, budget_s=budget_s, progress=progress)
        probing = self.overrides.get("probing", self._probing)
        return await links.check_file(
            [(str(file), _read(file)) for file in files], probing=probing(), options=self.config.links,  # type: ignore[operator]
            progress=progress or Silent(), now=self.now, budget_s=budget_s or _LINKS_CHECK_S,
            kept=self._shown(self._links_folder),
        )  # fmt: skip

    def report_links(self, *, only: Literal["new", "dead", "unsure"] | None = None) -> LinksSummary:
        from publisher.app import links

        with self._equipped(create=False) as e:
            return links.report(e, only=only)

    def fix_links(self) -> FixSummary:
        from publisher.app import links

        with self._equipped(create=False) as e:
            return links.fix(e)

    async def probe_link(self, url: str) -> ProbeSummary:
        """Ask one address now and tell every step. Nothing is remembered, but a page that no rule knows is kept."""
        from publisher.app.link_summary import LinkRow, ProbeSummary
        from publisher.core.verdict import Standing, judge

        async with self._probing() as fetcher:
            answer, hops = await fetcher.probe(url)
        check = LinkCheck(**asdict(answer), at=self.now())
        row = LinkRow(
            url=url, result=answer.result, target=answer.target, title=answer.target_title, chain=answer.chain,
            verdict=judge(Standing(url=url), check).verdict, http_status=answer.http_status, error=answer.error,
        )  # fmt: skip
        saved = self._shown(self._links_folder) if answer.alarm else ""
        return ProbeSummary(row=row, hops=hops, rule=answer.rule, saved=saved)

    def _asking(self, concurrency: int) -> App:
        """The same app with so many requests in flight."""
        links = self.config.links.model_copy(update={"in_flight": concurrency})
        return App(self.config.model_copy(update={"links": links}), self.now, self.overrides)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise FolderError("cannot read {path}: {why}", path=file, why=exc.strerror or exc) from exc


def _arm_faults(environ: object) -> None:
    """PUBLISHER_FAULT=name[:k] kills the process at the k-th passage of a named point: for crash tests."""
    said = environ.get("PUBLISHER_FAULT", "")  # type: ignore[attr-defined]
    if not said:
        return
    name, _, nth = said.partition(":")
    left = [int(nth or 1)]

    def kill() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.arm(name, kill)
