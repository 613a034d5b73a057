"""Readers as people, by the operator's hand: take over a list, write one, forget somebody, tell all that is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, get_args

from msgspec.structs import asdict

from publisher.app.equipment import Equipment
from publisher.app.owner import normalised
from publisher.app.people_summary import (
    AddressOutcome,
    ExportSummary,
    ImportedRow,
    ImportSummary,
    RowOutcome,
    SubscribersChange,
)
from publisher.app.summary import Note
from publisher.core.errors import UsageError
from publisher.core.preferences import Preferences, cadence_of
from publisher.core.roster import BadRow, Row, decoded, rows, written
from publisher.core.variant import body_of, language_of
from publisher.store import consents, deliveries, notices, subscribers, suppressions
from publisher.store.consents import Consent
from publisher.store.engine import Store, Transaction, pieces
from publisher.store.subscribers import StoredSubscriber

OneOutcome = Literal["paused", "reactivated", "already", "changed"]

_GONE = ("unsubscribed", "bounced", "complained")
_LIVE = ("pending", "active", "paused")


# ---------------------------------------------------------------- lists


def import_people(
    e: Equipment, data: bytes, name: str, *, cadence: str | None = None, dry_run: bool = False
) -> ImportSummary:
    """Take over the readers of a CSV file, active where it does not say otherwise, because the operator vouches.

    Nobody who is known here is made active by it; who left there leaves here too. Doing it twice changes nothing.
    `cadence` is for rows that name none. Raises UsageError when the file is no list.
    """
    importing = _Importing(e, e.store.rehearsal() if dry_run else e.store, name, cadence)
    for some in pieces(rows(decoded(data))):
        importing.take(some)
    return importing.summary(dry_run=dry_run)


def export_people(e: Equipment) -> ExportSummary:
    """Every reader with all that was chosen and agreed, as CSV that `import_people` takes without loss."""
    with e.store.read() as tx:
        agreed = consents.by_subscriber(tx)
        people = [
            asdict(person) | {"consents": [asdict(one) for one in agreed.get(person.id, [])]}
            for person in subscribers.everyone(tx)
        ]
    return ExportSummary(people=len(people), text=written(people))


class _Importing:
    """One file on its way into the store."""

    def __init__(self, e: Equipment, store: Store, name: str, cadence: str | None) -> None:
        self._e, self._store, self._name, self._cadence = e, store, name, cadence
        self._now = e.clock()
        self._seen: dict[str, int] = {}
        self._added = 0
        self._told: list[ImportedRow] = []

    def take(self, some: Sequence[Row | BadRow]) -> None:
        """The next rows, in one transaction."""
        with self._store.write() as tx:
            norms = [row.address.norm for row in some if isinstance(row, Row)]
            blocked = suppressions.suppressed(tx, norms)
            for row in some:
                if isinstance(row, BadRow):
                    error = row.error
                    why, fix = Note(error.sentence, error.params), Note(error.fix, error.params)
                    self._tell(row.line, row.written, "bad", why, fix)
                else:
                    self._take(tx, row, blocked=row.address.norm in blocked)

    def summary(self, *, dry_run: bool) -> ImportSummary:
        outcomes = [row.outcome for row in self._told]
        counts = {outcome: outcomes.count(outcome) for outcome in get_args(RowOutcome)}
        return ImportSummary(
            file=self._name, dry_run=dry_run, added=self._added, rows=tuple(self._told), **counts
        )

    def _tell(self, line: int, email: str, outcome: RowOutcome, why: Note, fix: Note | None = None) -> None:
        self._told.append(ImportedRow(line=line, email=email, outcome=outcome, why=why, fix=fix or Note("")))

    def _take(self, tx: Transaction, row: Row, *, blocked: bool) -> None:
        address = row.address
        before = self._seen.setdefault(address.norm, row.line)
        known = subscribers.find(tx, address.norm)
        if before != row.line:
            fix = Note("remove one of the two rows")
            self._tell(
                row.line, address.email, "duplicate", Note("the same as line {line}", {"line": before}), fix
            )
        elif blocked:
            fix = Note("they must subscribe by themselves")
            self._tell(
                row.line, address.email, "suppressed", Note("asked not to be mailed, or may not be"), fix
            )
        elif known is None:
            self._add(tx, row)
        elif known.state in _LIVE and row.state in _GONE:
            self._leave(tx, known, row)
        else:
            self._tell(row.line, known.email, "already", Note("is there already, and stays as it is"))

    def _add(self, tx: Transaction, row: Row) -> None:
        facts: dict[str, Any] = dict(row.facts)
        uid = facts.pop("uid", "")
        if not uid or subscribers.by_uid(tx, uid) is not None:
            uid = self._e.mint_uid()
        facts.setdefault("created_at", self._now)
        facts.setdefault("state_at", facts["created_at"])
        wish = Preferences(
            cadence=cadence_of(facts.pop("cadence", self._cadence or "daily")), body=body_of(facts.pop("body", "full")),
            language=language_of(facts.pop("language", self._e.config.site.language)),
        )  # fmt: skip
        subscribers.add(
            tx, uid=uid, email=row.address.email, email_norm=row.address.norm, state=row.state or "active",
            now=self._now, wish=wish, facts=facts,
        )  # fmt: skip
        person = subscribers.find(tx, row.address.norm)
        assert person is not None
        for one in row.consents:
            consents.restore(tx, person.id, Consent(one.at, one.kind, one.source, one.text))
        if (
            not row.consents and "uid" not in row.facts
        ):  # with one it is an export of ours, and says all there was
            consents.note(tx, person.id, "imported", at=self._now, source=self._name)
        self._added += 1

    def _leave(self, tx: Transaction, known: StoredSubscriber, row: Row) -> None:
        state = row.state if known.state != "pending" and row.state else "unsubscribed"
        subscribers.set_state(tx, known.id, state, self._now)
        consents.note(tx, known.id, "withdrawn", at=self._now, source=self._name)
        why = Note("has left there, and leaves here too")
        self._tell(row.line, known.email, "left", why)


# ---------------------------------------------------------------- one person


def forget(e: Equipment, emails: Sequence[str], *, now: datetime) -> SubscribersChange:
    """Erase people: what stays is a salted hash, so that no list and no operator brings them back.

    The books of old mailings keep a row that says nothing. Somebody unknown is kept away too.
    """
    with e.store.write() as tx:
        done = SubscribersChange(addresses=tuple(_forget(e, tx, email, now) for email in emails))
    e.store.empty_log()
    return done


def _forget(e: Equipment, tx: Transaction, email: str, now: datetime) -> AddressOutcome:
    try:
        address = normalised(email)
    except UsageError as exc:
        return AddressOutcome(email=email, outcome="refused", why=Note(exc.sentence, exc.params))
    known = subscribers.find(tx, address.norm)
    if known is None:
        suppressions.suppress(tx, address.norm, "forgotten", now)
        notices.forget(tx, address.norm)
    else:
        forget_person(e, tx, known, now)
    return AddressOutcome(email=address.email, outcome="forgotten")


def forget_person(e: Equipment, tx: Transaction, person: StoredSubscriber, now: datetime) -> None:
    """Take everything personal of a reader out of the store."""
    suppressions.suppress(tx, person.email_norm, "forgotten", now)
    subscribers.remove(tx, person.id, uid=e.mint_uid(), now=now)


def everything_about(e: Equipment, tx: Transaction, person: StoredSubscriber) -> dict[str, Any]:
    """All that is stored about a reader, for themselves: ready for JSON, times in the publication's zone."""

    def said(at: datetime) -> str:
        return e.local(at).isoformat(timespec="seconds")

    return {
        "email": person.email,
        "state": person.state,
        "since": said(person.state_at),
        "joined": said(person.created_at),
        "cadence": person.cadence,
        "body": person.body,
        "language": person.language,
        "paused_until": person.paused_until.isoformat() if person.paused_until else None,
        "soft_bounces": person.soft_bounces,
        "last_asked": said(person.asked_at) if person.asked_at else None,
        "consents": [asdict(one) | {"at": said(one.at)} for one in consents.of(tx, person.id)],
        "letters": [
            {"kind": one.kind, "to": one.email, "state": one.state, "at": said(one.created_at)}
            for one in notices.of(tx, person.id)
        ],
        "mailings": [
            {"issue": str(row.issue), "state": row.state, "at": said(row.at), "answer": row.text}
            for row in deliveries.of_subscriber(tx, person.id)
        ],
    }


