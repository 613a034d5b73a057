"""The guarded HTTP client: asks a link hop by hop, politely and within bounds, and says what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import httpx
from msgspec import Struct, field
from msgspec.structs import replace

from publisher import __version__
from publisher.adapters.responses import (
    REDIRECTS,
    is_challenged,
    is_html,
    location_of,
    read_body,
    retry_after,
    shown_headers,
)
from publisher.core.link import PORTS, Answer, Hop, Network, NotReached, Reading, Result, is_short, refused
from publisher.core.webpage import page_text, page_title, quick_refresh, visible_text

MAX_HOPS = 8
IN_RUN_S = 60.0
"""A server that wants a pause of so many seconds gets it within the run; a longer one is for the next runs."""

PAUSES_S: Mapping[int, float] = {418: 3 * 3600.0, 432: 3 * 3600.0, 429: 3600.0}
"""How long a host is left alone that shut us out without saying for how long: Weibo's walls stand 2 to 3 hours."""

LONGEST_PAUSE_S = 86_400.0

# ---------------------------------------------------------------- what statuses mean

_BLOCKED = frozenset({401, 403, 405, 407, 412, 414, 418, 432, 451, 521, 999})
_LATER = frozenset({408, 425})


def read_status(status: int) -> Reading:
    """What a status without a page worth reading says; an empty Reading for 2xx."""
    if 200 <= status < 300:
        return Reading()
    if status in (404, 410):
        return Reading(result="broken", error="the server does not have it", deleted=status == 410)
    if status == 429:
        return Reading(result="deferred", error="the server asks us to come later")
    if status in _BLOCKED:
        return Reading(result="blocked", error="the server keeps robots out")
    if status in _LATER or status >= 500:
        return Reading(result="unreachable", error="the server is in trouble")
    if status in REDIRECTS:
        return Reading(result="suspect", error="a redirect to nowhere")
    return Reading(result="unknown", error="an answer we do not understand")


# ---------------------------------------------------------------- asking


class Rules(Protocol):
    """What is known of particular hosts (adapters.shortlinks)."""

    def address(self, url: str, came_from: str | None) -> Reading | None:
        """What an address alone says, before anything is asked."""

    def page(self, url: str, text: str, title: str) -> Reading:
        """What a page that answered 2xx says."""


class Turns(Protocol):
    """Who may ask when (adapters.pace)."""

    def slot(self, host: str) -> AbstractAsyncContextManager[None]:
        """A turn at a host; NotReached when it is shut."""

    def shut(self, host: str, why: NotReached) -> None: ...
    def reopen(self, host: str) -> None: ...
    def hold(self, host: str, seconds: float) -> None: ...


class _Way(Struct):
    """A link on its way through its hops."""

    url: str  # as the curator wrote it
    left_s: float
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)  # of this link alone
    hops: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    first: str = ""  # the first address that is itself a page, not a way to one
    leads: str | None = None
    status: int | None = None  # of the last of the hops
    heard: bool = False
    asked_s: float = 0.0
    rule: str = ""
    pause: tuple[str, float] | None = None
    short_pause: bool = False
    trace: list[Hop] | None = None  # kept for an operator only

    def answer(self, end: Reading, network: Network = "unclear") -> Answer:
        leads = end.target or (None if end.result in _LEADS_NOWHERE else self.leads)
        fine = end.result in ("ok", "redirected")
        return Answer(
            url=self.url,
            result=end.result or "unknown",
            http_status=self.status,
            target=leads if leads not in (self.url, _normal(self.url)) else None,
            target_title=end.title if fine else None,
            chain=tuple(self.hops),
            ms=round(self.asked_s * 1000),
            error="" if fine else end.error,
            network="heard" if self.heard else network,
            deleted=end.deleted,
            rule=end.rule or self.rule,
            alarm=end.alarm,
            pause=self.pause,
            again=end.result in ("unreachable", "timeout") or self.short_pause,
        )

    def note(self, url: str, page: _Page | None = None, rule: str = "") -> None:
        """Remember a step for whoever wants to see the chain; the page's rule comes after its headers."""
        if self.trace is None:
            return
        if page is None:
            self.trace.append(Hop(url=url, rule=rule))
        else:
            text = visible_text(page.text)[:200]
            self.trace.append(Hop(url=url, status=page.status, headers=page.headers, text=text))


_LEADS_NOWHERE: frozenset[Result | None] = frozenset({"suspect", "policy", "invalid"})
"""Results after which nobody should be shown the last address as the place where the link leads."""


class _Page(Struct, frozen=True):
    url: str
    status: int
    location: str | None
    challenged: bool
    text: str  # "" for what is not HTML, or cannot be read
    pause_s: float | None = None  # from Retry-After
    headers: tuple[tuple[str, str], ...] = ()


