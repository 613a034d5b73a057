"""Bad days of the machine: one clear error each, the exit code that was promised, old outputs whole, then recovery."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from publisher.store import engine
from tests.house import House, essays

AT = "2025-01-29T08:00:00+08:00"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One day published, the next one waiting."""
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 2))
    house.once("2025-01-28 08:00")
    house.write("2025-01-29", essays("2025-01-29", 3))
    return house


def publisher(house: House, *args: str, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """The command in a process of its own: its exit code and what it said on stderr.

    It writes no bytecode: on a disk that takes no more, Python leaves half a file that breaks every process after it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "publisher", *args],
        cwd=house.root, capture_output=True, text=True, check=False, timeout=60, preexec_fn=before,
        env={**os.environ, "PUBLISHER_NOW": AT, "LC_ALL": "en_GB.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def error(said: str) -> str:
    """The one line of complaint."""
    [line] = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")


def assert_recovers(house: House, site: dict[str, bytes]) -> None:
    """What was published before is as it was; the next run finishes the day; nobody is mailed twice."""
    now = house.site()
    assert {path: now[path] for path in site if path.startswith("2025/01/28/") and path.count("/") == 4} == {
        path: data for path, data in site.items() if path.startswith("2025/01/28/") and path.count("/") == 4
    }
    assert publisher(house, "once")[0] == 0
    assert house.exists("2025/01/29/")
    assert len(house.mails()) == len({mail["Message-ID"] for mail in house.mails()}) == 2
    assert not list(house.public.rglob(".tmp-*"))


@pytest.mark.parametrize("limit_kb", [4, 16])
def test_a_disk_that_takes_no_more_is_one_error_and_the_next_run_finishes(
    house: House, limit_kb: int
) -> None:
    import resource

    site = house.site()

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limit_kb * 1024))

    code, said = publisher(house, "once", before=no_large_files)
    assert code == 1
    assert error(said)
    assert_recovers(house, site)


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.needs_root
def test_a_full_disk_under_the_pages(house: House) -> None:
    site, real = house.site(), house.root / "real"
    house.public.rename(real)
    house.public.mkdir()
    with tmpfs(house.public, "256k"):
        subprocess.run(["cp", "-a", f"{real}/.", str(house.public)], check=False)
        with (house.public / "filler").open("wb") as file, pytest.raises(OSError):
            file.write(b"x" * 1_000_000)
        code, said = publisher(house, "once")
        assert code == 1
        assert "public" in error(said)
        assert "No space left on device" in error(said)
        assert (house.public / "rss.xml").read_bytes() == site["rss.xml"]
    house.public.rmdir()
    real.rename(house.public)
    assert_recovers(house, site)


@pytest.mark.needs_root
def test_a_read_only_output_folder(house: House) -> None:
    site = house.site()
    subprocess.run(["mount", "--bind", str(house.public), str(house.public)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(house.public)], check=True)
        code, said = publisher(house, "once")
        assert code == 1
        assert "Read-only file system" in error(said)
    finally:
        subprocess.run(["umount", "-l", str(house.public)], check=True)
    assert_recovers(house, site)


def test_an_output_folder_that_is_a_file(house: House) -> None:
    site, real = house.site(), house.root / "real"
    house.public.rename(real)
    house.public.write_text("not a folder", "utf-8")
    code, said = publisher(house, "once")
    assert code == 1
    assert "public" in error(said)
    house.public.unlink()
    real.rename(house.public)
    assert_recovers(house, site)


def test_a_mail_folder_that_is_a_file(house: House) -> None:
    site, mail = house.site(), house.root / "var" / "mail"
    mail.rename(house.root / "kept")
    mail.write_text("not a folder", "utf-8")
    code, said = publisher(house, "once")
    assert code == 1
    assert "mail folder" in error(said)
    mail.unlink()
    (house.root / "kept").rename(mail)
    assert_recovers(house, site)


def test_a_corrupt_database(house: House) -> None:
    site, database = house.site(), house.root / "var" / "publisher.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:100] + b"\x00garbage\xff" * 400 + whole[4100:])
    code, said = publisher(house, "once")
    assert code == 1
    assert "publisher.db" in error(said)
    assert house.site() == site
    database.write_bytes(whole)
    assert_recovers(house, site)


def test_something_else_in_place_of_the_database(house: House) -> None:
    (house.root / "var" / "publisher.db").write_text(
        "a shopping list, long enough to be looked at as a database\n" * 20
    )
    code, said = publisher(house, "once")
    assert code == 1
    assert "is not a publisher database" in error(said)


def test_a_database_locked_by_another_program(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.core.errors import StoreError

    monkeypatch.setattr(engine, "_BUSY_MS", 200)
    site = house.site()
    with closing(sqlite3.connect(house.root / "var" / "publisher.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program"):
            house.once("2025-01-29 08:00")
    assert_recovers(house, site)


def test_a_vanished_documents_folder(house: House) -> None:
    site = house.site()
    house.seeds.rename(house.root / "elsewhere")
    code, said = publisher(house, "once")
    assert code == 1
    assert "seeds" in error(said)
    assert house.site() == site
    (house.root / "elsewhere").rename(house.seeds)
    assert_recovers(house, site)


def test_a_template_with_a_mistake_leaves_the_site_as_it_was(house: House) -> None:
    site, templates = house.site(), house.root / "mine" / "web"
    templates.mkdir(parents=True)
    (templates / "day.html").write_text(
        '{% extends "default/web/day.html" %}{% block title %}{{ nosuch }}{% endblock %}'
    )
    house.configure(templates={"folder": "mine"})
    code, said = publisher(house, "once")
    assert code == 1
    assert "day.html" in error(said)
    assert "nosuch" in error(said)
    assert house.site()["rss.xml"] == site["rss.xml"]
    house.configure(templates={"folder": ""})
    assert_recovers(house, site)


def test_a_clock_that_jumped_says_so_and_publishes_nothing(house: House) -> None:
    site = house.site()
    house.at("2025-04-01 08:00")
    run = house.once()
    assert run.outcome == "held"
    assert house.site() == site
    assert_recovers(house, site)
