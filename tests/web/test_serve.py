"""`publisher serve` as a process: publisher and site together, from the first start to the last signal."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.house import House, essays

NOW = "2025-01-29T09:00:00+08:00"


class Process:
    """A running `publisher serve`; its stderr is read as it comes."""

    def __init__(self, folder: Path, *options: str, now: str = NOW, **environ: str) -> None:
        clock = {"PUBLISHER_NOW": now} if now else {}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "publisher", "serve", "--port", "0", *options], cwd=folder, text=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "PUBLISHER_LINKS__BUDGET_S": "0", **clock, **environ},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        self.said.extend(self.popen.stderr)

    @property
    def url(self) -> str:
        until(lambda: "http://127.0.0.1:" in "".join(self.said) or self.popen.poll() is not None)
        found = re.search(r"http://127\.0\.0\.1:\d+", "".join(self.said))
        assert found, self.said
        return found[0]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def end(self, *signals: int) -> int:
        for number in signals or (signal.SIGTERM,):
            self.popen.send_signal(number)
            threading.Event().wait(0.3)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, when it has said everything."""
        code = self.popen.wait(60)
        self._reader.join(10)
        assert self.popen.stdout is not None
        assert self.popen.stderr is not None
        self.popen.stdout.close()
        self.popen.stderr.close()
        return code


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(int(seconds * 20)):
        with contextlib.suppress(httpx.HTTPError):
            if condition():
                return
        threading.Event().wait(0.05)
    raise AssertionError("it never came")


@contextlib.contextmanager
def running(folder: Path, *options: str, **environ: str) -> Iterator[Process]:
    process = Process(folder, *options, **environ)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
        process.wait()


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, links={"budget_s": 0}, documents={"settle_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 2))
    house.once("2025-01-28 08:00")
    house.write("2025-01-29", essays("2025-01-29", 3))
    return house


def test_it_publishes_serves_and_ends_when_asked(house: House) -> None:
    with running(house.root) as process:
        until(lambda: process.get("/2025/01/29/").status_code == 200)
        until(lambda: process.get("/healthz").status_code == 200)
        feed = process.get("/rss.xml")
        assert process.get("/rss.xml", **{"if-none-match": feed.headers["etag"]}).status_code == 304
        assert len(house.mails()) == 2
        assert process.end() == 0
        assert "Traceback" not in "".join(process.said)


def test_a_folder_just_laid_out_is_served_at_once(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "publisher", "init", "site"], cwd=tmp_path, check=True, capture_output=True
    )
    with running(tmp_path / "site", now="") as process:
        until(lambda: process.get("/").status_code == 200)
        assert process.get("/rss.xml").status_code == 200
        assert process.end() == 0


