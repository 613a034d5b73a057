"""The publisher by itself: it publishes when the time comes, ends when it is asked, and goes on after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_smtp import FakeSmtp
from tests.house import House, essays


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, links={"budget_s": 0}, documents={"settle_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 2))
    house.once("2025-01-28 08:00")
    house.write("2025-01-29", essays("2025-01-29", 3))
    return house


def serve(house: House, now: str, **environ: str) -> subprocess.Popen[str]:
    """`serve --no-web`, its clock beginning at `now`."""
    return subprocess.Popen(
        [sys.executable, "-m", "publisher", "serve", "--no-web"],
        cwd=house.root, env={**os.environ, "PUBLISHER_NOW": now, "LC_ALL": "C.UTF-8", **environ}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Until it holds; a generous bound, so that a slow machine is no failure."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_it_catches_up_at_the_start_and_ends_cleanly_when_asked(house: House) -> None:
    process = serve(house, "2025-01-29T09:00:00+08:00")
    wait_for(lambda: len(house.mails()) == 2)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=35)
    assert process.returncode == 0, said
    assert "已发布 3 篇" in said
    assert "Traceback" not in said


def test_killed_and_started_again_it_finishes_and_mails_nobody_twice(house: House) -> None:
    for fault in ("plan-committed", "pages-written", "commit-committed", "mail-written"):
        process = serve(house, "2025-01-29T09:00:00+08:00", PUBLISHER_FAULT=fault)
        process.communicate(timeout=35)
        assert process.returncode == -signal.SIGKILL
    process = serve(house, "2025-01-29T09:00:00+08:00")
    wait_for(lambda: house.rows("SELECT DISTINCT state FROM deliveries") == [("accepted",)])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=35)
    assert len(house.mails()) == len({mail["Message-ID"] for mail in house.mails()}) == 2


def test_what_must_be_mended_is_said_and_tried_again(house: House) -> None:
    house.seeds.rename(house.root / "elsewhere")
    process = serve(house, "2025-01-29T09:00:00+08:00")
    wait_for(lambda: house.rows("SELECT count(*) FROM runs WHERE ok = 0") == [(1,)])
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=35)
    assert process.returncode == 0
    assert "错误：文档文件夹" in said
    assert "Traceback" not in said


def test_asked_to_end_while_sending_it_finishes_the_message_in_hand_and_keeps_the_rest(
    tmp_path: Path,
) -> None:
    mail = {"transport": "smtp", "host": "127.0.0.1", "security": "none", "owner": "", "port": 25}
    house = House(tmp_path, links={"budget_s": 0}, documents={"settle_s": 0}, mail=mail)
    house.app.add_subscribers(tuple(f"r{n}@example.cn" for n in range(50)))
    house.write("2025-01-29", essays("2025-01-29", 1))
    with FakeSmtp(tmp_path / "accepted.log", delay_s=0.2) as server:
        process = serve(house, "2025-01-29T09:00:00+08:00", PUBLISHER_MAIL__PORT=str(server.port))
        wait_for(lambda: len(server.accepted()) >= 3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=35)
        assert process.returncode == 0
        reached = len(server.accepted())
        assert reached < 50
    states = dict(house.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))
    assert states == {"accepted": reached, "waiting": 50 - reached}


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    mail = {"transport": "smtp", "host": "127.0.0.1", "security": "none", "owner": "a@example.cn", "port": 25}
    house = House(tmp_path, links={"budget_s": 0}, documents={"settle_s": 0}, mail=mail)
    house.write("2025-01-29", essays("2025-01-29", 1))
    with FakeSmtp(tmp_path / "accepted.log", delay_s=25) as server:
        process = serve(house, "2025-01-29T09:00:00+08:00", PUBLISHER_MAIL__PORT=str(server.port))
        wait_for(lambda: "DATA" in server.seen.commands)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 130
    house.once("2025-01-29 09:01")
    assert house.rows("SELECT state FROM deliveries") == [("uncertain",)]
