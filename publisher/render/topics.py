"""The pages of topics: all of them, and of each its entries, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from publisher.core.issue import EntryLine
from publisher.core.tagged import TopicLine
from publisher.core.topics import topic_path
from publisher.render.environment import Templates
from publisher.render.pages import TOPICS_PATH, drawn

OPML_PATH = "feeds.opml"


def topic_year_path(name: str, year: int) -> str:
    """'topics/大出海/2025/'."""
    return f"{topic_path(name)}{year:04}/"


def by_weight(topics: Iterable[TopicLine]) -> list[TopicLine]:
    """The topics with the most entries first, of equal ones the one that came up last."""
    return sorted(topics, key=lambda topic: (-topic.entries, -topic.last_day.toordinal(), topic.path))


def topics_page(templates: Templates, topics: Sequence[TopicLine]) -> bytes:
    """All topics, in the order they are given."""
    return drawn(templates, "web/topics.html", TOPICS_PATH, topics=topics)


def topic_page(
    templates: Templates, topic: TopicLine, entries: Sequence[EntryLine], *, year: int | None = None
) -> bytes:
    """One topic with these of its entries, oldest first as they are given; `year`: with those of a year alone."""
    newest_first = entries[::-1]
    by_year = [(one, list(some)) for one, some in groupby(newest_first, key=lambda line: line.day.year)]
    path = topic.path if year is None else topic_year_path(topic.name, year)
    return drawn(
        templates, "web/topic.html", path, topic=topic, by_year=by_year, year=year, topic_year_path=topic_year_path,
    )  # fmt: skip


def opml(templates: Templates, topics: Sequence[TopicLine]) -> bytes:
    """feeds.opml: every feed of the site, to be taken over by a reader at once."""
    return templates.render("web/feeds.opml.xml", topics=topics).encode()
