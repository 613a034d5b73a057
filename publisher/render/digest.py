"""The mailed digest: an issue drawn once as text and HTML and frozen; `splice` makes each reader's message.

digest → draw the entries → fit the budget → HTML (styles inlined) and text → frozen → splice per reader
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import format_datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import css_inline
from markupsafe import Markup
from msgspec import Struct

from publisher.core.errors import TemplateError
from publisher.core.issue import EntryLine, IssueName, PublishedDay, PublishedEntry
from publisher.core.site import Site
from publisher.core.variant import Body, language_of
from publisher.render.digest_entries import Item, draw_preface
from publisher.render.digest_fit import Fit, Form
from publisher.render.digest_headings import days_heading, one_line, preheader_of, subject_of
from publisher.render.digest_mime import (
    Frozen,
    MailingKey,
    Reader,
    Shortened,
    Tokens,
    encoded,
    html_of,
    list_id,
    mailbox,
    make_headers,
    make_part,
    printable,
    splice,
)
from publisher.render.environment import Templates
from publisher.render.pages import day_path

__all__ = [
    "BUDGET_BYTES",
    "CorrectionLine",
    "Digest",
    "DigestSection",
    "Frozen",
    "Reader",
    "Shortened",
    "Tokens",
    "freeze",
    "html_of",
    "sections_of",
    "splice",
    "subject",
]

BUDGET_BYTES = 73_000
"""Of the HTML part, decoded: as base64 it stays under the 100 000 bytes at which Gmail clips a message."""

_FORM_OF: Mapping[Body, Form] = {"full": "full", "lead": "lead", "titles": "summed up"}
_SPLICED_BYTES = 1200  # kept free for what a reader adds: address, date, links of their own
_PADDING = "\u034f\u200c\u00a0" * 60  # keeps the list of mail from showing the site name after the preheader
_PAST_LINES = 3


class DigestSection(Struct, frozen=True, kw_only=True):
    """The entries of one of the curator's days. `late`: the day itself went out before; headed 补."""

    day: date
    title: str = ""
    preface: str = ""  # Markdown
    late: bool = False
    entries: tuple[PublishedEntry, ...] = ()


class CorrectionLine(Struct, frozen=True, kw_only=True):
    """What was wrong in an entry that readers already have."""

    title: str
    permalink: str
    day: date
    note: str


class Digest(Struct, frozen=True, kw_only=True):
    """An issue, or the issues of a week, as it is mailed. `published_at` is its Date, whenever it is handed over."""

    site: Site
    issue: IssueName
    sections: tuple[DigestSection, ...]
    published_at: datetime
    sender: str  # the address of From
    kind: str = "daily"  # daily | extra | weekly
    subject: str = ""  # "": made from the sections
    reply_to: str = ""  # the curator, where that is not the sender
    unsubscribe_to: str = ""  # takes "unsubscribe" by mail; "": the sender does, unless there is a manage_url
    manage_url: str = ""  # of the site that answers readers' links, with a '/' at its end; "": there is none
    corrections: tuple[CorrectionLine, ...] = ()
    on_this_day: tuple[EntryLine, ...] = ()
    rss_path: str = "rss.xml"
    archive_path: str = "archive/"
    subscribe_path: str = "subscribe/"

    @property
    def entries(self) -> tuple[PublishedEntry, ...]:
        return tuple(entry for section in self.sections for entry in section.entries)

    @property
    def days(self) -> list[date]:
        """The days it is named after: late additions give it a name only when there is nothing else."""
        fresh = [section.day for section in self.sections if not section.late]
        return sorted(set(fresh or [section.day for section in self.sections]))

    @property
    def only_late(self) -> bool:
        return bool(self.sections) and all(section.late for section in self.sections)

    def headed(self, section: DigestSection) -> bool:
        """True when a section needs a heading beside the digest's own."""
        alike = [other for other in self.sections if other.late == section.late]
        return len(self.sections) > 1 and (len(alike) > 1 or section.late)

    @property
    def web_path(self) -> str:
        """The public page that shows it in a browser: its newest day, for a week the list of days."""
        if self.kind == "weekly":
            return self.archive_path
        return day_path(self.days[-1]) if self.days else ""

    @property
    def ends_by_mail(self) -> str:
        """Who takes "unsubscribe" by mail. There is always a way out."""
        return self.unsubscribe_to or ("" if self.manage_url else self.reply_to or self.sender)


