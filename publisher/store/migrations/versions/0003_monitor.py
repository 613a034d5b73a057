"""What the operator's monitor heard last."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE publication ADD COLUMN monitor_heard TEXT "
        "CONSTRAINT ck_publication_monitor_heard CHECK (monitor_heard IN ('start', 'done', 'fail'))"
    )
    op.execute("ALTER TABLE publication ADD COLUMN monitor_day TEXT")
