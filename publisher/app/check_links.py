"""Asks links, each once and passing faults once more, within a budget; tells what came of it and stores nothing.

1. breadth first: every host gets its own queue, and a few askers that take from it; turns are the probe's business
2. as long as nobody has answered, a few hosts that show no network at all end the asking at once
3. what failed in passing (a busy server, a broken connection) is asked once more at the end
4. the budget ends what is still on its way
5. when not one server spoke, nothing was learnt about links: all of them are "not checked yet"
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from publisher.core.link import Answer, LinkCheck

SIGNS_OF_NO_NETWORK = 3
"""So many hosts without a name server or a route, and none that answered: it is not the hosts."""

PER_HOST = 2
NO_NETWORK = "no network"
OUT_OF_TIME = "the time for links was over"


class Probe(Protocol):
    """Asks one address."""

    async def ask(self, url: str) -> Answer:
        """Ask once. Raises nothing but cancellation."""

    def shut(self, hosts: Mapping[str, str]) -> None:
        """Leave these hosts alone: their links are deferred, each host with why (a message id)."""


class LinkProgress(Protocol):
    """Told of every link that was asked."""

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None: ...


async def check_links(
    urls: Sequence[str],
    *,
    probe: Probe,
    budget_s: float,
    now: Callable[[], datetime],
    progress: LinkProgress,
    per_host: int = PER_HOST,
    retry_wait_s: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[LinkCheck]:
    """One check for every distinct address, in the order given. Never longer than the budget.

    `retry_wait_s`: how long after the last question passing faults are asked again; None: they are not. Raises
    nothing but cancellation, and then leaves nothing going on. What has the result "deferred" was not checked and
    must not be counted as a failure.
    """
    asking = Asking(list(dict.fromkeys(urls)), probe, now, progress, per_host)
    await asking.run(budget_s, retry_wait_s, sleep)
    return asking.checks()


class Asking(Struct):
    """A round of questions that can be looked at while it goes on, and after it was broken off."""

    urls: list[str]  # each once
    probe: Probe
    now: Callable[[], datetime]
    progress: LinkProgress
    per_host: int
    made: dict[str, LinkCheck] = field(default_factory=dict)
    heard: bool = False
    away: set[str] = field(default_factory=set)  # hosts that show no network
    over: asyncio.Event = field(default_factory=asyncio.Event)  # it is our network: nobody is asked any more

    async def run(
        self,
        budget_s: float,
        retry_wait_s: float | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ask within the budget. After a cancellation nothing goes on, and what was answered stays answered."""
        if budget_s <= 0 or not self.urls:
            return
        try:
            async with asyncio.timeout(budget_s):
                await self._all(self.urls, self._ask)
                passing = [url for url, check in self.made.items() if check.again]
                if retry_wait_s is not None and passing and self.heard:
                    await sleep(retry_wait_s)
                    await self._all(passing, self._ask_again)
        except TimeoutError:
            pass  # what is on its way now is asked another day

    async def _all(self, urls: Iterable[str], ask: Callable[[str], Awaitable[None]]) -> None:
        """Every host's links in their order, a few at once; all hosts at the same time."""
        queues: dict[str, deque[str]] = {}
        for url in urls:
            queues.setdefault(_host(url), deque()).append(url)
        tasks = {
            asyncio.create_task(self._work(queue, ask))
            for queue in queues.values()
            for _ in range(min(self.per_host, len(queue)))
        }
        over = asyncio.create_task(self._until_over(tasks))
        try:
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            if not self.over.is_set():
                raise
        finally:
            for task in (over, *tasks):
                task.cancel()
            await asyncio.gather(over, *tasks, return_exceptions=True)

    async def _until_over(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """End the asking when it is our network: waiting for each of thousands of tasks in turn costs more."""
        await self.over.wait()
        for task in tasks:
            task.cancel()

    async def _work(self, queue: deque[str], ask: Callable[[str], Awaitable[None]]) -> None:
        while queue and not self._no_network():
            await ask(queue.popleft())

    async def _ask(self, url: str) -> None:
        answer = await self._answer(url)
        self.made[url] = _at(answer, self.now())
        self.progress.link(len(self.made), len(self.urls), url, answer.target)

    async def _ask_again(self, url: str) -> None:
        """The second answer counts, unless it is none."""
        answer = await self._answer(url)
        if answer.result != "deferred":
            self.made[url] = _at(answer, self.now())

    async def _answer(self, url: str) -> Answer:
        try:
            answer = await self.probe.ask(url)
        except Exception as exc:  # a fault of ours in reading a strange answer must not stop an issue
            answer = Answer(url=url, result="deferred", error=f"{type(exc).__name__}: {exc}", network="heard")
        self.heard = self.heard or answer.network == "heard"
        if answer.network == "absent":
            self.away.add(_host(url))
        if self._no_network():
            self.over.set()
        return answer

    def _no_network(self) -> bool:
        return not self.heard and len(self.away) >= SIGNS_OF_NO_NETWORK

    def good(self) -> list[LinkCheck]:
        """The answers so far that nothing will change any more: a failure may yet pass, or be our network's."""
        return [check for check in self.made.values() if check.result in ("ok", "redirected")]

    def checks(self) -> list[LinkCheck]:
        """One check for every address, in the order given; what was not answered is "deferred"."""
        return [self._settled(url) for url in self.urls]

    def _settled(self, url: str) -> LinkCheck:
        """The check as it counts: without a single voice from outside, no failure is the link's own."""
        check = self.made.get(url)
        if check is None:
            why = NO_NETWORK if self.made and not self.heard else OUT_OF_TIME
            return LinkCheck(url=url, result="deferred", error=why, at=self.now())
        if self.heard or check.result in ("ok", "redirected", "policy", "invalid"):
            return check
        return replace(check, result="deferred", error=NO_NETWORK, http_status=None)


def _at(answer: Answer, at: datetime) -> LinkCheck:
    return LinkCheck(**asdict(answer), at=at)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
