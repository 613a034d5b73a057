"""Published entries and sites for the tests of every rendering, built as the real ones are: from Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

from msgspec.structs import replace

from publisher.core.document import EntrySource
from publisher.core.entry import Entry, EntryLink, Topic, read_entry
from publisher.core.issue import Correction, IssueName, PublishedEntry
from publisher.core.link import LinkState
from publisher.core.site import Site

DAY = date(2025, 1, 29)
AT = datetime(2025, 1, 29, 0, 0, 9, tzinfo=UTC)  # 08:00:09 in Shanghai


def site(**overrides: object) -> Site:
    """A Chinese daily under https://daily.example.org/; any field may be given."""
    facts: dict[str, object] = {
        "title": "每日一读",
        "url": "https://daily.example.org/",
        "description": "每天九篇",
        "author": "编者",
        "tag_host": "daily.example.org",
        "publisher_uuid": "0f0e0d0c-0b0a-4009-8807-060504030201",
    }
    return Site(**(facts | overrides))  # type: ignore[arg-type]


def read(source: EntrySource) -> Entry:
    """The source as an Entry; a bare one while the reader of Markdown is not there."""
    try:
        return read_entry(source)[0]
    except NotImplementedError:
        title = source.heading or (source.markdown.split() or [""])[0][:30]
        return Entry(source=source, title=title, title_rule="R7", title_in_body=True, text=source.markdown)


def published(
    markdown: str,
    *,
    uid: str = "aaaaaaaaaa",
    day: date = DAY,
    number: int | None = 1,
    at: datetime = AT,
    updated_at: datetime | None = None,
    heading: str = "",
    position: int | None = None,
    permalink: str | None = None,
    issue: IssueName | str | None = "of the day",
    late: bool = False,
    topics: Sequence[str] | None = None,
    links: Iterable[LinkState] = (),
    media: Mapping[str, str] | None = None,
    corrections: tuple[Correction, ...] = (),
    **entry_fields: object,
) -> PublishedEntry:
    """The Markdown of one entry as a published entry of `day`.

    `topics` replaces those found in the text; `links` are what is known of addresses; further keyword
    arguments replace fields of the Entry (title="…", source_link=link("http://t.cn/A"), byline=("某人",)).
    """
    label = str(number) if number else ""
    source = EntrySource(number=number, label=label, heading=heading, markdown=markdown, line=3, body_line=5)
    entry = read(source)
    if topics is not None:
        entry_fields["topics"] = tuple(Topic(key=name.casefold(), name=name) for name in topics)
    if entry_fields:
        entry = replace(entry, **entry_fields)  # type: ignore[arg-type]
    return PublishedEntry(
        uid=uid,
        guid=f"tag:daily.example.org,{day.isoformat()}:{uid}",
        permalink=permalink or f"{day:%Y/%m/%d}/{uid}/",
        day=day,
        position=(number or 1) - 1 if position is None else position,
        entry=entry,
        issue=IssueName(day) if isinstance(issue, str) else issue,
        published_at=at,
        updated_at=updated_at or at,
        late=late,
        corrections=corrections,
        links={state.url: state for state in links},
        media=dict(media or {}),
    )


def link(url: str, *, text: str | None = None, line: int = 5) -> EntryLink:
    """A link as it stands in an entry's text."""
    return EntryLink(url=url, text=url if text is None else text, line=line)
