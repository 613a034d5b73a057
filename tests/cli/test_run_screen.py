"""The drawn report: it fits the terminal in cells, whatever the titles are."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from publisher.app.summary import EntrySummary, IssueSummary, RunSummary
from publisher.cli.progress import Drawn
from publisher.cli.run_report import RunReport, took
from publisher.cli.run_screen import draw, fitted, plain
from publisher.render.words import words
from tests.cli.fake_app import DATE_MISSING, DAY, ENTRIES, GAP, PUBLISHED, REPEATED, tell


def drawn(run: RunSummary, width: int, language: str = "zh") -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system=None, highlight=False
    )
    draw(RunReport(run, words(language)), console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_line_is_wider_than_the_terminal_or_a_hundred_cells(width: int, language: str) -> None:
    run = replace(PUBLISHED, held=(GAP,), diagnostics=(DATE_MISSING,))
    lines = drawn(run, width, language)
    assert max(map(cell_len, lines)) <= width
    table = [line for line in lines if line.startswith(("│", "╭", "╰"))]
    assert {cell_len(line) for line in table} == {min(width, 100)}


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Mn", "Me", "Zl", "Zp")), min_size=1))
def test_any_title_keeps_the_table_straight(title: str) -> None:
    run = replace(PUBLISHED, issue=IssueSummary(day=DAY, entries=(EntrySummary(title=title, words=3),)))
    table = [line for line in drawn(run, 60) if line.startswith(("│", "╭", "╰"))]
    assert {cell_len(line) for line in table} == {60}


def test_markup_in_a_title_is_text() -> None:
    run = replace(
        PUBLISHED, issue=IssueSummary(day=DAY, entries=(EntrySummary(title="[red]不是颜色[/red]"),))
    )
    assert any("[red]不是颜色[/red]" in line for line in drawn(run, 80))


def test_a_repeated_run_is_one_line() -> None:
    assert len(drawn(REPEATED, 100)) == 1
    assert len(list(plain(RunReport(REPEATED, words("en"))))) == 1


def test_several_days_stand_under_their_headings() -> None:
    late = replace(ENTRIES[1], day=DAY.replace(day=2), late=True)
    run = replace(PUBLISHED, issue=IssueSummary(day=DAY, entries=(ENTRIES[0], late)))
    lines = list(plain(RunReport(run, words("zh"))))
    assert lines[0].startswith("3月2日–3月5日 · 2 篇")
    assert "[3月5日]" in lines
    assert "[补：3月2日]" in lines


def test_infos_are_shown_when_more_is_wanted() -> None:
    from publisher.core.diagnostics import CATALOGUE, Diagnostic

    slug = next((slug for slug, code in CATALOGUE.items() if code.level == "info"), None)
    assert slug is not None
    info = Diagnostic(file="a.md", line=1, column=1, slug=slug)
    run = replace(PUBLISHED, diagnostics=(info,))
    assert RunReport(run, words("zh")).findings() == []
    assert RunReport(run, words("zh"), verbose=True).findings() == [info]


def test_the_drawn_progress_ends_with_a_tick_for_every_phase() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None, highlight=False)
    progress = Drawn(console, words("zh"))
    tell(progress, PUBLISHED)
    progress.stop()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(f"✔ {name}" in shown for name in ("扫描", "选择", "链接", "渲染", "邮件"))


def test_parts_are_broken_between_and_never_within() -> None:
    assert fitted(["已发布", "订阅源", "邮件"], 15) == ["已发布 · 订阅源", "邮件"]
    assert fitted(["一个很长的部分"], 4) == ["一个很长的部分"]
    assert fitted([], 10) == []


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.42, "0.4 s"), (59.4, "59.4 s"), (59.8, "1 m 0 s"), (94, "1 m 34 s")]
)
def test_a_time_is_said_shortly(seconds: float, said: str) -> None:
    assert took(seconds) == said
