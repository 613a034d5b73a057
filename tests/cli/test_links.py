"""`publisher links …`: what is asked of the app, how answers look, and the exit codes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from publisher.app.link_summary import FixSummary, LinkPlace, LinkRow, LinksSummary, ProbeSummary
from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from publisher.core.link import Hop
from publisher.core.verdict import Event
from tests.house import House, day_file, essay

AT = datetime(2025, 3, 5, tzinfo=UTC)
FINE = LinkRow(
    url="http://t.cn/A63WE43h", result="ok", verdict="alive", target="https://weibo.com/1/a", title="春天"
)
GONE = LinkRow(
    url="http://gone.example/x", result="broken", verdict="dead", http_status=404, since=AT, chain=("http://gone.example/x",),
    error="the server does not have it", archive="https://web.archive.org/web/20250101/http://gone.example/x",
    places=(LinkPlace(uid="aaaaaaaaaa", title="渡口", file="2025-03-05.md", line=12),),
    events=(Event(url="http://gone.example/x", at=AT, kind="dead"),),
)  # fmt: skip
WALL = LinkRow(
    url="https://zhuanlan.zhihu.com/p/1",
    result="blocked",
    verdict="unsure",
    error="the server keeps robots out",
)


@dataclass
class FakeLinks:
    """The verbs about links."""

    found: LinksSummary = field(default_factory=lambda: LinksSummary(links=(FINE, GONE, WALL)))
    calls: list[tuple[str, object]] = field(default_factory=list)

    def check_links(self, **options: Any) -> LinksSummary:
        options.pop("progress")
        self.calls.append(("check", options))
        return self.found

    def check_file(self, files: tuple[Path, ...], **options: Any) -> LinksSummary:
        self.calls.append(("file", [str(file) for file in files]))
        place = (LinkPlace(file="any.md", line=3),)
        return LinksSummary(links=(LinkRow(url="http://a.org/", result="ok", verdict="alive", places=place),))

    def report_links(self, *, only: str | None) -> LinksSummary:
        self.calls.append(("report", only))
        return self.found

    def probe_link(self, url: str) -> ProbeSummary:
        self.calls.append(("probe", url))
        hops = (
            Hop(url=url, status=200, headers=(("server", "nginx"),), rule="t.cn desc", text="将要访问"),
            Hop(url="https://weibo.com/1/a", status=200),
        )
        return ProbeSummary(row=FINE, hops=hops, rule="t.cn desc")

    def fix_links(self) -> FixSummary:
        return FixSummary(patch="--- a/x.md\n+++ b/x.md\n", mended=1, left=(GONE,))


def run(*arguments: str, app: FakeLinks | None = None, **environ: str) -> Result:
    ask = Ask(make_app=lambda config, **_: app or FakeLinks(), environ={"LANG": "zh_CN.UTF-8", **environ})
    return CliRunner().invoke(entrance, ["links", *arguments], obj=ask)


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text('[site]\ntitle = "渡口"\nurl = "https://ferry.example.net/"\n', "utf-8")


def test_check_tells_what_is_not_fine_and_exits_with_3() -> None:
    done = run("check")
    assert done.exit_code == 3
    assert "gone.example/x" in done.stdout
    assert "2025-03-05 起失效" in done.stdout
    assert "2025-03-05.md:12" in done.stdout
    assert "https://web.archive.org/" in done.stdout
    assert "t.cn/A63WE43h" not in done.stdout
    assert "3 个链接：1 个正常，1 个失效，0 个打不开，1 个存疑，0 个未检查" in done.stdout
    assert "t.cn/A63WE43h" in run("check", "-v").stdout


def test_check_exits_with_0_when_nothing_is_broken() -> None:
    assert run("check", app=FakeLinks(found=LinksSummary(links=(FINE, WALL)))).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {"which": "due", "entry": None, "budget_s": None, "concurrency": None}),
        (["--due"], {"which": "due", "entry": None, "budget_s": None, "concurrency": None}),
        (["--all", "--budget", "9"], {"which": "all", "entry": None, "budget_s": 9.0, "concurrency": None}),
        (
            ["--entry", "aaaa", "--concurrency", "5"],
            {"which": "entry", "entry": "aaaa", "budget_s": None, "concurrency": 5},
        ),
    ],
)  # fmt: skip
def test_check_asks_for_what_was_said(arguments: list[str], options: dict[str, object]) -> None:
    app = FakeLinks()
    run("check", *arguments, app=app)
    assert app.calls == [("check", options)]


def test_check_takes_one_choice_only() -> None:
    assert run("check", "--all", "--due").exit_code == 2
    assert run("report", "--dead", "--new").exit_code == 2


def test_a_file_is_checked_without_a_site() -> None:
    Path("config.toml").unlink()
    Path("any.md").write_text("x")
    app = FakeLinks()
    done = run("check", "--file", "any.md", "--json", app=app)
    assert (done.exit_code, app.calls) == (0, [("file", ["any.md"])])
    (link,) = json.loads(done.stdout)["links"]
    assert (link["file"], link["line"], link["verdict"]) == ("any.md", 3, "alive")
    assert "entries" not in link


def test_the_json_has_the_agreed_keys() -> None:
    face = json.loads(run("check", "--json").stdout)
    assert set(face) >= {"links", "void"}
    assert set(face["links"][1]) >= {"url", "result", "verdict", "target", "title", "chain", "entries"}
    assert face["links"][1]["entries"] == ["aaaaaaaaaa"]
    assert face["void"] is False


def test_a_report_in_three_forms() -> None:
    app = FakeLinks()
    assert "gone.example/x" in run("report", "--dead", app=app).stdout
    assert app.calls == [("report", "dead")]
    assert json.loads(run("report", "--format", "json").stdout) == json.loads(run("report", "--json").stdout)
    markdown = run("report", "--format", "markdown")
    assert markdown.exit_code == 3
    assert "| <http://gone.example/x> |" in markdown.stdout


def test_a_probe_shows_every_hop_its_headers_and_the_rule() -> None:
    app = FakeLinks()
    done = run("probe", "t.cn/A63WE43h", app=app)
    assert app.calls == [("probe", "http://t.cn/A63WE43h")]
    assert done.exit_code == 0
    for said in (
        "1. http://t.cn/A63WE43h",
        "HTTP 200",
        "server: nginx",
        "规则：t.cn desc",
        "→ 正常  春天 — weibo.com",
    ):
        assert said in done.stdout
    assert json.loads(run("probe", "t.cn/x", "--json").stdout)["hops"][0]["rule"] == "t.cn desc"


def test_fix_prints_a_patch_alone_on_stdout() -> None:
    done = run("fix")
    assert done.stdout == "--- a/x.md\n+++ b/x.md\n"
    assert "gone.example/x" in done.stderr


def test_a_report_and_the_status_count_the_same_links(tmp_path: Path) -> None:
    house = House(tmp_path / "site", links={"budget_s": 0})
    urls = " ".join(f"http://a{n}.example.org/" for n in range(6))
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n{urls}"))
    house.once("2025-01-29 08:00")
    asking = ["--config", str(house.root / "config.toml")]

    def told(*arguments: str) -> Result:
        ask = Ask(environ={"LANG": "zh_CN.UTF-8", "PUBLISHER_NOW": house.now.isoformat()})
        return CliRunner().invoke(entrance, [*asking, *arguments], obj=ask)

    status = json.loads(told("status", "--json").stdout)["links"]
    assert status["unchecked"] == 6
    counts = json.loads(told("links", "report", "--json").stdout)["counts"]
    assert {name: counts[name] for name in status if name in counts} == {
        name: n for name, n in status.items() if name in counts
    }
    assert "6 个链接：0 个正常，0 个失效，0 个存疑，6 个未检查" in told("links", "report").stdout
