"""The guarded client against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.adapters import fetch, responses
from publisher.adapters.fetch import user_agent
from publisher.adapters.pace import MANNERS, Manners, Pace
from publisher.core.link import Answer, NotReached
from tests.adapters.stand_in import Handler, Headers, Names, Stand, Web, moved, no_such_name, page, stand_in

T = TypeVar("T")


def asked(
    url: str, pages: dict[str, bytes | Handler], *, names: Names | None = None, deadline_s: float = 10
) -> Answer:
    """One link asked of a web of these pages."""
    return seen(url, pages, lambda stand: stand.ask(url), names=names, deadline_s=deadline_s)


def seen(
    url: str,
    pages: dict[str, bytes | Handler],
    do: Callable[[Stand], Awaitable[T]],
    *,
    names: Names | None = None,
    deadline_s: float = 10,
) -> T:
    async def main() -> T:
        async with stand_in(pages, names=names, deadline_s=deadline_s) as stand:
            return await do(stand)

    return asyncio.run(main())


TITLED = page("<html><head><title> 河湖的\n春天 </title></head>")


# ---------------------------------------------------------------- pages


def test_a_page_is_ok_with_its_title_and_no_target() -> None:
    answer = asked("http://a.org/x", {"a.org/x": TITLED})
    assert (answer.result, answer.http_status, answer.target, answer.target_title) == (
        "ok",
        200,
        None,
        "河湖的 春天",
    )
    assert answer.chain == ("http://a.org/x",)
    assert answer.network == "heard"
    assert answer.error == ""


def test_it_says_who_asks_and_asks_by_get() -> None:
    async def do(stand: Stand) -> Headers:
        await stand.ask("http://a.org/")
        return stand.web.headers[0]

    headers = seen("", {}, do)
    assert headers["user-agent"] == user_agent("https://例子.cn/")
    assert "+https://xn--fsqu00a.cn/)" in headers["user-agent"]
    assert headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (204, "ok"), (300, "unknown"), (302, "suspect"), (400, "unknown"), (401, "blocked"), (403, "blocked"),
        (404, "broken"), (408, "unreachable"), (410, "broken"), (418, "blocked"), (429, "deferred"),
        (451, "blocked"), (500, "unreachable"), (503, "unreachable"), (521, "blocked"), (999, "blocked"),
    ],
)  # fmt: skip
def test_every_status_has_its_word(status: int, result: str) -> None:
    assert asked("http://a.org/x", {"a.org/x": page(status=status)}).result == result


def test_a_challenge_is_a_wall_whatever_its_status() -> None:
    assert (
        asked("http://a.org/x", {"a.org/x": page(status=503, cf_mitigated="challenge")}).result == "blocked"
    )


def test_an_idn_host_is_asked_in_punycode_and_is_its_own_target() -> None:
    answer = asked("http://例子.cn/页", {"xn--fsqu00a.cn/%E9%A1%B5": TITLED})
    assert (answer.result, answer.target) == ("ok", None)


def test_a_page_in_gb2312_has_a_readable_title() -> None:
    body = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312"><title>镕基与“囧”</title>'
    answer = asked("http://a.org/", {"a.org/": page(body.encode("gb18030"), content_type="text/html")})
    assert answer.target_title == "镕基与“囧”"


# ---------------------------------------------------------------- redirects


def test_a_short_link_is_ok_and_says_where_it_leads() -> None:
    answer = asked("http://t.cn/A6abcdef", {"t.cn/A6abcdef": moved("http://a.org/x"), "a.org/x": TITLED})
    assert (answer.result, answer.target, answer.target_title) == ("ok", "http://a.org/x", "河湖的 春天")
    assert answer.chain == ("http://t.cn/A6abcdef", "http://a.org/x")


def test_a_page_that_went_to_another_host_is_redirected() -> None:
    answer = asked("http://a.org/x", {"a.org/x": moved("http://b.org/x", status=301), "b.org/x": TITLED})
    assert (answer.result, answer.target) == ("redirected", "http://b.org/x")


def test_www_is_no_other_host() -> None:
    assert (
        asked("http://a.org/x", {"a.org/x": moved("http://www.a.org/x"), "www.a.org/x": page()}).result
        == "ok"
    )


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("../other?a=1", "a.org/other?a=1"),
        ("//b.org/x", "b.org/x"),
        ("/index.html??spm=1.2", "a.org/index.html??spm=1.2"),
        ("/春天?q=雨".encode(), "a.org/%E6%98%A5%E5%A4%A9?q=%E9%9B%A8"),
        ("/春天".encode("gbk"), "a.org/%E6%98%A5%E5%A4%A9"),
        ("http://b.org/a b", "b.org/a%20b"),
    ],
)
def test_every_way_to_write_a_location_is_followed(location: str | bytes, there: str) -> None:
    answer = asked("http://a.org/d/x", {"a.org/d/x": moved(location), there: TITLED})
    assert answer.target == f"http://{there}"
    assert answer.target_title == "河湖的 春天"


def test_a_circle_is_broken_and_leads_nowhere() -> None:
    answer = asked("http://a.org/1", {"a.org/1": moved("/2"), "a.org/2": moved("/1")})
    assert (answer.result, answer.error, answer.target) == ("broken", "redirects in a circle", None)


def test_the_same_address_with_a_new_cookie_is_no_circle() -> None:
    async def door(_web: Web, writer: asyncio.StreamWriter, headers: Headers) -> None:
        writer.write(TITLED if headers.get("cookie") == "seen=1" else moved("/x", cookie="seen=1"))

    assert asked("http://a.org/x", {"a.org/x": door}).result == "ok"


def test_cookies_of_one_name_on_two_hosts_do_no_harm() -> None:
    pages = {
        "a.org/x": moved("http://b.org/x", cookie="k=1"),
        "b.org/x": moved("/y", cookie="k=2"),
        "b.org/y": page(),
    }
    assert asked("http://a.org/x", pages).result == "redirected"


def test_cookies_do_not_leak_from_link_to_link() -> None:
    async def do(stand: Stand) -> list[str | None]:
        await stand.ask("http://a.org/1")
        await stand.ask("http://a.org/2")
        return [headers.get("cookie") for headers in stand.web.headers]

    assert seen("", {"a.org/1": moved("/2", cookie="k=v"), "a.org/2": page()}, do) == [None, "k=v", None]


def hops(n: int) -> dict[str, bytes | Handler]:
    pages: dict[str, bytes | Handler] = {f"a.org/{i}": moved(f"/{i + 1}") for i in range(n)}
    return pages | {f"a.org/{n}": TITLED}


def test_eight_redirects_are_followed() -> None:
    assert asked("http://a.org/0", hops(8)).result == "ok"


def test_nine_redirects_are_too_many_but_not_called_broken() -> None:
    answer = asked("http://a.org/0", hops(9))
    assert (answer.result, answer.error, answer.target) == ("unknown", "too many redirects", None)
    assert len(answer.chain) == 9


def test_a_redirect_of_an_article_to_the_front_page_is_suspect() -> None:
    answer = asked("http://a.org/2025/x", {"a.org/2025/x": moved("/"), "a.org/": TITLED})
    assert (answer.result, answer.target, answer.target_title) == ("suspect", None, None)


def test_a_short_link_to_a_front_page_is_ok() -> None:
    assert (
        asked("http://t.cn/A6abcdef", {"t.cn/A6abcdef": moved("http://a.org/"), "a.org/": TITLED}).result
        == "ok"
    )


# ---------------------------------------------------------------- what is never asked


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("ftp://a.org/", "policy"), ("file:///etc/passwd", "policy"), ("javascript:alert(1)", "policy"),
        ("mailto:x@a.org", "policy"), ("http://user:secret@a.org/", "policy"), ("http://a.org:22/", "policy"),
        ("http://2130706433/", "policy"), ("http://0x7f.1/", "policy"), ("http://127.0.0.1/", "policy"),
        ("http://[::1]/", "policy"), ("http://[::ffff:10.0.0.1]/", "policy"),
        ("http://169.254.169.254/latest/meta-data/", "policy"), ("http://a.org:99999/", "policy"),
        ("http://[bad", "invalid"), ("http://a.org:x/", "invalid"), ("http://xn--a/", "invalid"),
        ("http://a\x00.org/", "invalid"), ("http://" + "a" * 70_000, "invalid"), ("", "policy"),
    ],
)  # fmt: skip
def test_what_we_do_not_ask_reaches_no_socket(url: str, result: str) -> None:
    async def do(stand: Stand) -> tuple[Answer, list[str]]:
        return await stand.ask(url), stand.network.connected

    answer, connected = seen(url, {}, do)
    assert (answer.result, connected) == (result, [])


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/",
        "http://inside.example/", "http://mixed.example/", "http://0x7f.1/", "file:///etc/passwd", "http://a.org:22/",
    ],
)  # fmt: skip
def test_a_redirect_to_a_private_place_is_refused_before_a_socket_opens(location: str) -> None:
    names = Names({"inside.example": ["10.0.0.1"], "mixed.example": ["93.184.216.34", "192.168.1.1"]})

    async def do(stand: Stand) -> tuple[Answer, list[str]]:
        return await stand.ask("http://a.org/x"), stand.network.connected

    answer, connected = seen("", {"a.org/x": moved(location)}, do, names=names)
    assert (answer.result, answer.target) == ("policy", None)
    assert connected == ["93.184.216.34"]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text(max_size=30).map(lambda text: f"http://{text}")))
def test_whatever_is_asked_or_answered_nothing_is_raised(text: str) -> None:
    async def do(stand: Stand) -> list[Answer]:
        return [await stand.ask(text), await stand.ask("http://a.org/x")]

    raw = text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
    first, second = seen("", {"a.org/x": moved(raw)}, do)
    assert first.url == text
    assert second.chain[0] == "http://a.org/x"


# ---------------------------------------------------------------- bounds


def drip(head: bytes) -> Handler:
    async def handler(web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-type: text/html\r\n\r\n" + head)
        while not web.over.is_set() and not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return handler


def test_a_drip_that_never_ends_is_cut_at_the_deadline() -> None:
    assert asked("http://a.org/", {"a.org/": drip(b"<html>")}, deadline_s=0.2).result == "timeout"


def test_a_page_whose_title_came_is_there_however_slow_its_rest() -> None:
    answer = asked("http://a.org/", {"a.org/": drip(b"<title>Slow</title>")}, deadline_s=0.2)
    assert (answer.result, answer.target_title) == ("ok", "Slow")


async def hang(web: Web, _writer: asyncio.StreamWriter, _headers: Headers) -> None:
    await web.over.wait()


def test_a_server_that_says_nothing_is_a_timeout_and_its_address_is_kept() -> None:
    pages = {"t.cn/A6abcdef": moved("http://a.org/x"), "a.org/x": hang}
    answer = asked("http://t.cn/A6abcdef", pages, deadline_s=0.2)
    assert (answer.result, answer.target, answer.http_status) == ("timeout", "http://a.org/x", None)


def test_a_huge_body_is_read_no_further_than_the_bound() -> None:
    async def flood(web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-type: text/html\r\n\r\n<title>Huge</title>")
        while not web.over.is_set() and not writer.is_closing():
            writer.write(b"x" * 65_536)
            await writer.drain()

    assert asked("http://a.org/", {"a.org/": flood}).target_title == "Huge"


def test_a_gzip_bomb_is_inflated_no_further_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    real = fetch.page_text
    monkeypatch.setattr(fetch, "page_text", lambda body, kind: sizes.append(len(body)) or real(body, kind))  # type: ignore[func-returns-value]
    bomb = gzip.compress(b"<title>Bomb</title>" + bytes(20_000_000))
    answer = asked("http://a.org/", {"a.org/": page(bomb, content_encoding="gzip")})
    assert (answer.target_title, sizes) == ("Bomb", [responses.MAX_BODY])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_page_is_read(encoding: str) -> None:
    body = b"<title>Small</title>"
    data = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    assert asked("http://a.org/", {"a.org/": page(data, content_encoding=encoding)}).target_title == "Small"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "gzip"])
def test_what_cannot_be_inflated_has_no_title_and_is_there_all_the_same(encoding: str) -> None:
    answer = asked("http://a.org/", {"a.org/": page(b"\x00broken", content_encoding=encoding)})
    assert (answer.result, answer.target_title) == ("ok", None)


def test_other_things_than_pages_are_not_read() -> None:
    async def film(web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-type: video/mp4\r\ncontent-length: 9999999999\r\n\r\n")
        await web.over.wait()

    async def do(stand: Stand) -> Answer:
        async with asyncio.timeout(5):
            return await stand.ask("http://a.org/")

    assert seen("", {"a.org/": film}, do).result == "ok"


def test_a_server_that_breaks_off_is_unreachable() -> None:
    assert asked("http://a.org/", {"a.org/": b"HTTP/1.1 2"}).result == "unreachable"
    assert asked("http://a.org/", {"a.org/": b"garbage\r\n\r\n"}).result == "unreachable"
    assert asked("https://a.org/", {}).result == "unreachable"  # no TLS there


def test_a_name_that_does_not_exist_is_broken_and_not_asked_for_again() -> None:
    names = Names(fails={"a.org": no_such_name()})

    async def do(stand: Stand) -> list[Answer]:
        return [await stand.ask(f"http://a.org/{i}") for i in range(3)]

    answers = seen("", {}, do, names=names)
    assert [answer.result for answer in answers] == ["broken"] * 3
    assert answers[0].network == "unclear"
    assert len(names.asked) == 1


def test_a_host_that_asks_for_a_pause_gets_it() -> None:
    async def do(stand: Stand) -> tuple[list[str], list[str]]:
        return [(await stand.ask(f"http://a.org/{i}")).result for i in range(3)], stand.web.asked

    results, arrived = seen("", {"a.org/0": page(status=418), "a.org/1": page()}, do)
    assert results == ["blocked", "deferred", "deferred"]
    assert arrived == ["a.org/0"]


# ---------------------------------------------------------------- pace


class VirtualTime:
    """Time that passes only when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._order = count()

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + seconds, next(self._order), woken))
        await woken.wait()

    async def run(self, *work: Awaitable[None]) -> None:
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(50):
                await asyncio.sleep(0)
            if self._sleepers:
                self._sleepers.sort()
                self.now, _, woken = self._sleepers.pop(0)
                woken.set()
        for task in tasks:
            task.result()


