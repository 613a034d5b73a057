"""What holds for every file: it never raises, loses no text, and reading is bounded."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.core.document import EntrySource, ParsedFile, parse_file
from publisher.core.heading import read_hashes

NAME = "2025-01-29.md"

# Lines that mean something, so that random files meet every rule and every clash of two rules.
TELLING = st.sampled_from(
    [
        "",
        "---",
        "date: 2025-01-29",
        "draft: true",
        "# 2025-01-29",
        "# 2025-01-29 题目",
        "#2025-01-29",
        "# 小结",
        "# 旧作（2019-09-25）",
        "## 1",
        "## 2 标题",
        "## 三、标题 {#third}",
        "##4",
        "### 深一层",
        "    ## 5",
        "```",
        "```py",
        "~~~~",
        "<!-- draft -->",
        "<!-- 一",
        "二 -->",
        "<!-- id: here -->",
        "`<!--` 代码 `-->`",
        "#话题# 正文",
        "正文。",
        "1984. 那年",
    ]
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
LINES = st.lists(TELLING | WORDS, max_size=25)
TEXTS = LINES.map("\n".join)

quick = settings(max_examples=150, deadline=None)


def parse(text: str) -> ParsedFile:
    return parse_file(NAME, text.encode())


def entries(parsed: ParsedFile) -> list[EntrySource]:
    return [source for document in parsed.documents for source in document.entries]


def shown_lines(parsed: ParsedFile) -> list[str]:
    """Every line of prefaces and bodies, in the order of the file."""
    blocks = []
    for document in parsed.documents:
        blocks += [document.preface, *(source.markdown for source in document.entries)]
    return [line for block in blocks for line in block.split("\n") if line.strip()]


@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b"---")
@example(b"\xef\xbb\xbf")
@quick
def test_any_bytes_are_read_without_raising(data: bytes) -> None:
    parsed = parse_file("x.md", data)
    assert parsed.refused or parsed.documents or parsed.diagnostics


@given(TEXTS)
@quick
def test_every_finding_names_a_place_in_the_file(text: str) -> None:
    lines = text.split("\n")
    for found in parse(text).diagnostics:
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1
        assert found.spec.names <= found.params.keys()


@given(TEXTS, st.sampled_from(["\r\n", "\r"]))
@quick
def test_line_ends_change_nothing(text: str, end: str) -> None:
    assert parse_file(NAME, text.replace("\n", end).encode()) == parse(text)


@given(TEXTS, st.sampled_from(["utf-8-sig", "utf-16"]))
@quick
def test_the_encoding_changes_nothing(text: str, codec: str) -> None:
    assert parse_file(NAME, text.encode(codec)).documents == parse(text).documents


@given(LINES)
@quick
def test_no_line_is_lost_or_moved(lines: list[str]) -> None:
    """All lines but headings, in their order; front matter and whole comments are the listed exceptions."""
    lines = [line for line in lines if "-->" not in line and line not in ("---", "...")]
    parsed = parse("\n".join(["# 2025-01-29", *lines]))
    expected = [line for line in lines if line.strip() and read_hashes(line) is None]
    assert [line for line in shown_lines(parsed) if read_hashes(line) is None] == expected


@given(LINES, st.lists(TELLING | WORDS, min_size=1, max_size=3))
@quick
def test_a_comment_takes_nothing_but_itself(lines: list[str], hidden: list[str]) -> None:
    lines = [
        "正文" if "<!--" in line or "-->" in line or line[:3] in ("```", "~~~") else line for line in lines
    ]
    hidden = [line.replace("<!--", "").replace("-->", "") for line in hidden]
    plain = parse("\n".join(["# 2025-01-29", *lines, "", "尾。"]))
    noted = parse("\n".join(["# 2025-01-29", *lines, "<!--", *hidden, "-->", "尾。"]))
    assert shown_lines(noted) == shown_lines(plain)


@given(TEXTS)
@quick
def test_the_lines_named_are_the_lines_meant(text: str) -> None:
    lines = text.split("\n")
    for source in entries(parse(text)):
        assert lines[source.line - 1].lstrip(" \u200b").startswith(("#", "＃"))
        for offset, line in enumerate(source.markdown.split("\n") if source.markdown else []):
            written = lines[source.body_line - 1 + offset]
            assert line == written or "--" in written or not line  # only comments are taken out


@given(TEXTS)
@quick
def test_written_out_again_an_entry_is_the_same(text: str) -> None:
    """What was read, written plainly, reads the same: no rule depends on what was dropped."""
    for source in entries(parse(text)):
        title = source.heading if source.number is not None else source.heading or "题"
        again = f"# 2025-01-29\n\n## {source.label} {title}\n\n{source.markdown}\n"
        read = entries(parse(again))
        if "<!--" in source.markdown or "-->" in source.markdown:
            continue  # comment marks that were text because of their neighbours
        assert len(read) == 1
        assert (read[0].number, read[0].label, read[0].markdown) == (
            source.number,
            source.label,
            source.markdown,
        )


@given(st.dates(date(1000, 1, 1), date(2999, 12, 31)), st.sampled_from(["-", "/", "."]))
@quick
def test_every_day_is_read_from_every_spelling(day: date, mark: str) -> None:
    parts = (day.year, day.month, day.day)
    spellings = [
        day.isoformat(),
        f"{day:%Y%m%d}" if day.year >= 1000 else day.isoformat(),
        mark.join(map(str, parts)),
        "{}年{}月{}日".format(*parts),
        f"（{day.isoformat()}）",
    ]
    for spelling in spellings:
        parsed = parse_file("x.md", f"# {spelling} 题目\n\n## 1\n\n正文。\n".encode())
        assert [(d.day, d.title) for d in parsed.documents] == [(day, "题目")]


MEGABYTE = 1_000_000

HOSTILE = {
    "hashes": "#" * MEGABYTE,
    "backticks": "`" * MEGABYTE,
    "spaced backticks": "`a " * (MEGABYTE // 3),
    "openings": "<!--" * 100_000,
    "openings and one end": "<!--" * 100_000 + "-->",
    "opening a line": "<!--\n" * 100_000,
    "empty comments": "<!---->" * 100_000,
    "escaped openings": "\\<!--" * 100_000,
    "openings in code": "`<!--` " * 100_000,
    "backtick runs of all lengths": "".join("`" * (n % 700 + 1) + " " for n in range(3000)) + "<!--",
    "rules": "---\n" * 250_000,
    "five megabytes of one line": "字" * (5 * MEGABYTE // 3),
    "five megabytes of lines": "# 2025-01-29\n\n## 1\n\n" + "一行字。\n" * (5 * MEGABYTE // 13),
    "fences and headings": "```\n## 1\n" * 60_000,
    "growing fences": "".join("`" * (n % 500 + 3) + "\n## 1\n" for n in range(4000)),
    "links": "# " + "[a](" * 200_000,
    "braces": "## " + "{" * MEGABYTE + "}",
    "spaces": "## " + " " * MEGABYTE + "x",
    "dates": "# " + "2025-01-29" * 100_000,
    "brackets before dates": "# " + "(2025-01-" * 100_000,
    "zero width": "\u200b" * MEGABYTE + "x",
    "deep yaml": "---\n" + "[" * 10_000 + "\n---\n",
    "yaml that grows": "---\na: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)) + "---\n",
    "long yaml": "---\n" + "a: b\n" * 200_000 + "---\n",
    "control characters": "\x0b" * MEGABYTE,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_read_to_its_end(text: str) -> None:
    parsed = parse(text)
    assert len(parsed.diagnostics) < 1000
    if not parsed.refused and "-->" not in text:
        kept = sum(len(line) for line in shown_lines(parsed)) + sum(len(e.heading) for e in entries(parsed))
        assert kept or "#" in text or "-" in text
