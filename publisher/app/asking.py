"""Ask links and remember the answers: those of an issue, those that are due, or any.

1. hosts that rest are left alone; of the others every link is asked within the budget (check_links)
2. answers are written down meanwhile, in groups (answers); what fails waits for the end of the round
3. a round that is broken off is settled like one that came to its end, with what it has heard
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

from msgspec import Struct

from publisher.app import progress as told
from publisher.app.answers import Answers
from publisher.app.check_links import Asking, Probe
from publisher.app.equipment import Equipment
from publisher.app.progress import Progress
from publisher.core.faults import fault
from publisher.core.link import LinkCheck
from publisher.store import link_reports, links

LEFT_OVER = 200
"""Links of earlier issues that a run asks at most beside its own."""

GROUP_S = 2.0
"""How often answers are written down while others are still awaited."""

CANARY_S = 10.0
LAST_WORD_S = 3.0
"""How long a canary may take at the end of a round; somebody who broke it off is waiting."""

RESTING = "the server asked us to come later"


class Asked(Struct, frozen=True):
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
    options = e.config.links
    async with (e.probing if budget_s > 0 else _nobody)() as probe:
        if resting:
            probe.shut(resting)
        asking = Asking(list(dict.fromkeys(urls)), probe, e.clock, progress, options.per_host)
        answers = Answers(e, probe, asking, lock)
        try:
            async with _meanwhile(answers.write_good):
                await asking.run(budget_s, options.retry_wait_s)
        except asyncio.CancelledError:
            await answers.settle(canary_s=LAST_WORD_S)
            raise
        void = await answers.settle(canary_s=CANARY_S)
    return Asked(tuple(asking.checks()), void)


@asynccontextmanager
async def _meanwhile(step: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do a step every now and then as long as the block goes on."""

    async def again_and_again() -> None:
        while True:
            await asyncio.sleep(GROUP_S)
            await step()

    task = asyncio.create_task(again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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


@asynccontextmanager
async def _nobody() -> AsyncIterator[Probe]:
    """When there is no time for links nobody is asked, and the HTTP client is not even loaded."""
    yield _Nobody()


class _Nobody:
    async def ask(self, url: str) -> NoReturn:
        raise AssertionError(url)

    def shut(self, hosts: Mapping[str, str]) -> None:
        """Nobody is there to be left alone."""