def starts(visits: list[str], *, takes_s: float = 0.1, **options: object) -> list[tuple[str, float]]:
    """When each visit of a host began."""

    async def main() -> list[tuple[str, float]]:
        time = VirtualTime()
        pace = Pace(clock=lambda: time.now, sleep=time.sleep, **options)  # type: ignore[arg-type]
        begun = []

        async def visit(host: str) -> None:
            async with pace.slot(host):
                begun.append((host, time.now))
                await time.sleep(takes_s)

        await time.run(*(visit(host) for host in visits))
        return begun

    return asyncio.run(main())


def test_one_host_is_asked_once_a_second() -> None:
    assert [at for _, at in starts(["a.org"] * 4)] == [0.0, 1.0, 2.0, 3.0]


def test_at_most_two_are_at_one_host_however_slow() -> None:
    assert [at for _, at in starts(["a.org"] * 4, takes_s=10)] == [0.0, 1.0, 10.0, 11.0]


def test_www_shares_the_turns_of_its_host() -> None:
    assert [at for _, at in starts(["a.org", "www.a.org"])] == [0.0, 1.0]


def test_t_cn_is_asked_alone_and_two_to_three_seconds_apart() -> None:
    chances = iter([0.0, 1.0, 0.5, 0.5])
    begun = starts(["t.cn"] * 4, takes_s=0.1, jitter=lambda: next(chances))
    assert [at for _, at in begun] == [0.0, 2.0, 5.0, 7.5]
    assert [at for _, at in starts(["t.cn"] * 3, takes_s=10)] == [0.0, 10.0, 20.0]
    assert MANNERS["t.cn"].at_once == 1