def sections_of(days: Iterable[PublishedDay]) -> tuple[DigestSection, ...]:
    """The days' entries as sections, oldest day first; then late additions, in sections of their own."""
    ordered = sorted(days, key=lambda day: day.day)
    fresh = (_section(day, late=False) for day in ordered)
    late = (_section(day, late=True) for day in ordered)
    return tuple(section for section in (*fresh, *late) if section.entries)


def subject(
    sections: tuple[DigestSection, ...], issue: IssueName, templates: Templates, kind: str = "daily"
) -> str:
    """The subject line of a mailing: its days, its first given title and how many entries there are."""
    fresh = [section for section in sections if not section.late]
    named = fresh or list(sections)
    heading = days_heading([section.day for section in named], issue.day, templates.words)
    if kind == "weekly":
        heading = templates.words("The week: {days}", days=heading)
    elif not fresh and named:
        heading = templates.words("Added later to {day}", day=heading)
    entries = [entry for section in (*fresh, *(s for s in sections if s.late)) for entry in section.entries]
    return subject_of(heading, entries, templates.words)


def freeze(
    digest: Digest, templates: Templates, *, budget_bytes: int = BUDGET_BYTES, body: Body = "full"
) -> Frozen:
    """Draw the digest once for all readers of one form; `Frozen.shortened` names the entries that did not fit in it.

    Our words are in the language of the templates. Raises TemplateError. Equal digests and templates give equal bytes.
    """
    drawing = _Drawing(digest, templates)
    html = drawing.fitted(budget_bytes - _SPLICED_BYTES, _FORM_OF[body])
    text = drawing.text()
    return Frozen(
        head=_headers(digest, drawing.subject, templates.site.language),
        text=make_part(text, drawing.marks),
        html=make_part(html, drawing.marks),
        boundary=f"=_{drawing.seal}",
        key=MailingKey(
            publication=digest.site.publisher_uuid,
            kind=digest.kind,
            day=digest.issue.day,
            sequence=digest.issue.sequence,
            host=digest.site.tag_host,
        ),
        unsubscribe_to=digest.ends_by_mail,
        manage_url=digest.manage_url,
        since=templates.words(" on {day}"),
        subject=drawing.subject,
        html_bytes=len(html.encode()),
        shortened=drawing.shortened(_FORM_OF[body]),
    )


def _section(day: PublishedDay, *, late: bool) -> DigestSection:
    return DigestSection(
        day=day.day,
        title=day.title,
        preface="" if late else day.preface,
        late=late,
        entries=tuple(entry for entry in day.entries if entry.late == late),
    )


def _headers(digest: Digest, subject: str, our_language: str) -> bytes:
    site = digest.site
    zone = ZoneInfo(site.timezone)
    languages = [site.language]
    if language_of(our_language) != language_of(site.language):
        languages.append(our_language)
    headers = [
        ("From", mailbox(site.title, digest.sender)),
        ("Subject", encoded(subject)),
        ("Date", format_datetime(digest.published_at.astimezone(zone).replace(microsecond=0))),
        ("List-Id", list_id(site.title, site.host)),
        ("List-Archive", f"<{site.absolute(digest.archive_path)}>"),
        ("List-Help", f"<{site.absolute(digest.subscribe_path)}>"),
        ("Feedback-ID", _feedback_id(digest)),
        ("Content-Language", ", ".join(languages)),
        ("Precedence", "bulk"),  # stops answering machines that know no better
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),  # Exchange
    ]
    if digest.reply_to and digest.reply_to != digest.sender:
        headers.insert(1, ("Reply-To", mailbox("", digest.reply_to)))
    return make_headers(headers)