class Fetcher:
    """Asks links through a guarded transport. One for a run; `ask` may be called for many links at once."""

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport,
        rules: Rules,
        pace: Turns,
        site_url: str,
        deadline_s: float = 15.0,
        ports: frozenset[int] = PORTS,
        on_alarm: Callable[[str, str], None] = lambda url, page: None,
    ) -> None:
        """`deadline_s` holds for a link with all its hops; the wait for its turns does not count. `on_alarm` gets
        the address and the text of a page that a rule should have known."""
        self._transport = transport
        self._rules = rules
        self._pace = pace
        self._deadline_s = deadline_s
        self._connect_s = min(9.0, deadline_s * 0.6)
        self._ports = ports
        self._on_alarm = on_alarm
        self._asked: set[str] = set()
        self._away: set[str] = set()  # hosts that were shut because they could not be reached
        self._headers = {
            "Connection": "close",
            "User-Agent": user_agent(site_url),
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
            "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
            "Accept-Encoding": "gzip, deflate",
        }

    async def ask(self, url: str) -> Answer:
        """Ask a link. Raises nothing but cancellation. A link that is asked again may find its host again."""
        if url in self._asked:
            host = _host(url)
            if host in self._away:
                self._away.discard(host)
                self._pace.reopen(host)
        self._asked.add(url)
        return await self._ask(_Way(url, self._deadline_s))

    async def probe(self, url: str) -> tuple[Answer, tuple[Hop, ...]]:
        """Ask a link and tell every step with its headers and the rule that read it."""
        trace: list[Hop] = []
        answer = await self._ask(_Way(url, self._deadline_s, trace=trace))
        return answer, tuple(trace)

    def shut(self, hosts: Mapping[str, str]) -> None:
        """Leave these hosts alone in this run: each with why, a message id."""
        for host, why in hosts.items():
            self._pace.shut(host, NotReached("deferred", why, "unclear"))

    async def _ask(self, way: _Way) -> Answer:
        try:
            return way.answer(await self._walk(way))
        except NotReached as exc:
            return way.answer(Reading(result=exc.result, error=exc.error), exc.network)
        except TimeoutError:
            return way.answer(Reading(result="timeout", error="no answer in time"))
        except (httpx.HTTPError, httpx.StreamError):
            return way.answer(Reading(result="unreachable", error="the server broke off"))
        except (httpx.InvalidURL, httpx.CookieConflict, ValueError):  # ValueError: IDNA, ports, brackets
            return way.answer(Reading(result="invalid", error="not an address"))

    async def _walk(self, way: _Way) -> Reading:
        """Hop by hop: enter the address, ask it in the host's turn, read the answer, go on or end."""
        address: str = way.url
        for _ in range(MAX_HOPS + 1):
            entered = self._enter(way, address)
            if isinstance(entered, Reading):
                return entered
            page = await self._ask_hop(way, entered)
            way.note(page.url, page)
            reading = self._read(way, page)
            self._remember(way, page, reading)
            if reading.result or not reading.target:
                return reading
            address = reading.target
        way.leads = None
        return Reading(result="unknown", error="too many redirects")

    def _enter(self, way: _Way, address: str) -> httpx.URL | Reading:
        """The address to ask, unwrapped and found fit, or the end that it already is."""
        for _ in range(MAX_HOPS):
            came_from = way.hops[-1] if way.hops else None
            way.hops.append(address)
            way.status = None
            known = self._rules.address(address, came_from)
            if known is None:
                break
            way.note(address, rule=known.rule)
            way.rule = known.rule
            if known.result:
                return replace(known, target=_normal(known.target))
            address = known.target or address
        url = httpx.URL(address)
        port = url.port
        why = refused(
            scheme=url.scheme, host=url.host, port=port, userinfo=bool(url.userinfo), ports=self._ports
        )
        if why:
            return Reading(result="policy", error=why)
        key = (str(url), _jar(way.cookies))
        if key in way.seen:  # the same address with new cookies is no loop: many sites set one and ask again
            way.leads = None
            return Reading(result="broken", error="redirects in a circle")
        way.seen.add(key)
        way.leads = str(url)
        if not way.first and not is_short(address):
            way.first = str(url)
        return url

    async def _ask_hop(self, way: _Way, url: httpx.URL) -> _Page:
        try:
            async with self._pace.slot(url.host):
                started = time.monotonic()
                try:
                    page = await self._get(way, url)
                finally:
                    spent = time.monotonic() - started
                    way.asked_s += spent
                    way.left_s -= spent
        except NotReached as exc:
            self._shut_if_away(url.host, exc)
            raise
        self._keep_away(way, url.host, page)
        return page

    async def _get(self, way: _Way, url: httpx.URL) -> _Page:
        """One GET within what is left of the deadline. Never HEAD: a page in between has no text then.

        Straight through the transport: httpx's client would build its own next request of every redirect, and costs
        as much as all the rest.
        """
        body = bytearray()
        response: httpx.Response | None = None
        try:
            async with asyncio.timeout(max(way.left_s, 0.0)):
                response = await self._transport.handle_async_request(self._request(way, url))
                way.status, way.heard = response.status_code, True
                if not response.has_redirect_location and response.is_success and is_html(response):
                    await read_body(response, body)
        except (TimeoutError, NotReached):
            if response is None or b"<title" not in body.lower():
                raise  # a page whose head arrived is there, however slow the rest
        finally:
            if response is not None:
                await response.aclose()
        if "set-cookie" in response.headers:
            way.cookies.extract_cookies(response)
        return _Page(
            url=str(url),
            status=response.status_code,
            location=location_of(response),
            challenged=is_challenged(response),
            text=page_text(bytes(body), response.headers.get("content-type", "")) if body else "",
            pause_s=retry_after(response),
            headers=shown_headers(response) if way.trace is not None else (),
        )

    def _request(self, way: _Way, url: httpx.URL) -> httpx.Request:
        request = httpx.Request(
            "GET", url, headers=self._headers, extensions={"timeout": {"connect": self._connect_s}}
        )
        if way.cookies.jar:
            way.cookies.set_cookie_header(request)
        return request

    def _keep_away(self, way: _Way, host: str, page: _Page) -> None:
        """A host that wants a pause gets it: a short one within the run, a long one from this run and the next."""
        asked_s = page.pause_s if page.status in (*PAUSES_S, 503) else None
        pause_s = asked_s if asked_s is not None else PAUSES_S.get(page.status)
        if pause_s is None:
            return
        if page.status in (429, 503) and pause_s <= IN_RUN_S:
            way.short_pause = True
            self._pace.hold(host, pause_s)
            return
        way.pause = (host, min(pause_s, LONGEST_PAUSE_S))
        self._pace.shut(host, NotReached("deferred", "the server asks us to come later", "heard"))

    def _shut_if_away(self, host: str, exc: NotReached) -> None:
        """A host whose name leads nowhere, or that cannot be reached, is not asked again for other links."""
        if exc.error in ("no such name", "the name server does not answer"):
            self._pace.shut(host, exc)
            self._away.add(host)
        elif exc.network == "absent":
            self._pace.shut(host, NotReached("deferred", "the server was not reached for another link"))
            self._away.add(host)

    def _read(self, way: _Way, page: _Page) -> Reading:
        """What a response says: the next address as `target`, or an end."""
        if page.location is not None:
            return Reading(target=urljoin(page.url, page.location))
        if page.challenged:
            return Reading(result="blocked", error="a page that keeps robots out")
        said = read_status(page.status)
        if said.result:
            return said
        said = self._rules.page(page.url, page.text, page_title(page.text))
        if said.result or said.target:
            return said
        onward = _address_of_refresh(page)
        if onward and not any(seen == onward for seen, _ in way.seen):
            return Reading(target=onward)
        return _arrived(way, page.url, said.title)

    def _remember(self, way: _Way, page: _Page, reading: Reading) -> None:
        if reading.rule:
            way.rule = reading.rule
            if way.trace:
                way.trace[-1] = replace(way.trace[-1], rule=reading.rule)
        if reading.alarm:
            self._on_alarm(page.url, page.text)


