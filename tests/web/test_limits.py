"""What a hostile or broken client can do to the server: nothing, on real sockets."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.web import protocol
from tests.house import House, essays
from tests.web.serving import Served, received, serving

HOST = b"host: daily.example.cn\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    house = House(
        tmp_path_factory.mktemp("site"),
        links={"budget_s": 0},
        serve={"hosts": "www.example.cn,Daily.Example.ORG"},
    )
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    with serving(house) as running:
        yield running


def status(said: bytes) -> int:
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", said)
    return int(match[1]) if match else 0


# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host",
    [
        "daily.example.cn", "DAILY.example.CN", "daily.example.cn:8000", "daily.example.cn.", "www.example.cn",
        "daily.example.org:443", "localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3",
        "[::1]:8000",
    ],
)  # fmt: skip
def test_it_answers_to_its_names(served: Served, host: str) -> None:
    assert served.get("/", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "daily.example.cn.evil.example", "evil.daily.example.cn", "8.8.8.8", "[2001:db8::1]",
        "daily.example.cn@evil.example", "daily.example.cn:80:80", "daily.example.cn/", "daily.example.cn evil", "-",
        "x" * 300,
        "daily.example.cn:abc", "localhost.evil.example", "127.0.0.1.evil.example", "[", "[]", "::1",
    ],
)  # fmt: skip
def test_it_answers_to_no_other_name(served: Served, host: str) -> None:
    answer = served.get("/", host=host)
    assert answer.status_code == 421
    assert "每日手记" not in answer.text


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nhost: \r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\n" + HOST + b"host: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: evil.example\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x-forwarded-host: evil.example\r\n\r\n", 200),
    ],
)
def test_a_host_must_be_named_once(served: Served, head: bytes, expected: int) -> None:
    said = served.raw(head)
    assert status(said) == expected
    assert b"evil.example" not in said


# ---------------------------------------------------------------- sizes


def test_a_head_may_not_be_endless(served: Served) -> None:
    for endless in (b"x-long: " + b"a" * 100_000, b"".join(b"x-%d: y\r\n" % n for n in range(20_000))):
        said = served.raw(b"GET / HTTP/1.1\r\n" + HOST + endless)
        assert status(said) == 431
    assert status(served.raw(b"GET /" + b"a" * 100_000)) == 431
    assert served.get("/").status_code == 200


def test_a_head_that_comes_in_drops_is_measured_too(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST)
        with pytest.raises(OSError):  # noqa: PT012 (it may take some drops until the end is noticed)
            for n in range(100):
                connection.sendall(b"x-%d: " % n + b"y" * 4000 + b"\r\n")
                threading.Event().wait(0.01)
            raise OSError


def test_many_requests_on_one_connection_are_not_taken_for_one_large_head(served: Served) -> None:
    one = b"GET /robots.txt HTTP/1.1\r\n" + HOST + b"x-pad: " + b"a" * 2000 + b"\r\n\r\n"
    last = b"GET /robots.txt HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
    said = served.raw(one * 60 + last, hang_up=False)
    assert said.count(b"HTTP/1.1 200 OK") == 61


def test_a_body_where_none_belongs_is_not_read(served: Served) -> None:
    body = b"x" * 10_000_000
    said = served.raw(b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 10000000\r\n\r\n" + body[:1_000])
    assert status(said) == 405
    assert b"connection: close" in said
    assert (
        status(
            served.raw(b"GET / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\nconnection: close\r\n\r\nhello")
        )
        == 200
    )


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 64,
        b"GET / HTTP/1.1\r\nhost daily\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: a\x00b\r\n\r\n", b"G" * 100 + b" / HTTP/1.1\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"upgrade: websocket\r\nconnection: upgrade, close\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"upgrade: h2c\r\nconnection: upgrade, http2-settings, close\r\n\r\n",
        "GET /图 HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_the_next_is_answered(
    served: Served, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    said = served.raw(sent)
    assert status(said) < 500
    assert served.get("/").status_code == 200
    assert [record for record in caplog.records if record.exc_info] == []


# ---------------------------------------------------------------- time


def test_a_request_that_comes_too_slowly_is_ended(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.5)
    monkeypatch.setattr(protocol, "BODY_WITHIN_S", 0.5)
    beginnings = (
        b"", b"G", b"GET / HTTP/1.1\r\n" + HOST, b"\r\n",
        b"POST /search HTTP/1.1\r\n" + HOST + b"content-length: 9\r\n\r\nab",
    )  # fmt: skip
    for begun in beginnings:
        with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
            connection.sendall(begun)
            assert status(received(connection)) in (0, 405, 408), begun


def test_drops_do_not_keep_a_request_alive(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.5)
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):  # noqa: PT012
            for n in range(600):
                connection.sendall(b"x-%d: y\r\n" % n)
                threading.Event().wait(0.05)
            raise AssertionError("it was kept alive for half a minute")


def test_while_many_hang_the_others_are_answered(served: Served) -> None:
    hanging = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(300)]
    try:
        for connection in hanging:
            connection.sendall(b"GET / HTTP/1.1\r\n" + HOST)
        for _ in range(20):
            assert served.get("/").status_code == 200
    finally:
        for connection in hanging:
            connection.close()


def test_a_reader_who_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "TAKEN_WITHIN_S", 0.5)
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    (house.public / "large.bin").write_bytes(b"x" * 30_000_000)
    with serving(house) as running:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", running.port))
            connection.sendall(b"GET /large.bin HTTP/1.1\r\n" + HOST + b"\r\n")
            for _ in range(600):
                if not running.web.connections:
                    break
                threading.Event().wait(0.05)
            assert running.web.connections == 0
        assert running.get("/").status_code == 200


def test_beyond_its_connections_it_says_that_it_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.web.server.CONNECTIONS", 20)
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    with serving(house) as running:
        crowd = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(30)]
        assert status(running.raw(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")) == 503
        for connection in crowd:
            connection.close()
        for _ in range(200):
            if not running.web.connections:
                break
            threading.Event().wait(0.05)
        assert running.get("/").status_code == 200
