"""The tables, each with what its constraints prevent."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from publisher.store.types import Day, Flag, Id, Json, Utc

HEAD = "0003"
"""The newest migration; a new database is made whole and stamped with it."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


publication = Table(
    "publication",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Column("tag_host", Text, nullable=False),  # the authority of every guid, fixed at the first run
    Column("trial", Flag, nullable=False),  # 1 while the host is localhost or an example name
    Column("secret", LargeBinary, nullable=False),
    Column("since_day", Day),  # older documents that turn up later are archived; NULL: nothing published yet
    Column("generation", Integer, nullable=False),  # raised with each publication; the site carries the same
    Column("newest_now", Utc),  # the latest 'now' of any run: the clock must not fall behind it
    Column("paused", Flag, nullable=False),  # 1: nothing is published by the clock, nothing is sent
    Column("created_at", Utc, nullable=False),
    Column("monitor_heard", Text),  # the last word to ping_url; NULL: none yet
    Column("monitor_day", Day),  # the day of the run that it was about
    CheckConstraint("id = 1", name="single"),  # one publication a database
    CheckConstraint("monitor_heard IN ('start', 'done', 'fail')", name="monitor_heard"),
    sqlite_strict=True,
)

files = Table(
    "files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("path", Text, nullable=False, unique=True),  # below the documents folder, with '/'
    Column("sha256", Text, nullable=False),  # of the bytes last read
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("parsed_at", Utc, nullable=False),
    Column("reading", Text, nullable=False),  # version and options of the reading that produced the rows
    Column("refused", Flag, nullable=False),  # 1: the last good version stays
    Column("diagnostics", Json, nullable=False),
    sqlite_strict=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("file_id", Id, ForeignKey("files.id"), nullable=False),
    Column("day", Day, nullable=False, index=True),
    Column("position", Integer, nullable=False),  # within the file, from 0
    Column("title", Text, nullable=False),
    Column("preface", Text, nullable=False),
    UniqueConstraint("file_id", "position"),
    sqlite_strict=True,
)

issues = Table(
    "issues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("day", Day, nullable=False),  # the slot, a local date
    Column("sequence", Integer, nullable=False),  # 1, then 2… for --extra
    Column("covers", Integer, nullable=False),  # slots it stands for: 1, more after an outage
    Column("state", Text, nullable=False),
    Column("planned_at", Utc, nullable=False),
    Column("published_at", Utc),
    Column("subject", Text, nullable=False),
    Column("mail_hold", Text),  # why its mailing will be held ('gap', 'restored'), decided with the plan
    UniqueConstraint("day", "sequence"),  # a slot is published once, whoever fires twice
    _one_of("state", "planned", "published", "empty", "held", "cancelled"),
    sqlite_strict=True,
)

