"""Documents by somebody who means harm, or had an accident: one clear word each, and the rest of the day goes out."""

from __future__ import annotations

import re
from pathlib import Path

import feedparser
import pytest
from lxml import html

from publisher.app.summary import exit_code
from tests.house import House, day_file, essay, titles

SAFE = "好的一篇"

SHOWN_AS_TEXT = {
    "script": '<script>alert(1)</script><img src=x onerror="alert(1)">',
    "javascript link": "[点我](javascript:alert(1)) 与 [再点](JaVaScRiPt:alert(1)) 与 [数据](data:text/html,<script>)",
    "event in a link": '[点我](https://a.cn/"onmouseover="alert(1))',
    "style": "<style>body{display:none}</style><iframe src=//a.cn></iframe>",
    "bidi": "\u202e反着写的\u202c 文字 \u2066里\u2069",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "template": "{{ site.title }} {% for x in y %} {{ 7*7 }}",
    "closing tags": "</div></article></body></html> ]]> --> </style></script>",
}

REFUSED = {
    "broken UTF-8": "# 2025-01-29\n\n## 1\n\n好".encode()[:-1] + b"\xff\xff" + "字\n".encode(),
    "cut off": ("# 2025-01-29\n\n## 1\n\n" + "好字" * 50).encode()[:-1],
    "NUL": "# 2025-01-29\n\n## 1\n\n有一个\x00在这里\n".encode(),
    "escape": "# 2025-01-29\n\n## 1\n\n\x1b[31m红\n".encode(),
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-28", day_file("2025-01-28", essay("昨天")))
    house.once("2025-01-28 08:00")
    house.write("good.md", day_file("2025-01-29", essay(SAFE)))
    return house


def assert_nothing_runs(house: House) -> None:
    """No page, feed or mail holds anything that a browser would execute."""
    pages = [path.read_text("utf-8") for path in house.public.rglob("*.html")]
    mails = [str(mail.get_body(("html",)).get_content()) for mail in house.mails()]
    feeds = [e.content[0].value for e in feedparser.parse((house.public / "atom.xml").read_bytes()).entries]
    for text in (*pages, *mails, *feeds):
        root = html.document_fromstring(text)
        assert root.xpath("//script|//iframe|//object|//embed|//form[@action][not(@role='search')]") == []
        assert [a for a in root.xpath("//@*") if a.attrname.startswith("on")] == []
        for address in root.xpath("//@href|//@src"):
            assert not re.match(r"\s*(javascript|data|vbscript):", address, re.IGNORECASE), address
        assert "display:none}" not in "".join(root.xpath("//style/text()")).replace(" ", "")


@pytest.mark.parametrize("name", SHOWN_AS_TEXT)
def test_markup_and_code_are_shown_as_they_were_typed_and_never_run(house: House, name: str) -> None:
    hostile = SHOWN_AS_TEXT[name]
    house.write(
        "bad.md",
        f"# 2025-01-29 {hostile}\n\n{hostile}\n\n## 1 {hostile}\n\n{essay('坏')}\n\n{hostile}\n\n- {hostile}\n",
    )
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert f"{SAFE}的故事" in titles(run)
    assert_nothing_runs(house)
    for name in ("rss.xml", "atom.xml"):
        assert not feedparser.parse((house.public / name).read_bytes()).bozo


@pytest.mark.parametrize("name", REFUSED)
def test_bytes_that_are_no_text_are_refused_with_their_place_and_the_rest_goes_out(
    house: House, name: str
) -> None:
    house.write("bad.md", REFUSED[name])
    run = house.once("2025-01-29 08:00")
    assert (run.outcome, exit_code(run)) == ("published", 3)
    assert titles(run) == [f"{SAFE}的故事"]
    [found] = [d for d in run.diagnostics if d.level == "error"]
    assert found.file == "bad.md"
    assert found.line >= 5


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("`" * 1_000_000, id="1 MB of backticks"),
        pytest.param("[" * 1_000_000, id="1 MB of brackets"),
        pytest.param("*" * 1_000_000, id="1 MB of stars", marks=pytest.mark.soak),
        pytest.param(">" * 1_000_000, id="1 MB of quotes", marks=pytest.mark.soak),
        pytest.param("字" * 1_700_000, id="5 MB in one line"),
        pytest.param("\n\n".join(essay(f"段{n}", paragraphs=10) for n in range(700)), id="a 1.5 MB essay"),
    ],
)
def test_a_monstrous_entry_goes_out_and_is_cut_to_size_in_feeds_and_mail(house: House, body: str) -> None:
    house.write("bad.md", f"# 2025-01-29\n\n## 1\n\n{essay('大')}\n\n说到#大海#的事\n\n{body}\n")
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert f"{SAFE}的故事" in titles(run)
    assert run.mail is not None
    assert run.mail.html_bytes <= run.mail.budget_bytes
    assert (house.public / "atom.xml").stat().st_size < 2_500_000


def test_a_title_of_ten_thousand_characters_fits_everywhere(house: House) -> None:
    house.write("bad.md", f"# 2025-01-29\n\n## 1 {'长' * 10_000}\n\n{essay('长')}\n")
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert "长" * 10_000 in house.page("2025/01/29/")
    assert len(str(house.mails()[-1]["Subject"])) < 80


def test_ten_thousand_entries_in_a_day_go_out_in_issues_of_twenty(house: House) -> None:
    dice = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(40_000))
    entries = (f"## {n % 99 + 1}\n\n{dice[n : n + 20]}第{n}篇。\n" for n in range(10_000))
    house.write("many.md", "# 2025-01-30\n\n" + "\n".join(entries))
    house.once("2025-01-29 08:00")
    run = house.once("2025-01-30 08:00")
    assert run.outcome == "published"
    assert len(run.issue.entries) == 20
    assert run.waiting.entries > 9_000
    assert len([d for d in run.diagnostics if d.slug == "duplicate-number"]) <= 100
