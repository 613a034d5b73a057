"""Calls to addresses that the operator wrote into the configuration: monitors and hubs, on private networks too.

No guard looks where they lead, other than with links of documents: whoever writes config.toml may ask anybody.
An address may hold a secret, so it is never part of what is said about a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
from msgspec import Struct

from publisher import __version__

TIMEOUT_S = 10.0
PAUSES_S = (1.0, 4.0)
"""Between one try and the next."""


class Called(Struct, frozen=True):
    """What came of a call. `error` is a message id, "" when it was taken."""

    ok: bool
    status: int | None = None
    error: str = ""


class Webhook:
    """Posts a body and says what came of it. Never raises for anything that the other side or the network does."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._timeout_s, self._pauses_s = timeout_s, tuple(pauses_s)

    async def __call__(
        self,
        url: str,
        body: bytes = b"",
        *,
        content_type: str = "text/plain; charset=utf-8",
        patient: bool = True,
    ) -> Called:
        """`patient`: a call that fails for now is tried again, after a moment."""
        headers = {"user-agent": f"publisher/{__version__}", "content-type": content_type}
        called = Called(ok=False, error="the address cannot be asked")
        async with httpx.AsyncClient(headers=headers, timeout=self._timeout_s) as client:
            for pause_s in (0.0, *(self._pauses_s if patient else ())):
                await asyncio.sleep(pause_s)
                called = await self._once(client, url, body)
                if called.ok or (called.status and not _may_pass(called.status)):
                    break
        return called

    async def _once(self, client: httpx.AsyncClient, url: str, body: bytes) -> Called:
        try:
            async with asyncio.timeout(self._timeout_s), client.stream("POST", url, content=body) as response:
                status = response.status_code  # the answer's body is of no use to us
        except (TimeoutError, httpx.TimeoutException):
            return Called(ok=False, error="no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            return Called(ok=False, error="no connection")
        ok = 200 <= status < 300
        return Called(ok=ok, status=status, error="" if ok else "the answer was an error")


def _may_pass(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500