entries = Table(
    "entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("guid", Text, nullable=False, unique=True),
    Column("permalink", Text, unique=True),  # given with the first publication or archiving, then fixed
    Column("explicit_id", Text),
    # where it stands now
    Column("document_id", Id, ForeignKey("documents.id"), index=True),  # NULL when withdrawn
    Column("day", Day, nullable=False),  # the curator's day; kept when withdrawn
    Column("position", Integer, nullable=False),  # within its document, from 0
    Column("number", Integer),
    Column("label", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("body_line", Integer, nullable=False),
    Column("draft", Flag, nullable=False),
    # what it says (the current revision)
    Column("heading_url", Text),
    Column("sha", Text, nullable=False, index=True),  # of the normalised text: moves `updated_at`
    Column("source_sha", Text, nullable=False),  # of heading and Markdown to the letter: moves the page
    Column("length", Integer, nullable=False),  # of the comparable text, in characters
    Column("title", Text, nullable=False),
    Column("title_rule", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("lang", Text, nullable=False),
    Column("topics", Json, nullable=False),
    Column("media", Json, nullable=False),  # local names it uses → 'media/<sha256>.<ext>'
    # its public life
    Column("state", Text, nullable=False),
    Column("hold", Text),  # why a live entry waits ('near-duplicate:UID'); publisher allow clears it
    Column("allowed", Flag, nullable=False),
    Column("issue_id", Id, ForeignKey("issues.id")),  # at most one issue: it is a single column
    Column("issue_position", Integer),
    Column("late", Flag, nullable=False),
    Column("published_at", Utc),
    Column("updated_at", Utc),
    Column("first_seen", Utc, nullable=False),
    # its texts, last: SQLite walks through them to whatever stands behind, and most questions ask for the rest
    Column("heading", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    UniqueConstraint("issue_id", "issue_position"),
    _one_of("state", "live", "archived", "withdrawn"),
    CheckConstraint("issue_id IS NULL OR permalink IS NOT NULL", name="published_has_permalink"),
    Index("ix_entries_day_position", "day", "position"),
    Index("ix_entries_published", "published_at"),
    sqlite_strict=True,
)

revisions = Table(
    "revisions",
    metadata,
    Column("entry_id", Id, ForeignKey("entries.id"), nullable=False),
    Column("sha", Text, nullable=False),  # source_sha: every wording ever seen
    Column("seen_at", Utc, nullable=False),
    Column("heading", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    PrimaryKeyConstraint("entry_id", "sha"),  # no text is ever lost, none is kept twice
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

sketches = Table(
    "sketches",
    metadata,
    Column("entry_id", Id, ForeignKey("entries.id"), nullable=False),
    Column("hash", Integer, nullable=False),
    PrimaryKeyConstraint("hash", "entry_id"),
    Index("ix_sketches_entry_id", "entry_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

media = Table(
    "media",
    metadata,
    Column("path", Text, primary_key=True),  # below the documents folder, with '/'
    Column("sha256", Text, nullable=False),
    Column("output", Text, nullable=False),  # 'media/<sha256>.<ext>'
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", Id, ForeignKey("entries.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("note", Text, nullable=False),
    Column("issue_id", Id, ForeignKey("issues.id")),  # the issue whose digest carries it; NULL: the next one
    sqlite_strict=True,
)

outputs = Table(
    "outputs",
    metadata,
    Column("path", Text, primary_key=True),  # below the output folder
    Column("input_key", Text, nullable=False),  # hash of everything it was made from
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("changed_at", Utc),  # when these bytes came to be: Last-Modified, also after public/ was removed
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("since", Utc),  # of the verdict
    Column("result", Text),  # of the last check
    Column("error", Text, nullable=False),  # ... and why
    Column("http_status", Integer),
    Column("checked_at", Utc),
    Column("ok_at", Utc),  # the last good check
    Column("next_at", Utc, index=True),  # when to ask again; NULL: never asked
    Column("streak", Integer, nullable=False),  # checks in a row of one kind
    Column("fails", Integer, nullable=False),  # failed checks since the last good one
    Column("failed_since", Utc),
    Column("deleted_at", Utc),  # the first "deleted" since the last good check
    Column("walled_since", Utc),
    Column("target", Text),  # the first good one, kept for ever
    Column("target_title", Text),
    Column("now_target", Text),  # where the newest good check ended
    _one_of("verdict", "alive", "dead", "unsure", "unchecked"),
    sqlite_strict=True,
)

entry_links = Table(
    "entry_links",
    metadata,
    Column("entry_id", Id, ForeignKey("entries.id"), nullable=False),
    Column("link_id", Id, ForeignKey("links.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("feed_state", Json),  # what the feeds say of it: set once, changes only around 'dead'
    PrimaryKeyConstraint("entry_id", "link_id"),
    Index("ix_entry_links_link_id", "link_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

link_checks = Table(
    "link_checks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("link_id", Id, ForeignKey("links.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("result", Text, nullable=False),
    Column("http_status", Integer),
    Column("ms", Integer, nullable=False),
    Column("target", Text),
    Column("chain", Json, nullable=False),
    Column("error", Text, nullable=False),
    Column("void", Flag, nullable=False),  # 1: of a run that said more about our network; never counted
    sqlite_strict=True,
)

link_events = Table(
    "link_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("link_id", Id, ForeignKey("links.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("now", Text, nullable=False),
    Column("reported_at", Utc),  # when the curator's letter told it
    _one_of("kind", "failing", "dead", "back", "moved", "walled"),
    sqlite_strict=True,
)

hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("not_before", Utc, nullable=False),  # it asked to be left alone until then
    Column("streak", Integer, nullable=False),  # how often in a row
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("email_norm", Text, nullable=False, unique=True),  # one person, one row
    Column("email", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Flag, nullable=False),  # the curator's own copy, from [mail] owner
    Column("created_at", Utc, nullable=False),
    Column("state_at", Utc, nullable=False),
    Column("cadence", Text, nullable=False, server_default="daily"),
    Column("body", Text, nullable=False, server_default="full"),
    Column("language", Text, nullable=False, server_default="zh-Hans"),  # of our words, not of the texts
    Column("paused_until", Day),  # the first day on which mail comes again; NULL: until they say so
    Column("key_version", Integer, nullable=False, server_default="1"),  # raised: every older token is void
    Column("asked_at", Utc),  # when a confirmation was last mailed
    Column("asked_n", Integer, nullable=False, server_default="0"),  # ... and how often on that day
    Column("soft_bounces", Integer, nullable=False, server_default="0"),  # in a row
    _one_of("state", "pending", "active", "paused", "unsubscribed", "bounced", "complained"),
    _one_of("cadence", "daily", "weekly"),
    _one_of("body", "full", "lead", "titles"),
    sqlite_strict=True,
)

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),  # a network address, 'operator', or the file of an import
    Column("text", Text, nullable=False),  # the words they agreed to
    _one_of("kind", "asked", "confirmed", "vouched", "imported", "changed", "withdrawn"),
    sqlite_strict=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("hash", Text, primary_key=True),  # HMAC of the comparable address: no address is kept
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
    _one_of("reason", "forgotten", "complained", "bounced", "operator"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),  # names the message: a second sending is the same mail
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), index=True),  # NULL: of nobody any more
    Column("kind", Text, nullable=False),
    Column("email", Text, nullable=False),  # an address change is told to the old and asked of the new one
    Column("language", Text, nullable=False),
    Column("params", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc),
    Column("created_at", Utc, nullable=False),
    Column("at", Utc, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_notices_state", "state"),
    _one_of("state", "waiting", "sending", "accepted", "rejected", "deferred", "uncertain"),
    sqlite_strict=True,
)

alerts = Table(
    "alerts",
    metadata,
    Column("key", Text, primary_key=True),  # what is wrong, as one word
    Column("said", Text, nullable=False),
    Column("first_at", Utc, nullable=False),
    Column("last_at", Utc, nullable=False),
    Column("told_at", Utc),  # when the owner was written to; NULL: not yet
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

hub_pings = Table(
    "hub_pings",
    metadata,
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),  # the feed's address
    Column("sha256", Text, nullable=False),  # of the bytes that were announced: one ping a change
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc),
    Column("at", Utc, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("hub", "topic"),
    _one_of("state", "waiting", "done", "failed"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

mailings = Table(
    "mailings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("day", Day, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),  # why it is held: gap | late | restored | refused
    Column("recipients", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("kind", "day", "sequence"),  # an issue is mailed by one mailing
    _one_of("kind", "daily", "weekly", "extra"),
    _one_of("state", "open", "held", "paused", "done", "cancelled"),
    sqlite_strict=True,
)

mailing_issues = Table(
    "mailing_issues",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), nullable=False),
    Column("issue_id", Id, ForeignKey("issues.id"), nullable=False),
    PrimaryKeyConstraint("mailing_id", "issue_id"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), nullable=False),
    Column("variant", Text, nullable=False),  # body and language; frozen: a resumed send is byte-equal
    Column("sha256", Text, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("mailing_id", "variant"),
    sqlite_strict=True,
)

batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("mailing_id", Id, ForeignKey("mailings.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("state", Text, nullable=False),
    UniqueConstraint("mailing_id", "sequence"),
    _one_of("state", "todo", "done"),
    sqlite_strict=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("mailing_id", Id, ForeignKey("mailings.id"), nullable=False),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), nullable=False),
    Column("batch_id", Id, ForeignKey("batches.id"), nullable=False),
    Column("variant", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc),
    Column("smtp_code", Integer),
    Column("smtp_text", Text, nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("mailing_id", "subscriber_id"),  # nobody is mailed twice by one mailing
    Index("ix_deliveries_batch_id_state", "batch_id", "state"),
    Index("ix_deliveries_state", "state"),
    _one_of("state", "waiting", "sending", "accepted", "rejected", "deferred", "uncertain", "skipped"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("ok", Flag),
    Column("day", Day),
    Column("outcome", Text, nullable=False),
    Column("summary", Json),
    Column("error", Text, nullable=False),
    sqlite_strict=True,
)