def pause(e: Equipment, email: str, until: date | None, *, now: datetime) -> SubscribersChange:
    """Mail nothing to a reader until that day (None: until they or you say so). Raises UsageError."""
    if until is not None and until <= e.today(now):
        raise UsageError("{day} is over", day=until.isoformat(), fix="name a day to come")
    with e.store.write() as tx:
        person = _known(tx, email)
        if person.state not in ("active", "paused"):
            raise UsageError(
                "{email} is {state}: there is nothing to pause", email=person.email, state=person.state,
                fix="publisher subscribers list names the active ones",
            )  # fmt: skip
        subscribers.set_state(tx, person.id, "paused", now, paused_until=until)
    return _told(person, "paused", "paused")


def resume(e: Equipment, email: str, *, now: datetime) -> SubscribersChange:
    """End a reader's pause now. Raises UsageError."""
    with e.store.write() as tx:
        person = _known(tx, email)
        if person.state != "paused":
            return _told(person, "already", person.state)
        subscribers.set_state(tx, person.id, "active", now)
    return _told(person, "reactivated", "active")


def choose(
    e: Equipment, email: str, *, cadence: str | None, body: str | None, language: str | None, now: datetime
) -> SubscribersChange:
    """Set what a reader would choose by themselves; None leaves it. Raises UsageError."""
    with e.store.write() as tx:
        person = _known(tx, email)
        wish = Preferences(
            cadence=cadence_of(cadence or person.cadence),
            body=body_of(body or person.body),
            language=language_of(language or person.language),
        )
        subscribers.set_preferences(tx, person.id, wish)
        text = f"{wish.cadence} {wish.body} {wish.language}"
        consents.note(tx, person.id, "changed", at=now, source="operator", text=text)
    return _told(person, "changed", person.state)


def _told(person: StoredSubscriber, outcome: OneOutcome, state: str) -> SubscribersChange:
    one = AddressOutcome(email=person.email, outcome=outcome, state=state, uid=person.uid)
    return SubscribersChange(addresses=(one,))


def _known(tx: Transaction, email: str) -> StoredSubscriber:
    person = subscribers.find(tx, normalised(email).norm)
    if person is None:
        raise UsageError(
            "{email} is no subscriber", email=email[:80], fix="publisher subscribers list names everyone"
        )
    return person
