"""The first schema: documents, identity, issues, outputs, links, subscribers, the ledger of mail, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from publisher.store import types

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("parsed_at", types.Utc(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("diagnostics", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("path", name=op.f("uq_files_path")),
        sqlite_strict=True,
    )
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("not_before", types.Utc(), nullable=False),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issues",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("covers", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_at", types.Utc(), nullable=False),
        sa.Column("published_at", types.Utc(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mail_hold", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'published', 'empty', 'held', 'cancelled')", name=op.f("ck_issues_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("day", "sequence", name=op.f("uq_issues_day_sequence")),
        sqlite_strict=True,
    )
    op.create_table(
        "links",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("since", types.Utc(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("checked_at", types.Utc(), nullable=True),
        sa.Column("ok_at", types.Utc(), nullable=True),
        sa.Column("next_at", types.Utc(), nullable=True),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("fails", sa.Integer(), nullable=False),
        sa.Column("failed_since", types.Utc(), nullable=True),
        sa.Column("deleted_at", types.Utc(), nullable=True),
        sa.Column("walled_since", types.Utc(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("target_title", sa.Text(), nullable=True),
        sa.Column("now_target", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "verdict IN ('alive', 'dead', 'unsure', 'unchecked')", name=op.f("ck_links_verdict")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("url", name=op.f("uq_links_url")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_links_next_at"), ["next_at"], unique=False)

    op.create_table(
        "mailings",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.CheckConstraint("kind IN ('daily', 'weekly', 'extra')", name=op.f("ck_mailings_kind")),
        sa.CheckConstraint(
            "state IN ('open', 'held', 'paused', 'done', 'cancelled')", name=op.f("ck_mailings_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
        sa.UniqueConstraint("kind", "day", "sequence", name=op.f("uq_mailings_kind_day_sequence")),
        sqlite_strict=True,
    )
    op.create_table(
        "media",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_media")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outputs",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("input_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_outputs")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "publication",
        sa.Column("id", types.Id, autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("tag_host", sa.Text(), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("since_day", types.Day(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("newest_now", types.Utc(), nullable=True),
        sa.Column("paused", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_publication_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sqlite_strict=True,
    )
    op.create_table(
        "runs",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("ok", sa.Integer(), nullable=True),
        sa.Column("day", types.Day(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("summary", types.Json(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sqlite_strict=True,
    )
    op.create_table(
        "subscribers",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("email_norm", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("created_at", types.Utc(), nullable=False),
        sa.Column("state_at", types.Utc(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'paused', 'unsubscribed', 'bounced', 'complained')",
            name=op.f("ck_subscribers_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
        sa.UniqueConstraint("email_norm", name=op.f("uq_subscribers_email_norm")),
        sa.UniqueConstraint("uid", name=op.f("uq_subscribers_uid")),
        sqlite_strict=True,
    )
    op.create_table(
        "artifacts",
        sa.Column("mailing_id", types.Id, nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_artifacts_mailing_id_mailings")
        ),
        sa.PrimaryKeyConstraint("mailing_id", "variant", name=op.f("pk_artifacts")),
        sqlite_strict=True,
    )
    op.create_table(
        "batches",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("mailing_id", types.Id, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('todo', 'done')", name=op.f("ck_batches_state")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_batches_mailing_id_mailings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("mailing_id", "sequence", name=op.f("uq_batches_mailing_id_sequence")),
        sqlite_strict=True,
    )
    op.create_table(
        "documents",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("file_id", types.Id, nullable=False),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("preface", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_documents_file_id_files")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("file_id", "position", name=op.f("uq_documents_file_id_position")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_documents_day"), ["day"], unique=False)

    op.create_table(
        "link_checks",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("link_id", types.Id, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("chain", types.Json(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("void", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_checks_link_id_links")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_checks")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("link_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_checks_link_id"), ["link_id"], unique=False)

    op.create_table(
        "link_events",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("link_id", types.Id, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("now", sa.Text(), nullable=False),
        sa.Column("reported_at", types.Utc(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('failing', 'dead', 'back', 'moved', 'walled')", name=op.f("ck_link_events_kind")
        ),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_link_events_link_id_links")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_events")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("link_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_events_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_link_events_link_id"), ["link_id"], unique=False)

    op.create_table(
        "mailing_issues",
        sa.Column("mailing_id", types.Id, nullable=False),
        sa.Column("issue_id", types.Id, nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_mailing_issues_issue_id_issues")),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_issues_mailing_id_mailings")
        ),
        sa.PrimaryKeyConstraint("mailing_id", "issue_id", name=op.f("pk_mailing_issues")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("mailing_id", types.Id, nullable=False),
        sa.Column("subscriber_id", types.Id, nullable=False),
        sa.Column("batch_id", types.Id, nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", types.Utc(), nullable=True),
        sa.Column("smtp_code", sa.Integer(), nullable=True),
        sa.Column("smtp_text", sa.Text(), nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'accepted', 'rejected', 'deferred', 'uncertain', 'skipped')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_deliveries_batch_id_batches")),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_deliveries_mailing_id_mailings")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_deliveries_subscriber_id_subscribers")
        ),
        sa.PrimaryKeyConstraint("mailing_id", "subscriber_id", name=op.f("pk_deliveries")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_batch_id_state", ["batch_id", "state"], unique=False)
        batch_op.create_index("ix_deliveries_state", ["state"], unique=False)

    op.create_table(
        "entries",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("permalink", sa.Text(), nullable=True),
        sa.Column("explicit_id", sa.Text(), nullable=True),
        sa.Column("document_id", types.Id, nullable=True),
        sa.Column("day", types.Day(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("body_line", sa.Integer(), nullable=False),
        sa.Column("draft", sa.Integer(), nullable=False),
        sa.Column("heading_url", sa.Text(), nullable=True),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("source_sha", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_rule", sa.Text(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("topics", types.Json(), nullable=False),
        sa.Column("media", types.Json(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("issue_id", types.Id, nullable=True),
        sa.Column("issue_position", sa.Integer(), nullable=True),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("published_at", types.Utc(), nullable=True),
        sa.Column("updated_at", types.Utc(), nullable=True),
        sa.Column("first_seen", types.Utc(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('live', 'archived', 'withdrawn')", name=op.f("ck_entries_state")),
        sa.CheckConstraint(
            "issue_id IS NULL OR permalink IS NOT NULL", name=op.f("ck_entries_published_has_permalink")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_entries_document_id_documents")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_entries_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("guid", name=op.f("uq_entries_guid")),
        sa.UniqueConstraint("issue_id", "issue_position", name=op.f("uq_entries_issue_id_issue_position")),
        sa.UniqueConstraint("permalink", name=op.f("uq_entries_permalink")),
        sa.UniqueConstraint("uid", name=op.f("uq_entries_uid")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_day_position", ["day", "position"], unique=False)
        batch_op.create_index(batch_op.f("ix_entries_document_id"), ["document_id"], unique=False)
        batch_op.create_index("ix_entries_published", ["published_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_entries_sha"), ["sha"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("entry_id", types.Id, nullable=False),
        sa.Column("at", types.Utc(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("issue_id", types.Id, nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_corrections_entry_id_entries")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_corrections_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corrections_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "entry_links",
        sa.Column("entry_id", types.Id, nullable=False),
        sa.Column("link_id", types.Id, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("feed_state", types.Json(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_links_entry_id_entries")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_entry_links_link_id_links")),
        sa.PrimaryKeyConstraint("entry_id", "link_id", name=op.f("pk_entry_links")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("entry_links", schema=None) as batch_op:
        batch_op.create_index("ix_entry_links_link_id", ["link_id"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("entry_id", types.Id, nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("seen_at", types.Utc(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_revisions_entry_id_entries")),
        sa.PrimaryKeyConstraint("entry_id", "sha", name=op.f("pk_revisions")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sketches",
        sa.Column("entry_id", types.Id, nullable=False),
        sa.Column("hash", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_sketches_entry_id_entries")),
        sa.PrimaryKeyConstraint("hash", "entry_id", name=op.f("pk_sketches")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("sketches", schema=None) as batch_op:
        batch_op.create_index("ix_sketches_entry_id", ["entry_id"], unique=False)
