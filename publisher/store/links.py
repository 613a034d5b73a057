"""What was learnt about links: one row an address, a log of checks, and what the feeds say of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from publisher.core.link import LinkCheck, LinkState
from publisher.core.verdict import Event, Standing
from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces


def set_links(tx: Transaction, wanted: Mapping[int, Sequence[tuple[str, str]]]) -> None:
    """The links of entries' current texts, in order, as entry id → (url, host); what is known is kept."""
    said = _said_of(tx, wanted)
    changed = {i: urls for i, urls in wanted.items() if list(said.get(i, {})) != [url for url, _ in urls]}
    if not changed:
        return
    known = _link_ids(tx, {url: host for urls in changed.values() for url, host in urls})
    for ids in pieces(changed):
        tx.execute(delete(s.entry_links).where(s.entry_links.c.entry_id.in_(ids)))
    rows = [
        {
            "entry_id": entry_id, "link_id": known[url].id, "ordinal": ordinal,
            "feed_state": said.get(entry_id, {}).get(url) or _first_word(known[url]),
        }
        for entry_id, urls in changed.items()
        for ordinal, (url, _) in enumerate(urls)
    ]  # fmt: skip
    if rows:
        tx.execute(insert(s.entry_links), rows)


def _said_of(tx: Transaction, entry_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What the feeds say of the links of these entries now: entry id → url → state, in the order of the text."""
    c = s.entry_links.c
    query = select(c.entry_id, s.links.c.url, c.feed_state).join(s.links, s.links.c.id == c.link_id)
    said: dict[int, dict[str, Any]] = {}
    for ids in pieces(entry_ids):
        for row in tx.execute(query.where(c.entry_id.in_(ids)).order_by(c.entry_id, c.ordinal)):
            said.setdefault(row.entry_id, {})[row.url] = row.feed_state
    return said


def _link_ids(tx: Transaction, hosts: Mapping[str, str]) -> dict[str, Any]:
    """The rows of these addresses, made where they are missing."""
    c = s.links.c
    nothing = {"verdict": "unchecked", "error": "", "streak": 0, "fails": 0}
    fresh = [{"url": url, "host": host, **nothing} for url, host in hosts.items()]
    if fresh:
        tx.execute(upsert(s.links).on_conflict_do_nothing(index_elements=["url"]), fresh)
    found: dict[str, Any] = {}
    for urls in pieces(hosts):
        query = select(c.id, c.url, c.verdict, c.target, c.target_title).where(c.url.in_(urls))
        found |= {row.url: row for row in tx.execute(query)}
    return found


def _first_word(link: Any) -> dict[str, Any] | None:
    """What the feeds say of a link that another entry brought in before."""
    dead = link.verdict == "dead"
    if not link.target and not dead:
        return None
    return {"target": link.target, "target_title": link.target_title, "dead": dead}


def unasked(tx: Transaction, entry_ids: Iterable[int]) -> list[str]:
    """Addresses of these entries that were never asked with an answer, in the order of the entries."""
    query = (
        select(s.links.c.url)
        .join(s.entry_links, s.entry_links.c.link_id == s.links.c.id)
        .where(s.entry_links.c.entry_id.in_(list(entry_ids)), s.links.c.verdict == "unchecked")
        .order_by(s.entry_links.c.entry_id, s.entry_links.c.ordinal)
    )
    return list(dict.fromkeys(tx.execute(query).scalars()))


def unasked_published(tx: Transaction, *, limit: int) -> list[str]:
    """Addresses of entries with a page that were never asked with an answer, those of the newest entries first."""
    e = s.entries.c
    query = (
        select(s.links.c.url)
        .join(s.entry_links, s.entry_links.c.link_id == s.links.c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .where(s.links.c.verdict == "unchecked", e.issue_id.is_not(None), e.state != "withdrawn")
        .group_by(s.links.c.id)  # by their addresses it would be read in the order of those
        .order_by(func.max(e.published_at).desc(), s.links.c.url)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


STANDING = Standing.__struct_fields__


def standings(tx: Transaction, urls: Iterable[str]) -> dict[str, Standing]:
    """What is remembered of these addresses; one that no entry ever held is missing."""
    columns = [s.links.c[name] for name in STANDING]
    found: dict[str, Standing] = {}
    for some in pieces(urls):
        for row in tx.execute(select(*columns).where(s.links.c.url.in_(some))).mappings():
            found[row["url"]] = Standing(**row)
    return found


def record(tx: Transaction, check: LinkCheck, after: Standing, told: Iterable[Event] = ()) -> None:
    """Write a check down, move the link to where it stands now, and note what is worth telling."""
    link_id = tx.execute(select(s.links.c.id).where(s.links.c.url == check.url)).scalar_one_or_none()
    if link_id is None:
        return
    log(tx, check, link_id=link_id)
    values = {name: getattr(after, name) for name in STANDING if name != "url"}
    tx.execute(update(s.links).where(s.links.c.id == link_id).values(values))
    rows = [
        {"link_id": link_id, "at": one.at, "kind": one.kind, "was": one.was, "now": one.now} for one in told
    ]
    if rows:
        tx.execute(insert(s.link_events), rows)
    _settle_feed_state(tx, link_id, values)


def log(tx: Transaction, check: LinkCheck, *, link_id: int | None = None, void: bool = False) -> None:
    """Write a check down and believe nothing of it when the run was void."""
    if link_id is None:
        link_id = tx.execute(select(s.links.c.id).where(s.links.c.url == check.url)).scalar_one_or_none()
    if link_id is None:
        return
    tx.execute(
        insert(s.link_checks).values(
            link_id=link_id, at=check.at, result=check.result, http_status=check.http_status, ms=check.ms,
            target=check.target, chain=list(check.chain), error=check.error, void=int(void),
        )
    )  # fmt: skip


def learn_target(tx: Transaction, url: str, target: str | None) -> None:
    """Where a link leads, learnt from a check that was broken off."""
    c = s.links.c
    tx.execute(update(s.links).where(c.url == url, c.target.is_(None)).values(target=target))


def put_off(tx: Transaction, urls: Iterable[str], until: datetime) -> None:
    """Ask these again no sooner: a void run, or one without a network, must not be repeated every minute."""
    for some in pieces(urls):
        c = s.links.c
        tx.execute(update(s.links).where(c.url.in_(some)).values(next_at=until))


def _settle_feed_state(tx: Transaction, link_id: int, values: dict[str, Any]) -> None:
    """What the feeds say is set by the first check that learns the target; after that only 'dead' moves it.

    A feed that changed with every re-check would be shown as unread again and again.
    """
    dead = values["verdict"] == "dead"
    c = s.entry_links.c
    state = {"target": values["target"], "target_title": values["target_title"], "dead": dead}
    for row in tx.execute(select(c.entry_id, c.feed_state).where(c.link_id == link_id)).all():
        said = row.feed_state
        if said is not None and said["dead"] == dead and (said["target"] or not state["target"]):
            continue
        if said is None and not state["target"] and not dead:
            continue
        tx.execute(
            update(s.entry_links)
            .where(c.entry_id == row.entry_id, c.link_id == link_id)
            .values(feed_state=state)
        )


class KnownLinks(Struct, frozen=True):
    """The links of one entry: as pages show them, and as feeds and mail do."""

    pages: dict[str, LinkState]
    feeds: dict[str, LinkState]


def known(tx: Transaction, entry_ids: Sequence[int] | None = None) -> dict[int, KnownLinks]:
    """What is known of the links of these entries (of all published ones when None)."""
    columns = (
        s.entry_links.c.entry_id, s.entry_links.c.feed_state, s.links.c.url, s.links.c.verdict, s.links.c.result,
        s.links.c.target, s.links.c.target_title, s.links.c.http_status, s.links.c.checked_at, s.links.c.ok_at,
    )  # fmt: skip
    query = select(*columns).join(s.links, s.entry_links.c.link_id == s.links.c.id)
    if entry_ids is not None:
        query = query.where(s.entry_links.c.entry_id.in_(entry_ids))
    found: dict[int, KnownLinks] = {}
    for row in tx.execute(query.order_by(s.entry_links.c.entry_id, s.entry_links.c.ordinal)):
        states = found.setdefault(row.entry_id, KnownLinks({}, {}))
        states.pages[row.url] = LinkState(
            url=row.url, verdict=row.verdict, result=row.result, target=row.target, target_title=row.target_title,
            http_status=row.http_status, checked_at=row.checked_at, ok_at=row.ok_at,
        )  # fmt: skip
        states.feeds[row.url] = _feed_state(row.url, row.feed_state)
    return found


def _feed_state(url: str, said: dict[str, Any] | None) -> LinkState:
    if said is None:
        return LinkState(url=url)
    return LinkState(
        url=url,
        verdict="dead" if said["dead"] else "alive",
        target=said["target"],
        target_title=said["target_title"],
    )


def count_by_verdict(tx: Transaction) -> dict[str, int]:
    """How many links of published entries are alive, dead, unsure, unchecked."""
    query = (
        select(s.links.c.verdict, func.count(s.links.c.id.distinct()))
        .join(s.entry_links, s.entry_links.c.link_id == s.links.c.id)
        .join(s.entries, s.entries.c.id == s.entry_links.c.entry_id)
        .where(s.entries.c.permalink.is_not(None), s.entries.c.state != "withdrawn")
        .group_by(s.links.c.verdict)
    )
    return {row[0]: row[1] for row in tx.execute(query)}
