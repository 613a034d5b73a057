"""Hazards: a bounded answer in bounded memory, and not one packet to an address that is not public."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from publisher.adapters.addresses import IPAddress
from publisher.core.link import Answer
from tests.adapters.link_hazards import HAZARDS, HOST, NAME_HAZARDS, TLS_HAZARDS, TLS_HOST
from tests.adapters.stand_in import PUBLIC, Names, moved, page, stand_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", HAZARDS)
def test_a_hazard_comes_to_its_result_within_the_deadline(name: str) -> None:
    async def main() -> Answer:
        async with (
            stand_in({f"{HOST}/{name}": HAZARDS[name][0]}, deadline_s=1.5) as stand,
            asyncio.timeout(20),
        ):
            return await stand.ask(f"http://{HOST}/{name}")

    answer = asyncio.run(main())
    expected = HAZARDS[name][1]
    if expected == "unreachable" and name.startswith("endless"):
        assert answer.result in ("unreachable", "timeout")
    else:
        assert answer.result == expected
    assert len(answer.target_title or "") <= 200


@pytest.mark.parametrize("name", TLS_HAZARDS)
def test_a_certificate_comes_to_its_result_and_a_bad_one_sees_no_request(name: str) -> None:
    ca = trustme.CA()
    serve, result, why = TLS_HAZARDS[name]

    async def main() -> tuple[Answer, list[str]]:
        trusting = ssl.create_default_context()
        ca.configure_trust(trusting)
        pages = {f"{TLS_HOST}/": page("<title>Safe</title>")}
        async with stand_in(pages, tls=serve(ca), trusting=trusting, deadline_s=5) as stand:
            return await stand.ask(f"https://{TLS_HOST}/"), stand.web.asked

    answer, asked_for = asyncio.run(main())
    assert (answer.result, answer.error) == (result, why)
    assert bool(asked_for) == (result == "ok")
    assert answer.network == "heard"  # a server that shows a bad certificate is there


@pytest.mark.parametrize("name", NAME_HAZARDS)
def test_a_name_server_comes_to_its_result_within_the_deadline(name: str) -> None:
    names, result, why = NAME_HAZARDS[name]

    async def main() -> Answer:
        pages = {f"{HOST}/": page("<title>There</title>")}
        async with stand_in(pages, names=names(), deadline_s=1.5) as stand, asyncio.timeout(20):
            return await stand.ask(f"http://{HOST}/")

    answer = asyncio.run(main())
    assert (answer.result, answer.error) == (result, why)


def test_all_hazards_together_need_little_memory() -> None:
    """Peak of the asking process above itself at rest, while the server is another process."""
    child = [sys.executable, "-m", "tests.benchmarks.links_memory"]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    assert json.loads(done.stdout)["above_idle_MB"] <= 25, done.stdout


# ---------------------------------------------------------------- not one packet

_connected: list[tuple[str, int]] = []
_watch = {"on": False}


def _audit(event: str, args: tuple[object, ...]) -> None:
    if _watch["on"] and event == "socket.connect":
        where = args[1]
        if isinstance(where, tuple):
            _connected.append((str(where[0]), int(where[1])))


sys.addaudithook(_audit)


class Rebinding(Names):
    """A name that is public when it is looked up first, and somebody's machine from then on."""

    async def __call__(self, host: str, port: int) -> Sequence[IPAddress]:
        self.asked.append(host)
        if host == "rebind.example.org" and self.asked.count(host) > 1:
            return [ip_address("127.0.0.1")]
        return await super().__call__(host, port) if host in self.known else [PUBLIC]


def asked(urls: list[str]) -> tuple[list[Answer], list[tuple[str, int]], list[str], int]:
    """Answers, every connection this process tried, what our listeners heard, and the port of the stand-in."""

    async def main() -> tuple[list[Answer], list[tuple[str, int]], list[str], int]:
        heard: list[str] = []

        async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(str(writer.get_extra_info("sockname")))
            writer.close()

        listeners = [
            await asyncio.start_server(listen, address, 0) for address in ("127.0.0.1", "127.0.0.2", "::1")
        ]
        port = listeners[0].sockets[0].getsockname()[1]
        v6 = listeners[2].sockets[0].getsockname()[1]
        names = Rebinding(
            {
                "inside.example.org": ["10.0.0.1"],
                "loop.example.org": ["127.0.0.1"],
                "mixed.example.org": [str(PUBLIC), "192.168.1.1"],
                "six.example.org": ["::1"],
                "mapped.example.org": ["::ffff:127.0.0.1"],
                "nat64.example.org": ["64:ff9b::7f00:1"],
                "sixtofour.example.org": ["2002:7f00:1::"],
                "meta.example.org": ["169.254.169.254"],
            }
        )
        private = [
            f"http://127.0.0.1:{port}/",
            f"http://127.0.0.2:{port}/",
            f"http://[::1]:{v6}/",
            f"http://0x7f.1:{port}/",
            f"http://2130706433:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://127.1:{port}/",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            *(f"http://{name}:{port}/" for name in names.known),
            f"http://localhost:{port}/",
        ]
        pages = {}
        for n, target in enumerate(private):
            pages[f"a.org/redirect/{n}"] = moved(target)
            pages[f"t.cn/A6priv{n:02}"] = page(f'<p class="desc">{target}</p>')
            pages[f"a.org/refresh/{n}"] = page(f'<meta http-equiv="refresh" content="0;url={target}">')
        pages["rebind.example.org/1"] = moved("/2")
        pages["rebind.example.org/2"] = page("<title>inside</title>")
        every = [*private, *(f"http://{where}" for where in pages)]
        every += [f"http://link.zhihu.com/?target={quote(target, safe='')}" for target in private]
        names.known["localhost"] = ["127.0.0.1"]
        async with stand_in(pages, names=names) as stand:
            stand.fetcher._ports = frozenset({80, port, v6})
            _connected.clear()
            _watch["on"] = True
            try:
                answers = [await stand.ask(url) for url in (urls or every)]
            finally:
                _watch["on"] = False
            tried = list(_connected)
        for one in listeners:
            one.close()
        return answers, tried, heard, stand.network.port

    return asyncio.run(main())


def test_not_one_packet_goes_to_an_address_that_is_not_public() -> None:
    answers, tried, heard, stand_in_port = asked([])
    assert len(answers) > 80
    assert {answer.url: answer.result for answer in answers if answer.result != "policy"} == {}
    assert heard == []
    assert tried
    assert {where for where in tried if where != ("127.0.0.1", stand_in_port)} == set()


def test_an_octal_host_is_no_address_at_all() -> None:
    (answer,), tried, heard, _ = asked(["http://0177.0.0.1/"])
    assert (answer.result, tried, heard) == ("invalid", [], [])


def test_a_name_that_changes_its_mind_between_two_look_ups_is_refused() -> None:
    (answer,), tried, heard, stand_in_port = asked(["http://rebind.example.org/1"])
    assert (answer.result, heard) == ("policy", [])
    assert set(tried) == {("127.0.0.1", stand_in_port)}
