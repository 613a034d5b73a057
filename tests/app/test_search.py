"""The index is in step with what is public, and a question is answered in full."""

from __future__ import annotations

import inspect
from datetime import date
from pathlib import Path

import pytest

from publisher.app import index as keeping
from publisher.app.search import SearchSummary
from publisher.core.errors import StoreError
from publisher.store.search import SearchIndex
from tests.house import House, day_file, essay

FIRST = "2025-01-29 08:00"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def asked(
    house: House, query: str, *, year: int | None = None, topic: str = "", page: int = 1
) -> SearchSummary:
    """As `publisher search` and the web server ask: the index is kept by who answers."""
    house.app.keep_search_index()
    return house.app.search(query, year=year, topic=topic, page=page)


def uids(found: SearchSummary) -> list[str]:
    return [hit.uid for hit in found.hits]


def test_what_is_published_is_found_with_its_address_and_words(house: House) -> None:
    house.write(
        "2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n#经济# 关税又涨了，AI 也涨了。", essay("乙"))
    )
    house.once(FIRST)
    found = asked(house, "关税 AI")
    (hit,) = found.hits
    assert hit.url == f"https://daily.example.cn/{hit.permalink}"
    assert house.exists(hit.permalink)
    assert (hit.day, hit.title, hit.topics) == (date(2025, 1, 29), "甲的故事", ("经济",))
    assert [part.text for part in hit.snippet if part.hit] == ["关税", "AI"]
    assert (found.years, found.topics) == ((2025,), ("经济",))


