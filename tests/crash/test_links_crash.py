"""A check of links that is broken off keeps what it heard, says nothing it cannot know, and can be done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.house import House, day_file, essay

ROOT = Path(__file__).resolve().parents[2]
HOSTS = [*(f"good-{n}.net" for n in range(12)), *(f"gone-{n}.net" for n in range(3)), "slow-1.net"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A published day whose links were never asked."""
    house = House(tmp_path, links={"budget_s": 0, "retry_wait_s": 0})
    house.write("2025-01-29", day_file("2025-01-29", *(f"{essay(h)}\n\nhttp://{h}/a" for h in HOSTS)))
    house.once("2025-01-29 08:00")
    return house


def check(house: House, *options: str, arguments: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.crash.links_check", str(house.root), *options]
    return subprocess.Popen(
        [*program, "--", "links", "check", *arguments],
        cwd=ROOT, env={**os.environ, "PUBLISHER_NOW": "2025-01-29T09:00:00+08:00", "LC_ALL": "C.UTF-8"},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def verdicts(house: House) -> Counter[object]:
    return Counter(verdict for (verdict,) in house.rows("SELECT verdict FROM links"))


def checks(house: House) -> Counter[object]:
    return Counter(house.rows("SELECT result, void FROM link_checks"))


def books_agree(house: House) -> bool:
    """What every link is said to be is what its last counted check said."""
    unequal = house.rows(
        "SELECT l.url FROM links l LEFT JOIN link_checks c ON c.link_id = l.id AND c.void = 0"
        " WHERE l.result IS NOT c.result OR l.checked_at IS NOT c.at"
    )
    return unequal == []


def until_something_is_written(house: House, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not house.rows("SELECT 1 FROM link_checks LIMIT 1"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing was written while a link was awaited"
        time.sleep(0.05)


def test_an_interrupted_check_keeps_every_answer(house: House) -> None:
    process = check(house)
    until_something_is_written(house, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert verdicts(house) == {"alive": 12, "unsure": 3, "unchecked": 1}
    assert checks(house) == {("redirected", 0): 12, ("broken", 0): 3}
    assert books_agree(house)


def test_a_killed_check_keeps_what_opened_and_the_next_one_asks_the_rest(house: House) -> None:
    process = check(house)
    until_something_is_written(house, process)
    process.kill()
    process.communicate(timeout=30)
    assert verdicts(house) == {"alive": 12, "unchecked": 4}
    assert books_agree(house)
    again = check(house, arguments=("--budget", "1"))
    _, said = again.communicate(timeout=60)
    assert again.returncode == 3, said
    assert verdicts(house) == {"alive": 12, "unsure": 3, "unchecked": 1}
    assert checks(house) == {("redirected", 0): 12, ("broken", 0): 3}  # nobody was asked twice
    assert books_agree(house)


def test_a_kill_between_two_groups_leaves_the_books_right(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_FAULT", "links-group-written")
    process = check(house)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert verdicts(house)["alive"] == 12
    assert books_agree(house)


def test_the_budget_ends_a_check_and_everything_heard_is_kept(house: House) -> None:
    process = check(house, arguments=("--budget", "1"))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert verdicts(house) == {"alive": 12, "unsure": 3, "unchecked": 1}


def test_without_a_canary_an_interrupted_check_believes_nothing(house: House) -> None:
    process = check(house, "--dead-canary", arguments=("-v",))
    assert process.stderr
    assert any("15/16" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert verdicts(house) == {"unchecked": 16}
    assert set(checks(house)) <= {("redirected", 1), ("broken", 1)}


def test_answers_are_written_while_somebody_else_publishes_only_afterwards(house: House) -> None:
    with house.app._lock("once"):
        process = check(house, arguments=("--budget", "4", "-v"))
        assert process.stderr
        assert any("15/16" in line for line in process.stderr)
        time.sleep(2.5)
        assert house.rows("SELECT 1 FROM link_checks") == []
    process.communicate(timeout=60)
    assert process.returncode == 3
    assert verdicts(house) == {"alive": 12, "unsure": 3, "unchecked": 1}