def test_a_port_that_is_taken_is_said_and_nothing_is_published(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = Process(house.root, "--port", str(taken.getsockname()[1]))
        assert process.wait() == 1
    said = "".join(process.said)
    assert "错误：不能在 127.0.0.1:" in said
    assert "Traceback" not in said
    assert not house.exists("2025/01/29/")


def test_without_the_schedule_it_only_serves(house: House) -> None:
    with running(house.root, "--no-schedule") as process:
        assert process.get("/2025/01/28/").status_code == 200
        assert process.get("/2025/01/29/").status_code == 404
        assert process.get("/healthz").json()["reasons"] == [
            "the issue of 2025-01-29 is due and not published"
        ]
        house.once("2025-01-29 09:00")  # by a timer, say
        until(lambda: process.get("/2025/01/29/").status_code == 200)
        until(lambda: process.get("/healthz").status_code == 200)
        assert process.end() == 0


def test_neither_web_nor_schedule_is_a_mistake(house: House) -> None:
    process = Process(house.root, "--no-web", "--no-schedule")
    assert process.wait() == 2


def test_sighup_makes_the_table_anew(house: House) -> None:
    with running(house.root, "--no-schedule") as process:
        url = process.url
        (house.public / "archive" / "notes.txt").write_text("mine")  # moves no time at the top of the folder
        assert httpx.get(url + "/archive/notes.txt").status_code == 404
        process.popen.send_signal(signal.SIGHUP)
        until(lambda: process.get("/archive/notes.txt").status_code == 200)
        assert process.end() == 0


def test_an_answer_under_way_is_ended_before_it_stops(house: House) -> None:
    data = os.urandom(30_000_000)
    (house.public / "talk.mp3").write_bytes(data)
    with (
        running(house.root, "--no-schedule") as process,
        httpx.stream("GET", process.url + "/talk.mp3") as answer,
    ):
        parts = answer.iter_raw(65536)
        got = next(parts)
        process.popen.send_signal(signal.SIGTERM)
        for part in parts:
            got += part
        assert got == data
        assert process.wait() == 0


def test_a_second_signal_ends_it_at_once(house: House) -> None:
    (house.public / "talk.mp3").write_bytes(os.urandom(30_000_000))
    with (
        running(house.root, "--no-schedule") as process,
        httpx.stream("GET", process.url + "/talk.mp3") as answer,
    ):
        parts = answer.iter_raw(65536)
        next(parts)
        assert process.end(signal.SIGTERM, signal.SIGTERM) == 130
        del parts  # it kept the connection open


def test_idle_connections_do_not_keep_it_from_ending(house: House) -> None:
    with running(house.root, "--no-schedule") as process, httpx.Client() as client:
        assert client.get(process.url + "/").status_code == 200  # kept alive
        with socket.create_connection(("127.0.0.1", int(process.url.rpartition(":")[2]))) as half:
            half.sendall(b"GET / HTTP/1.1\r\n")
            assert process.end() == 0


def test_what_visitors_send_is_not_written_to_the_log(house: House) -> None:
    environ = {"PUBLISHER_SERVE__METRICS_TOKEN": "a-secret-token"}
    with running(house.root, "--no-schedule", **environ) as process:
        process.get("/subscribe/confirm/?t=a-readers-token")
        process.get("/metrics", authorization="Bearer a-secret-token")
        process.get("/nowhere?email=reader@example.cn", **{"x-forwarded-for": "203.0.113.7"})
        with socket.create_connection(("127.0.0.1", int(process.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"nonsense from a reader\r\n\r\n")
            connection.recv(1000)
        process.end()
        said = "".join(process.said)
        for secret in ("a-readers-token", "a-secret-token", "reader@example.cn", "203.0.113.7", "nonsense"):
            assert secret not in said


def test_who_asks_with_the_form_has_their_letter_before_the_next_tick(house: House) -> None:
    with running(house.root, "--no-schedule") as process:  # no tick at all
        page = process.get("/subscribe/").text
        stamp = re.search(r'name="stamp" value="([^"]+)"', page)
        assert stamp
        threading.Event().wait(3.5)  # people are not faster than the gate
        fields = {"email": "reader@example.cn", "cadence": "daily", "body": "full", "stamp": stamp[1]}
        answer = httpx.post(process.url + "/subscribe/", data=fields | {"homepage": ""}, timeout=30)
        assert answer.status_code == 200
        until(lambda: any("reader@example.cn" in str(mail["To"]) for mail in house.mails()))
        assert process.end() == 0


def test_the_host_that_readers_own_links_lead_to_is_answered(house: House) -> None:
    house.configure(mail={"manage_url": "https://readers.example.cn/"})
    with running(house.root, "--no-schedule") as process:
        assert process.get("/", host="readers.example.cn").status_code == 200
        assert process.get("/", host="stranger.example.cn").status_code == 421


def test_a_hang_up_leaves_the_schedule_alone_running(house: House) -> None:
    process = Process(house.root, "--no-web")
    until(lambda: house.exists("2025/01/29/"))
    assert process.end(signal.SIGHUP, signal.SIGTERM) == 0