def test_what_is_not_public_yet_is_not_found(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.write("2025-01-30", day_file("2025-01-30", f"{essay('乙')}\n\n关税"))
    house.once(FIRST)
    assert asked(house, "关税").total == 0
    house.once("2025-01-30 08:00")
    assert asked(house, "关税").total == 1


def test_an_edit_is_found_after_the_next_run_and_the_old_words_are_not(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n关税"))
    house.once(FIRST)
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n汽车"))
    house.once("2025-01-29 09:00")
    assert asked(house, "关税").total == 0
    assert asked(house, "汽车").total == 1


def test_a_withdrawn_entry_vanishes(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲"), f"{essay('乙')}\n\n关税"))
    house.once(FIRST)
    (uid,) = uids(asked(house, "关税"))
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.once("2025-01-29 09:00")
    assert asked(house, "关税").total == 0
    assert uid not in uids(asked(house, "故事"))


def test_an_index_that_is_gone_is_made_from_the_store(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n关税"))
    house.once(FIRST)
    before = asked(house, "关税")
    (house.root / "var" / "search.db").unlink()
    assert house.app.search("关税").total == 0
    assert asked(house, "关税") == before


def test_runs_leave_the_index_alone(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n关税"))
    house.plan(FIRST)
    house.once(FIRST)
    house.tick("2025-01-29 08:01")
    assert not (house.root / "var" / "search.db").exists()


def test_a_large_archive_is_read_in_portions_newest_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_TOGETHER", 1)
    for day in range(20, 30):
        house.write(f"2025-01-{day}", day_file(f"2025-01-{day}", essay(f"日{day}"), essay(f"夜{day}")))
    house.once(FIRST)
    assert house.app.keep_search_index(most=4) == 8
    assert house.app.search("故事").total == 4
    assert {hit.day.day for hit in house.app.search("故事").hits} == {28, 29}
    assert house.app.keep_search_index() == 0
    assert house.app.search("故事").total == 20


def test_a_broken_index_stops_no_issue(house: House) -> None:
    (house.root / "var").mkdir()
    (house.root / "var" / "search.db").mkdir()  # nothing can be written there
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    assert house.once(FIRST).outcome == "published"
    with pytest.raises(StoreError):
        house.app.keep_search_index()


def test_without_a_hit_it_says_what_would_be_found(house: House) -> None:
    house.write(
        "2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n#经济# 关税", essay("乙") + "\n\n汽车")
    )
    house.once(FIRST)
    wide = asked(house, "关税 汽车")
    assert [(one.query, one.total) for one in wide.suggestions] == [("关税", 1), ("汽车", 1)]
    narrow = asked(house, "汽车", year=2020, topic="经济")
    assert [(one.query, one.year, one.topic, one.total) for one in narrow.suggestions] == [
        ("汽车", None, "", 1)
    ]
    assert asked(house, "火星人").suggestions == ()


def test_a_page_that_is_not_there_and_a_question_that_asks_nothing(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", *(essay(f"第{n}") for n in range(15))))
    house.once(FIRST)
    second = asked(house, "故事", page=2)
    assert (second.total, second.pages, len(second.hits)) == (15, 2, 5)
    assert asked(house, "故事", page=9).hits == ()
    assert asked(house, "，。").asks is False
    assert asked(house, "").total == 0


# ---------------------------------------------------------------- an index that lags


def lagging(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Thirty days, of which the index got four."""
    monkeypatch.setattr(keeping, "_TOGETHER", 1)
    for day in range(1, 31):
        house.write(f"2025-01-{day:02}", day_file(f"2025-01-{day:02}", essay(f"日{day}")))
    house.once("2025-01-30 08:00")
    assert house.app.keep_search_index(most=4) == 26
    return house


def test_runs_do_not_hide_that_the_index_lags(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging(house, monkeypatch)
    for minute in range(3):
        house.once(f"2025-01-30 08:1{minute}")
    found = house.app.search("故事")
    assert found.lagging == 26
    assert found.total == 4


def test_it_is_completed_by_who_wants_all_of_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging(house, monkeypatch)
    told: list[int] = []
    assert house.app.keep_search_index(told.append) == 0
    assert told == [26]
    assert (house.app.search("故事").total, house.app.search("故事").lagging) == (30, 0)
    assert house.app.keep_search_index(told.append) == 0
    assert told == [26]  # nothing was left to say
    (house.root / "var" / "search.db").unlink()
    assert house.app.search("故事").lagging == 30
    house.app.keep_search_index()
    assert house.app.search("故事").lagging == 0


def test_an_index_whose_keeper_was_killed_lags(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging(house, monkeypatch)
    whole, read = keeping._read, []

    def killed(*given: object) -> object:
        if read:
            raise KeyboardInterrupt
        read.append(1)
        return whole(*given)  # type: ignore[arg-type]

    (house.root / "var" / "search.db").unlink()
    monkeypatch.setattr(keeping, "_read", killed)
    monkeypatch.setattr(keeping, "_TOGETHER", 20)
    with pytest.raises(KeyboardInterrupt):
        house.app.keep_search_index(lambda days: None)
    assert house.app.search("故事").lagging == 10
    monkeypatch.setattr(keeping, "_read", whole)
    assert house.app.keep_search_index(lambda days: None) == 0


def test_an_index_that_another_process_keeps_is_left_to_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lagging(house, monkeypatch)
    index = SearchIndex(house.root / "var" / "search.db")
    monkeypatch.setattr(inspect.unwrap(SearchIndex.keeping), "__defaults__", (0.1,))
    with index.keeping():
        assert house.app.keep_search_index() == 26
    assert house.app.keep_search_index() == 0


def test_days_that_are_withdrawn_are_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging(house, monkeypatch)
    for day in range(1, 31):
        house.remove(f"2025-01-{day:02}")
    house.once("2025-01-30 09:00", accept_withdrawals=True)
    house.app.keep_search_index()
    assert (house.app.search("故事").total, house.app.search("故事").lagging) == (0, 0)


def test_a_publication_that_never_ran_does_not_lag(house: House) -> None:
    assert house.app.search("故事").lagging == 0
    assert house.app.keep_search_index(lambda days: None) == 0
    assert not (house.root / "var").exists()