def test_hosts_do_not_wait_for_each_other_within_the_limit_in_flight() -> None:
    hosts = [f"{i}.org" for i in range(25)]
    begun = starts(hosts, takes_s=5, in_flight=20)
    assert [at for _, at in begun] == [0.0] * 20 + [5.0] * 5


def test_many_waiting_for_one_host_take_no_place_from_others() -> None:
    begun = dict(starts(["t.cn"] * 30 + ["b.org"], in_flight=20, takes_s=0.1)[::-1])
    assert begun["b.org"] == 0.0


def test_a_host_that_is_shut_wakes_those_who_wait_for_it() -> None:
    async def main() -> list[str]:
        time = VirtualTime()
        pace = Pace(manners={"a.org": Manners(at_once=9)}, clock=lambda: time.now, sleep=time.sleep)
        told = []

        async def visit() -> None:
            try:
                async with pace.slot("a.org"):
                    await asyncio.sleep(0)
                    pace.shut("a.org", NotReached("deferred", "closed"))
            except NotReached as exc:
                told.append(f"{exc.error} at {time.now}")

        async with asyncio.timeout(5):
            await asyncio.gather(visit(), visit(), visit())
        return told

    assert asyncio.run(main()) == ["closed at 0.0"] * 2


def test_the_wait_for_a_turn_does_not_use_up_the_deadline() -> None:
    async def slow_turns(_seconds: float) -> None:
        await asyncio.sleep(0.15)

    async def main() -> list[str]:
        pace = Pace(manners={"a.org": Manners(at_once=1)}, sleep=slow_turns)
        pages: dict[str, bytes | Handler] = {f"a.org/{i}": TITLED for i in range(4)}
        async with stand_in(pages, pace=pace, deadline_s=0.4) as stand:
            return [
                answer.result for answer in await asyncio.gather(*(stand.ask(f"http://{p}") for p in pages))
            ]

    assert asyncio.run(main()) == ["ok"] * 4


