"""What a run reads and loads: nothing twice, and nothing that it has no use for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.app import just_read, reading
from publisher.core.entry import read_entry
from tests.house import House, essays

HEAVY = (
    "alembic", "aiosmtplib", "css_inline", "feedgen", "httpx", "jinja2", "lxml", "markdown_it", "nh3", "regex", "rich",
    "yaml", "publisher.core.entry", "publisher.core.search", "publisher.render.notices",
)  # fmt: skip


def test_a_first_run_reads_every_entry_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    for day in range(1, 29):
        house.write(f"2025-01-{day:02}", essays(f"2025-01-{day:02}", 9))
    asked: list[object] = []

    def counted(*args: object, **options: object) -> object:
        asked.append(args)
        return read_entry(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "read_entry", counted)
    house.once("2025-01-28 08:00")
    assert len(asked) == 28 * 9


def test_what_a_scan_read_is_let_go_with_the_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    assert not just_read._now.entries


def test_more_than_there_is_room_for_is_read_again_and_gives_the_same_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = []
    for name, room in (("roomy", 2_000_000), ("tight", 0)):
        monkeypatch.setattr(just_read, "_MOST_CHARACTERS", room)
        just_read.forget()
        house = House(tmp_path / name)
        for day in ("2025-01-27", "2025-01-28", "2025-01-29"):
            house.write(day, essays(day, 3))
        house.once("2025-01-29 08:00")
        # Feeds and the stamp bear the publication's own name.
        sites.append({path: data for path, data in house.site().items() if path.endswith(".html")})
    assert sites[0] == sites[1]


def test_a_run_with_nothing_to_do_loads_nothing_that_reads_draws_or_mails(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 2))
    program = (
        "import sys\nfrom publisher.__main__ import entrance\n"  # main() would end the process at once
        "try:\n    entrance.main()\nexcept SystemExit:\n    pass\n"
        f"print(' '.join(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    loaded = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, "once", "--json"], cwd=house.root, capture_output=True, text=True,
            encoding="utf-8", env=os.environ | {"PUBLISHER_NOW": "2025-01-29T08:00:00+08:00"}, check=True,
        )  # fmt: skip
        loaded.append(done.stderr.splitlines()[-1])
    assert loaded[0] != ""
    assert loaded[1] == ""
