"""A run's steps, each of which may be killed and done again.

recover  what a dead run left: half-written files, deliveries in doubt
scan     documents → store
choose   the issue of a slot and its entries, in one transaction
links    the chosen entries' links, within a budget
build    pages, then feeds
commit   published + mailing + one 'waiting' row a reader, in one transaction; then the site's stamp
weekly   once a week the same for the week's issues
deliver  every waiting row, once
upkeep   links whose time has come are asked again, within a small budget
thin     once a day, old checks and runs are thinned
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from publisher.app import progress as told
from publisher.app import stamp as site_stamp
from publisher.app.asking import Asked, ask_links
from publisher.app.broken import Broken, look_for_broken
from publisher.app.build import Built, build
from publisher.app.choose import Chosen, choose_issue
from publisher.app.deliver import Going, always, deliver, recover
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress
from publisher.app.report import Reporting, report
from publisher.app.scan import Scanned, scan
from publisher.app.summary import HeldItem, MailSummary, Note, OutputsSummary, RunSummary, WeeklySummary
from publisher.core.choice import Choice
from publisher.core.errors import MailError
from publisher.core.faults import fault
from publisher.core.issue import IssueName
from publisher.store import deliveries, entries, issues, publication
from publisher.store.issues import StoredIssue
from publisher.store.publication import Publication

if TYPE_CHECKING:
    from publisher.render.digest import Frozen


@dataclass
class Run:
    """One run and what it has found out so far."""

    e: Equipment
    progress: Progress
    now: datetime
    extra: bool = False
    accept_withdrawals: bool = False
    settle_s: int = 0
    rehearsal: bool = False  # plan and preview: nobody is asked, nothing is sent

    slot: date | None = None  # what is published now; None: nothing is due, or it is today's by hand
    scheduled: bool = False  # a tick: publishes due slots alone, and draws only when something changed
    fresh: bool = True  # of a tick: draw even if nothing changed
    going: Going = always

    run_id: int = 0
    held: list[HeldItem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    recovered: list[Note] = field(default_factory=list)
    scanned: Scanned = field(default_factory=Scanned)
    choice: Choice = field(default_factory=Choice)
    archived: tuple[str, ...] = ()
    issue: IssueName | None = None  # published now
    built: Built = field(default_factory=lambda: Built(OutputsSummary(), 0))
    mail: MailSummary | None = None
    weekly: WeeklySummary | None = None
    drawn: dict[str, Frozen] = field(default_factory=dict)  # what was frozen now, by the name of its sample
    accepted: int = 0  # messages handed over now
    covers: int = 1
    emptied: bool = False  # a slot was found empty for the first time
    broken: Broken = field(default_factory=Broken)
    asked: Asked = field(default_factory=Asked)

    def __post_init__(self) -> None:
        self.began_s = self.e.monotonic()

    @property
    def day(self) -> date:
        return self.slot or self.e.today(self.now)

    async def go(self, known: Publication) -> RunSummary:
        """Every step in order. What keeps the run from publishing was found before and is told."""
        if self.held:
            return self._summary(known, "held")
        self._recover(known)
        self._scan(known)
        self._finish_planned()
        await self._publish(known)
        known = self._known()
        self._close_week(known)
        await self._send(known)
        await self._keep_links(known)
        self._thin()
        return self._summary(known, self._outcome())

    @property
    def did_something(self) -> bool:
        """Whether a tick is worth a line in the log of runs."""
        return bool(
            self.issue
            or self.weekly
            or self.built.outputs.written
            or self.accepted
            or self.recovered
            or self.held
            or self.emptied
        )

    def figures(self) -> dict[str, object]:
        """What the log of runs keeps of it."""
        return {
            "issue": str(self.issue) if self.issue else None, "accepted": self.accepted,
            "written": self.built.outputs.written, "new": self.scanned.documents.new,
            "edited": self.scanned.documents.edited, "refused": self.scanned.documents.refused,
            "covers": self.covers, "took_s": round(self.e.monotonic() - self.began_s, 2),
        }  # fmt: skip

    # -- steps

    def _recover(self, known: Publication) -> None:
        """Only under the lock: nobody else is at work."""
        left = [] if self.rehearsal else self.e.output.sweep()
        if left:
            self.recovered.append(Note("{n} half-written files of a broken run removed", {"n": len(left)}))
        doubtful = (
            []
            if self.rehearsal
            else recover(self.e.store, self.e.mailer, self.e.identity(known), now=self.now)
        )
        if doubtful:
            note = "{n} deliveries of a broken run are uncertain: publisher deliveries uncertain"
            self.recovered.append(Note(note, {"n": len(doubtful)}))

    def _scan(self, known: Publication) -> None:
        self.progress.phase("scan")
        self.scanned = scan(
            self.e.store, self.e.documents, self.e.scanning(known.tag_host), now=self.now, today=self.day,
            settle_s=self.settle_s, accept_withdrawals=self.accept_withdrawals,
        )  # fmt: skip
        counts = self.scanned.documents
        self.progress.done(
            "scan", told.SCANNED, folder=self.e.config.documents.folder, files=counts.read + counts.refused,
            entries=self.scanned.entries, new=counts.new, edited=counts.edited, moved=counts.moved,
            withdrawn=counts.withdrawn,
        )  # fmt: skip
        if self.scanned.vanishing:
            self.held.append(
                HeldItem(
                    what="publishing", kind="run", params={"n": len(self.scanned.vanishing)},
                    why="{n} published entries are missing from the documents at once",
                    how="put the files back; if it was meant: publisher once --accept-withdrawals",
                )
            )  # fmt: skip

    def _finish_planned(self) -> None:
        """An issue whose run was broken off between plan and commit goes out now, as its text is today."""
        with self.e.store.read() as tx:
            if not issues.in_state(tx, "planned"):
                return
        with self.e.store.write() as tx:
            for issue in issues.in_state(tx, "planned"):
                entries.unbind_withdrawn(tx, issue.id)
                if not entries.of_issue(tx, issue.id):
                    issues.empty_out(tx, issue.id)
                else:
                    self.recovered.append(
                        Note("the issue {issue}, broken off before, is finished", {"issue": str(issue.name)})
                    )

    async def _publish(self, known: Publication) -> None:
        """Choose (once a day), ask, build, commit."""
        self.progress.phase("choose")
        if self.held or (self.scheduled and self.slot is None):
            self.progress.done("choose", told.CHOSEN_NOTHING)
        elif self._is_out() and not self.extra:
            self.progress.done("choose", told.CHOSEN_BEFORE)
        elif self._is_skipped() and not self.extra:
            self.notes.append(
                Note(
                    "{day} is left out by your wish; publisher once --extra publishes all the same",
                    {"day": self.day.isoformat()},
                )
            )
            self.progress.done("choose", told.CHOSEN_NOTHING)
        else:
            await self._choose()
        with self.e.store.read() as tx:
            planned = issues.in_state(tx, "planned")
            chosen = [facts.id for issue in planned for facts in entries.of_issue(tx, issue.id)]
        if not self.rehearsal and (planned or not self.scheduled):
            await self._ask(chosen)
        if self.fresh or planned or self.scanned.changed or self.archived:
            self.progress.phase("render")
            self.built = build(
                self.e.store, self.e.output, self.e.documents, self.e.building(known), now=self.now
            )
            for issue in planned:
                self._commit(known, issue)
            self._tell_rendered()

    async def _ask(self, chosen: list[int]) -> None:
        self.asked = await ask_links(self.e, chosen, self.progress, spent_s=self.broken.spent_s)
        if any(check.alarm for check in self.asked.checks):
            from publisher.app.links import alarms

            self.notes += alarms(self.asked.checks, self.e.alarms_at)

    def _is_out(self) -> bool:
        """Whether today's slot was used, or is about to be by a run that was broken off."""
        with self.e.store.read() as tx:
            return any(issue.state in ("planned", "published") for issue in issues.of_day(tx, self.day))

    def _is_skipped(self) -> bool:
        with self.e.store.read() as tx:
            return any(issue.state == "cancelled" for issue in issues.of_day(tx, self.day))

    async def _choose(self) -> None:
        self.broken = await look_for_broken(self.e, self.day, self.progress)
        self.held += self.broken.held()
        if self.broken.whole and self.broken.entries:
            self.progress.done("choose", told.CHOSEN_NOTHING)
            return
        chosen = choose_issue(self.e, self.now, self.day, extra=self.extra, broken=self.broken.entries)
        self.choice, self.archived = chosen.choice, chosen.archived
        self.emptied, self.covers = chosen.emptied, chosen.covers
        if chosen.archived and not self._had_issues():
            self.notes.append(
                Note(
                    "first run: {n} older entries get pages, but no mail and no feed",
                    {"n": len(chosen.archived)},
                )
            )
        self._tell_chosen(chosen)

    def _had_issues(self) -> bool:
        with self.e.store.read() as tx:
            return issues.newest(tx) is not None

    def _commit(self, known: Publication, issue: StoredIssue) -> None:
        """From here on the issue is out and its mail is on the books."""
        from publisher.app.mailing import daily_readers, press_of

        with self.e.store.read() as tx:
            press = press_of(self.e, tx, known, issue, self.now)
            usual = press.frozen(tx, press.usual)
            press.draw(tx, (variant for _, variant in daily_readers(tx)))
        with self.e.store.write() as tx:
            fault("commit-begun")
            issues.commit(tx, issue.id, subject=usual.subject, now=self.now)
            publication.raise_generation(tx)
            given = daily_readers(tx)
            press.open(tx, given, held=issue.mail_hold, now=self.now)
            fault("commit-written")
        fault("commit-committed")
        self.issue, self.mail = issue.name, press.summary(given)
        self.drawn["digest"] = usual
        self.drawn |= {f"digest.{v}": one for v, one in press.drawn.items() if v != press.usual}

    def _close_week(self, known: Publication) -> None:
        """The weekly mailing, if one is due."""
        from publisher.app.weekly import make_weekly

        made = make_weekly(self.e, known, self.now)
        if made is not None:
            self.weekly = made.summary
            self.drawn |= {f"weekly.{variant}": one for variant, one in made.drawn.items()}

    async def _send(self, known: Publication) -> None:
        stamp_site(self.e)
        if self.rehearsal:
            return
        self.progress.phase("deliver")
        try:
            self.accepted = await deliver(
                self.e.store,
                self.e.mailer,
                self.e.identity(known),
                self.e.delivering,
                clock=self.e.clock,
                going=self.going,
            )
        except MailError as exc:
            # The issue is out; its mail is on the books and waits for a server that takes it.
            self.held.append(HeldItem(what="mail", why=exc.sentence, how=exc.fix, params=exc.params))
        self._tell_delivered()

    async def _keep_links(self, known: Publication) -> None:
        """Links whose time has come, when nobody waits any more; without a network they wait for the next run."""
        if self.rehearsal or not self.asked.heard or not self.going():
            return
        from publisher.app.upkeep import keep_links

        await keep_links(self.e, known, self.now, self.progress, draw=lambda: self._redraw(known))

    def _thin(self) -> None:
        """When a slot was closed, which happens once a day."""
        if self.rehearsal or not (self.issue or self.emptied):
            return
        from publisher.app.maintain import maintain

        maintain(self.e, self.now)

    def _redraw(self, known: Publication) -> None:
        before = self.built.outputs
        again = build(self.e.store, self.e.output, self.e.documents, self.e.building(known), now=self.now)
        written = before.written + again.outputs.written
        outputs = replace(again.outputs, written=written, removed=before.removed + again.outputs.removed)
        self.built = replace(self.built, outputs=outputs)

    # -- what is told

    def _outcome(self) -> str:
        if self.issue is not None:
            return "published"
        if self._is_out():
            return "already-published"
        return "held" if any(item.kind == "run" for item in self.held) else "empty"

    def _known(self) -> Publication:
        with self.e.store.read() as tx:
            known = publication.get(tx)
        assert known is not None
        return known

    def _tell_chosen(self, chosen: Chosen) -> None:
        if chosen.name is None:
            self.progress.done("choose", told.CHOSEN_NOTHING)
            return
        with self.e.store.read() as tx:
            issue = issues.named(tx, chosen.name)
            facts = entries.of_issue(tx, issue.id) if issue else []
        days = sorted({one.day for one in facts})
        span = days[0].isoformat() if len(days) == 1 else f"{days[0]} – {days[-1]}"
        self.progress.done(
            "choose", told.CHOSEN, days=span, entries=len(facts), words=f"{sum(f.words for f in facts):,}",
            minutes=sum(f.minutes for f in facts),
        )  # fmt: skip

    def _tell_rendered(self) -> None:
        done = self.built.outputs
        if self.mail is None:
            self.progress.done(
                "render", told.RENDERED_NO_MAIL, written=done.written, unchanged=done.unchanged
            )
            return
        self.progress.done(
            "render", told.RENDERED, written=done.written, unchanged=done.unchanged,
            kilobytes=f"{self.mail.html_bytes / 1000:.1f}", budget=f"{self.mail.budget_bytes / 1000:.1f}",
        )  # fmt: skip

    def _tell_delivered(self) -> None:
        with self.e.store.read() as tx:
            books = deliveries.books(tx)
        if self.accepted:
            readers = books.get("recipients", 0)
            self.progress.done("deliver", told.DELIVERED, accepted=self.accepted, recipients=readers)
        else:
            self.progress.done("deliver", told.DELIVERED_NONE)

    def _summary(self, known: Publication, outcome: str) -> RunSummary:
        return report(
            self.e, known,
            Reporting(
                run=str(self.run_id), now=self.now, day=self.day, outcome=outcome, scanned=self.scanned,
                choice=self.choice, archived=self.archived, issue=self.issue, held=tuple(self.held),
                notes=tuple(self.notes), recovered=tuple(self.recovered), built=self.built, mail=self.mail,
                weekly=self.weekly,
                took_s=self.e.monotonic() - self.began_s,
            ),
        )  # fmt: skip


def stamp_site(e: Equipment) -> None:
    """The site says how far it got, before any mail leaves. Written only when it says something else."""
    with e.store.read() as tx:
        known, newest = publication.get(tx), issues.newest(tx)
    if known is None or newest is None:
        return
    said = site_stamp.Stamp(
        uuid=known.uuid, tag_host=known.tag_host, generation=known.generation, issue=str(newest.name)
    )
    if site_stamp.read(e.output) != said:
        site_stamp.write(e.output, said)
    fault("stamp-written")
