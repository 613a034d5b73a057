"""GET /search: a form that works without JavaScript, hits with marks, and nothing that a question could break."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import html5lib
import pytest

from tests.house import House, day_file, essay
from tests.web.serving import Served, serving

HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    house = House(tmp_path)
    bodies = [f"{essay(f'第{n}')}\n\n#经济# 关税又涨了，AI 也涨了。" for n in range(15)]
    house.write("2025-01-29", day_file("2025-01-29", *bodies))
    house.write("2024-12-01", day_file("2024-12-01", f"{essay('旧')}\n\n关税"))
    house.once("2025-01-29 08:00")
    house.app.keep_search_index()
    with serving(house) as served:
        yield served


def search(served: Served, query: str, more: str = "") -> str:
    response = served.get(f"/search?q={quote(query)}{more}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    html5lib.HTMLParser(strict=True).parse(response.text)
    return response.text


def test_hits_have_marks_dates_and_links_that_lead_to_pages(served: Served) -> None:
    page = search(served, "关税 AI")
    assert "找到 15 篇" in page
    assert "<mark>关税</mark>" in page
    assert "<mark>AI</mark>" in page
    links = re.findall(r'<h2><a href="([^"]+)"', page)
    assert len(links) == 10
    assert served.get(links[0]).status_code == 200


def test_the_next_page_and_the_filters_keep_the_question(served: Served) -> None:
    page = search(served, "关税", "&topic=" + quote("经济"))
    (after,) = re.findall(r'rel="next" href="([^"]+)"', page)
    asked = parse_qs(urlsplit(after.replace("&amp;", "&")).query)
    assert asked == {"q": ["关税"], "topic": ["经济"], "page": ["2"]}
    second = served.get(after.replace("&amp;", "&")).text
    assert len(re.findall("<li>\n<h2>", second)) == 5
    assert "<option selected>经济</option>" in second
    assert "找到 1 篇" in search(served, "关税", "&year=2024")


def test_the_form_needs_no_script_and_labels_every_field(served: Served) -> None:
    tree = html5lib.parse(search(served, "关税"))
    assert not list(tree.iter(f"{HTML}script"))
    (form,) = (form for form in tree.iter(f"{HTML}form") if form.get("class") == "search")
    assert (form.get("method"), form.get("action")) == ("get", "/search")
    labelled = {label.get("for") for label in form.iter(f"{HTML}label")}
    fields = {one.get("id") for kind in ("input", "select") for one in form.iter(HTML + kind)}
    assert fields == labelled


def test_it_is_not_for_search_engines_and_carries_no_style_of_its_own(served: Served) -> None:
    page = search(served, "关税")
    assert '<meta name="robots" content="noindex">' in page
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("asked", ["", "?q=", "?year=2025", "?q=%20%E3%80%80"])
def test_nothing_asked_is_the_form_alone(served: Served, asked: str) -> None:
    response = served.get(f"/search{asked}")
    assert response.status_code == 200
    assert "没有找到" not in response.text
    assert 'name="q"' in response.text


def test_nothing_found_says_what_would_be(served: Served) -> None:
    page = search(served, "关税 火星人")
    assert "没有找到" in page
    assert '<a href="/search?q=%E5%85%B3%E7%A8%8E"><bdi>关税</bdi></a>' in page
    assert "请至少写一个" in search(served, "-关税")
    assert "没有这一页" in search(served, "关税", "&page=400")


@pytest.mark.parametrize(
    "query",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=1>',
        "'; DROP TABLE x",
        "%",
        "\x00",
        "关" * 5000,
        '"' * 99,
    ],
)
def test_a_question_is_shown_as_text_and_breaks_nothing(served: Served, query: str) -> None:
    response = served.get(f"/search?q={quote(query)[:6000]}")
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "<img src=x" not in response.text


@pytest.mark.parametrize(
    "more",
    ["&year=99999", "&year=x", "&year=-1", "&page=0", "&page=x", "&page=99999999", "&year=0", "&topic=%00"],
)
def test_what_makes_no_sense_in_the_address_is_passed_over(served: Served, more: str) -> None:
    assert served.get(f"/search?q=AI{more}").status_code == 200


def test_who_searches_does_not_wait_for_a_run_that_writes(served: Served) -> None:
    database = served.house.root / "var"
    with (
        contextlib.closing(sqlite3.connect(database / "publisher.db", isolation_level=None)) as writer,
        contextlib.closing(sqlite3.connect(database / "search.db", isolation_level=None)) as indexing,
    ):
        writer.execute("BEGIN IMMEDIATE")
        indexing.execute("BEGIN IMMEDIATE")
        assert "找到 15 篇" in search(served, "关税 AI")
        writer.execute("ROLLBACK")
        indexing.execute("ROLLBACK")


def test_a_search_changes_no_file(served: Served) -> None:
    def files() -> dict[str, bytes]:
        root = served.house.root
        return {
            str(path): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.suffix != ".db-shm"
        }

    search(served, "关税")
    before = files()
    search(served, "关税 AI")
    assert files() == before


def test_a_site_under_a_path_prefix_has_its_search_there(tmp_path: Path) -> None:
    house = House(tmp_path, url="https://daily.example.cn/daily/")
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n关税"))
    house.once("2025-01-29 08:00")
    with serving(house) as served:
        page = served.get(f"/daily/search?q={quote('关税')}").text
    assert 'action="/daily/search"' in page
    assert re.search(r'<h2><a href="/daily/2025/01/29/\w+/"', page)


def until(served: Served, query: str, *, found: str = "", gone: str = "") -> bool:
    """Whether the page comes to say the one, or to say the other no more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        page = search(served, query)
        if found in page and not (gone and gone in page):
            return True
        time.sleep(0.1)
    return False


def test_while_the_index_is_being_made_the_page_says_so(served: Served) -> None:
    assert "索引还在整理" not in search(served, "关税")
    (served.house.root / "var" / "search.db").unlink()
    assert "索引还在整理：还有 2 天没有收进来" in search(served, "关税")
    served.web.wake()  # or a minute later by itself: the site did not change
    assert until(served, "关税", gone="索引还在整理")


def test_an_index_that_is_damaged_while_it_is_served_is_made_again(served: Served) -> None:
    served.web.wake()
    assert until(served, "关税", found="找到 16 篇")
    index = served.house.root / "var" / "search.db"
    with contextlib.closing(sqlite3.connect(index)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(index.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 400] = b"\xff" * 400
    index.write_bytes(data)
    assert "找到 16 篇" not in search(served, "关税")  # and no 503
    served.web.wake()
    assert until(served, "关税", found="找到 16 篇")
    metrics = served.get("/metrics").text
    assert "publisher_search_failing 0.0" in metrics
    assert "publisher_search_days_left 0.0" in metrics


def test_the_server_itself_has_the_index_follow_the_site(served: Served) -> None:
    served.house.write("2025-01-29", day_file("2025-01-29", f"{essay('新')}\n\n火车"))
    served.house.once("2025-01-30 08:00", accept_withdrawals=True)
    served.renew()
    assert until(served, "火车", found="找到 1 篇")
    assert "找到 1 篇" in search(served, "关税")  # what was withdrawn is gone from it too
