"""`publisher init`: a site that can be published at once, and nothing overwritten."""

from __future__ import annotations

import configparser
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from publisher.cli import init as module
from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from publisher.config import load_config


@pytest.fixture(autouse=True)
def _shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with one sample day, as an installed one carries it."""
    package = tmp_path / "package"
    (package / "_shipped" / "seeds").mkdir(parents=True)
    (package / "_shipped" / "seeds" / "2025-03-05.md").write_text("# 2025-03-05\n\n## 1\n\n渡口。\n", "utf-8")
    (package / "_shipped" / "seeds" / ".hidden").write_text("")
    (package / "_shipped" / "config.toml").write_text('[site]\ntitle = "x"\nurl = "http://localhost/"\n')
    monkeypatch.setattr(module, "_PACKAGE", package)


def init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(entrance, ["init", str(folder), *options], obj=Ask(environ={}))


def test_a_new_site_is_laid_out_and_the_next_commands_are_named(tmp_path: Path) -> None:
    result = init(tmp_path / "my site")
    assert result.exit_code == 0
    assert load_config(tmp_path / "my site" / "config.toml", {}).site.title == "x"
    assert (tmp_path / "my site" / "seeds" / "2025-03-05.md").is_file()
    assert not (tmp_path / "my site" / "seeds" / ".hidden").exists()
    assert (tmp_path / "my site" / ".gitignore").read_text() == "public/\nvar/\n"
    assert result.stdout.endswith(f"  cd '{tmp_path}/my site'\n  publisher once\n")


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds" / "2025-03-05.md").write_text("mine")
    result = init(folder)
    assert result.exit_code == 1
    assert "seeds/2025-03-05.md" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["seeds"]
    assert (folder / "seeds" / "2025-03-05.md").read_text() == "mine"


def test_an_interrupted_init_may_be_run_again(tmp_path: Path) -> None:
    assert init(tmp_path / "site").exit_code == 0
    (tmp_path / "site" / "config.toml").unlink()
    assert init(tmp_path / "site").exit_code == 0
    assert (tmp_path / "site" / "config.toml").is_file()


def test_init_tells_machines_what_it_wrote(tmp_path: Path) -> None:
    said = json.loads(init(tmp_path / "site", "--json").stdout)
    assert said["files"] == [".gitignore", "config.toml", "seeds/2025-03-05.md"]


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = init(tmp_path / "file" / "site")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_systemd_units_call_this_publisher_and_may_write_only_the_site(tmp_path: Path) -> None:
    result = CliRunner().invoke(entrance, ["init", str(tmp_path / "site"), "--systemd"], obj=Ask(environ={}))
    assert result.exit_code == 0
    folder = tmp_path / "site" / "systemd"
    service = configparser.RawConfigParser(strict=False)
    service.optionxform = str  # type: ignore[assignment, method-assign]
    service.read_string((folder / "publisher.service").read_text("utf-8"))
    assert service["Service"]["ReadWritePaths"] == str(tmp_path / "site")
    assert service["Service"]["ExecStart"].endswith("publisher serve")
    assert Path(service["Service"]["ExecStart"].split()[0]).is_absolute()
    assert "Persistent=true" in (folder / "publisher-tick.timer").read_text("utf-8")


def test_a_site_that_is_there_gets_its_units_and_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[site]\ntitle = '渡口'\nurl = 'https://ferry.cn/'\n", "utf-8")
    result = CliRunner().invoke(entrance, ["init", str(tmp_path), "--systemd"], obj=Ask(environ={}))
    assert result.exit_code == 0
    assert "渡口" in (tmp_path / "config.toml").read_text("utf-8")
    assert not (tmp_path / "seeds").exists()
    assert (tmp_path / "systemd" / "publisher.service").exists()
