"""The search index: it finds exactly what holds the words, forgets what is gone, and is thrown away when damaged."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from publisher.core.errors import StoreError
from publisher.core.search import fold, parse_query
from publisher.store import search
from publisher.store.search import Searchable, SearchIndex

DAY, NEXT = date(2025, 1, 29), date(2025, 1, 30)


def text(
    n: int, body: str, *, day: date = DAY, title: str = "无题", topics: tuple[str, ...] = ()
) -> Searchable:
    return Searchable(
        id=n, day=day, uid=f"u{n}", permalink=f"{day:%Y/%m/%d}/u{n}/", number=n, title=title, topics=topics, body=body
    )  # fmt: skip


@pytest.fixture
def index(tmp_path: Path) -> SearchIndex:
    return SearchIndex(tmp_path / "var" / "search.db")


def found(index: SearchIndex, query: str, **narrowed: object) -> list[int]:
    return sorted(one.id for one in index.find(parse_query(query), limit=1000, **narrowed).found)  # type: ignore[arg-type]


def test_two_characters_and_two_letters_are_found(index: SearchIndex) -> None:
    index.replace(
        {DAY: "1"}, [text(1, "美国关税又涨了"), text(2, "AI 芯片"), text(3, "关于税务"), text(4, "FAIR")]
    )
    assert found(index, "关税") == [1]
    assert found(index, "ai") == [2]
    assert found(index, "关") == [1, 3]
    assert found(index, "关税 AI") == []
    assert found(index, "税 -关税") == [3]


def test_a_long_word_is_found_as_it_stands_only(index: SearchIndex) -> None:
    index.replace(
        {DAY: "1"}, [text(1, "人工智能"), text(2, "人工的智能"), text(3, "智能人工"), text(4, "人工智，能")]
    )
    assert found(index, "人工智能") == [1]
    assert found(index, '"人工 智能"') == [1]
    assert found(index, "人工 智能") == [1, 2, 3]


def test_it_finds_what_a_scan_finds(index: SearchIndex) -> None:
    dice = random.Random("scan")
    letters = "关税人工智能汽车出口，。 "
    texts = [text(n, "".join(dice.choices(letters, k=30))) for n in range(1, 200)]
    index.replace({DAY: "1"}, texts)
    for _ in range(300):
        word = "".join(dice.choices(letters.strip("，。 "), k=dice.randint(1, 4)))
        glued = {one.id: fold(one.body).replace(" ", "") for one in texts}
        assert found(index, word) == sorted(n for n, body in glued.items() if word in body), word


def test_title_hits_come_first_and_pages_are_whole(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(n, "关税，" * (n % 5 + 1)) for n in range(1, 31)])
    index.replace({NEXT: "1"}, [text(99, "别的", title="关税", day=NEXT)])
    first = index.find(parse_query("关税"), limit=10)
    assert (first.total, first.found[0].id) == (31, 99)
    pages = [index.find(parse_query("关税"), skip=skip, limit=10) for skip in (0, 10, 20, 30, 40)]
    ids = [one.id for page in pages for one in page.found]
    assert len(ids) == len(set(ids)) == 31
    assert {page.total for page in pages} == {31}


def test_year_and_topic_narrow(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税", topics=("经济", "AI")), text(2, "关税")])
    index.replace({date(2024, 5, 1): "1"}, [text(3, "关税", day=date(2024, 5, 1), topics=("ai ",))])
    assert found(index, "关税", year=2024) == [3]
    assert found(index, "关税", topic="ＡＩ") == [1, 3]
    assert found(index, "关税", topic="ai", year=2025) == [1]
    choices = index.choices()
    assert choices.years == (2025, 2024)
    assert [name.strip().casefold() for name in choices.topics] == ["ai", "经济"]


def test_a_day_that_is_replaced_forgets_its_old_texts(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税"), text(2, "汽车")])
    index.replace({DAY: "2"}, [text(1, "出口")])
    assert found(index, "关税") == found(index, "汽车") == []
    assert found(index, "出口") == [1]
    assert index.known() == {DAY: "2"}
    index.replace({DAY: ""}, [])
    assert index.known() == {}
    assert found(index, "出口") == []
    assert index.choices().years == ()


def test_an_entry_that_moved_to_another_day_is_there_once(index: SearchIndex) -> None:
    index.replace({DAY: "1", NEXT: "1"}, [text(1, "关税"), text(2, "关税", day=NEXT)])
    index.replace({NEXT: "2"}, [text(1, "关税", day=NEXT), text(2, "关税", day=NEXT)])
    assert index.find(parse_query("关税")).total == 2
    index.replace({DAY: "2"}, [])
    assert index.find(parse_query("关税")).total == 2


def test_without_a_file_nothing_is_found_and_nothing_is_made(index: SearchIndex) -> None:
    assert index.find(parse_query("关税")).total == 0
    assert index.known() == {}
    assert index.choices().topics == ()
    assert not index.path.parent.exists()


@pytest.mark.parametrize("damage", ["no database at all" * 400, "", "SQLite format 3\0" + "x" * 5000])
def test_a_damaged_file_is_made_anew(index: SearchIndex, damage: str) -> None:
    index.path.parent.mkdir()
    index.path.write_text(damage)
    assert index.known() == {}
    index.replace({DAY: "1"}, [text(1, "关税")])
    assert found(index, "关税") == [1]


def test_an_index_of_another_format_is_made_anew(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])
    with contextlib.closing(sqlite3.connect(index.path)) as db, db:
        db.execute("UPDATE about SET format = '0'")
    assert index.known() == {}
    assert found(index, "关税") == []
    index.replace({NEXT: "1"}, [text(2, "汽车", day=NEXT)])
    assert index.known() == {NEXT: "1"}


def damaged_inside(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(n, f"关税{n} 汽车出口" * 300) for n in range(1, 60)])
    with contextlib.closing(sqlite3.connect(index.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(index.path.read_bytes())
    for at in range(8192, len(data), 4096):
        data[at : at + 200] = b"\xff" * 200
    index.path.write_bytes(data)


def test_a_question_to_an_index_that_is_damaged_inside_finds_nothing_and_leaves_an_empty_one(
    index: SearchIndex,
) -> None:
    damaged_inside(index)
    assert found(index, "关税") == []
    assert index.known() == {}
    assert index.days_left() is None
    index.replace({DAY: "2"}, [text(1, "关税")])
    assert found(index, "关税") == [1]


def test_what_is_found_stays_found_while_its_keeper_takes_it_out(
    index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])
    whole = search._text

    def late(db: sqlite3.Connection, row_id: int) -> Searchable:
        index.replace({DAY: "2"}, [])
        return whole(db, row_id)

    monkeypatch.setattr(search, "_text", late)
    assert found(index, "关税") == [1]
    assert index.known() == {DAY: "2"}


def test_a_text_that_we_did_not_write_is_damage(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])
    with contextlib.closing(sqlite3.connect(index.path)) as db, db:
        db.execute("UPDATE texts SET topics = 'no list'")
    assert found(index, "关税") == []
    assert index.known() == {}


def test_a_mistake_of_who_reads_the_texts_is_not_laid_to_the_index(index: SearchIndex) -> None:
    def wrong() -> object:
        yield text(1, "关税")
        raise ValueError

    with pytest.raises(ValueError):
        index.replace({DAY: "1"}, wrong())  # type: ignore[arg-type]


def test_a_damaged_index_is_not_thrown_away_under_its_keeper(index: SearchIndex) -> None:
    damaged_inside(index)
    inode = index.path.stat().st_ino
    with index.keeping() as alone:
        assert alone
        with pytest.raises(StoreError):
            found(index, "关税")
        assert index.path.stat().st_ino == inode


def test_there_is_one_keeper_at_a_time(index: SearchIndex) -> None:
    with index.keeping() as first, SearchIndex(index.path).keeping(wait_s=0) as second:
        assert (first, second) == (True, False)
    with SearchIndex(index.path).keeping(wait_s=0) as third:
        assert third


def test_an_index_that_is_damaged_inside_is_empty_at_the_next_run(index: SearchIndex) -> None:
    damaged_inside(index)
    with contextlib.suppress(StoreError):
        index.replace({DAY: "2"}, [text(1, "关税")])
        pytest.skip("SQLite did not notice")
    index.replace({DAY: "2"}, [text(1, "关税")])
    assert found(index, "关税") == [1]


def test_who_searches_does_not_wait_for_who_writes(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])
    with contextlib.closing(sqlite3.connect(index.path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM days")
        assert found(index, "关税") == [1]
        db.execute("ROLLBACK")


def test_a_run_that_is_killed_while_it_writes_leaves_the_days_as_they_were(index: SearchIndex) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])

    def broken_off() -> object:
        yield text(2, "汽车")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index.replace({DAY: "2"}, broken_off())  # type: ignore[arg-type]
    assert index.known() == {DAY: "1"}
    assert found(index, "关税") == [1]
    assert found(index, "汽车") == []


@pytest.mark.parametrize(
    "query",
    ["关税*", "NEAR(关 税)", "title:关税", "关税 OR 汽车", "^关税", "{a}:b", "'; DROP TABLE texts; --"],
)
def test_the_language_of_the_index_means_nothing_in_a_question(index: SearchIndex, query: str) -> None:
    index.replace({DAY: "1"}, [text(1, "关税")])
    index.find(parse_query(query))
    assert found(index, "关税") == [1]
