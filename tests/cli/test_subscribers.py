"""`publisher subscribers` over a real publication: lists come in and go out whole, and bring nobody back."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from tests.app.desk import READER, Desk
from tests.house import House, essays

Run = Callable[..., Result]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    return house


def runner(house: House) -> Run:
    def _run(*args: str, **how: object) -> Result:
        ask = Ask(environ={"PUBLISHER_NOW": house.now.isoformat()})
        given = ["--config", str(house.root / "config.toml"), "subscribers", *args]
        return CliRunner().invoke(entrance, given, obj=ask, **how)

    return _run


@pytest.fixture
def run(house: House) -> Run:
    return runner(house)


def listed(run: Run, *args: str) -> dict[str, dict[str, object]]:
    people = json.loads(run("list", "--json", *args).stdout)["subscribers"]
    return {person["email"]: person for person in people}


def csv_file(house: House, text: str, name: str = "list.csv") -> str:
    path = house.root / name
    path.write_bytes(text.encode())
    return str(path)


# ---------------------------------------------------------------- import


def test_a_list_is_taken_and_every_row_that_was_not_is_told(house: House, run: Run) -> None:
    file = csv_file(
        house, "\ufeffEmail Address,Status\r\na@b.cn,subscribed\r\nbad,\r\nA@B.cn,\r\nc@d.cn,unsubscribed\r\n"
    )
    result = run("import", file)
    assert result.exit_code == 3
    assert "list.csv:3  bad  bad 里没有 @ — 请写成 name@example.org 的样子" in result.stdout
    assert "list.csv:4  A@b.cn  和第 2 行是同一个人 — 两行去掉一行" in result.stdout
    assert "加入 2 · 重复 1 · 读不了 1" in result.stdout
    assert {email: one["state"] for email, one in listed(run).items()} == {
        "curator@localhost": "active", "a@b.cn": "active", "c@d.cn": "unsubscribed",
    }  # fmt: skip


def test_a_dry_run_says_the_same_and_changes_nothing(house: House, run: Run) -> None:
    file = csv_file(house, "email\na@b.cn\nbad\n")
    rows = house.content_rows()
    dry = json.loads(run("import", file, "--dry-run", "--json").stdout)
    assert house.content_rows() == rows
    real = json.loads(run("import", file, "--json").stdout)
    assert dry | {"dry_run": False} == real
    assert (real["added"], real["bad"], real["rows"][0]["line"]) == (1, 1, 3)


def test_taking_a_list_twice_changes_nothing(house: House, run: Run) -> None:
    file = csv_file(house, "email,state\na@b.cn,\nc@d.cn,bounced\n")
    run("import", file)
    rows = house.content_rows()
    again = run("import", file)
    assert (again.exit_code, "早已在 2" in again.stdout) == (0, True)
    assert house.content_rows() == rows


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "complained", "pending", "paused"])
def test_no_list_makes_somebody_active_who_is_not(house: House, run: Run, state: str) -> None:
    run("import", csv_file(house, f"email,state\na@b.cn,{state}\n"))
    run("import", csv_file(house, "email,state\na@b.cn,active\n"))
    assert listed(run)["a@b.cn"]["state"] == state


def test_who_left_there_leaves_here_too(house: House, run: Run) -> None:
    run("add", "a@b.cn")
    result = run("import", csv_file(house, "email,status\na@b.cn,unsubscribed\n"))
    assert "退出 1" in result.stdout
    assert listed(run)["a@b.cn"]["state"] == "unsubscribed"


def test_who_was_forgotten_is_not_brought_back_by_a_list_nor_by_hand(house: House, run: Run) -> None:
    run("add", "a@b.cn")
    assert run("forget", "a@b.cn").exit_code == 0
    result = run("import", csv_file(house, "email\na@b.cn\n"))
    assert "不可寄 1" in result.stdout
    assert run("add", "a@b.cn").exit_code == 2
    assert "a@b.cn" not in listed(run)
    assert "a@b.cn" not in repr(house.content_rows())


def test_the_end_of_a_trial_brings_nobody_back(tmp_path: Path) -> None:
    house = House(tmp_path, url="http://localhost:8000/")
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    run = runner(house)
    run("forget", "a@b.cn")
    house.configure(site={"url": "https://daily.example.cn/"})
    house.once("2025-01-30 08:00")
    assert "不可寄 1" in run("import", csv_file(house, "email\na@b.cn\n")).stdout


def test_whoever_never_was_here_can_be_kept_away_too(house: House, run: Run) -> None:
    run("forget", "never@b.cn")
    run("import", csv_file(house, "email\nnever@b.cn\n"))
    assert "never@b.cn" not in listed(run)


def test_rows_without_a_cadence_get_the_one_that_is_asked_for(house: House, run: Run) -> None:
    run("import", csv_file(house, "email,cadence\na@b.cn,\nc@d.cn,daily\n"), "--cadence", "weekly")
    people = listed(run)
    assert (people["a@b.cn"]["cadence"], people["c@d.cn"]["cadence"]) == ("weekly", "daily")


def test_a_list_comes_from_standard_input_and_a_missing_file_is_named(run: Run) -> None:
    assert run("import", "-", input="email\na@b.cn\n").exit_code == 0
    assert run("import", "nowhere.csv").exit_code == 1
    assert run("import", "-", input="nothing of the kind").exit_code == 2


def test_a_long_list_goes_in_whole(house: House, run: Run) -> None:
    text = "email\n" + "".join(f"reader{n}@example.org\n" for n in range(1203))
    assert "加入 1203" in run("import", csv_file(house, text)).stdout
    assert house.rows("SELECT count(*) FROM consents WHERE kind = 'imported' AND source = 'list.csv'") == [
        (1203,)
    ]


# ---------------------------------------------------------------- export


def test_what_is_exported_is_imported_elsewhere_without_loss(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "here")
    run = runner(desk.house)
    desk.subscribe(cadence="weekly", body="titles", language="en")
    run("add", "b@b.cn", "c@b.cn")
    run("add", "d@b.cn", "--pending")
    run("pause", "b@b.cn", "--until", "2025-02-03")
    run("remove", "c@b.cn")
    file = tmp_path / "all.csv"
    assert run("export", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    there = House(tmp_path / "there")
    there.configure(mail={"owner": ""})
    there.once("2025-03-01 08:00")
    assert runner(there)("import", str(file)).exit_code == 0
    again = tmp_path / "again.csv"
    runner(there)("export", str(again))
    assert again.read_text() == file.read_text()
    assert READER in file.read_text()


def test_an_export_never_writes_over_a_file(house: House, run: Run) -> None:
    file = csv_file(house, "mine")
    assert run("export", file).exit_code == 1
    assert Path(file).read_text() == "mine"


def test_an_export_goes_to_standard_output_as_it_is(run: Run) -> None:
    result = run("export", "-")
    assert result.stdout.startswith("uid,email,state,")
    assert "curator@localhost" in result.stdout


# ---------------------------------------------------------------- one person


def test_pausing_and_ending_it(run: Run) -> None:
    run("add", "a@b.cn")
    assert run("pause", "a@b.cn", "--until", "2025-02-03").exit_code == 0
    assert (listed(run)["a@b.cn"]["state"], listed(run)["a@b.cn"]["paused_until"]) == ("paused", "2025-02-03")
    assert list(listed(run, "--state", "paused")) == ["a@b.cn"]
    run("pause", "a@b.cn", "--end")
    assert (listed(run)["a@b.cn"]["state"], listed(run)["a@b.cn"]["paused_until"]) == ("active", None)


def test_a_pause_without_an_end_lasts_until_somebody_ends_it(house: House, run: Run) -> None:
    run("add", "a@b.cn")
    run("pause", "a@b.cn")
    house.tick("2026-01-29 08:00")
    assert listed(run)["a@b.cn"]["state"] == "paused"


@pytest.mark.parametrize(
    "args",
    [
        ["pause", "a@b.cn", "--until", "2025-01-29"],
        ["pause", "a@b.cn", "--until", "2025-02-03", "--end"],
        ["pause", "nobody@b.cn", "--until", "2025-02-03"],
        ["pause", "left@b.cn", "--until", "2025-02-03"],
        ["set", "a@b.cn"],
        ["set", "a@b.cn", "--cadence", "hourly"],
        ["set", "nobody@b.cn", "--cadence", "weekly"],
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(house: House, run: Run, args: list[str]) -> None:
    run("add", "a@b.cn", "left@b.cn")
    run("remove", "left@b.cn")
    rows = house.content_rows()
    assert run(*args).exit_code == 2
    assert house.content_rows() == rows


def test_choosing_for_somebody(house: House, run: Run) -> None:
    run("add", "a@b.cn")
    assert run("set", "a@b.cn", "--cadence", "weekly", "--body", "lead", "--language", "en").exit_code == 0
    person = listed(run)["a@b.cn"]
    assert (person["cadence"], person["body"], person["language"]) == ("weekly", "lead", "en")
    assert "每周一封  导读  en" in run("list").stdout
    assert house.rows("SELECT kind, source FROM consents") == [
        ("vouched", "operator"),
        ("changed", "operator"),
    ]


def test_forgetting_keeps_the_books_balanced(house: House, run: Run) -> None:
    run("add", "a@b.cn")
    house.write("2025-01-30", essays("2025-01-30", 1))
    before = house.once("2025-01-30 08:00").books
    run("forget", "a@b.cn")
    assert house.once("2025-01-30 09:00").books == before
    house.write("2025-01-31", essays("2025-01-31", 1))
    assert house.once("2025-01-31 08:00").books["recipients"] == 1


def test_a_very_long_address_leaves_the_table_a_table(house: House, run: Run) -> None:
    long = f"{'a' * 60}@{'.'.join(['b' * 60] * 3)}.cn"
    house.app.add_subscribers((long, "li@b.cn"))
    lines = run("list").stdout.splitlines()
    assert max(map(len, lines)) < 90
    assert any(line.startswith("aaaa") and "…" in line and ".cn  " in line for line in lines)
    assert long in listed(run)


def test_a_moment_that_no_clock_can_show_is_a_bad_row_and_the_others_are_taken(
    house: House, run: Run
) -> None:
    rows = "a@b.cn,0001-01-01T00:00:00+08:00\nc@d.cn,9999-12-31T23:59:59-08:00\ne@f.cn,2025-01-01\n"
    result = run("import", csv_file(house, f"email,created_at\n{rows}"))
    assert result.exit_code == 3
    assert "0001-01-01T00:00:00+08:00" in result.stdout
    assert set(listed(run)) >= {"e@f.cn"}
    assert not {"a@b.cn", "c@d.cn"} & set(listed(run))


def test_an_address_that_looks_like_a_formula_goes_out_harmless_and_comes_in_as_it_was(
    house: House, run: Run, tmp_path: Path
) -> None:
    house.app.add_subscribers(("=1+1@b.cn", "-x@b.cn"))
    file = tmp_path / "out.csv"
    assert run("export", str(file)).exit_code == 0
    cells = [cell for line in file.read_text().splitlines() for cell in line.split(",")]
    assert "'=1+1@b.cn" in cells
    assert not [cell for cell in cells if cell[:1] in {"=", "-", "+", "@"}]
    other = House(tmp_path / "other")
    assert runner(other)("import", str(file)).exit_code == 0
    assert set(listed(runner(other))) >= {"=1+1@b.cn", "-x@b.cn"}
