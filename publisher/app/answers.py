"""A round's answers on their way into the store: good ones in groups, the rest when it is known what they mean.

1. a link that opened is written down within seconds: a kill loses no more than those
2. what failed may be our own network's fault, and only the whole round tells: it waits for the end. When a kill
   comes first it was never said, and the link is asked again
3. when something failed, the canaries are asked too: before a good answer of such a round is believed, and at its end
4. each check moves its link's standing (core.verdict); of a void round only successes count, if those
5. what is new becomes an event for the weekly report; hosts that want a pause are written down
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from msgspec import Struct, field

from publisher.app.check_links import NO_NETWORK, Asking, Probe
from publisher.app.equipment import Equipment
from publisher.core.errors import Busy
from publisher.core.faults import fault
from publisher.core.link import LinkCheck, host_label
from publisher.core.verdict import Standing, counts_in_void, events, is_void, judge, kind_of
from publisher.store import link_reports, links
from publisher.store.engine import Transaction

VOID_AGAIN = timedelta(hours=1)
AWAY_AGAIN = timedelta(minutes=15)
"""When a round counted for nothing, or nobody could be asked, the next one is not a minute later."""

GROUP_CANARY_S = 5.0


class Answers(Struct):
    """What a round of questions has brought so far, and how much of it is written down."""

    e: Equipment
    probe: Probe
    asking: Asking
    lock: str  # as whom to take the lock for writing; "": the caller holds it
    canary_sang: bool = False  # since something failed in this round
    written: dict[str, tuple[Standing, LinkCheck]] = field(default_factory=dict)  # with the standing before

    async def write_good(self) -> None:
        """Write down what opened since the last time, as far as it can be believed already."""
        new = [check for check in self.asking.good() if check.url not in self.written]
        if not new:
            return
        if _some_failed(self.asking.made.values()) and not self.canary_sang:
            self.canary_sang = await self._canary_sings(GROUP_CANARY_S)
            if not self.canary_sang:
                return
        try:
            with self._locked(wait=False), self.e.store.write() as tx:
                self._believe(tx, links.standings(tx, [check.url for check in new]), new)
        except Busy:
            return  # somebody is publishing: the next time, or at the end
        fault("links-group-written")

    async def settle(self, *, canary_s: float) -> bool:
        """Write down everything else; returns whether the round was void."""
        checks = self.asking.checks()
        sings = not _some_failed(checks) or await self._canary_sings(canary_s)
        left = [check for check in checks if check.url not in self.written]
        with self._locked(), self.e.store.write() as tx:
            before = links.standings(tx, [check.url for check in left])
            asked = [check for check in left if check.result != "deferred" and check.url in before]
            judged = [*self.written.values(), *((before[check.url], check) for check in asked)]
            void = is_void(judged, canary_alive=sings)
            doubted = [check for check in asked if void and not counts_in_void(check, canary_alive=sings)]
            self._believe(tx, before, [check for check in asked if check not in doubted])
            self._doubt(tx, doubted)
            self._learn(tx, before, left)
        return void

    def _locked(self, *, wait: bool = True) -> AbstractContextManager[None]:
        return self.e.lock(self.lock, wait=wait) if self.lock else nullcontext()

    async def _canary_sings(self, within_s: float) -> bool:
        """Whether a well-known address answers. A wall is an answer too; without canaries nobody can doubt."""
        canaries = self.e.config.links.canaries
        try:
            async with asyncio.timeout(within_s):
                for canary in canaries:
                    if (await self.probe.ask(canary)).result in ("ok", "blocked"):
                        return True
        except TimeoutError:
            pass
        return not canaries

    def _believe(self, tx: Transaction, before: dict[str, Standing], checks: Sequence[LinkCheck]) -> None:
        for check in checks:
            standing = before.get(check.url)
            if standing is None:
                continue
            after = judge(standing, check)
            links.record(tx, check, after, events(standing, after, check))
            self.written[check.url] = (standing, check)
        link_reports.wake(tx, _fine_hosts(checks))

    def _doubt(self, tx: Transaction, checks: Sequence[LinkCheck]) -> None:
        for check in checks:
            links.log(tx, check, void=True)
        links.put_off(tx, [check.url for check in checks], self.e.clock() + VOID_AGAIN)

    def _learn(self, tx: Transaction, before: dict[str, Standing], checks: Sequence[LinkCheck]) -> None:
        """What is known beside the results: destinations of checks that were broken off, hosts that want a rest."""
        for check in checks:
            if check.result == "deferred" and check.target and check.url in before:
                links.learn_target(tx, check.url, judge(before[check.url], check).target)
        away = [check.url for check in checks if check.error == NO_NETWORK]
        links.put_off(tx, away, self.e.clock() + AWAY_AGAIN)
        for check in checks:
            if check.pause:
                host, seconds = check.pause
                link_reports.rest(tx, host.removeprefix("www."), seconds, self.e.clock())


def _some_failed(checks: Iterable[LinkCheck]) -> bool:
    return any(kind_of(check.result) == "failed" for check in checks)


def _fine_hosts(checks: Sequence[LinkCheck]) -> set[str]:
    """Hosts on the way of links that arrived."""
    good = [check for check in checks if kind_of(check.result) == "good"]
    return {host_label(address) for check in good for address in check.chain}
