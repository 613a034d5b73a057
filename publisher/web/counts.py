"""What was asked for, counted for /metrics: answers by kind and status, polls of feeds by reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_MAX_FAMILIES = 60
_MAX_SUBSCRIBED = 1_000
_READERS = re.compile(
    r"(Miniflux|FreshRSS|NetNewsWire|Feedly|Inoreader|NewsBlur|Feedbin|The Old Reader|theoldreader|Tiny Tiny RSS"
    r"|Feedspot|Folo|Follow|RSSHub|Nextcloud-News|CommaFeed|Liferea|Newsboat|Akregator|Thunderbird|Reeder|Unread"
    r"|Feeder|feedparser|Universal ?Feed ?Parser|FeedFetcher-Google|FeedBurner|Slackbot|Googlebot|bingbot"
    r"|Baiduspider|Sogou|curl|Wget|python-requests|python-httpx|Go-http-client)",
    re.IGNORECASE,
)
_SUBSCRIBERS = re.compile(r"(?<![\w.])(\d{1,9}) (?:subscriber|reader)s?\b", re.IGNORECASE)
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,30}")


@lru_cache(maxsize=1024)
def reader(agent: bytes) -> tuple[str, int | None]:
    """Family and number of subscribers of a User-Agent: ('Feedbin', 142) for 'Feedbin feed-id:1 - 142 subscribers'."""
    text = agent[:500].decode("latin-1")
    said = _SUBSCRIBERS.search(text)
    subscribers = int(said[1]) if said else None
    known = _READERS.search(text)
    if known:
        return known[1].replace(" ", "-").lower(), subscribers
    if text.startswith("Mozilla/"):
        return "browser", subscribers
    product = _PRODUCT.match(text)
    return (product[0].lower() if product else "unknown"), subscribers


class Counts:
    """Counted on the event loop alone, read by whoever scrapes."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self._polls: Counter[tuple[str, int]] = Counter()
        self._families: set[str] = set()
        self._subscribers: dict[tuple[str, str], int] = {}
        self.gauges: dict[str, float] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_Families(self))
        ProcessCollector(registry=self._registry)

    def polled(self, address: bytes, status: int, agent: bytes) -> None:
        """A feed was asked for."""
        family, subscribers = reader(agent)
        if family not in self._families:
            if len(self._families) >= _MAX_FAMILIES:
                family = "other"
            self._families.add(family)
        self._polls[family, status] += 1
        if subscribers is None:
            return
        path = address.decode("ascii", "replace")
        known = (family, path) in self._subscribers or len(self._subscribers) < _MAX_SUBSCRIBED
        if known:
            self._subscribers[family, path] = subscribers

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self._registry)

    def families(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "publisher_http_answers", "Answers by kind and status.", labels=("kind", "status")
        )
        for (kind, status), n in self.answers.copy().items():
            answers.add_metric((kind, str(status)), n)
        yield answers
        polls = CounterMetricFamily(
            "publisher_feed_polls", "Polls of feeds by reader and status.", labels=("reader", "status")
        )
        for (family, status), n in self._polls.copy().items():
            polls.add_metric((family, str(status)), n)
        yield polls
        subscribers = GaugeMetricFamily(
            "publisher_feed_subscribers",
            "Subscribers that a reader says it polls for.",
            labels=("reader", "feed"),
        )
        for (family, path), n in self._subscribers.copy().items():
            subscribers.add_metric((family, path), n)
        yield subscribers
        for name, value in self.gauges.copy().items():
            yield GaugeMetricFamily(name, _GAUGES[name], value=value)


_GAUGES = {
    "publisher_files": "Files of the site.",
    "publisher_memory_held_bytes": "Pages held in memory, in all codings.",
    "publisher_healthy": "1 while /healthz says that all is well.",
    "publisher_connections": "Open connections.",
    "publisher_search_days_left": "Days that the search index does not have as they are now.",
    "publisher_search_failing": "1 while the search index cannot be kept.",
}


class _Families:
    """Our counts as a collector of prometheus_client."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        return self._counts.families()
