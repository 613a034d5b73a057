"""The wheel is whole: installed in a new environment outside the checkout it lays out a site and publishes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AT = "2025-03-20T08:00:00+08:00"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = out.glob("*.whl")
    return built


def test_it_carries_templates_sample_days_catalogues_and_configuration(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (*ROOT.glob("templates/**/*.*"), *ROOT.glob("seeds/**/*.*"), ROOT / "config.toml"):
        assert f"publisher/_shipped/{path.relative_to(ROOT).as_posix()}" in names
    for path in ROOT.glob("publisher/**/*.*"):
        if path.suffix in (".py", ".mo", ".mako", ".toml", ".typed"):
            assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if name.startswith(("tests", "seeds", "templates"))]


def test_installed_elsewhere_it_lays_out_a_site_and_publishes(wheel: Path, tmp_path: Path) -> None:
    """The libraries come from this environment: what is proved is that nothing is taken from the checkout."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    [packages] = environment.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    here = [p for p in sys.path if p.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(here), "utf-8")

    def publisher(*args: str, cwd: Path) -> str:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PUBLISHER", "PYTHON"))}
        done = subprocess.run(
            [str(environment / "bin" / "python"), "-m", "publisher", *args],
            cwd=cwd, env=environ | {"PUBLISHER_NOW": AT, "PUBLISHER_LINKS__BUDGET_S": "0"}, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    publisher("init", "site", cwd=tmp_path)
    site = tmp_path / "site"
    run = json.loads(publisher("once", "--json", cwd=site))
    assert run["outcome"] == "published"
    assert len(run["issue"]["entries"]) == 9
    assert {"index.html", "rss.xml", "atom.xml", "feed.json"} <= {p.name for p in (site / "public").iterdir()}
    assert len(list((site / "var" / "mail" / "new").iterdir())) == 1
    where = "import publisher; print(publisher.__file__)"
    found = subprocess.run(
        [str(environment / "bin" / "python"), "-c", where],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert str(tmp_path) in found.stdout
