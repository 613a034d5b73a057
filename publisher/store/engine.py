"""Opening the store: SQLite with the settings that keep its promises, and transactions as two words, read and write."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, event, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool
from sqlalchemy.util import LRUCache

from publisher.core.errors import StoreError
from publisher.store.schema import HEAD, metadata

T = TypeVar("T")

Transaction = Connection
"""What every question and change takes: an open transaction."""

_BUSY_MS = 30_000
_PATIENCE_MS = 2_000  # of what need not be done now
OUR_TABLES = {"publication", "alembic_version"}
_MANY = 500  # values in one IN (…): SQLite takes 32 766, but a plan for 500 is made quickly


def new_id(made: CursorResult[Any]) -> int:
    """The id of the row that an INSERT made."""
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def pieces(values: Iterable[T], size: int = _MANY) -> Iterator[list[T]]:
    """The values in lists of that size, by itself short enough for one IN (…)."""
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


class Store:
    """One database. `read` and `write` open transactions; a write commits at the end or not at all."""

    def __init__(self, engine: Engine, *, path: Path | None) -> None:
        self._engine = engine
        self.path = path  # None: in memory

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._translated(), self._engine.connect() as connection:
            connection = connection.execution_options(publisher_write=True)
            with connection.begin():
                yield connection

    def rehearsal(self) -> Store:
        """A copy in memory of everything committed so far: what is done to it is never kept."""
        copy = _memory_engine()
        if self.path is not None and self.path.exists():
            with self._translated(), contextlib.closing(read_only(self.path)) as source:
                target = copy.raw_connection()
                source.backup(target.driver_connection)  # type: ignore[arg-type]
                target.close()
        elif self.path is None:
            target, here = copy.raw_connection(), self._engine.raw_connection()
            here.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
            target.close()
            here.close()
        store = Store(copy, path=None)
        store.migrate()
        return store

    def migrate(self) -> None:
        """Bring the schema to the newest version. A new database is made whole; an old one upgrades stepwise.

        Raises StoreError when the database was written by a newer publisher or is another program's.
        """
        with self._translated():
            with self.read() as tx:
                version = self._version(tx)
            if self.path is not None:
                self._keep_log()
            if version == HEAD:
                return
            if version is None:
                with self.write() as tx:
                    if self._version(tx) is not None:
                        return  # somebody else began it while we looked: made whole in one transaction
                    metadata.create_all(tx)
                    tx.execute(
                        text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
                    )
                    tx.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
                return
            # Alembic costs a third of a second to import: only a real upgrade pays for it.
            from publisher.store.migrations import upgrade

            upgrade(self._engine, version, path=self.path)

    def copy_to(self, path: Path) -> None:
        """Write everything committed so far to an empty or new file, without holding anybody up."""
        with self._translated():
            copy_database(self._engine, path)

    def empty_log(self) -> None:
        """Move all that was committed from the log beside the database into it, and overwrite the log: who was erased
        stands there no longer either. While somebody else reads for long, nothing is done."""
        if self.path is None:
            return
        with self._translated(), self._engine.connect() as connection:
            driver = _driver(connection)
            driver.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
            with contextlib.suppress(sqlite3.Error):  # whatever hinders it: what was committed stands
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            driver.execute(f"PRAGMA busy_timeout={_BUSY_MS}")

    def close(self) -> None:
        self._engine.dispose()

    def _version(self, tx: Transaction) -> str | None:
        """Of the schema; None in an empty database. Raises StoreError when it is another program's."""
        names = set(tx.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
        if not names:
            return None
        if names >= OUR_TABLES:
            version = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
            if version is not None:
                return str(version)
        raise StoreError("{path} is not a publisher database", path=self.path, fix="check [store] url")

    def _keep_log(self) -> None:
        """Writers append to a log beside the file, and nobody waits for them. The file remembers that; a database is
        asked for it only once it is known to be ours."""
        with self._engine.connect() as connection:
            _driver(connection).execute("PRAGMA journal_mode=WAL")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """What the operator can mend becomes a StoreError; anything else is a bug and surfaces."""
        try:
            yield
        except (OperationalError, DatabaseError, sqlite3.Error) as exc:
            error = _store_error(exc, self.path)
            if error is None:
                raise
            raise error from exc


def copy_database(engine: Engine, path: Path) -> None:
    """Everything committed so far as a database of its own, in an empty or new file."""
    with engine.connect() as connection:
        _driver(connection).execute("VACUUM INTO ?", (str(path),))


def _driver(connection: Connection) -> sqlite3.Connection:
    """For what cannot run inside a transaction, which SQLAlchemy would begin."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def open_store(at: Path | str, *, create: bool = True) -> Store:
    """Open the store with the newest schema: in a SQLite file, or at a SQLAlchemy URL ('sqlite://' is in memory).

    `create=False` opens an empty store in memory when there is no file yet, so that questions leave no trace.
    Raises StoreError when the database is locked, damaged, another program's, or cannot be created.
    """
    path = at if isinstance(at, Path) else _file_at(at)
    if path is None or (not create and not path.exists()):
        return _ready(Store(_memory_engine(), path=None))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError("cannot create {path}: {why}", path=path.parent, why=exc.strerror) from exc
    begin_private(path)
    return _ready(unchecked(path))


def unchecked(path: Path) -> Store:
    """The store in a file as it stands, whoever made it: its schema is neither looked at nor changed."""
    return Store(_file_engine(path), path=path)


def begin_private(path: Path) -> None:
    """An empty file where there is none. Readers' addresses and the secret of their links will stand in it: nobody
    else on this machine reads them. A file that is there keeps its mode."""
    with contextlib.suppress(OSError):  # whoever opens it says better what is wrong
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _file_at(url: str) -> Path | None:
    """None: in memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            "store.url: '{url}' is not supported", url=parsed.render_as_string(), fix="use sqlite:///PATH"
        )
    return Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None


