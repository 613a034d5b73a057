"""The search index: a file of its own beside the database, made from it and made anew whenever it is missing or old.

It holds nothing that the database does not: backups, rehearsals and migrations stay small without it, a damaged one
is thrown away, and readers who search never meet the writer. Texts are kept as they are shown, their pieces
(core.search) in an FTS5 table without content; what is taken out of that is computed again from the texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import filelock
from msgspec import Struct
from sqlalchemy import Text, func, select, type_coerce

from publisher.core.errors import StoreError
from publisher.core.search_version import VERSION
from publisher.core.topics import topic_key
from publisher.store import schema as s
from publisher.store.engine import Transaction
from publisher.store.entries import PLACED, SHOWN

if TYPE_CHECKING:
    from publisher.core.search import Query, Term

FORMAT = f"2 {VERSION}"
"""Of the file; another one is thrown away."""

_TABLES = """
CREATE TABLE about (format TEXT NOT NULL, days_left INTEGER) STRICT;
CREATE TABLE days (day TEXT PRIMARY KEY, signature TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE texts (
  id INTEGER PRIMARY KEY, day TEXT NOT NULL, uid TEXT NOT NULL, permalink TEXT NOT NULL, number INTEGER,
  title TEXT NOT NULL, topics TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX texts_by_day ON texts (day);
CREATE TABLE topics (
  key TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX topics_by_id ON topics (id);
CREATE VIRTUAL TABLE pieces USING fts5 (title, title_pairs, body, body_pairs, content='', tokenize='ascii');
"""
_ADD = "INSERT INTO pieces (rowid, title, title_pairs, body, body_pairs) VALUES (?, ?, ?, ?, ?)"
_TAKE_OUT = """
INSERT INTO pieces (pieces, rowid, title, title_pairs, body, body_pairs) VALUES ('delete', ?, ?, ?, ?, ?)
"""
_TEXT = "SELECT id, day, uid, permalink, number, title, topics, body FROM texts WHERE id = ?"
_FOUND = """
FROM pieces WHERE pieces MATCH :query
AND (:first IS NULL OR rowid IN (SELECT id FROM texts WHERE day BETWEEN :first AND :last))
AND (:topic = '' OR rowid IN (SELECT id FROM topics WHERE key = :topic))
"""
_HOW_MANY = f"SELECT count(*) {_FOUND}"
_BEST = (
    f"SELECT rowid {_FOUND} ORDER BY bm25(pieces, 8.0, 8.0, 1.0, 1.0), rowid DESC LIMIT :limit OFFSET :skip"
)
_BUSY_S = 10.0
_MANY_TEXTS = 500  # after so many new ones the index is packed

MOST_TOPICS = 60
"""Topics offered as a choice: those with the most entries."""


class Searchable(Struct, frozen=True, kw_only=True):
    """An entry as the index keeps it."""

    id: int
    day: date
    uid: str
    permalink: str
    number: int | None
    title: str
    topics: tuple[str, ...]
    body: str


class Matches(Struct, frozen=True, kw_only=True):
    """Where a question leads: the entries of one page of results, and how many there are in all."""

    total: int
    found: tuple[Searchable, ...]


class Choices(Struct, frozen=True, kw_only=True):
    """What results may be narrowed to."""

    years: tuple[int, ...]  # newest first
    topics: tuple[str, ...]  # the most frequent first


def signatures(tx: Transaction, options: object) -> dict[date, str]:
    """By day: moves whenever the index must learn something anew of the entries that have a page."""
    c = s.entries.c
    columns = (c.id, c.uid, c.permalink, c.number, c.title, c.source_sha, type_coerce(c.topics, Text))
    said = func.aggregate_strings(func.json_array(*columns), ",")
    query = select(c.day, said).select_from(PLACED).where(SHOWN).group_by(c.day)
    return {day: _digest(f"{options!r}{text}") for day, text in tx.execute(query)}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


Answer = TypeVar("Answer")


class SearchIndex:
    """One index. Every use opens the file anew: it may be replaced at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # -- keeping it

    @contextlib.contextmanager
    def keeping(self, wait_s: float = _BUSY_S) -> Iterator[bool]:
        """One keeper at a time, among processes and threads: False when another one still is at it after `wait_s`.

        Without it an older reading of a day could be written over a newer one. Raises StoreError.
        """
        lock = filelock.FileLock(self.path.with_name(f"{self.path.name}.lock"), mode=0o644)
        with self._translated(), contextlib.suppress(filelock.Timeout):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=wait_s, poll_interval=0.05)
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def known(self) -> dict[date, str]:
        """The signature of every day that is in it; nothing when there is no index, or an old or a damaged one."""
        try:
            with self._open(create=False) as db:
                rows = db.execute("SELECT day, signature FROM days").fetchall()
        except (_NoIndexError, sqlite3.DatabaseError):
            return {}
        return {date.fromisoformat(day): signature for day, signature in rows}

    def days_left(self) -> int | None:
        """How many days its last keeper left for the next; None when there is no index, or nobody knows."""
        try:
            with self._open(create=False) as db:
                row = db.execute("SELECT days_left FROM about").fetchone()
        except (_NoIndexError, sqlite3.DatabaseError):
            return None
        return row[0] if row else None

    def leave(self, days: int) -> None:
        """Note that so many days are left; nothing when there is no index. Raises StoreError."""
        if self.days_left() == days:
            return
        with self._translated(), contextlib.suppress(_NoIndexError), self._open(create=False) as db:
            db.execute("UPDATE about SET days_left = ?", (days,))

    def replace(self, days: Mapping[date, str], texts: Iterable[Searchable]) -> None:
        """Put these texts in the place of everything known of these days; an empty signature drops the day.

        Who calls it is `keeping`. One transaction: killed anywhere, the days are as they were. Raises StoreError.
        """
        with self._translated(), self._healed(), self._open(create=True) as db, _transaction(db):
            for day in days:
                query = "SELECT id, title, body FROM texts WHERE day = ?"
                self._take_out(db, db.execute(query, (day.isoformat(),)).fetchall())
            added = list(texts)
            for text in added:  # it may have stood under another day
                query = "SELECT id, title, body FROM texts WHERE id = ?"
                self._take_out(db, db.execute(query, (text.id,)).fetchall())
                self._put_in(db, text)
            rows = [(day.isoformat(), signature) for day, signature in days.items()]
            db.executemany("DELETE FROM days WHERE day = ?", [row[:1] for row in rows])
            db.executemany("INSERT INTO days VALUES (?, ?)", [row for row in rows if row[1]])
            if len(added) >= _MANY_TEXTS:
                db.execute("INSERT INTO pieces (pieces) VALUES ('optimize')")

    def _take_out(self, db: sqlite3.Connection, rows: Iterable[tuple[int, str, str]]) -> None:
        for row_id, title, body in rows:
            db.execute(_TAKE_OUT, (row_id, *_pieces_of(title, body)))
            db.execute("DELETE FROM topics WHERE id = ?", (row_id,))
            db.execute("DELETE FROM texts WHERE id = ?", (row_id,))

    def _put_in(self, db: sqlite3.Connection, text: Searchable) -> None:
        topics = json.dumps(text.topics, ensure_ascii=False)
        place = (text.id, text.day.isoformat(), text.uid, text.permalink, text.number)
        db.execute(
            "INSERT INTO texts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*place, text.title, topics, text.body)
        )
        db.execute(_ADD, (text.id, *_pieces_of(text.title, text.body)))
        names = {topic_key(name): name for name in text.topics}
        db.executemany(
            "INSERT INTO topics VALUES (?, ?, ?)", [(key, text.id, name) for key, name in names.items()]
        )

    # -- asking it

    def find(
        self, query: Query, *, year: int | None = None, topic: str = "", skip: int = 0, limit: int = 10
    ) -> Matches:
        """The best matches first, then the newest; nothing when there is no index. Raises StoreError."""
        if not query:
            return Matches(total=0, found=())
        said = {
            "query": _expression(query), "topic": topic_key(topic), "limit": limit, "skip": skip,
            "first": f"{year:04}-01-01" if year else None, "last": f"{year:04}-12-31" if year else None,
        }  # fmt: skip

        def found(db: sqlite3.Connection) -> Matches:
            total = int(db.execute(_HOW_MANY, said).fetchone()[0])
            best = db.execute(_BEST, said).fetchall() if total > skip else []
            return Matches(total=total, found=tuple(_text(db, row_id) for (row_id,) in best))

        return self._ask(found, Matches(total=0, found=()))

    def choices(self) -> Choices:
        """Years and topics that there is something of."""
        years = "SELECT DISTINCT CAST(substr(day, 1, 4) AS INTEGER) FROM days ORDER BY 1 DESC"
        topics = "SELECT max(name) FROM topics GROUP BY key ORDER BY count(*) DESC, key LIMIT ?"

        def offered(db: sqlite3.Connection) -> Choices:
            return Choices(
                years=tuple(row[0] for row in db.execute(years)),
                topics=tuple(row[0] for row in db.execute(topics, (MOST_TOPICS,))),
            )

        return self._ask(offered, Choices(years=(), topics=()))

    # -- the file

    def _ask(self, question: Callable[[sqlite3.Connection], Answer], nothing: Answer) -> Answer:
        """`nothing` when there is no index, and when it is damaged: then there is none after that."""
        with self._translated():
            try:
                with self._open(create=False) as db:
                    db.execute("PRAGMA query_only = ON")
                    db.execute("BEGIN")  # one look: a keeper may be taking out what was just found
                    return question(db)
            except _NoIndexError:
                return nothing
            except sqlite3.Error as exc:
                if not (_is_damage(exc) and self._thrown_away()):
                    raise
                return nothing

    def _thrown_away(self) -> bool:
        """Put an empty index in the place of a damaged one, unless a keeper is at it: its keeper fills it again."""
        with self.keeping(wait_s=0) as alone:
            if alone:
                self._made().close()
            return alone

    @contextlib.contextmanager
    def _open(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        """The index in its present format. `create`: made when there is none, and anew when it is old or damaged."""
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif not self.path.exists():
            raise _NoIndexError
        db = self._connected()
        try:
            if _format_of(db) != FORMAT:
                if not create:
                    raise _NoIndexError
                db.close()
                db = self._made()
            yield db
        finally:
            db.close()

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
        # NORMAL: after a power loss the newest texts may be missing, and the next keeper sees that they are.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            with contextlib.suppress(sqlite3.DatabaseError):
                db.execute(f"PRAGMA {pragma}")
        return db

    def _made(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        db = self._connected()
        with _transaction(db):
            for statement in filter(str.strip, _TABLES.split(";")):
                db.execute(statement)
            db.execute("INSERT INTO about (format) VALUES (?)", (FORMAT,))
        return db

    @contextlib.contextmanager
    def _healed(self) -> Iterator[None]:
        """A damaged index is thrown away: it is empty then, and its keeper fills it again."""
        try:
            yield
        except sqlite3.Error as exc:
            if _is_damage(exc):
                self._made().close()
            raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as exc:
            raise StoreError(
                "the search index {path} cannot be used: {why}", path=self.path, why=exc,
                fix="publisher search makes it anew; if that fails again, remove the file",
            ) from exc  # fmt: skip


class _DamagedError(sqlite3.DatabaseError):
    """SQLite found nothing wrong, but this was not written by us."""


class _NoIndexError(Exception):
    """There is no index of this format."""


def _is_damage(exc: sqlite3.Error) -> bool:
    """Of the file's inside: what a locked, a full or a forbidden one says is another kind."""
    if isinstance(exc, _DamagedError) or "decode" in str(exc):
        return True  # a text that is none, or not the one that was written
    code = getattr(exc, "sqlite_errorcode", 0)
    return (code & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _format_of(db: sqlite3.Connection) -> str:
    """ "" for a file that is new, or no index at all."""
    try:
        row = db.execute("SELECT format FROM about").fetchone()
    except sqlite3.OperationalError as exc:
        if "locked" in str(exc):
            raise
        return ""
    except sqlite3.DatabaseError:
        return ""
    return str(row[0]) if row else ""


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _pieces_of(title: str, body: str) -> tuple[str, str, str, str]:
    from publisher.core.search import grams

    above, below = grams(title), grams(body)
    return above.single, above.pairs, below.single, below.pairs


def _text(db: sqlite3.Connection, row_id: int) -> Searchable:
    row = db.execute(_TEXT, (row_id,)).fetchone()
    if row is None:
        raise _DamagedError("a text is missing")
    try:
        day, topics = date.fromisoformat(row[1]), tuple(json.loads(row[6]))
    except ValueError as exc:
        raise _DamagedError(str(exc)) from exc
    return Searchable(
        id=row[0], day=day, uid=row[2], permalink=row[3], number=row[4], title=row[5], topics=topics, body=row[7],
    )  # fmt: skip


def _expression(query: Query) -> str:
    """The question in FTS5's language; the pieces hold letters and digits alone, so nothing can break out of it."""
    wanted = " AND ".join(map(_phrase, query.terms))
    return f"({wanted}) NOT ({' OR '.join(map(_phrase, query.without))})" if query.without else wanted


def _phrase(term: Term) -> str:
    columns, row = (
        ("title_pairs body_pairs", term.pairs) if len(term.units) > 1 else ("title body", term.units)
    )
    return f'({{{columns}}} : "{" ".join(row)}"{" *" if term.open_ended else ""})'
