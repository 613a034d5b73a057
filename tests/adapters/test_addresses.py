"""Which addresses are public, and that the guard connects to what it checked and to nothing else."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.adapters.addresses import Guard, IPAddress, Resolver, is_public
from publisher.core.link import NotReached
from tests.adapters.stand_in import Names, Rerouted, no_name_server, no_such_name


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8", "93.184.216.34", "223.5.5.5", "2400:3200::1", "2606:4700:4700::1111",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
    ],
)  # fmt: skip
def test_an_address_that_anybody_can_ask_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "168.63.129.16",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1",
        "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
        "2002:808:808::", "3fff::1", "5f00::1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::8.8.8.8",
        "100::1",
    ],
)  # fmt: skip
def test_an_address_within_somebodys_walls_is_not(text: str) -> None:
    assert not is_public(ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_in_an_ipv6_coat_is_judged_by_what_it_is(number: int) -> None:
    inner = IPv4Address(number)
    mapped, translated = IPv6Address((0xFFFF << 32) | number), IPv6Address((0x64FF9B << 96) | number)
    assert is_public(mapped) == is_public(translated) == is_public(inner)
    assert not is_public(IPv6Address((0x2002 << 112) | (number << 80)))


def checked(host: str, names: Names) -> list[str]:
    return [str(address) for address in asyncio.run(Guard(resolve=names).checked(host, 80))]


def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(NotReached) as refused:
        checked("mixed.example", Names({"mixed.example": ["8.8.8.8", "10.0.0.1"]}))
    assert refused.value.result == "policy"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
def test_the_systems_own_ways_to_write_loopback_are_refused(host: str) -> None:
    with pytest.raises(NotReached) as refused:
        asyncio.run(Guard().checked(host, 80))
    assert refused.value.result == "policy"


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to() -> None:
    async def main() -> tuple[list[str], list[str]]:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        names, network = Names(), Rerouted(server.sockets[0].getsockname()[1])
        stream = await Guard(resolve=names, network=network).connect_tcp("a.org", 80)
        await stream.aclose()
        server.close()
        await server.wait_closed()
        return names.asked, network.connected

    assert asyncio.run(main()) == (["a.org"], ["93.184.216.34"])


def test_when_one_address_does_not_answer_the_next_is_tried() -> None:
    class HalfDead(Rerouted):
        async def connect_tcp(
            self, host: str, *args: object, **kwargs: object
        ) -> httpcore.AsyncNetworkStream:
            self.connected.append(host)
            raise httpcore.ConnectError("no")

    network = HalfDead(1)
    names = Names({"a.org": ["2400:3200::1", "8.8.8.8"]})
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(Guard(resolve=names, network=network).connect_tcp("a.org", 80, 1.0))
    assert network.connected == ["2400:3200::1", "8.8.8.8"]


@pytest.mark.parametrize(
    ("fault", "result", "network"),
    [
        (no_such_name(), "broken", "unclear"),
        (no_name_server(), "unreachable", "absent"),
        (TimeoutError(), "unreachable", "absent"),
    ],
)
def test_a_name_server_that_says_no_is_not_one_that_says_nothing(
    fault: Exception, result: str, network: str
) -> None:
    with pytest.raises(NotReached) as failed:
        checked("a.org", Names(fails={"a.org": fault}))
    assert (failed.value.result, failed.value.network) == (result, network)


def test_loopback_is_allowed_only_by_whoever_builds_the_guard() -> None:
    allowed = Guard(allow=lambda address: address.is_loopback)
    assert asyncio.run(allowed.checked("127.0.0.1", 80)) == [IPv4Address("127.0.0.1")]


# ---------------------------------------------------------------- the resolver


class NameServer:
    """Looks names up in a thread: those that begin with 'hangs' are never answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.over = threading.Event()

    def __call__(self, host: str) -> list[IPAddress]:
        self.threads.add(threading.current_thread())
        self.asked.append(host)
        if host.startswith("hangs"):
            self.over.wait()
        if host.startswith("gone"):
            raise no_such_name()
        return [IPv4Address("8.8.8.8")]


def test_a_name_is_looked_up_once_a_run_however_many_ask() -> None:
    async def main() -> list[str]:
        server = NameServer()
        resolver = Resolver(server)
        await asyncio.gather(*(resolver(f"{n % 3}.org", 80) for n in range(30)))
        await resolver("0.org", 443)
        resolver.close()
        return sorted(server.asked)

    assert asyncio.run(main()) == ["0.org", "1.org", "2.org"]


def test_a_failure_is_not_remembered() -> None:
    async def main() -> list[str]:
        server = NameServer()
        resolver = Resolver(server)
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await resolver("gone.org", 80)
        resolver.close()
        return server.asked

    assert asyncio.run(main()) == ["gone.org", "gone.org"]


def test_names_that_are_never_answered_do_not_stall_others() -> None:
    async def main() -> None:
        server = NameServer()
        resolver = Resolver(server)
        hanging = [asyncio.create_task(_ignored(resolver, f"hangs{n}.org")) for n in range(60)]
        await asyncio.sleep(0)
        for n in range(60):
            assert await resolver(f"{n}.org", 80) == [IPv4Address("8.8.8.8")]
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        server.over.set()
        resolver.close()

    asyncio.run(main())


async def _ignored(resolver: Resolver, host: str) -> None:
    await resolver(host, 80)


def test_a_few_threads_serve_many_names_one_after_the_other() -> None:
    async def main() -> int:
        server = NameServer()
        resolver = Resolver(server)
        for n in range(200):
            await resolver(f"{n}.org", 80)
        resolver.close()
        return len(server.threads)

    assert asyncio.run(main()) == 1


def test_threads_are_bounded_and_the_rest_waits_its_turn() -> None:
    async def main() -> tuple[int, int]:
        server = NameServer()
        resolver = Resolver(server, threads=4)
        waiting = [asyncio.create_task(_ignored(resolver, f"hangs{n}.org")) for n in range(20)]
        while len(server.asked) < 4:
            await asyncio.sleep(0.01)
        server.over.set()
        await asyncio.gather(*waiting)
        resolver.close()
        return len(server.threads), len(server.asked)

    assert asyncio.run(main()) == (4, 20)


def test_the_program_ends_though_a_name_server_does_not_answer() -> None:
    script = """
import asyncio, threading
from publisher.adapters.addresses import Resolver

async def main():
    resolver = Resolver(lambda host: threading.Event().wait())
    try:
        async with asyncio.timeout(0.2):
            await resolver("hangs.org", 80)
    except TimeoutError:
        print("given up", flush=True)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "given up\n"
    assert done.stderr == ""


def test_an_answer_that_comes_when_nobody_waits_any_more_harms_nothing() -> None:
    async def main() -> list[IPAddress]:
        server = NameServer()
        resolver = Resolver(server)
        for name in ("hangs.org", "gone-hangs.org"):
            task = asyncio.create_task(_ignored(resolver, name))
            await asyncio.sleep(0)
            task.cancel()
        server.over.set()
        found = list(await resolver("hangs.org", 80))
        resolver.close()
        return found

    assert asyncio.run(main()) == [IPv4Address("8.8.8.8")]
