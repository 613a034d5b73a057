"""Migrations: additive steps from every released schema to the newest; a copy of the database is kept before them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from publisher.core.errors import StoreError
from publisher.store.engine import begin_private, copy_database

FOLDER = Path(__file__).resolve().parent


def alembic_config() -> Config:
    """Alembic pointed at this folder; no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def head() -> str:
    """The newest revision in this folder."""
    found = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return found or ""


def upgrade(engine: Engine, version: str, *, path: Path | None) -> None:
    """Step up from `version`. The old database is kept beside the new one as '<name>.before-<head>'.

    Raises StoreError when the database was written by a newer publisher.
    """
    config = alembic_config()
    try:
        ScriptDirectory.from_config(config).get_revision(version)
    except CommandError as exc:
        raise StoreError(
            "the database {path} was written by a newer publisher (schema {version})", path=path, version=version,
            fix="install that version, or restore an older backup",
        ) from exc  # fmt: skip
    if path is not None:
        _keep_a_copy(engine, path)
    with engine.connect() as connection:
        connection = connection.execution_options(publisher_write=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _keep_a_copy(engine: Engine, path: Path) -> None:
    copy = path.with_name(f"{path.name}.before-{head()}")
    copy.unlink(missing_ok=True)
    begin_private(copy)
    copy_database(engine, copy)
