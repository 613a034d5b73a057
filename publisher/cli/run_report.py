"""The report of a run in words, the same for every screen: findings, what is held, result, what follows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from msgspec import Struct

from publisher.app.summary import EntrySummary, HeldItem, LinkSummary, RunSummary
from publisher.core.diagnostics import Diagnostic
from publisher.core.link import host_label, short_form
from publisher.render.words import Words

BAD_RESULTS = frozenset({"broken", "invalid"})
UNSURE_RESULTS = frozenset({"suspect", "blocked", "unknown", "timeout", "unreachable"})


class Mark(Struct, frozen=True):
    """A short text and what it means: "good", "bad", "unsure", "quiet"."""

    text: str
    meaning: str


class Row(Struct, frozen=True):
    """An entry as a line of the table. `heading` is set on the first of each day when there are several."""

    label: str
    title: str
    words: str
    minutes: str
    links: tuple[Mark, ...]
    heading: str = ""


TRIAL = "trial: the site's address is not a public one; set [site] url before you invite readers"


def held_line(item: HeldItem, words: Words) -> tuple[str, str]:
    """What is held and why; the way out."""
    said = item.said(words)
    return words("held: {what}: {why}", what=said["what"], why=said["why"]), said["how"]


def finding(found: Diagnostic, words: Words) -> str:
    """'2025-01-29.md:281:1: W211 list-healed: what is wrong — how to mend it'."""
    message, fix = words.diagnostic(found)
    how = f" — {fix}" if fix else ""
    place = f"{found.file}:{found.line}:{found.column}"
    return _STEERING.sub(_escaped, f"{place}: {found.code} {found.spec.slug}: {message}{how}")


# What a file's name may hold and a line may not: it would end the line, colour the terminal or turn what follows round.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class RunReport:
    """A run's summary in the operator's words."""

    def __init__(self, run: RunSummary, words: Words, *, verbose: bool = False) -> None:
        self.run = run
        self.words = words
        self.verbose = verbose
        self.entries = run.issue.entries if run.issue else ()

    @property
    def is_repeat(self) -> bool:
        """Today's issue was out before: one line says so, without its table."""
        return "already-published" in (self.run.outcome, self.run.would)

    def findings(self) -> list[Diagnostic]:
        """What documents are to be mended for; infos only when more is wanted."""
        return [found for found in self.run.diagnostics if self.verbose or found.level != "info"]

    def notes(self) -> list[str]:
        """Lines that are neither a finding nor held: what was recovered, what the first run did."""
        return [note.said(self.words) for note in (*self.run.recovered, *self.run.notices)]

    # ------------------------------------------------------------ the table

    def heading(self) -> str:
        """'1月29日 星期三 · 9 篇 · 11,820 字 · 28 分钟'."""
        if not self.entries:
            return ""
        days = sorted({entry.day or self.run.day for entry in self.entries})
        names = {"day": self.words.day_short(days[0]), "weekday": self.words.weekday(days[0])}
        day = self.words("{weekday}, {day}", **names)
        if len(days) > 1:
            day = f"{self.words.day_short(days[0])}–{self.words.day_short(days[-1])}"
        written = sum(entry.words for entry in self.entries)
        read = sum(entry.minutes for entry in self.entries)
        counts = (self._entries(len(self.entries)), self._characters(written), self._minutes(read))
        return " · ".join((day, *counts))

    def rows(self) -> Iterator[Row]:
        """The entries in order; where several days stand in one issue each begins with its heading."""
        sections = {(entry.day, entry.late) for entry in self.entries}
        several = len(sections) > 1 or any(late for _, late in sections)
        before: object = None
        for entry in self.entries:
            section = (entry.day, entry.late)
            yield self._row(entry, self._section(entry) if several and section != before else "")
            before = section

    def _section(self, entry: EntrySummary) -> str:
        day = self.words.day_short(entry.day) if entry.day else ""
        return self.words("late: {day}", day=day) if entry.late else day

    def _row(self, entry: EntrySummary, heading: str) -> Row:
        label = entry.label or ("" if entry.number is None else str(entry.number))
        written = self.words.number(entry.words)
        return Row(label, entry.title, written, str(entry.minutes), self._marks(entry.links), heading)

    def _marks(self, links: tuple[LinkSummary, ...]) -> tuple[Mark, ...]:
        """The links in order, the ones that want attention first."""
        order = ("bad", "unsure", "good", "quiet")
        return tuple(sorted(map(self._mark, links), key=lambda mark: order.index(mark.meaning)))

    def _mark(self, link: LinkSummary) -> Mark:
        short = short_form(link.url, limit=40)
        match _meaning(link):
            case "bad":
                return Mark(" ".join(filter(None, ("✖", str(link.http_status or ""), short))), "bad")
            case "unsure":
                return Mark(f"? {short}", "unsure")
            case "good":
                return Mark(f"✔ {host_label(link.target or link.url)}", "good")
            case _:
                return Mark(f"· {short}", "quiet")

    # ------------------------------------------------------------ what waits for the operator

    def held(self) -> list[tuple[str, str]]:
        """What is held and why, and the way out."""
        return [held_line(item, self.words) for item in self.run.held]

    def trial(self) -> str:
        return self.words(TRIAL) if self.run.trial else ""

    # ------------------------------------------------------------ the result and what comes next

    def result(self) -> list[str]:
        """What came of it, in short parts; a repeated run says what waits in the same breath."""
        if self.is_repeat:
            said = self.words("{said} {upcoming}", said=self._repeat(), upcoming=self._upcoming())
            return [part for part in (said.rstrip(), *self._weekly(), self._stock()) if part]
        parts = [self._outcome()]
        if self.entries:
            parts += [self._feed(), *self._mail(), *self._links()]
        parts += self._weekly()
        if self.run.documents.refused:
            parts.append(self._plural("{n} file refused", "{n} files refused", self.run.documents.refused))
        if self.run.took_s:
            parts.append(self.words("took {time}", time=took(self.run.took_s)))
        return [part for part in parts if part]

    def _outcome(self) -> str:
        n = len(self.entries)
        match self.run.would or self.run.outcome:
            case "published":
                return self._plural("published {n} entry", "published {n} entries", n)
            case "publish" | "planned":
                return self._plural("would publish {n} entry", "would publish {n} entries", n)
            case "held":
                return self.words("nothing was published")
            case _:
                return self.words("nothing to publish today")

    def _repeat(self) -> str:
        """'今天已发布（08:01，9 篇）。无新内容。'"""
        issue = self.run.issue
        at = f"{issue.published_at:%H:%M}" if issue and issue.published_at else ""
        facts = filter(None, (at, self._entries(len(self.entries)) if issue else ""))
        what = self.words(", ").join(facts)
        return self.words("Today's issue is out ({what}). {news}", what=what, news=self._news())

    def _news(self) -> str:
        documents = self.run.documents
        changes = (
            ("{n} new entry waits", "{n} new entries wait", documents.new),
            ("{n} entry edited", "{n} entries edited", documents.edited),
            ("{n} entry moved", "{n} entries moved", documents.moved),
            ("{n} entry withdrawn", "{n} entries withdrawn", documents.withdrawn),
        )
        said = [self._plural(one, many, n) for one, many, n in changes if n]
        if not said:
            return self.words("Nothing new.")
        return self.words("Since then: {changes}.", changes=self.words(", ").join(said))

    def _feed(self) -> str:
        n = self.run.feed_items
        return self._plural("feeds of {n} entry", "feeds of {n} entries", n) if n else ""

    def _mail(self) -> Iterator[str]:
        books, mail = self.run.books, self.run.mail
        if self.run.would:
            yield self._plural("mail to {n} reader", "mail to {n} readers", self.run.recipients)
        else:
            yield self.words("mail {n} accepted", n=self.words.number(books.get("accepted", 0)))
        for word, message in _BOOK_WORDS.items():
            if books.get(word):
                yield self.words(message, n=self.words.number(books[word]))
        if mail and len(mail.readers) > 1:
            yield self._variants(mail.readers)
        if mail:
            sizes = {"size": _kb(mail.html_bytes), "budget": _kb(mail.budget_bytes)}
            yield self.words("HTML {size} of {budget} kB", **sizes)
        if mail and mail.shortened:
            yield self._plural("{n} entry shortened to fit", "{n} entries shortened to fit", mail.shortened)

    def _weekly(self) -> Iterator[str]:
        """'每周摘要寄 12 人（全文 9 · 仅目录 en 3）'."""
        weekly = self.run.weekly
        if weekly is None:
            return
        n = sum(weekly.mail.readers.values())
        yield self._plural("weekly mail to {n} reader", "weekly mail to {n} readers", n)
        if len(weekly.mail.readers) > 1:
            yield self._variants(weekly.mail.readers)

    def _variants(self, readers: Mapping[str, int]) -> str:
        """'全文 9、仅目录 (en) 3': how many get which form; what is left of a week counts with its form."""
        counts: Counter[tuple[str, str]] = Counter()
        for name, n in readers.items():
            body, language, *_ = name.split(".")
            counts[body, language] += n
        said = []
        for (body, language), n in sorted(counts.items()):
            form = {"lead": self.words("beginnings"), "titles": self.words("contents only")}.get(
                body, self.words("whole text")
            )
            said.append(f"{form} {language} {self.words.number(n)}")
        return self.words(", ").join(said)

    def _links(self) -> Iterator[str]:
        meanings = [_meaning(link) for entry in self.entries for link in entry.links]
        for meaning, one, many in _LINK_WORDS:
            if n := meanings.count(meaning):
                yield self._plural(one, many, n)

    def next(self) -> list[str]:
        """What to do or to expect, most pressing first."""
        if self.is_repeat:
            return []
        return [part for part in (*self._open(), self._upcoming(), self._stock()) if part]

    def _open(self) -> tuple[str, ...]:
        if self.run.outcome != "published":
            return ()
        pages, mail = self.run.pages_at, self.run.mail_at
        return (
            self.words("open {path}", path=pages) if pages else "",
            self.words("read the mail with: mutt -f {path}", path=mail) if mail else "",
        )

    def _upcoming(self) -> str:
        waiting, at = self.run.waiting, self.run.next_run
        if at is None:
            return ""
        tomorrow = at.date() == self.run.day + timedelta(days=1)
        day = self.words("tomorrow") if tomorrow else self.words("today") if at.date() == self.run.day else ""
        when = f"{day or self.words.day_short(at.date())} {at:%H:%M}"
        if not waiting.next_entries:
            return self.words("next run {when}; no material waits", when=when)
        what = self._entries(waiting.next_entries)
        day_name = waiting.next_day.isoformat() if waiting.next_day else ""
        return self.words("{when} will publish {day} ({what})", when=when, day=day_name, what=what)

    def _stock(self) -> str:
        days = self.run.waiting.days
        return self._plural("{n} day of material", "{n} days of material", days) if days else ""

    # ------------------------------------------------------------ counts

    def _plural(self, one: str, many: str, n: int) -> str:
        return self.words.plural(one, many, n)

    def _entries(self, n: int) -> str:
        return self._plural("{n} entry", "{n} entries", n)

    def _characters(self, n: int) -> str:
        return self._plural("{n} word", "{n} words", n)

    def _minutes(self, n: int) -> str:
        return self._plural("{n} minute", "{n} minutes", n)


_BOOK_WORDS = {
    "waiting": "{n} waiting",
    "deferred": "{n} deferred",
    "rejected": "{n} rejected",
    "uncertain": "{n} uncertain",
}
_LINK_WORDS = (
    ("bad", "{n} broken link", "{n} broken links"),
    ("unsure", "{n} link unsure", "{n} links unsure"),
    ("quiet", "{n} link not checked yet", "{n} links not checked yet"),
)


def _meaning(link: LinkSummary) -> str:
    if link.verdict == "dead" or link.result in BAD_RESULTS:
        return "bad"
    if link.verdict == "alive" or link.result in ("ok", "redirected"):
        return "good"
    return "unsure" if link.result in UNSURE_RESULTS else "quiet"


def _kb(size: int) -> str:
    return f"{size / 1000:.1f}"


def took(seconds: float) -> str:
    """'0.4 s', '1 m 34 s'."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest} s" if minutes else f"{seconds:.1f} s"
