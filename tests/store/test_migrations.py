"""Every released schema steps up to the newest one, which is what a new database is made as."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text

from publisher.core.errors import StoreError
from publisher.store import engine as store_engine
from publisher.store.engine import open_store
from publisher.store.migrations import alembic_config, head, upgrade
from publisher.store.schema import HEAD, metadata


def replayed(path: Path, *, until: str = "head", then: str = "") -> None:
    """A database made by the migrations, one after another, and one statement in it."""
    from alembic import command

    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", store_engine._configure)
    event.listen(engine, "begin", store_engine._begin)
    with engine.connect() as connection:
        connection = connection.execution_options(publisher_write=True)
        with connection.begin():
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, until)
            if then:
                connection.execute(text(then))
    engine.dispose()


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Columns, indexes and strictness of every table."""
    with closing(sqlite3.connect(path)) as db:
        found: dict[str, list[tuple[object, ...]]] = {}
        for _, name, _, _, without_rowid, strict in db.execute("PRAGMA table_list"):
            if not str(name).startswith(("sqlite_", "alembic_")):
                columns = [row[1:] for row in db.execute(f"PRAGMA table_info({name})")]
                indexes = sorted(row[1:4] for row in db.execute(f"PRAGMA index_list({name})"))
                found[str(name)] = [(without_rowid, strict), *columns, *indexes]
        return found


def test_the_newest_migration_is_the_head_of_the_schema() -> None:
    assert head() == HEAD


def test_replayed_migrations_make_the_schema_of_a_new_database(tmp_path: Path) -> None:
    replayed(tmp_path / "replayed.db")
    open_store(f"sqlite:///{tmp_path}/new.db").close()
    assert tables(tmp_path / "replayed.db") == tables(tmp_path / "new.db")
    engine = create_engine(f"sqlite:///{tmp_path}/replayed.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_table_is_strict(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/new.db").close()
    assert [name for name, (kind, *_) in tables(tmp_path / "new.db").items() if kind[1] != 1] == []


def test_a_database_of_a_newer_publisher_is_left_alone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new.db")
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num='9999'"))
    store.close()
    before = (tmp_path / "new.db").read_bytes()
    with pytest.raises(StoreError, match="newer publisher"):
        open_store(f"sqlite:///{tmp_path}/new.db")
    assert (tmp_path / "new.db").read_bytes() == before


def test_a_copy_is_kept_before_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    store = open_store(f"sqlite:///{path}")
    upgrade(store._engine, HEAD, path=path)
    assert (tmp_path / f"old.db.before-{HEAD}").exists()
    store.close()


def test_readers_of_the_first_schema_keep_their_place(tmp_path: Path) -> None:
    path, at = tmp_path / "old.db", "'2025-01-03T00:00:00.000000Z'"
    row = f"(1, 'u', 'a@b.cn', 'A@b.cn', 'active', 1, {at}, {at})"
    replayed(path, until="0001", then=f"INSERT INTO subscribers VALUES {row}")
    open_store(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as db:
        columns = "email, state, owner, cadence, body, language, paused_until, key_version"
        (row,) = db.execute(f"SELECT {columns} FROM subscribers").fetchall()
    assert row == ("A@b.cn", "active", 1, "daily", "full", "zh-Hans", None, 1)


def test_a_new_database_opened_by_many_at_once_is_made_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = f"sqlite:///{tmp_path}/new.db"
    with ThreadPoolExecutor(8) as pool:
        for store in pool.map(lambda _: open_store(url), range(8)):
            store.close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE users (name TEXT)",
        "CREATE VIEW users AS SELECT 1",
        "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('ab12cd34')",
        "CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE publication (title TEXT)",
    ],
)
def test_the_database_of_another_program_is_left_as_it_is(tmp_path: Path, made: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(made)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a publisher database"):
        open_store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["p%20z.db", "q?x=1.db", "k%41#b.db", "中文 空格.db"])
def test_a_database_stands_where_its_path_says(tmp_path: Path, name: str) -> None:
    open_store(tmp_path / name).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
