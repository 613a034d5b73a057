"""An app that publishes nothing: it tells the progress of a run and hands back the report it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from publisher.app import progress as told
from publisher.app.export import ExportedSite
from publisher.app.people_summary import (
    AddressOutcome,
    SubscribersChange,
    SubscribersSummary,
    SubscriberSummary,
)
from publisher.app.progress import Progress, Silent
from publisher.app.summary import (
    DocumentsSummary,
    EntrySummary,
    HeldItem,
    IssueSummary,
    LinkSummary,
    MailSummary,
    Note,
    OutputsSummary,
    RunSummary,
    WaitingSummary,
)
from publisher.app.verb_summary import (
    AdoptSummary,
    DeliveriesSummary,
    DeliverySummary,
    EntryChange,
    LintSummary,
    PreviewSummary,
    StatusSummary,
)
from publisher.core.diagnostics import Diagnostic

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2025, 3, 5)
AT = datetime(2025, 3, 5, 8, 0, tzinfo=ZONE)

DATE_MISSING = Diagnostic(file="2025-03-06.md", line=1, column=1, slug="date-missing")

SHORT = LinkSummary(
    url="http://t.cn/B7kq0Zw1",
    result="redirected",
    verdict="alive",
    target="https://weibo.com/1/A",
    title="长堤",
)
GONE = LinkSummary(url="http://t.cn/B7kq0Zw2", result="broken", verdict="unsure", http_status=404)
SLOW = LinkSummary(url="https://museum.example.org/harbour/1931", result="timeout", verdict="unsure")
NEW = LinkSummary(url="https://example.org/a-rather-long-address/that-goes-on")

ENTRIES = (
    EntrySummary(
        uid="aaaaaaaaaa",
        guid="tag:localhost,2025-03-05:aaaaaaaaaa",
        number=1,
        title="渡口的老船工说，潮水记得每一条船的名字",
        topics=("海港",),
        words=1582,
        minutes=4,
        url="http://localhost:8000/2025/03/05/aaaaaaaaaa/",
        links=(SHORT,),
        day=DAY,
    ),
    EntrySummary(
        uid="bbbbbbbbbb",
        number=2,
        title="为什么修一座桥要先问风？关于跨海大桥、施工窗口期和一位气象员二十年笔记的长谈（上）",
        words=4520,
        minutes=11,
        links=(SHORT, GONE),
        day=DAY,
    ),
    EntrySummary(uid="cccccccccc", number=3, title="Notes on slow bread", words=240, links=(SLOW,), day=DAY),
    EntrySummary(uid="dddddddddd", number=4, title="夜航 😀 与灯塔", words=88, links=(NEW,), day=DAY),
    EntrySummary(uid="eeeeeeeeee", number=None, title="没有编号的一篇", words=306, day=DAY),
)

PUBLISHED = RunSummary(
    run="17",
    at=AT,
    day=DAY,
    outcome="published",
    issue=IssueSummary(day=DAY, entries=ENTRIES, published_at=AT),
    documents=DocumentsSummary(read=4, new=5),
    books={"recipients": 1, "accepted": 1},
    outputs=OutputsSummary(written=19),
    recipients=1,
    mail=MailSummary(subject="3月5日", html_bytes=41_600),
    feed_items=5,
    trial=True,
    timezone="Asia/Shanghai",
    next_run=datetime(2025, 3, 6, 8, 0, tzinfo=ZONE),
    waiting=WaitingSummary(entries=18, days=3, next_day=date(2025, 3, 6), next_entries=6),
    took_s=1.24,
    mail_at="var/mail",
    pages_at="public/index.html",
)

REPEATED = replace(
    PUBLISHED,
    outcome="already-published",
    issue=IssueSummary(day=DAY, entries=ENTRIES, published_at=AT.replace(minute=1)),
    documents=DocumentsSummary(read=4),
    trial=False,
)

GAP = HeldItem(
    what="mail of {issue}",
    why="the machine was off for {days} days",
    how="publisher deliver {issue} --release",
    params={"issue": "2025-03-05", "days": 9},
)


@dataclass
class FakeApp:
    """Every verb of the app. `calls` says which were called and with what."""

    run: RunSummary = PUBLISHED
    raises: BaseException | None = None
    calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = field(default_factory=list)

    def _called(self, name: str, *args: object, **options: object) -> None:
        options.pop("progress", None)
        self.calls.append((name, args, options))
        if self.raises is not None:
            raise self.raises

    async def once(self, *, progress: Progress | None = None, **options: Any) -> RunSummary:
        self._called("once", **options)
        tell(progress or Silent(), self.run)
        return self.run

    def plan(self, *, progress: Progress | None = None) -> RunSummary:
        self._called("plan")
        return replace(self.run, outcome="planned", would="publish", command="plan")

    async def preview(self, *, progress: Progress | None = None) -> PreviewSummary:
        self._called("preview")
        planned = replace(self.run, outcome="planned", would="publish")
        return PreviewSummary(files=("var/preview/index.html", "var/preview/digest.eml"), summary=planned)

    def export(self, folder: Path) -> ExportedSite:
        self._called("export", folder)
        return ExportedSite(folder=str(folder), files=1_531, written=12, removed=1)

    def status(self) -> StatusSummary:
        self._called("status")
        return StatusSummary(
            next_run=self.run.next_run,
            last_run=AT,
            last_outcome="published",
            unpublished_entries=18,
            days_of_material=3,
            books=self.run.books,
            last_issue="2025-03-05",
            links={"alive": 12, "dead": 1},
            subscribers={"active": 2},
            held=self.run.held,
            trial=True,
        )

    def lint(self, files: tuple[str, ...]) -> LintSummary:
        self._called("lint", files)
        return LintSummary(
            files=files or ("2025-03-05.md",), entries=ENTRIES[:1], diagnostics=self.run.diagnostics
        )

    def add_subscribers(self, emails: tuple[str, ...], *, pending: bool) -> SubscribersChange:
        self._called("add_subscribers", emails, pending=pending)
        why = Note("an address needs a name before the @")
        return SubscribersChange(
            addresses=tuple(
                AddressOutcome(email=e, outcome="added", state="active", uid="s1")
                if "@" in e
                else AddressOutcome(email=e, outcome="refused", why=why)
                for e in emails
            )
        )

    def remove_subscribers(self, emails: tuple[str, ...], *, because: str = "left") -> SubscribersChange:
        self._called("remove_subscribers", emails, because=because)
        return SubscribersChange(addresses=tuple(AddressOutcome(email=e, outcome="removed") for e in emails))

    def list_subscribers(self, *, state: str | None = None) -> SubscribersSummary:
        self._called("list_subscribers", state=state)
        one = SubscriberSummary(uid="s1", email="curator@localhost", state="active", since=AT)
        return SubscribersSummary(subscribers=(one,))

    def allow(self, uid: str) -> EntryChange:
        self._called("allow", uid)
        return EntryChange(uid=uid, title="渡口", note=Note("it goes out with the next issue"))

    def correct(self, uid: str, note: str) -> EntryChange:
        self._called("correct", uid, note)
        return EntryChange(uid=uid, title="渡口", note=Note("the correction is noted"))

    def adopt(self) -> AdoptSummary:
        self._called("adopt")
        return AdoptSummary(pages=12, entries=9, issues=2)

    async def deliver(self, issue: object, *, release: bool, progress: Progress | None = None) -> RunSummary:
        self._called("deliver", issue, release=release)
        return self.run

    def deliveries(self, *, uncertain: bool, settle: str | None) -> DeliveriesSummary:
        self._called("deliveries", uncertain=uncertain, settle=settle)
        one = DeliverySummary(issue="2025-03-05", email="li@example.org", state="uncertain", at=AT)
        return DeliveriesSummary(deliveries=(one,), resolved=1 if settle else 0)


def tell(progress: Progress, run: RunSummary) -> None:
    """The progress of a run, as a verb tells it."""
    progress.start("once", AT, run.timezone, run=run.run)
    progress.phase("scan")
    counts = {"new": 5, "edited": 0, "moved": 0, "withdrawn": 0}
    progress.done("scan", told.SCANNED, folder="seeds", files=4, entries=31, **counts)
    progress.phase("choose")
    progress.done("choose", told.CHOSEN, days="2025-03-05", entries=5, words="6,736", minutes=18)
    progress.phase("links")
    for position, link in enumerate((SHORT, GONE, SLOW), start=1):
        progress.link(position, 3, link.url, link.target)
    progress.done("links", told.LINKS_ASKED, asked=3, alive=1, broken=1, unsure=1, unchecked=1)
    progress.phase("render")
    progress.done("render", told.RENDERED, written=19, unchanged=0, kilobytes="41.6", budget="73.0")
    progress.phase("deliver")
    progress.done("deliver", told.DELIVERED, accepted=1, recipients=1)