def _address_of_refresh(page: _Page) -> str | None:
    """Where a page sends its reader at once; None when it stays."""
    to = quick_refresh(page.text)
    return _normal(urljoin(page.url, to)) if to else None


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""


def _jar(cookies: httpx.Cookies) -> str:
    return repr(sorted((c.domain, c.path, c.name, c.value or "") for c in cookies.jar))


def _normal(url: str | None) -> str | None:
    """An address as it goes over the wire, ASCII only; None for what is no web address."""
    try:
        normal = httpx.URL(url or "")
        return str(normal) if normal.scheme in ("http", "https") and normal.host else None
    except (httpx.InvalidURL, ValueError):
        return None


def user_agent(site_url: str) -> str:
    """Who asks, honestly, with the site's address as the place to complain."""
    return f"Mozilla/5.0 (compatible; publisher/{__version__}; +{_normal(site_url) or ''})"


def _arrived(way: _Way, url: str, title: str | None) -> Reading:
    """A page was reached: the one that was meant, one on another host, or only a front page."""
    meant, reached = urlsplit(way.first or url), urlsplit(url)
    if meant.path.strip("/") and not reached.path.strip("/") and not reached.query:
        return Reading(result="suspect", error="leads to the front page of a site only")
    moved = (meant.hostname or "").removeprefix("www.") != (reached.hostname or "").removeprefix("www.")
    return Reading(result="redirected" if moved else "ok", title=title)
