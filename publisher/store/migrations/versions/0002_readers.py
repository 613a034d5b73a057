"""Readers as people: what they chose, how they agreed, letters to them; alerts, hub pings, when bytes changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from publisher.store import types

revision = "0002"
down_revision = "0001"

_SUBSCRIBERS = (
    "cadence TEXT DEFAULT 'daily' NOT NULL CONSTRAINT ck_subscribers_cadence CHECK (cadence IN ('daily', 'weekly'))",
    "body TEXT DEFAULT 'full' NOT NULL CONSTRAINT ck_subscribers_body CHECK (body IN ('full', 'lead', 'titles'))",
    "language TEXT DEFAULT 'zh-Hans' NOT NULL",
    "paused_until TEXT",
    "key_version INTEGER DEFAULT '1' NOT NULL",
    "asked_at TEXT",
    "asked_n INTEGER DEFAULT '0' NOT NULL",
    "soft_bounces INTEGER DEFAULT '0' NOT NULL",
)


def upgrade() -> None:
    for column in _SUBSCRIBERS:
        op.execute(f"ALTER TABLE subscribers ADD COLUMN {column}")
    op.execute("ALTER TABLE outputs ADD COLUMN changed_at TEXT")
    _people()
    op.create_table(
        "alerts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("first_at", types.Utc(), nullable=False),
        sa.Column("last_at", types.Utc(), nullable=False),
        sa.Column("told_at", types.Utc(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alerts")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hub_pings",
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", types.Utc(), nullable=True),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name=op.f("ck_hub_pings_state")),
        sa.PrimaryKeyConstraint("hub", "topic", name=op.f("pk_hub_pings")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _people() -> None:
    op.create_table(
        "consents",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("subscriber_id", types.Id, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('asked', 'confirmed', 'vouched', 'imported', 'changed', 'withdrawn')",
            name=op.f("ck_consents_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_consents_subscriber_id_subscribers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_consents_subscriber_id"), "consents", ["subscriber_id"])
    op.create_table(
        "suppressions",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('forgotten', 'complained', 'bounced', 'operator')",
            name=op.f("ck_suppressions_reason"),
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_suppressions")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("subscriber_id", types.Id, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("params", types.Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", types.Utc(), nullable=True),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'accepted', 'rejected', 'deferred', 'uncertain')",
            name=op.f("ck_notices_state"),
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_notices_subscriber_id_subscribers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("uid", name=op.f("uq_notices_uid")),
        sqlite_strict=True,
    )
    op.create_index("ix_notices_state", "notices", ["state"])
    op.create_index(op.f("ix_notices_subscriber_id"), "notices", ["subscriber_id"])
