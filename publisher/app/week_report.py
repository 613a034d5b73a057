"""The curator's weekly report by mail: what went out, who came and left, what became of the mail, what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from publisher.app.alerts import troubles
from publisher.app.equipment import Equipment
from publisher.app.owner_mail import mail_owner, owner_words
from publisher.app.summary import RunSummary
from publisher.core import calendar
from publisher.core.errors import MailError
from publisher.core.faults import fault
from publisher.render.words import Words
from publisher.store import runs, week
from publisher.store.engine import Transaction
from publisher.store.publication import Publication

KIND = "report"
_WEEK = timedelta(days=7)
_AGAIN_AFTER = timedelta(minutes=30)
_STATES: Mapping[str, str] = {
    "accepted": "{n} accepted",
    "rejected": "{n} rejected",
    "deferred": "{n} deferred",
    "uncertain": "{n} uncertain",
    "skipped": "{n} skipped",
    "waiting": "{n} waiting",
}


async def send_report(e: Equipment, known: Publication, run: RunSummary, now: datetime) -> bool:
    """Send the report of the week that is over, after Monday's slot; True when it went out now.

    Noted before it is sent: a run killed in between sends it no second time.
    """
    monday = _due(e, known, now)
    if monday is None:
        return False
    with e.store.read() as tx:
        before = runs.newest(tx, KIND)
        if before is not None and before.day == monday and _is_settled(before, now):
            return False
        text = "\n".join(report_lines(e, tx, run, monday)) + "\n"
    with e.store.write() as tx:
        run_id = runs.begin(tx, kind=KIND, host=e.host, now=now, day=monday)
    fault("report-noted")
    words, error = owner_words(e), ""
    first = words.day_short(monday - _WEEK)
    subject = words("{site}: the week of {day}", site=e.site(known).title, day=first)
    try:
        sent = await mail_owner(e, known, now, name=f"report {monday}", subject=subject, text=text)
    except MailError as exc:
        sent, error = False, str(exc)
    with e.store.write() as tx:
        runs.end(tx, run_id, now=e.clock(), ok=sent, outcome="sent" if sent else "deferred", error=error)
    return sent


def _is_settled(before: runs.Run, now: datetime) -> bool:
    """Sent, or perhaps sent by a run that was killed; or it failed a moment ago."""
    return before.ok is not False or now - before.started_at < _AGAIN_AFTER


def _due(e: Equipment, known: Publication, now: datetime) -> date | None:
    """The Monday whose report is due; None when there is none. A publication's first week has one if it had a day."""
    if e.config.alerts.report == "never" or not e.config.mail.owner:
        return None
    monday = calendar.newest_weekday(e.today(now), "monday")
    if now < calendar.slot_time(monday, e.config.publish.at, e.config.zone):
        monday -= _WEEK
    return monday if e.today(known.created_at) < monday else None


def report_lines(e: Equipment, tx: Transaction, run: RunSummary, monday: date) -> Iterator[str]:
    """The report of the seven days before `monday`, line by line."""
    words, first = owner_words(e), monday - _WEEK
    since, until = (datetime.combine(day, datetime.min.time(), e.config.zone) for day in (first, monday))
    last = monday - timedelta(days=1)
    yield words("From {first} to {last}", first=words.day_full(first), last=words.day_full(last))
    yield ""
    made = week.issues(tx, first, last)
    yield words("Published: {what}", what=_published(made, words))
    for one in made:
        entries = words.plural("{n} entry", "{n} entries", one.entries)
        yield f"  {one.name}  {one.subject}  {entries}, {words.plural('{n} word', '{n} words', one.words)}"
    came, left = week.readers(tx, since, until)
    yield words("Readers: {came} came, {left} left", came=words.number(came), left=words.number(left))
    yield words("Mail: {what}", what=_counts(week.deliveries(tx, since, until), words))
    verdicts = week.links(tx)
    yield words(
        "Links: {dead} dead, {unsure} unsure", dead=verdicts.get("dead", 0), unsure=verdicts.get("unsure", 0)
    )
    stock = words.plural("{n} entry", "{n} entries", run.waiting.entries)
    days = words.plural("{n} day", "{n} days", run.waiting.days)
    yield words("Material left: {entries}, for {days}", entries=stock, days=days)
    wrong = troubles(e, run)
    if wrong:
        yield ""
        yield words("What needs you:")
        yield from (f"  {line}" for said in wrong.values() for line in said.split("\n"))


def _published(made: list[week.IssueFigures], words: Words) -> str:
    if not made:
        return words("nothing")
    issues = words.plural("{n} issue", "{n} issues", len(made))
    return f"{issues}, {words.plural('{n} entry', '{n} entries', sum(one.entries for one in made))}"


def _counts(counts: Mapping[str, int], words: Words) -> str:
    said = [words(_STATES[state], n=words.number(counts[state])) for state in _STATES if counts.get(state)]
    return ", ".join(said) or words("none")
