"""An entry in a digest: its fragment of HTML and text in the form that fits, and what that weighs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import css_inline
from markupsafe import Markup
from msgspec import Struct

from publisher.core.entry import Entry
from publisher.core.issue import PublishedEntry
from publisher.core.site import Site
from publisher.render import html
from publisher.render.digest_fit import Form
from publisher.render.digest_headings import cut, one_line
from publisher.render.environment import Templates

_PREFACE = 3000  # characters; a longer one is shown by its beginning
_PREFACE_LEAD = 500
_CONTENTS = '<table class="contents"><tbody>{}</tbody></table>'  # where a row gets its looks
_TITLE = 80  # Han characters; what somebody wrote as a title may be a page long


@dataclass(frozen=True)
class Item:
    """An entry as the templates of the digest show it."""

    published: PublishedEntry
    templates: Templates
    heading: str  # the element of its title: 'h2', or 'h3' below a day's heading
    texts_lang: str  # of what the curator wrote, where the text says nothing; our words may be in another one
    form: Form = "full"
    _sizes: dict[Form, int] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        return self.published.entry

    @property
    def words(self) -> int:
        return self.entry.words

    @property
    def number(self) -> str:
        """As the curator counts; '' for an entry without a number."""
        number = self.entry.source.number
        return "" if number is None else str(number)

    @property
    def title(self) -> str:
        return cut(one_line(self.entry.title), _TITLE)

    @property
    def shows_title(self) -> bool:
        """A title that repeats the first words is not set above them, unless nothing else would be."""
        return not self.entry.title_in_body or self.form == "title" or not (self.number or self.topics)

    @property
    def shortened(self) -> bool:
        return self.form != "full" and not (self.form == "lead" and self.lead_is_all)

    @property
    def is_line(self) -> bool:
        """It stands in the contents alone."""
        return self.form in ("summed up", "listed")

    @property
    def summary(self) -> str:
        """What stands below its line of the contents."""
        return one_line(self.entry.summary) if self.form == "summed up" else ""

    @property
    def lang(self) -> str:
        """The language of its text when it is not that of our words; '' otherwise."""
        tag = {"zh": "zh-Hans", "und": self.texts_lang}.get(self.entry.lang, self.entry.lang)
        ours = self.templates.site.html_lang
        return "" if not tag or tag.split("-")[0] == ours.split("-")[0] else tag

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(filter(None, (one_line(topic.name) for topic in self.entry.topics)))

    @property
    def byline(self) -> tuple[str, ...]:
        return tuple(filter(None, map(one_line, self.entry.byline)))

    @cached_property
    def body(self) -> Markup:
        draw = html.lead_html if self.form == "lead" else html.body_html
        return draw(self.published, self.templates.site, "mail")

    @cached_property
    def body_text(self) -> str:
        draw = html.lead_text if self.form == "lead" else html.body_text
        return draw(self.published, self.templates.site).strip("\n")

    @cached_property
    def source(self) -> Markup:
        return html.source_link_html(self.published, self.templates.site, "mail")

    @cached_property
    def source_text(self) -> str:
        return html.source_link_text(self.published, self.templates.site).strip("\n")

    @cached_property
    def lead_is_all(self) -> bool:
        """Nothing is left out when its beginning is the whole."""
        site = self.templates.site
        return html.lead_text(self.published, site).strip() == html.body_text(self.published, site).strip()

    @cached_property
    def rest(self) -> tuple[int, int]:
        """Words and minutes that a beginning leaves to read on the web."""
        if self.form != "lead":
            return self.entry.words, self.entry.minutes
        whole = len(html.body_text(self.published, self.templates.site)) or 1
        left = max(0.0, 1 - len(self.body_text) / whole)
        words = int(self.entry.words * left)
        words = words // 100 * 100 if words >= 1000 else words // 10 * 10 if words >= 20 else max(1, words)
        return words, max(1, round(self.entry.minutes * left))

    @cached_property
    def html(self) -> Markup:
        """Its fragment, styles not yet inlined."""
        return Markup(self.templates.render("digest/entry.html", item=self).strip())  # noqa: S704 - a template's

    @cached_property
    def row(self) -> Markup:
        """Its line in the contents."""
        return Markup(self.templates.render("digest/row.html", item=self).strip())  # noqa: S704 - as above

    def in_form(self, form: Form) -> Item:
        """The same entry in another form."""
        return self._forms.setdefault(form, replace(self, form=form, _sizes=self._sizes))

    @cached_property
    def _forms(self) -> dict[Form, Item]:
        return {self.form: self}

    def size(self, form: Form, css: str) -> int:
        """Bytes it adds to the HTML in this form, measured once."""
        if form not in self._sizes:
            self._sizes[form] = self.in_form(form).weigh(css)
        return self._sizes[form]

    def floor(self, form: Form) -> int:
        """Bytes it surely takes; known without drawing it."""
        if form == "left out":
            return 0
        title = len(self.title.encode()) + len(self.published.permalink)
        if form == "summed up":
            return title + len(self.entry.summary.encode()) * 4 // 5
        return title + (len(self.entry.text.encode()) * 4 // 5 if form == "full" else 0)

    def weigh(self, css: str) -> int:
        """Bytes of its fragments with styles inlined."""
        if self.form == "left out":
            return 0
        entry = "" if self.is_line else f'<hr class="rule">{self.html}'
        return _inlined_bytes(_CONTENTS.format(self.row) + entry, css) - _inlined_bytes(
            _CONTENTS.format(""), css
        )


class Preface(Struct, frozen=True):
    """A day's preface, drawn; `cut` when only its beginning is here."""

    html: Markup = Markup()
    text: str = ""
    cut: bool = False


def _inlined_bytes(fragment: str, css: str) -> int:
    inlined = css_inline.inline_fragment(fragment, css, minify_css=True, load_remote_stylesheets=False)
    return len(inlined.encode())


def draw_preface(markdown: str, site: Site) -> Preface:
    """The preface as HTML and text; a very long one by its first words."""
    if not markdown.strip():
        return Preface()
    text = html.markdown_text(markdown).strip("\n")
    if len(text) <= _PREFACE:
        return Preface(html.markdown_html(markdown, site, "mail"), text)
    lead = cut(text, _PREFACE_LEAD)
    paragraphs = (Markup("<p>{}</p>").format(line) for line in lead.split("\n") if line.strip())
    return Preface(Markup("").join(paragraphs), lead, cut=True)