def _ready(store: Store) -> Store:
    store.migrate()
    return store


class OurSQLite(SQLiteDialect_pysqlite):
    """SQLAlchemy's own. Each is as good as any other, so that what one store translated into SQL serves the next."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OurSQLite)

    def __hash__(self) -> int:
        return hash(OurSQLite)


registry.register("sqlite.publisher", __name__, OurSQLite.__name__)

# A form, a tick, a letter: each opens the store anew, and a third of its time went into the same translations.
_TRANSLATED: LRUCache[Any, Any] = LRUCache(500)


def _file_engine(path: Path) -> Engine:
    return _engine(str(path))


def _memory_engine() -> Engine:
    return _engine(None, poolclass=StaticPool, connect_args={"check_same_thread": False})


def _engine(database: str | None, **options: Any) -> Engine:
    url = URL.create(
        "sqlite+publisher", database=database
    )  # made of parts: '?' and '%' are letters of a path
    engine = create_engine(url, execution_options={"compiled_cache": _TRANSLATED}, **options)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    cursor = connection.cursor()
    # FULL, not NORMAL: a power loss may not forget that a mail was claimed.
    # secure_delete: who is erased is gone from the pages of the file too, not only from its tables.
    for pragma in (
        "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "secure_delete=ON",
    ):  # fmt: skip
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("publisher_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def read_only(path: Path) -> sqlite3.Connection:
    """A database file as it is, without a change of ours."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


_CAUSES = (
    ("locked", "the database {path} is locked by another program", "close it, then run again"),
    (
        "malformed",
        "the database {path} is damaged",
        "restore a backup, or move it away and run 'publisher adopt'",
    ),
    ("not a database", "{path} is not a publisher database", "check [store] url"),
    ("disk is full", "no space left for the database {path}", "free some space, then run again"),
    ("readonly", "the database {path} cannot be written", "check who owns the file and its folder"),
    (
        "unable to open",
        "the database {path} cannot be opened",
        "check [store] url and the folder's permissions",
    ),
    ("disk i/o", "the disk failed while reading {path}", "check the disk, then run again"),
)


def _store_error(exc: Exception, path: Path | None) -> StoreError | None:
    said = str(exc).lower()
    for mark, sentence, fix in _CAUSES:
        if mark in said:
            return StoreError(sentence, path=path or ":memory:", fix=fix)
    return None
