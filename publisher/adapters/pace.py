"""The pace of asking: so many requests in all, so many a host, with a gap between their starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from publisher.core.link import NotReached

IN_FLIGHT = 20


class Manners(Struct, frozen=True):
    """How a host is asked."""

    at_once: int = 2
    gap_s: float = 1.0  # between the starts of two requests
    jitter_s: float = 0.0  # up to so much is added to the gap


USUAL = Manners()
MANNERS: Mapping[str, Manners] = {"t.cn": Manners(at_once=1, gap_s=2.0, jitter_s=1.0)}
"""Hosts that want more care than others: t.cn shuts an address out for hours that asks it faster."""


class _Gate:
    __slots__ = ("manners", "next_start", "places", "shut", "starting", "why")

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.places = asyncio.Semaphore(manners.at_once)
        self.starting = asyncio.Lock()  # one at a time: the gap counts from the start before
        self.next_start = float("-inf")
        self.shut = asyncio.Event()
        self.why = NotReached("deferred", "")

    def check(self) -> None:
        if self.shut.is_set():
            raise NotReached(self.why.result, self.why.error, self.why.network)


class Pace:
    """Who may ask when. Clock, sleep and chance are handed in; `jitter` gives numbers from 0 to 1."""

    def __init__(
        self,
        *,
        in_flight: int = IN_FLIGHT,
        usual: Manners = USUAL,
        manners: Mapping[str, Manners] = MANNERS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self._in_flight = asyncio.Semaphore(in_flight)
        self._usual = usual
        self._manners = manners
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._gates: dict[str, _Gate] = {}

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """A turn at a host. Raises NotReached when the host was shut, also while waiting.

        Who waits for a host's next start holds none of the places in flight: many links of one host keep no
        other host waiting.
        """
        gate = self._gate(host)
        async with gate.places:
            async with gate.starting:
                gate.check()
                wait_s = gate.next_start - self._clock()
                if wait_s > 0:
                    await self._wait(wait_s, gate.shut)
                    gate.check()
                await self._in_flight.acquire()
                gap_s = gate.manners.gap_s + gate.manners.jitter_s * self._jitter()
                gate.next_start = self._clock() + gap_s
            try:
                gate.check()
                yield
            finally:
                self._in_flight.release()

    def shut(self, host: str, why: NotReached) -> None:
        """Ask this host no more in this run: its other links get `why` as their answer."""
        gate = self._gate(host)
        gate.why = why
        gate.shut.set()

    def reopen(self, host: str) -> None:
        """Let a host that was shut be asked again."""
        self._gate(host).shut = asyncio.Event()

    def hold(self, host: str, seconds: float) -> None:
        """Let the host's next request start no sooner than in so many seconds."""
        gate = self._gate(host)
        gate.next_start = max(gate.next_start, self._clock() + seconds)

    def _gate(self, host: str) -> _Gate:
        host = host.removeprefix("www.")
        if host not in self._gates:
            self._gates[host] = _Gate(self._manners.get(host, self._usual))
        return self._gates[host]

    async def _wait(self, seconds: float, shut: asyncio.Event) -> None:
        """Sleep, but not on when the host is shut: without a network nobody waits for a turn."""
        ends = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(shut.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
