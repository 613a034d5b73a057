"""Ask links and remember the answers: those of an issue, those that are due, or any.

1. hosts that rest are left alone; of the others every link is asked within the budget (check_links)
2. when something failed, the canaries are asked too: is it the links, or our own network?
3. each check moves its link's standing (core.verdict); of a void run only successes count, if those
4. what is new becomes an event for the weekly report; hosts that want a pause are written down
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

from publisher.app import progress as told
from publisher.app.check_links import NO_NETWORK, Probe, check_links
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress
from publisher.core.faults import fault
from publisher.core.link import LinkCheck, host_label
from publisher.core.verdict import counts_in_void, events, is_void, judge, kind_of
from publisher.store import link_reports, links

LEFT_OVER = 200
"""Links of earlier issues that a run asks at most beside its own."""

VOID_AGAIN = timedelta(hours=1)
AWAY_AGAIN = timedelta(minutes=15)
"""When a run counted for nothing, or nobody could be asked, the next one is not a minute later."""

CANARY_S = 10.0
RESTING = "the server asked us to come later"


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: every check in order, and whether the run says more about our network than of links."""

    checks: tuple[LinkCheck, ...] = ()
    void: bool = False

    @property
    def made(self) -> int:
        """How many were really asked."""
        return sum(check.result != "deferred" for check in self.checks)

    @property
    def heard(self) -> bool:
        """Whether anybody spoke to us, or nobody had to."""
        return not self.checks or any(check.network == "heard" for check in self.checks)


async def ask_links(
    e: Equipment, entry_ids: Sequence[int], progress: Progress, *, spent_s: float = 0.0
) -> Asked:
    """The links of an issue that were never answered, then those that earlier runs had to leave. Publishing never
    depends on it. `spent_s` of the budget are gone already."""
    with e.store.read() as tx:
        urls = links.unasked(tx, entry_ids)
        urls += [url for url in links.unasked_published(tx, limit=LEFT_OVER) if url not in urls]
    progress.phase("links")
    asked = await ask_urls(e, urls, progress, budget_s=e.config.links.budget_s - spent_s)
    fault("links-checked")
    _tell(progress, asked.checks)
    return asked


async def recheck(e: Equipment, progress: Progress, *, limit: int = LEFT_OVER) -> Asked:
    """The links whose time has come (and those of public entries that were never asked), as many as a small budget
    holds."""
    with e.store.read() as tx:
        urls = link_reports.due(tx, e.clock(), limit=limit)
    return await ask_urls(e, urls, progress, budget_s=e.config.links.recheck_budget_s)


async def ask_urls(
    e: Equipment, urls: Sequence[str], progress: Progress, *, budget_s: float, lock: str = ""
) -> Asked:
    """Ask these within the budget and remember the answers; `lock`: as whom to take the lock for that."""
    if not urls or e.probing is None:
        return Asked()
    with e.store.read() as tx:
        resting = dict.fromkeys(link_reports.resting(tx, e.clock()), RESTING)
    async with e.probing() as probe:
        if resting:
            probe.shut(resting)
        options = e.config.links
        checks = await check_links(
            urls, probe=probe, budget_s=budget_s, now=e.clock, progress=progress, per_host=options.per_host,
            retry_wait_s=options.retry_wait_s,
        )  # fmt: skip
        sings = await _canary_sings(probe, checks, options.canaries)
    with e.lock(lock) if lock else nullcontext():
        void = _remember(e, checks, canary_alive=sings)
    return Asked(tuple(checks), void)


async def _canary_sings(probe: Probe, checks: Sequence[LinkCheck], canaries: Sequence[str]) -> bool:
    """Whether a well-known address answers; asked only when a link failed. A wall is an answer too."""
    if not canaries or not any(kind_of(check.result) == "failed" for check in checks):
        return True
    try:
        async with asyncio.timeout(CANARY_S):
            for canary in canaries:
                if (await probe.ask(canary)).result in ("ok", "blocked"):
                    return True
    except TimeoutError:
        pass
    return False


def _remember(e: Equipment, checks: Sequence[LinkCheck], *, canary_alive: bool) -> bool:
    """Write everything down; returns whether the run was void."""
    asked = [check for check in checks if check.result != "deferred"]
    learnt = [check for check in checks if check.result == "deferred" and check.target]
    pauses = [check.pause for check in checks if check.pause]
    with e.store.write() as tx:
        before = links.standings(tx, [check.url for check in checks])
        judged = [(before[check.url], check) for check in asked if check.url in before]
        void = is_void(judged, canary_alive=canary_alive)
        unbelieved = []
        for standing, check in judged:
            if void and not counts_in_void(check, canary_alive=canary_alive):
                links.log(tx, check, void=True)
                unbelieved.append(check.url)
            else:
                after = judge(standing, check)
                links.record(tx, check, after, events(standing, after, check))
        for check in learnt:
            if check.url in before:
                links.learn_target(tx, check.url, judge(before[check.url], check).target)
        links.put_off(tx, unbelieved, e.clock() + VOID_AGAIN)
        away = [check.url for check in checks if check.error == NO_NETWORK]
        links.put_off(tx, away, e.clock() + AWAY_AGAIN)
        for host, seconds in pauses:
            link_reports.rest(tx, host.removeprefix("www."), seconds, e.clock())
        link_reports.wake(tx, _fine_hosts(asked))
    return void


def _fine_hosts(asked: Sequence[LinkCheck]) -> set[str]:
    """Hosts on the way of links that arrived."""
    good = [check for check in asked if kind_of(check.result) == "good"]
    return {host_label(address) for check in good for address in check.chain}


def _tell(progress: Progress, checks: Sequence[LinkCheck]) -> None:
    if not checks:
        progress.done("links", told.LINKS_NONE)
        return
    counts = Counter(_kind(check) for check in checks)
    progress.done(
        "links", told.LINKS_ASKED, asked=len(checks) - counts["unchecked"],
        **{kind: counts[kind] for kind in ("alive", "broken", "unsure", "unchecked")},
    )  # fmt: skip


def _kind(check: LinkCheck) -> str:
    if check.result in ("ok", "redirected"):
        return "alive"
    if check.result == "deferred":
        return "unchecked"
    return "broken" if check.result in ("broken", "invalid") else "unsure"
