"""The site as plain files: byte for byte what is published, and honest about what needs a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.core.errors import FolderError, OperatorMustAct
from tests.house import House, day_file, essay, essays


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "site")
    house.write("2025-01-29", day_file("2025-01-29", f"#茶# {essay('甲')}", essay("乙")))
    house.once("2025-01-29 08:00")
    return house


def test_everything_published_is_there_byte_for_byte(house: House, tmp_path: Path) -> None:
    done = house.app.export(tmp_path / "out")
    made, public = files_of(tmp_path / "out"), house.site()
    own = {"search/index.html", "subscribe/index.html", "files.txt"}
    assert set(made) == {path for path in public if not path.startswith(".")} | own
    assert {path for path, data in made.items() if public.get(path) != data} == own
    assert not [path for path in made if path.rpartition("/")[2].startswith(".")]
    assert (done.files, done.written, done.removed) == (len(made), len(made), 0)
    assert made["files.txt"].decode().split() == sorted(set(made) - {"files.txt"})


def test_what_needs_a_server_says_so_and_leads_to_what_works(house: House, tmp_path: Path) -> None:
    house.app.export(tmp_path / "out")
    made = files_of(tmp_path / "out")
    for path, ways in (
        ("search/index.html", ["/archive/", "/topics/"]),
        ("subscribe/index.html", ["/atom.xml"]),
    ):
        page = made[path].decode()
        assert "静态副本" in page
        assert "<form" not in page
        assert all(way in page for way in ways)


def test_a_second_export_writes_what_changed_and_removes_what_is_gone(house: House, tmp_path: Path) -> None:
    house.app.export(tmp_path / "out")
    (tmp_path / "out" / "CNAME").write_text("daily.example.cn")
    assert house.app.export(tmp_path / "out").written == 0
    house.write("2025-01-29", day_file("2025-01-29", essay("乙")))
    house.once("2025-01-29 09:00", accept_withdrawals=True)
    done = house.app.export(tmp_path / "out")
    assert done.removed == 3  # the topic's page and feed, and the way by the number 2
    assert 0 < done.written < done.files
    assert not (tmp_path / "out" / "topics" / "茶").exists()
    assert (tmp_path / "out" / "CNAME").read_text() == "daily.example.cn"


def test_a_list_of_files_that_leads_elsewhere_removes_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("x")
    (tmp_path / "out" / "files.txt").write_text(f"../precious\n{tmp_path}/precious\na/../../precious\n\n")
    assert house.app.export(tmp_path / "out").removed == 0
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("name", ["public", "public/below", "seeds", "var", ".", "var/x"])
def test_a_folder_that_we_work_with_is_refused(house: House, name: str) -> None:
    before = files_of(house.root)
    with pytest.raises(FolderError):
        house.app.export(house.root / name)
    assert files_of(house.root) == before


def test_a_damaged_site_is_not_exported(house: House, tmp_path: Path) -> None:
    (house.public / "index.html").write_text("…")
    with pytest.raises(OperatorMustAct, match=r"index\.html"):
        house.app.export(tmp_path / "out")


def test_without_a_site_there_is_nothing_to_export(tmp_path: Path) -> None:
    house = House(tmp_path / "site")
    house.write("2025-01-29", essays("2025-01-29", 1))
    with pytest.raises(OperatorMustAct):
        house.app.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()
