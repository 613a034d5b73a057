"""`publisher search`, `backup` and `restore`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from tests.house import House, day_file, essay


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n#经济# 关税又涨了", essay("乙")))
    house.once("2025-01-29 08:00")
    return house


def run(house: House, *args: str) -> Result:
    environ = {"PUBLISHER_NOW": "2025-01-29T09:00:00+08:00"}
    return CliRunner().invoke(
        entrance, ["--config", str(house.root / "config.toml"), *args], obj=Ask(environ=environ)
    )


def test_search_says_day_title_words_and_address(house: House) -> None:
    result = run(house, "search", "关税", "涨")
    assert result.exit_code == 0
    assert "2025年1月29日  甲的故事" in result.stdout
    assert "关税又涨了" in result.stdout
    assert "https://daily.example.cn/2025/01/29/" in result.stdout
    assert "找到 1 篇" in result.stdout


def test_search_as_json(house: House) -> None:
    found = json.loads(run(house, "search", "关税", "--json", "--topic", "经济", "--year", "2025").stdout)
    assert (found["query"], found["total"], found["year"], found["topic"]) == ("关税", 1, 2025, "经济")
    assert set(found["hits"][0]) == {"uid", "title", "day", "number", "url", "topics", "snippet"}
    assert found["lagging"] == 0


def test_search_that_finds_nothing_says_what_would(house: House) -> None:
    result = run(house, "search", "--", "关税", "-涨")
    assert result.exit_code == 0
    assert "没有找到" in result.stdout
    assert "关税 (1)" in result.stdout


def test_a_site_that_never_ran_finds_nothing_and_leaves_no_trace(tmp_path: Path) -> None:
    house = House(tmp_path / "fresh")
    assert "没有找到" in run(house, "search", "关税").stdout
    assert not (house.root / "var").exists()


def test_backup_and_restore(house: House, tmp_path: Path) -> None:
    made = json.loads(run(house, "backup", str(tmp_path / "a.db"), "--json").stdout)
    assert made["path"] == str(tmp_path / "a.db")
    assert run(house, "backup", str(tmp_path / "a.db")).exit_code == 2
    house.write("2025-01-30", day_file("2025-01-30", essay("丙")))
    house.once("2025-01-30 08:00")
    result = run(house, "restore", str(tmp_path / "a.db"))
    assert result.exit_code == 0
    assert "publisher adopt" in result.stdout
    assert "before-restore-" in result.stdout
    assert run(house, "restore", str(tmp_path / "none.db")).exit_code == 2
    assert run(house, "restore", str(house.root / "config.toml")).exit_code == 1


def test_the_log_of_runs_names_backups_and_the_last_run_stays_the_last_run(house: House) -> None:
    house.configure(store={"backups": 7})
    house.tick("2025-01-30 03:00")
    assert "backup" in run(house, "history").stdout
    assert "2025-01-29 08:00" in run(house, "status").stdout


def test_who_asks_by_hand_gets_the_whole_archive_and_is_told_why_it_takes_a_while(house: House) -> None:
    result = run(house, "search", "关税")
    assert "找到 1 篇" in result.stdout
    assert "先补齐搜索索引：1 天" in result.stderr
    assert "索引" not in run(house, "search", "关税").stderr
    (house.root / "var" / "search.db").unlink()
    found = run(house, "search", "关税", "--json")
    assert (json.loads(found.stdout)["total"], json.loads(found.stdout)["lagging"]) == (1, 0)


def test_an_index_that_cannot_be_written_is_said_and_asked_as_it_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from publisher.core.errors import StoreError
    from publisher.wiring import App

    def read_only(*_: object) -> int:
        raise StoreError("the search index {path} cannot be used: {why}", path="search.db", why="read-only")

    house.app.keep_search_index()
    monkeypatch.setattr(App, "keep_search_index", read_only)
    result = run(house, "search", "关税")
    assert result.exit_code == 0
    assert "找到 1 篇" in result.stdout
    assert "search.db" in result.stderr