# ---------------------------------------------------------------- pauses that servers ask for


def paused(status: int, **headers: str) -> tuple[list[Answer], list[str]]:
    """Two links of a host whose first answer asks for a pause."""

    async def do(stand: Stand) -> tuple[list[Answer], list[str]]:
        return [await stand.ask(f"http://a.org/{i}") for i in range(2)], stand.web.asked

    return seen("", {"a.org/0": page(status=status, **headers), "a.org/1": TITLED}, do)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (418, {}, ("a.org", 3 * 3600.0)),
        (432, {}, ("a.org", 3 * 3600.0)),
        (429, {}, ("a.org", 3600.0)),
        (429, {"retry_after": "7200"}, ("a.org", 7200.0)),
        (503, {"retry_after": "7200"}, ("a.org", 7200.0)),
        (429, {"retry_after": "99999999"}, ("a.org", 86_400.0)),
        (
            429,
            {"date": "Wed, 21 Oct 2026 07:28:00 GMT", "retry_after": "Wed, 21 Oct 2026 09:28:00 GMT"},
            ("a.org", 7200.0),
        ),
    ],
)
def test_a_long_pause_shuts_the_host_for_this_run_and_tells_how_long(
    status: int, headers: dict[str, str], pause: tuple[str, float]
) -> None:
    answers, arrived = paused(status, **headers)
    assert answers[0].pause == pause
    assert [answer.result for answer in answers[1:]] == ["deferred"]
    assert arrived == ["a.org/0"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_pause_is_kept_within_the_run_and_the_link_is_worth_asking_again(status: int) -> None:
    held: list[tuple[str, float]] = []

    async def do(stand: Stand) -> list[Answer]:
        stand.fetcher._pace.hold = lambda host, seconds: held.append((host, seconds))  # type: ignore[method-assign]
        return [await stand.ask(f"http://a.org/{i}") for i in range(2)]

    first, second = seen("", {"a.org/0": page(status=status, retry_after="5"), "a.org/1": TITLED}, do)
    assert (first.pause, first.again, second.result) == (None, True, "ok")
    assert held == [("a.org", 5.0)]


def test_a_hold_moves_the_next_start_of_its_host_alone() -> None:
    async def main() -> list[tuple[str, float]]:
        time = VirtualTime()
        pace = Pace(clock=lambda: time.now, sleep=time.sleep)
        pace.hold("a.org", 30)
        begun: list[tuple[str, float]] = []

        async def visit(host: str) -> None:
            async with pace.slot(host):
                begun.append((host, time.now))

        await time.run(visit("a.org"), visit("b.org"))
        return sorted(begun)

    assert asyncio.run(main()) == [("a.org", 30.0), ("b.org", 0.0)]


def test_starts_on_one_host_keep_their_gap_though_all_places_are_taken() -> None:
    begun = starts(["b.org", "a.org", "a.org"], in_flight=1, takes_s=5)
    at = [when for host, when in begun if host == "a.org"]
    assert at[1] - at[0] >= 1.0


def test_the_chain_is_told_with_headers_and_the_rule_and_without_cookies() -> None:
    async def do(stand: Stand) -> object:
        return await stand.fetcher.probe("http://t.cn/A6abcdef")

    pages = {
        "t.cn/A6abcdef": page('<p class="desc">http://a.org/x</p>', set_cookie="secret=42; Path=/"),
        "a.org/x": TITLED,
    }
    answer, hops = seen("", pages, do)  # type: ignore[misc, arg-type]
    assert answer.result == "ok"
    assert [(hop.url, hop.status, hop.rule) for hop in hops] == [
        ("http://t.cn/A6abcdef", 200, "t.cn desc"),
        ("http://a.org/x", 200, ""),
    ]
    assert ("set-cookie", "secret=…") in hops[0].headers
    assert hops[0].text == "http://a.org/x"


def test_a_page_that_leads_on_at_once_is_no_place_and_one_that_reloads_itself_is() -> None:
    onward = '<meta http-equiv="refresh" content="0; url=http://b.org/y">'
    answer = asked("http://a.org/x", {"a.org/x": page(onward), "b.org/y": TITLED})
    assert (answer.result, answer.target) == ("redirected", "http://b.org/y")
    itself = '<title>Live</title><meta http-equiv="refresh" content="3; url=/x">'
    assert asked("http://a.org/x", {"a.org/x": page(itself)}).target_title == "Live"
    slow = '<title>Stay</title><meta http-equiv="refresh" content="60; url=http://b.org/">'
    assert asked("http://a.org/x", {"a.org/x": page(slow)}).result == "ok"
    hidden = (
        '<title>JS</title><noscript><meta http-equiv="refresh" content="0; url=http://b.org/"></noscript>'
    )
    assert asked("http://a.org/x", {"a.org/x": page(hidden)}).result == "ok"
