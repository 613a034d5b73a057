"""The commands over a fake app: what is printed where, the JSON faces, the exit codes, two languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from publisher.app.summary import DocumentsSummary, RunSummary, exit_code
from publisher.cli.asking import Ask
from publisher.cli.entrance import COMMANDS, entrance
from publisher.cli.run_report import finding
from publisher.core.errors import Busy, FolderError, UsageError
from publisher.core.issue import IssueName
from publisher.render.words import words
from tests.cli.fake_app import AT, DATE_MISSING, DAY, GAP, GONE, PUBLISHED, REPEATED, FakeApp
from tests.house import House

Run = Callable[..., Result]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text('[site]\ntitle = "渡口"\nurl = "http://localhost:8000/"\n', "utf-8")
    return tmp_path


@pytest.fixture
def run(site: Path) -> Run:
    def _run(
        *args: str, app: FakeApp | None = None, environ: dict[str, str] | None = None, **how: object
    ) -> Result:
        ask = Ask(make_app=lambda config, **_: app or FakeApp(), environ=environ or {})
        given = ["--config", str(site / "config.toml"), *args]
        return CliRunner().invoke(entrance, given, obj=ask, **how)

    return _run


def face(result: Result) -> dict:
    return json.loads(result.stdout)


def test_once_reports_on_stdout_and_progresses_on_stderr(run: Run) -> None:
    result = run("once")
    assert result.exit_code == 0
    assert "3月5日 星期三 · 5 篇 · 6,736 字" in result.stdout
    assert "渡口的老船工说，潮水记得每一条船的名字" in result.stdout
    assert "已发布 5 篇" in result.stdout
    assert "明天 08:00 将发布 2025-03-06（6 篇）" in result.stdout
    assert "试用中" in result.stdout
    assert "扫描  seeds/" in result.stderr
    assert "扫描" not in result.stdout


def test_english_is_complete(run: Run) -> None:
    for args in (
        ["once"],
        ["plan"],
        ["status"],
        ["lint"],
        ["subscribers", "list"],
        ["once", "--help"],
        ["--help"],
    ):
        result = run(*args, environ={"LC_ALL": "en_GB.UTF-8"})
        ours = result.stdout.translate({ord(c): None for e in PUBLISHED.issue.entries for c in e.title})
        assert not any("一" <= character <= "鿿" for character in ours), result.stdout
    assert "published 5 entries" in run("once", environ={"LANG": "en_US.UTF-8"}).stdout


def test_the_configured_language_wins_over_the_environments(run: Run, site: Path) -> None:
    with (site / "config.toml").open("a") as config:
        config.write('interface = "zh"\n')
    assert "已发布 5 篇" in run("once", environ={"LC_ALL": "en_GB.UTF-8"}).stdout


def test_a_repeated_run_says_so_in_one_line(run: Run) -> None:
    result = run("once", app=FakeApp(REPEATED))
    assert result.stdout.startswith(
        "今天已发布（08:01，5 篇）。无新内容。明天 08:00 将发布 2025-03-06（6 篇）"
    )
    assert result.stdout.count("\n") == 1
    assert result.exit_code == 0


def test_once_json_is_one_object_with_the_documented_keys(run: Run) -> None:
    said = face(
        run("once", "--json", app=FakeApp(replace(PUBLISHED, diagnostics=(DATE_MISSING,), held=(GAP,))))
    )
    documented = [
        "run",
        "day",
        "outcome",
        "issue",
        "documents",
        "diagnostics",
        "books",
        "held",
        "recovered",
        "outputs",
    ]
    assert list(said)[: len(documented)] == documented
    assert set(said["issue"]) == {"day", "sequence", "entries"}
    entry = said["issue"]["entries"][1]
    assert set(entry) == {"uid", "guid", "number", "title", "topics", "words", "minutes", "url", "links"}
    assert entry["links"][1] == {
        "url": GONE.url, "result": "broken", "verdict": "unsure", "target": None, "title": None
    }  # fmt: skip
    assert set(said["documents"]) == {"read", "refused", "new", "edited", "moved", "withdrawn", "archived"}
    assert said["diagnostics"][0]["code"] == "E101"
    assert set(said["diagnostics"][0]) == {"file", "line", "column", "level", "code", "message", "fix"}
    assert said["books"] == {
        "recipients": 1, "waiting": 0, "sending": 0, "accepted": 1,
        "rejected": 0, "deferred": 0, "uncertain": 0, "skipped": 0,
    }  # fmt: skip
    assert said["held"][0]["how"] == "publisher deliver 2025-03-05 --release"
    assert said["outputs"] == {"written": 19, "unchanged": 0, "removed": 0}


def test_plan_says_what_would_be(run: Run) -> None:
    said = face(run("plan", "--json"))
    assert (said["outcome"], said["would"], said["recipients"]) == ("planned", "publish", 1)
    assert said["mail"] == {
        "subject": "3月5日", "html_bytes": 41_600, "budget_bytes": 73_000, "message_bytes": 0, "shortened": 0,
        "readers": {},
    }  # fmt: skip
    words = run("plan").stdout
    assert "将发布 5 篇 · 订阅源 5 条 · 邮件寄 1 人 · HTML 41.6 / 73.0 kB" in words


def test_status_lists_and_lint_have_their_faces(run: Run) -> None:
    status = face(run("status", "--json"))
    assert {
        "next_run",
        "last_run",
        "unpublished_entries",
        "days_of_material",
        "books",
        "links",
        "subscribers",
    } <= set(status)
    assert status["last_run"] == AT.isoformat()
    lint = face(run("lint", "--json"))
    assert set(lint) == {"files", "entries", "diagnostics"}
    assert lint["entries"][0]["links"] == [{"url": "http://t.cn/B7kq0Zw1"}]
    people = face(run("subscribers", "list", "--json"))["subscribers"]
    assert (people[0]["uid"], people[0]["email"], people[0]["state"]) == ("s1", "curator@localhost", "active")
    rows = face(run("deliveries", "--json"))["deliveries"]
    assert set(rows[0]) == {"issue", "kind", "email", "state", "attempts", "code", "text", "at"}
    assert face(run("preview", "--json"))["files"] == ["var/preview/index.html", "var/preview/digest.eml"]


def test_global_options_hold_before_and_after_the_command(run: Run) -> None:
    assert run("--json", "once").stdout == run("once", "--json").stdout
    assert run("-q", "once").output == run("once", "-q").output == ""
    assert run("--json", "subscribers", "list").stdout == run("subscribers", "list", "--json").stdout


CAUSES = {
    "nothing is wrong": (PUBLISHED, 0),
    "the day is empty": (replace(PUBLISHED, outcome="empty", issue=None), 0),
    "nothing was published": (replace(PUBLISHED, outcome="held", issue=None), 1),
    "withdrawals wait": (replace(PUBLISHED, held=(replace(GAP, kind="run"),)), 1),
    "a document was refused": (replace(PUBLISHED, documents=DocumentsSummary(read=4, refused=1)), 3),
    "a document has errors": (replace(PUBLISHED, diagnostics=(DATE_MISSING,)), 3),
    "mail is held": (replace(PUBLISHED, held=(GAP,)), 4),
    "mail is deferred": (replace(PUBLISHED, books={"recipients": 2, "accepted": 1, "deferred": 1}), 4),
    "mail is uncertain": (replace(PUBLISHED, books={"recipients": 1, "uncertain": 1}), 4),
    "an entry is kept back": (replace(PUBLISHED, held=(replace(GAP, kind="entry"),)), 0),
    "the highest counts": (replace(PUBLISHED, held=(GAP,), diagnostics=(DATE_MISSING,)), 4),
}


@pytest.mark.parametrize(("summary", "code"), CAUSES.values(), ids=CAUSES)
def test_the_exit_code_says_what_is_left_to_do(run: Run, summary: RunSummary, code: int) -> None:
    assert exit_code(summary) == code
    assert run("once", app=FakeApp(summary)).exit_code == code


def test_lint_lists_places_and_exits_3_with_errors(run: Run) -> None:
    app = FakeApp(replace(PUBLISHED, diagnostics=(DATE_MISSING,)))
    result = run("lint", "2025-03-06.md", app=app)
    assert result.exit_code == 3
    assert result.stdout.startswith("2025-03-06.md:1:1: E101 date-missing: ")
    assert app.calls == [("lint", (("2025-03-06.md",),), {})]
    assert run("lint").stdout == "1 个文件 1 篇：没有问题\n"


def test_an_error_is_one_line_with_its_exit_code(run: Run) -> None:
    full = FolderError(
        "cannot write {path}: {why}", path="public", why="磁盘已满", fix="choose an empty folder"
    )
    result = run("once", app=FakeApp(raises=full))
    assert result.exit_code == 1
    assert result.stderr == "错误：写不了 public：磁盘已满 — choose an empty folder\n"
    assert run("allow", "x", app=FakeApp(raises=UsageError("no such entry"))).exit_code == 2
    assert face(run("once", "--json", app=FakeApp(raises=full)))["outcome"] == "error"


def test_config_errors_are_listed_whole(run: Run, site: Path) -> None:
    (site / "config.toml").write_text('[site]\ntitel = "x"\n[mail]\nsender = "foo"\n')
    result = run("once", environ={"LC_ALL": "en_US"})
    assert result.exit_code == 1
    assert "error: config.toml: mail.sender: expected an email address, got 'foo'\n" in result.stderr
    assert "error: config.toml: site.titel: no such option; did you mean 'title'?\n" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(("holder", "code"), [("once", 0), ("publisher once", 0), ("adopt", 1)])
def test_a_held_lock_is_fine_when_the_holder_does_the_same(run: Run, holder: str, code: int) -> None:
    busy = FakeApp(raises=Busy(pid=7, command=holder, since="2025-03-05T08:00:00+08:00"))
    result = run("once", "--json", app=busy)
    assert result.exit_code == code
    assert face(result) == {
        "outcome": "busy",
        "holder": {"pid": 7, "command": holder, "since": "2025-03-05T08:00:00+08:00"},
    }


def test_a_bug_shows_its_traceback(run: Run) -> None:
    result = run("once", app=FakeApp(raises=ZeroDivisionError("oops")))
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "ZeroDivisionError: oops" in result.stderr.splitlines()[-1]


def test_an_interruption_exits_130(run: Run) -> None:
    assert run("once", app=FakeApp(raises=KeyboardInterrupt())).exit_code == 130


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["oncw"], "没有这个命令：oncw；是不是想写 once？"),
        (["once", "--extar"], "没有这个选项：--extar；是不是想写 --extra？"),
        (["correct", "x"], "缺 --note"),
        (["deliver", "2025-13-01"], "没有叫 '2025-13-01' 的期号"),
        (["deliver", "--release"], "--release 要指明哪一期"),
        (["deliveries", "--sent"], "publisher deliveries uncertain"),
        (["subscribers", "add", "-", "a@b.cn"], "- 要单独写"),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_why(run: Run, args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_options_reach_the_verbs(run: Run) -> None:
    app = FakeApp()
    run("once", "--extra", "--accept-clock", app=app)
    run("deliver", "2025-03-05/2", "--release", app=app)
    run("deliveries", "uncertain", "--resend", app=app)
    run("correct", "aaaaaaaaaa", "--note", "年份写错了", app=app)
    run(
        "subscribers",
        "add",
        "-",
        "--pending",
        app=app,
        input="\ufeffli@example.org\n\n# 朋友\nwang@example.org\n",
    )
    assert app.calls == [
        ("once", (), {"extra": True, "accept_clock": True, "accept_withdrawals": False}),
        ("deliver", (IssueName(DAY, 2),), {"release": True}),
        ("deliveries", (), {"uncertain": True, "settle": "resend"}),
        ("correct", ("aaaaaaaaaa", "年份写错了"), {}),
        ("add_subscribers", (("li@example.org", "wang@example.org"),), {"pending": True}),
    ]


def test_a_refused_address_exits_2_and_the_good_ones_are_in(run: Run) -> None:
    result = run("subscribers", "add", "li@example.org", "foo")
    assert result.exit_code == 2
    assert "li@example.org  已加入" in result.stdout
    assert "foo  拒绝" in result.stdout


def test_the_clock_can_be_stood_in_for(site: Path) -> None:
    given: dict[str, object] = {}

    def make(config: object, **options: object) -> FakeApp:
        given.update(options)
        return FakeApp()

    args = ["--config", str(site / "config.toml"), "status"]
    ask = Ask(make_app=make, environ={"PUBLISHER_NOW": "2025-03-05T08:00:00+08:00"})
    assert CliRunner().invoke(entrance, args, obj=ask).exit_code == 0
    assert given["now"]() == AT  # type: ignore[operator]
    for wrong in ("2025-03-05T08:00:00", "gestern", "9999-12-31T23:59:59-12:00"):
        ask = Ask(make_app=make, environ={"PUBLISHER_NOW": wrong})
        assert CliRunner().invoke(entrance, args, obj=ask).exit_code == 2


def test_config_shows_what_holds_and_no_secret(run: Run) -> None:
    environ = {"PUBLISHER_MAIL__PASSWORD": "hush", "PUBLISHER_PUBLISH__MAX_ENTRIES": "7"}
    words, said = run("config", environ=environ), face(run("config", "--json", environ=environ))
    assert "hush" not in words.output + json.dumps(said)
    assert 'title = "渡口"\n' in words.stdout
    assert "max_entries = 7  # 环境变量" in words.stdout
    assert said["mail"]["password"] == "***"
    assert said["publish"]["max_entries"] == 7
    assert said["origins"]["publish.max_entries"] == "environment"


def test_every_command_explains_itself_in_both_languages(run: Run) -> None:
    for name in COMMANDS:
        chinese, english = run(name, "--help"), run(name, "--help", environ={"LANG": "en"})
        assert chinese.exit_code == english.exit_code == 0
        assert "用法：" in chinese.stdout
        assert "Usage:" in english.stdout
        assert all(len(line) <= 110 for line in english.stdout.splitlines())


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["once", "--help"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    heavy = ["pydantic", "pydantic_settings", "rich", "sqlalchemy", "jinja2", "httpx", "asyncio", "feedgen"]
    code = (
        "import sys\nfrom publisher.cli.entrance import entrance\n"
        f"try: entrance.main({args!r})\nexcept SystemExit: pass\n"
        f"sys.stderr.write(' '.join(m for m in {heavy!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout


@pytest.mark.parametrize(
    "args", [("once", "--bogus", "--json"), ("--json", "once", "--bogus"), ("bogus", "--json")]
)
def test_a_slip_in_the_command_has_its_json_wherever_it_stands(run: Run, args: tuple[str, ...]) -> None:
    said = json.loads(run(*args).stdout)
    assert (said["outcome"], said["exit_code"]) == ("error", 2)


def test_a_file_name_steers_no_terminal_and_keeps_to_its_line() -> None:
    found = replace(
        DATE_MISSING,
        slug="entry-repeated",
        file="a\x1b[31m\n\udcff 中文.md",
        params={"other": "b\x1b[0m.md:1"},
    )
    said = finding(found, words("en"))
    assert said.startswith("a\\x1b[31m\\n\\udcff 中文.md:1:1: W237 entry-repeated: ")
    assert "b\\x1b[0m.md:1" in said
    assert "\x1b" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("command", ["once", "once --json", "status", "status --json", "--help", "--version"])
def test_an_output_that_takes_no_more_is_one_error(tmp_path: Path, command: str) -> None:
    House(tmp_path)
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m publisher {command} > /dev/full'],
        stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert sum("No space left on device" in line for line in done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("command", ["--version", "once", "once --json"])
def test_a_closed_output_is_no_failure(tmp_path: Path, closed: str, command: str) -> None:
    House(tmp_path)
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m publisher {command} {closed}'],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (0, False)
