"""Search over ten thousand entries: how long a question takes, beside a scan with LIKE over the same texts.

    python -m tests.benchmarks.search [--entries 10000] [--queries 500]

Both are asked the same questions in one run and in one process, in the same order: words of one to five characters as
they occur in the texts, Latin words, two and three words at once, words in quotes, without a word, of one year, the
commonest character there is, and words that occur nowhere. Ours is the whole verb: parsing, the ten best of all
matches by rank, how many there are, snippets with marks, suggestions when nothing is found, the choices of the form.
LIKE gives the ten newest and how many. Both must find the same entries.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

from publisher.app.search import search
from publisher.core.search import Query, fold, parse_query
from publisher.core.site import Site
from publisher.store.search import Searchable, SearchIndex
from tests.benchmarks.archive import A_DAY, archive

TARGET_MS = 50
LATIN = (
    "AI",
    "GDP",
    "Python",
    "open source",
    "climate",
    "OpenAI",
    "5G",
    "NASA",
    "iPhone",
    "machine learning",
)
SITE = Site(title="每日手记", url="https://daily.example.net/")


def texts(n: int) -> Iterator[Searchable]:
    """Essays as the index keeps them; in every seventh some Latin words."""
    dice, made = random.Random("search"), 0
    for day in archive(-(-n // A_DAY)):
        for essay in day.essays:
            made += 1
            if made > n:
                return
            body = " ".join(essay.paragraphs)
            if made % 7 == 0:
                at = body.find("。") + 1
                body = f"{body[:at]}{dice.choice(LATIN)} 和{dice.choice(LATIN)}。{body[at:]}"
            yield Searchable(
                id=made, day=day.day, uid=f"u{made}", permalink=f"{day.day:%Y/%m/%d}/u{made}/", number=essay.number,
                title=essay.title, topics=essay.topics, body=body,
            )  # fmt: skip


def questions(known: Sequence[Searchable], n: int) -> Iterator[tuple[str, str, int | None]]:
    """(kind, words, year)."""
    dice = random.Random("questions")
    for _ in range(n):
        first, second = _cut(known, dice, dice.choice((2, 2, 2, 3, 4, 5))), _cut(known, dice, 2)
        match dice.randrange(12):
            case 0 | 1 | 2 | 3:
                yield "one word", first, None
            case 4 | 5:
                yield "two words", f"{first[:2]} {second}", None
            case 6:
                yield "Latin", dice.choice(LATIN), None
            case 7:
                yield "one character", _cut(known, dice, 1), None
            case 8:
                yield "in quotes", f'"{_cut(known, dice, 6)}"', None
            case 9:
                yield "without", f"{first[:2]} -{second}", None
            case 10:
                yield "of a year", first[:2], dice.choice((2021, 2022, 2023))
            case _:
                yield "nothing", "".join(chr(dice.randrange(0x9000, 0x9F00)) for _ in range(3)), None
    for said in ("的", "了", "的 了", "的 人 不", '"之间"'):
        yield "commonest", said, None


def _cut(known: Sequence[Searchable], dice: random.Random, length: int) -> str:
    """Some characters in a row as they occur."""
    while True:
        body = dice.choice(known).body
        at = dice.randrange(max(1, len(body) - length))
        said = body[at : at + length]
        if said.isalpha() and not said.isascii():
            return said


# ---------------------------------------------------------------- the scan


def write_plain(path: Path, known: Iterable[Searchable]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, day TEXT, body TEXT)")
        rows = ((one.id, one.day.isoformat(), f"{fold(one.title)}\n{fold(one.body)}") for one in known)
        db.executemany("INSERT INTO texts VALUES (?, ?, ?)", rows)


def scan(db: sqlite3.Connection, query: Query, year: int | None) -> list[int]:
    """The ids of all that hold the words, newest first."""
    said = [f"%{fold(term.said)}%" for term in (*query.terms, *query.without)]
    like = " AND ".join(["body LIKE ?"] * len(query.terms) + ["body NOT LIKE ?"] * len(query.without))
    if year:
        like, said = f"{like} AND day BETWEEN ? AND ?", [*said, f"{year}-01-01", f"{year}-12-31"]
    return [row[0] for row in db.execute(f"SELECT id FROM texts WHERE {like} ORDER BY day DESC, id", said)]


# ---------------------------------------------------------------- measuring


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        known = list(texts(asked.entries))
        index, plain = SearchIndex(Path(folder) / "search.db"), Path(folder) / "plain.db"
        began = time.perf_counter()
        for n in range(0, len(known), A_DAY * 20):
            some = known[n : n + A_DAY * 20]
            index.replace({one.day: "made" for one in some}, some)
        took = time.perf_counter() - began
        write_plain(plain, known)
        characters = sum(len(one.body) for one in known)
        print(
            f"{len(known):,} entries, {characters / 1e6:.1f} million characters; SQLite {sqlite3.sqlite_version}"
        )
        print(
            f"index made in {took:.1f} s ({took / len(known) * 1000:.2f} ms an entry); {_size(index.path):.0f} MB,"
        )
        print(f"the texts alone {_size(plain):.0f} MB")
        began = time.perf_counter()
        index.replace({date(2099, 1, 1): "made"}, [])
        index.replace({known[-1].day: "again"}, [one for one in known if one.day == known[-1].day])
        print(f"one day of {A_DAY} written again in {(time.perf_counter() - began) * 1000:.0f} ms\n")
        _measure(index, plain, list(questions(known, asked.queries)))


def _measure(index: SearchIndex, plain: Path, asked: list[tuple[str, str, int | None]]) -> None:
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    missed = 0
    with closing(sqlite3.connect(plain)) as db:
        for kind, said, year in asked:
            began = time.perf_counter()
            found = search(index, SITE, said, year=year)
            ours.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            ids = scan(db, parse_query(said), year)
            theirs.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
            missed += kind not in ("Latin",) and found.total != len(ids)
    print(f"{'questions':<16}{'n':>5}{'p50 ms':>9}{'p99 ms':>9}{'LIKE p50':>11}{'LIKE p99':>11}")
    for kind in ours:
        print(_row(kind, ours[kind], theirs[kind]))
    every, scanned = [*chain(*ours.values())], [*chain(*theirs.values())]
    print(_row("all", every, scanned))
    p99, peak = _p99(every), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"\np99 {p99:.1f} ms: {'within' if p99 < TARGET_MS else 'OVER'} the target of {TARGET_MS} ms; {peak:.0f} MB"
    )
    print(f"questions with another number of hits than the scan: {missed} of {len(every)}")


def _row(kind: str, ours: list[float], theirs: list[float]) -> str:
    figures = f"{median(ours):9.1f}{_p99(ours):9.1f}{median(theirs):11.1f}{_p99(theirs):11.1f}"
    return f"{kind:<16}{len(ours):>5}{figures}"


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]


def _size(path: Path) -> float:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6


if __name__ == "__main__":
    main()
