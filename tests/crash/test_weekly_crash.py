"""A Sunday with a daily and a weekly mailing, killed at every named step: one of each, nobody twice, nobody lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.test_mailing import choose
from tests.fake_smtp import FakeSmtp
from tests.house import House, essays

AT = "2025-02-02T08:00:00+08:00"
DAILY = tuple(f"daily{n}@example.cn" for n in range(3))
WEEKLY = tuple(f"weekly{n}@example.cn" for n in range(3))
LATER = ("changed@example.cn",)
"""Had Saturday's issue by daily mail: for them the week has Sunday alone."""

KILLINGS = (
    "commit-begun", "commit-written", "commit-committed", "weekly-begun", "weekly-written", "weekly-committed",
    "stamp-written", "claim-committed:2", "claim-committed:4", "claim-committed:6", "mail-written:3", "mail-written:4",
    "mail-written:7", "close-committed:4", "deliver-finished",
)  # fmt: skip
"""The daily mailing has three messages, the weekly one four."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeSmtp]:
    with FakeSmtp(tmp_path / "accepted.log") as server:
        yield server


@pytest.fixture
def house(tmp_path: Path, server: FakeSmtp) -> House:
    """Saturday is out, Sunday waits."""
    mail = {
        "transport": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none", "owner": "",
        "timeout_s": 20,
    }  # fmt: skip
    house = House(tmp_path, links={"budget_s": 0}, mail=mail)
    house.app.add_subscribers((*DAILY, *WEEKLY, *LATER))
    for reader in WEEKLY:
        choose(house, reader, "weekly", "titles" if reader == WEEKLY[0] else "full")
    house.write("2025-02-01", essays("2025-02-01", 1))
    house.once("2025-02-01 08:00")
    for reader in LATER:
        choose(house, reader, "weekly")
    house.write("2025-02-02", essays("2025-02-02", 1))
    return house


def run(house: House, fault: str = "") -> int:
    environ = os.environ | {"PUBLISHER_NOW": AT, "PUBLISHER_FAULT": fault, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "publisher", "once"], cwd=house.root, env=environ, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 4, -signal.SIGKILL), done.stderr
    return done.returncode


def check_books(house: House) -> None:
    uneven = house.rows(
        "SELECT m.id FROM mailings m LEFT JOIN deliveries d ON d.mailing_id = m.id "
        "GROUP BY m.id HAVING count(d.state) != m.recipients"
    )
    assert uneven == []
    kept = house.rows(
        "SELECT d.variant FROM deliveries d LEFT JOIN artifacts a "
        "ON a.mailing_id = d.mailing_id AND a.variant = d.variant WHERE a.variant IS NULL"
    )
    assert kept == [], "every delivery has its frozen body"


@pytest.mark.parametrize("fault", KILLINGS)
def test_a_sunday_killed_anywhere_is_finished_by_the_next_run(
    house: House, server: FakeSmtp, fault: str
) -> None:
    before = len(server.accepted())
    assert run(house, fault) == -signal.SIGKILL
    check_books(house)
    run(house)
    run(house)
    check_books(house)
    assert house.rows(
        "SELECT kind, day, recipients FROM mailings WHERE day = '2025-02-02' ORDER BY kind"
    ) == [
        ("daily", "2025-02-02", len(DAILY)),
        ("weekly", "2025-02-02", len(WEEKLY + LATER)),
    ]
    log = Counter(reader for _, reader in server.accepted()[before:])
    uncertain = house.app.deliveries(uncertain=True, settle=None).deliveries
    assert set(log.values()) == {1}, "nobody twice"
    named = {row.email for row in uncertain}
    assert set(log) | named == {*DAILY, *WEEKLY, *LATER}, "nobody lost without a name"
    assert len(named) <= 1
