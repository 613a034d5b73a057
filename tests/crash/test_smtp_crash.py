"""A mailing through a real mail server, killed again and again: nobody twice, nobody lost without a name.

The server writes down what it accepted before it says so; whatever the client came to know, that list is the truth.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fake_smtp import FakeSmtp
from tests.house import House, essays

AT = "2025-01-29T08:00:00+08:00"
FAULTS = ("claim-committed", "mail-written", "close-committed")
GONE = "550 5.1.1 no such user"


@dataclass
class Post:
    """A house with its mail server and many readers, and what its books said at every look."""

    house: House
    server: FakeSmtp
    readers: int
    kills: int = 0
    looks: list[dict[str, int]] = field(default_factory=list)

    def start(self, *args: str, fault: str = "", at: str = AT) -> subprocess.Popen[str]:
        environ = os.environ | {
            "PUBLISHER_NOW": at, "PUBLISHER_FAULT": fault, "PUBLISHER_MAIL__PORT": str(self.server.port),
            "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "publisher", *args], cwd=self.house.root, env=environ, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *args: str, fault: str = "", at: str = AT) -> int:
        """To its end, or its death."""
        process = self.start(*args, fault=fault, at=at)
        _, said = process.communicate(timeout=120)
        self.kills += process.returncode == -signal.SIGKILL
        assert process.returncode in (0, 1, 4, -signal.SIGKILL), said
        self.look()
        return process.returncode

    def run_and_kill_after(self, messages: int, *, jitter_s: float) -> None:
        """Kill a run once the server has accepted so many more messages."""
        process, enough = self.start("once"), len(self.server.accepted()) + messages
        while process.poll() is None and len(self.server.accepted()) < enough:
            time.sleep(0.002)
        time.sleep(jitter_s)
        process.kill()
        process.communicate()
        self.kills += process.returncode == -signal.SIGKILL
        self.look()

    def look(self) -> dict[str, int]:
        """The books balance, and no more is under way than there are connections."""
        books = {
            str(state): int(str(n))
            for state, n in self.house.rows("SELECT state, count(*) FROM deliveries GROUP BY state")
        }
        assert sum(books.values()) in (0, self.readers)
        assert books.get("sending", 0) <= 1
        self.looks.append(books)
        return books

    def names(self, state: str) -> set[str]:
        query = (
            "SELECT email FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id WHERE d.state = '{}'"
        )
        return {str(email) for (email,) in self.house.rows(query.format(state))}


@contextmanager
def post(root: Path, readers: int, **manners: object) -> Iterator[Post]:
    """An issue ready to go to so many readers."""
    house = House(
        root, links={"budget_s": 0},
        mail={"transport": "smtp", "host": "127.0.0.1", "port": 25, "security": "none", "owner": "", "timeout_s": 20},
    )  # fmt: skip
    house.app.add_subscribers(tuple(f"reader{n:04}@example.cn" for n in range(readers)))
    house.write("2025-01-29", essays("2025-01-29", 2))
    with FakeSmtp(root / "accepted.log", **manners) as server:
        yield Post(house, server, readers)


def table(root: Path, readers: int, kills: int) -> str:
    """Kill one mailing at every fault point and at random moments, against a server with bad manners."""
    dice = random.Random(readers)
    refused = {f"reader{n:04}@example.cn": GONE for n in range(0, readers, readers // 4)}
    dropped = {f"reader{n:04}@example.cn" for n in range(7, readers, readers // 3)}
    with post(root, readers, refuse=refused, drop_after_accepting=dropped, take=max(20, readers // 6)) as p:
        assert p.run("once", fault="commit-committed") == -signal.SIGKILL
        for name in FAULTS:
            for passage in (1, 5, 17):
                p.run("once", fault=f"{name}:{passage}")
        for _ in range(kills):
            p.run_and_kill_after(
                dice.randrange(1, max(2, readers // (kills * 2))), jitter_s=dice.random() * 0.01
            )
        later = AT
        for hour in range(9, 20):  # what the server put off is due again
            p.run("once", at=later)
            if not (p.look().get("waiting") or p.look().get("deferred")):
                break
            later = f"2025-01-29T{hour:02}:30:00+08:00"
        log = Counter(recipient for _, recipient in p.server.accepted())
        twice = {recipient for recipient, n in log.items() if n > 1}
        accepted, uncertain, rejected = p.names("accepted"), p.names("uncertain"), p.names("rejected")
        assert twice == set(), "nobody twice"
        assert accepted <= set(log), "accepted means accepted"
        assert set(log) <= accepted | uncertain, "whoever was mailed is accepted, or in doubt by name"
        assert rejected <= set(refused) <= rejected | uncertain
        assert len(accepted) + len(uncertain) + len(rejected) == readers, "nobody lost without a name"
        assert len(uncertain) <= p.kills + len(dropped), (
            "at most one in doubt a kill, and those the server dropped"
        )
        assert dropped <= uncertain
        assert p.run("once", at=later) == 4, "uncertain mail is told"
        assert Counter(r for _, r in p.server.accepted()) == log, "and never sent again by itself"
        return (
            f"{readers} readers, {p.kills} kills: {len(accepted)} accepted, {len(rejected)} rejected, "
            f"{len(uncertain)} uncertain ({len(set(log) & uncertain)} of them mailed), 0 twice, 0 lost"
        )


def test_a_mailing_to_400_killed_at_every_point_and_20_random_moments(tmp_path: Path) -> None:
    print(table(tmp_path, 400, kills=20))


@pytest.mark.soak
def test_a_mailing_to_4000_killed_at_every_point_and_20_random_moments(tmp_path: Path) -> None:
    print(table(tmp_path, 4000, kills=20))


def test_a_dead_server_keeps_the_mail_on_the_books_and_the_next_run_sends_it(tmp_path: Path) -> None:
    with post(tmp_path, 5) as p:
        p.server.stop_listening()
        process = p.start("once")
        out, said = process.communicate(timeout=60)
        assert process.returncode == 4
        assert "已发布 2 篇" in out
        assert "Traceback" not in said
        assert p.look() == {"waiting": 5}
    with FakeSmtp(tmp_path / "second.log") as server:
        p.server = server
        assert p.run("once") == 0
        assert p.look() == {"accepted": 5}


def test_a_deferred_reader_is_tried_again_when_the_time_has_come_and_not_before(tmp_path: Path) -> None:
    busy = {"reader0001@example.cn": "451 4.7.1 try again later"}
    with post(tmp_path, 3, refuse=busy) as p:
        assert p.run("once") == 4
        assert p.look() == {"accepted": 2, "deferred": 1}
        p.server.manners.refuse.clear()
        assert p.run("once", at="2025-01-29T08:01:00+08:00") == 4
        assert p.look() == {"accepted": 2, "deferred": 1}
        assert p.run("once", at="2025-01-29T08:06:00+08:00") == 0
        assert p.look() == {"accepted": 3}


def test_who_leaves_before_their_turn_is_skipped(tmp_path: Path) -> None:
    with post(tmp_path, 3) as p:
        p.run("once", fault="commit-committed")
        p.house.app.remove_subscribers(("reader0001@example.cn",))
        assert p.run("once") == 0
        assert p.look() == {"accepted": 2, "skipped": 1}


def test_a_cancelled_mailing_reaches_nobody_more(tmp_path: Path) -> None:
    with post(tmp_path, 20) as p:
        p.run("once", fault="close-committed:5")
        assert p.run("cancel", "2025-01-29") == 0
        reached = len(p.server.accepted())
        p.run("once")
        assert len(p.server.accepted()) == reached
        books = p.look()
        assert books["skipped"] + books.get("uncertain", 0) == 20 - reached


def test_pausing_stops_a_run_that_is_sending(tmp_path: Path) -> None:
    with post(tmp_path, 60, delay_s=0.03) as p:
        process = p.start("once")
        while len(p.server.accepted()) < 3:
            time.sleep(0.01)
        assert p.run("pause", "2025-01-29") == 0
        process.communicate(timeout=60)
        reached = len(p.server.accepted())
        assert reached < 60
        p.run("once")
        assert len(p.server.accepted()) == reached
        p.run("resume", "2025-01-29")
        assert p.run("once") == 0
        assert p.look() == {"accepted": 60}


def test_eight_processes_at_once_make_one_issue_and_one_mail_a_reader(tmp_path: Path) -> None:
    with post(tmp_path, 100) as p:
        crowd = [p.start(command) for command in ("once", "tick") * 4]
        for process in crowd:
            process.communicate(timeout=120)
        p.run("once")
        log = Counter(p.server.accepted())
        assert len(log) == 100
        assert set(log.values()) == {1}
        assert p.house.rows("SELECT count(*) FROM issues") == [(1,)]
        assert p.look() == {"accepted": 100}
