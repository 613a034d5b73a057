"""`publisher export` over a fake app: what is printed, and its JSON face."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from tests.cli.fake_app import FakeApp


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[site]\ntitle = "渡口"\nurl = "http://localhost:8000/"\n', "utf-8")
    return path


def run(config: Path, *args: str) -> tuple[Result, FakeApp]:
    app = FakeApp()
    ask = Ask(make_app=lambda config, **_: app, environ={})
    return CliRunner().invoke(entrance, ["--config", str(config), "export", *args], obj=ask), app


def test_it_says_what_was_written_where(config: Path) -> None:
    result, _ = run(config, "out")
    assert result.exit_code == 0
    assert result.stdout == "out：共 1,531 个文件，写入 12 个，清理 1 个\n"


def test_its_json_face(config: Path) -> None:
    result, _ = run(config, "out", "--json")
    assert json.loads(result.stdout) == {"folder": "out", "files": 1531, "written": 12, "removed": 1}


def test_a_folder_must_be_named(config: Path) -> None:
    assert run(config)[0].exit_code == 2


def test_help_speaks_chinese(config: Path) -> None:
    assert "静态副本" in run(config, "--help")[0].stdout
