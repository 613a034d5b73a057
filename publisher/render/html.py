"""An entry's tokens as safe HTML for pages, feeds and mail, and as plain text (nh3 is the second wall)."""

from __future__ import annotations

from typing import Literal

from markupsafe import Markup

from publisher.core.issue import PublishedEntry
from publisher.core.site import Site

Flavour = Literal["web", "feed", "mail"]
"""web: our own pages, classes allowed; feed: the tag set every reader keeps, absolute addresses, no class;
mail: as feed, plus classes that css-inline resolves; images as alt text and link."""


def body_html(published: PublishedEntry, site: Site, flavour: Flavour) -> Markup:
    """The entry's body (title line, byline, topics row and source link left out: templates show those)."""
    raise NotImplementedError


def lead_html(published: PublishedEntry, site: Site, flavour: Flavour) -> Markup:
    """The first blocks of the body until 3 paragraphs or 200 characters are reached; never cuts inside a block."""
    raise NotImplementedError


def body_text(published: PublishedEntry) -> str:
    """The body as plain text: one line a paragraph, blank line between, lists numbered as written, links on their own line."""
    raise NotImplementedError


def lead_text(published: PublishedEntry) -> str:
    """As lead_html, in plain text."""
    raise NotImplementedError


def markdown_html(markdown: str, site: Site, flavour: Flavour) -> Markup:
    """A loose piece of Markdown (a day's preface) with the same rules."""
    raise NotImplementedError


def markdown_text(markdown: str) -> str:
    """A loose piece of Markdown as plain text."""
    raise NotImplementedError