def _feedback_id(digest: Digest) -> str:
    """What large providers count complaints by: the mailing, its kind, and who sends it, for ever the same."""
    sender = hashlib.sha256(digest.site.publisher_uuid.encode()).hexdigest()[:12]
    return f"{str(digest.issue).replace('/', '.')}:{digest.kind}:digest:{sender}"


class ShownSection(Struct, frozen=True, kw_only=True):
    """A section as the templates show it: the entries that fit, in the form that fits."""

    day: date
    heading: str  # '1月29日 · 星期三', '补：1月29日'
    headed: bool  # False: the heading of the whole digest says it already
    title: str
    late: bool
    path: str
    preface: Markup
    preface_text: str
    preface_cut: bool
    entries: tuple[Item, ...]

    @property
    def shows_texts(self) -> bool:
        """False when all it has stands in the contents."""
        return bool(self.preface or self.title) or not all(item.is_line for item in self.entries)


@dataclass
class _Drawing:
    """One digest being drawn: the entries in every form that was asked for, and the forms chosen."""

    digest: Digest
    templates: Templates
    forms: list[Form] = field(default_factory=list)

    @cached_property
    def items(self) -> list[Item]:
        return [
            Item(
                published,
                self.templates,
                "h3" if self.digest.headed(section) else "h2",
                self.digest.site.html_lang,
            )
            for section in self.digest.sections
            for published in section.entries
        ]

    @cached_property
    def subject(self) -> str:
        digest = self.digest
        made = one_line(digest.subject)
        return made or subject(digest.sections, digest.issue, self.templates, digest.kind)

    @cached_property
    def seal(self) -> str:
        """A word that no text of the digest holds, because it is made of all of it."""
        whole = hashlib.sha256(repr((self.digest.issue, self.subject)).encode())
        for entry in self.digest.entries:
            whole.update(repr((entry.guid, entry.entry.title, entry.entry.text)).encode())
        for section in self.digest.sections:
            whole.update(section.preface.encode())
        return whole.hexdigest()[:24]

    @cached_property
    def marks(self) -> dict[str, str]:
        """What stands in the templates' output for the words of a reader."""
        names = ("email", "since", "unsubscribe", "preferences", "view")
        return {name: f"{name}-{self.seal}" for name in names}

    @cached_property
    def _sheets(self) -> tuple[str, str]:
        """The style sheet in two: what is written into the elements, and from the first at-rule on what stays
        in the head."""
        css = re.sub(r"/\*.*?\*/", "", self.templates.render("digest/digest.css"), flags=re.DOTALL)
        inlined, at, kept = css.partition("@")
        return inlined, " ".join((at + kept).split())

    @cached_property
    def _inliner(self) -> css_inline.CSSInliner:
        return css_inline.CSSInliner(
            extra_css=self._sheets[0],
            inline_style_tags=False,
            keep_style_tags=True,
            minify_css=True,
            load_remote_stylesheets=False,
        )

    def fitted(self, budget: int, form: Form) -> str:
        """The HTML, with entries shortened until it is within the budget (or nothing is left to shorten)."""
        if sum(item.floor(form) for item in self.items) <= budget:
            self.forms = [form] * len(self.items)
            html = self.html()
            if len(html.encode()) <= budget:
                return html
        return self._shortened(budget, form)

    def _shortened(self, budget: int, form: Form) -> str:
        self.forms = ["left out"] * len(self.items)
        room = budget - len(self.html().encode())
        fit = Fit(
            [item.words or len(item.entry.text) for item in self.items],
            size=lambda i, form: self.items[i].size(form, self._sheets[0]),
            floor=lambda i, form: self.items[i].floor(form),
            start=form,
        )
        while True:
            fit.fit_into(room)
            self.forms = fit.forms
            html = self.html()
            over = len(html.encode()) - budget
            if over <= 0 or not fit.shorten():
                return html
            room -= over  # what fragments weigh by themselves was an estimate

    def html(self) -> str:
        kept = Markup(self._sheets[1])  # noqa: S704 - our own or the operator's style sheet
        page = self.templates.render("digest/digest.html", **self._context(), css=kept)
        try:
            return printable(self._inliner.inline(page)).strip() + "\n"
        except css_inline.InlineError as exc:
            raise TemplateError("{name}: {what}", name="digest/digest.css", what=str(exc)) from exc

    def text(self) -> str:
        return printable(self.templates.render("digest/digest.txt", **self._context()).strip("\n") + "\n")

    def shortened(self, form: Form) -> tuple[Shortened, ...]:
        """The entries that are shorter than was asked for."""
        found = zip(self.items, self.forms, strict=True)
        return tuple(
            Shortened(uid=item.published.uid, form=given)
            for item, given in found
            if given != form and not (given == "lead" and item.lead_is_all)
        )

    def _context(self) -> Mapping[str, object]:
        digest, words = self.digest, self.templates.words
        entries = [item.entry for item in self.items]
        sections = self._sections()
        return {
            "digest": digest,
            "subject": self.subject,
            "preheader": preheader_of(digest.entries),
            "padding": _PADDING,
            "heading": self._heading(),
            "sections": sections,
            "counts": {
                "entries": len(entries),
                "words": round_down(sum(entry.words for entry in entries)),
                "minutes": sum(entry.minutes for entry in entries),
            },
            "left_out": sum(form == "left out" for form in self.forms),
            "corrections": digest.corrections,
            "past": digest.on_this_day[:_PAST_LINES],
            "web_path": digest.web_path,
            "reader": self.marks,
            "texts_lang": "" if self._one_language else digest.site.html_lang,
            "dated": lambda day: days_heading([day], digest.issue.day, words),
        }

    @property
    def _one_language(self) -> bool:
        """Our words and the curator's are of one language."""
        return language_of(self.templates.site.language) == language_of(self.digest.site.language)

    def _heading(self) -> str:
        """The h1: with the weekday when it is one day."""
        days, words = self.digest.days, self.templates.words
        heading = days_heading(days, self.digest.issue.day, words)
        if self.digest.kind == "weekly":
            return words("The week: {days}", days=heading)
        if self.digest.only_late:
            return words("Added later to {day}", day=heading)
        return f"{heading} · {words.weekday(days[0])}" if len(days) == 1 else heading

    def _sections(self) -> tuple[ShownSection, ...]:
        shown = []
        rest = iter(zip(self.items, self.forms, strict=True))
        for section in self.digest.sections:
            drawn = [next(rest) for _ in section.entries]
            kept = [item.in_form(form) for item, form in drawn if form != "left out"]
            shown.append(self._shown(section, kept))
        return tuple(shown)

    def _shown(self, section: DigestSection, items: list[Item]) -> ShownSection:
        words = self.templates.words
        day = days_heading([section.day], self.digest.issue.day, words)
        late = words("Added later to {day}", day=day)
        preface = draw_preface(section.preface, self.templates.site)
        return ShownSection(
            day=section.day,
            heading=late if section.late else f"{day} · {words.weekday(section.day)}",
            headed=self.digest.headed(section),
            title=one_line(section.title),
            late=section.late,
            path=day_path(section.day),
            preface=preface.html,
            preface_text=preface.text,
            preface_cut=preface.cut,
            entries=tuple(items),
        )


def round_down(n: int) -> int:
    """A count as people say it: 11,820 is 'about 11,800', 486 'about 480'."""
    return n // 100 * 100 if n >= 1000 else n // 10 * 10 if n >= 100 else n
