"""An entry's tokens as safe HTML for pages, feeds and mail, and as plain text (nh3 is the second wall)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import nh3
from markupsafe import Markup, escape

from publisher.core.blocks import groups
from publisher.core.inline import is_web
from publisher.core.issue import PublishedEntry
from publisher.core.markup import Token, read_markdown
from publisher.core.plaintext import plain_text
from publisher.core.site import Site
from publisher.render.phrases import Flavour, Phrases, seen
from publisher.render.plain import plain

__all__ = [
    "Flavour", "body_html", "body_text", "lead_html", "lead_text", "markdown_html", "markdown_text",
    "source_link_html", "source_link_text",
]  # fmt: skip

_LEAD_PARAGRAPHS, _LEAD_CHARACTERS = 3, 200


def body_html(published: PublishedEntry, site: Site, flavour: Flavour) -> Markup:
    """The entry's body (title line, byline, topics row and source link left out: templates show those)."""
    return _draw(published.entry.blocks, _phrases(published, site, flavour), published.uid)


def lead_html(published: PublishedEntry, site: Site, flavour: Flavour) -> Markup:
    """The first blocks of the body until 3 paragraphs or 200 characters are reached; never cuts inside a block."""
    return _draw(_lead(published.entry.blocks), _phrases(published, site, flavour), published.uid)


def body_text(published: PublishedEntry, site: Site) -> str:
    """The body as plain text: one line a paragraph, blank line between, lists numbered as written, links on
    their own line.
    """
    return plain(published.entry.blocks, _phrases(published, site, "mail"))


def lead_text(published: PublishedEntry, site: Site) -> str:
    """As lead_html, in plain text."""
    return plain(_lead(published.entry.blocks), _phrases(published, site, "mail"))


def markdown_html(markdown: str, site: Site, flavour: Flavour) -> Markup:
    """A loose piece of Markdown (a day's preface) with the same rules."""
    return _draw(read_markdown(markdown), Phrases(site, flavour))


def markdown_text(markdown: str) -> str:
    """A loose piece of Markdown as plain text."""
    return plain(read_markdown(markdown))


def source_link_html(published: PublishedEntry, site: Site, flavour: Flavour) -> Markup:
    """The line of the link an entry came from: what it is, where it leads, what is wrong with it; empty without."""
    link = published.entry.source_link
    if link is None or not is_web(link.url):
        return Markup("")
    phrases = _phrases(published, site, flavour)
    kind = ' class="source"' if flavour == "mail" else ""
    return _safe(f"<p{kind}>{escape(phrases.words('Source: '))}{phrases.source(link)}</p>", flavour)


def source_link_text(published: PublishedEntry, site: Site) -> str:
    """The same in plain text, the address on a line of its own; "" without one."""
    link = published.entry.source_link
    if link is None:
        return ""
    phrases = _phrases(published, site, "mail")
    line = phrases.words("Source: ") + phrases.source_text(link)
    return f"{line.rstrip()}\n{seen(phrases.address(link.url))}"


def _phrases(published: PublishedEntry, site: Site, flavour: Flavour) -> Phrases:
    return Phrases(site, flavour, published.links, published.media)


def _lead(tokens: Sequence[Token]) -> Sequence[Token]:
    paragraphs = characters = 0
    tokens = list(tokens)
    for begin, end in groups(tokens):
        if tokens[begin].type in ("heading_open", "time_heading_open", "hr", "end_mark_open"):
            continue  # never the end of a beginning
        paragraphs += 1
        characters += len(plain_text(tokens[begin:end]))
        if paragraphs >= _LEAD_PARAGRAPHS or characters >= _LEAD_CHARACTERS:
            return tokens[:end]
    return tokens


# ---------------------------------------------------------------- the second wall

_TAGS = {
    "p", "br", "hr", "a", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4",
    "table", "thead", "tbody", "tr", "th", "td", "img", "figure", "figcaption", "del",
}  # fmt: skip
_PLAIN = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
_LOOKS = {"p": {"class", "aria-hidden"}, "span": {"class", "role", "aria-label"}}
_ON_PAGES = {
    "a": {"href", "title", "data-dest"},
    "img": {"src", "alt", "title", "loading"},
    "h3": {"id"},
    "div": {"tabindex"},
    "pre": {"tabindex", "data-language"},
}
_ALLOWED: Mapping[Flavour, tuple[set[str], dict[str, set[str]]]] = {
    "feed": (_TAGS, _PLAIN),
    "mail": (_TAGS | {"h5", "span"}, _PLAIN | _LOOKS),
    "web": (_TAGS | {"span", "div"}, _PLAIN | _LOOKS | _ON_PAGES),
}
_SCHEMES = {"http", "https", "mailto"}


def _safe(html: str, flavour: Flavour) -> Markup:
    tags, attributes = _ALLOWED[flavour]
    clean = nh3.clean(seen(html), tags=tags, attributes=attributes, url_schemes=_SCHEMES, link_rel=None)
    return Markup(clean)  # noqa: S704 - nh3 has just cleaned it


# ---------------------------------------------------------------- blocks


def _draw(tokens: Sequence[Token], phrases: Phrases, uid: str = "") -> Markup:
    html = "".join(_Blocks(list(tokens), phrases, uid).pieces())
    return _safe(html.strip("\n"), phrases.flavour)


class _Blocks:
    """Draws a flat list of block tokens, one piece after the other."""

    def __init__(self, tokens: list[Token], phrases: Phrases, uid: str) -> None:
        self.tokens = tokens
        self.phrases = phrases
        self.uid = uid
        self.flavour = phrases.flavour
        self.level = 2  # of the heading above: levels never skip
        self.ends: list[str] = []

    def pieces(self) -> Iterator[str]:
        for at, token in enumerate(self.tokens):
            if token.type == "inline":
                captioned = bool(self.ends) and self.ends[-1].startswith("<figcaption>")
                yield self.phrases.draw(token.children or (), captioned=captioned)
            elif token.nesting > 0:
                before, after = self._pair(at, token)
                self.ends.append(after)
                yield before
            elif token.nesting < 0:
                yield self.ends.pop()
            else:
                yield "<hr>\n" if token.type == "hr" else self._code(token)

    def _code(self, token: Token) -> str:
        """Code scrolls on pages, so it can be reached by keyboard."""
        extra = ""
        if self.flavour == "web":
            language = token.info.strip()
            extra = ' tabindex="0"' + (f' data-language="{escape(language)}"' if language else "")
        return f"<pre{extra}><code>{escape(token.content.removesuffix(chr(10)))}</code></pre>\n"

    def _pair(self, at: int, token: Token) -> tuple[str, str]:
        """What stands before and after what the token opens."""
        match token.type:
            case "paragraph_open":
                return self._paragraph(at)
            case "heading_open" | "time_heading_open":
                return self._heading(token)
            case "end_mark_open":
                return self._end_mark()
            case "ordered_list_open":
                start = token.attrs.get("start", 1)
                return (f'<ol start="{start}">\n' if start != 1 else "<ol>\n"), "</ol>\n"
            case "list_item_open" | "tr_open":
                return f"<{token.tag}>", f"</{token.tag}>\n"
            case "th_open" | "td_open":
                return f"<{token.tag}>", f"</{token.tag}>"
            case "table_open" if self.flavour == "web":  # a wide table scrolls in a box
                return '<div tabindex="0"><table>\n', "</table></div>\n"
            case _:
                return f"<{token.tag}>\n", f"</{token.tag}>\n"

    def _paragraph(self, at: int) -> tuple[str, str]:
        """An item's only paragraph is the item itself; a picture with a caption is a figure."""
        before, after = (self.tokens[i].type if 0 <= i < len(self.tokens) else "" for i in (at - 1, at + 3))
        if before == "list_item_open" and after in (
            "list_item_close",
            "bullet_list_open",
            "ordered_list_open",
        ):
            return "", "" if after == "list_item_close" else "\n"
        children = self.tokens[at + 1].children or []
        if len(children) == 1 and children[0].type == "image" and children[0].attrs.get("title"):
            caption = escape(str(children[0].attrs["title"]))
            return "<figure>", f"<figcaption>{caption}</figcaption></figure>\n"
        return "<p>", "</p>\n"

    def _end_mark(self) -> tuple[str, str]:
        look = "" if self.flavour == "feed" else ' class="end"'
        hidden = ' aria-hidden="true"' if self.flavour == "web" else ""
        return f"<p{look}{hidden}>", "</p>\n"

    def _heading(self, token: Token) -> tuple[str, str]:
        """Entries have titles of h2 (or h3, in mail below a day): what stands in their text begins below."""
        wished = 3 if token.type == "time_heading_open" else max(3, int(token.tag[1]))
        self.level = min(wished, self.level + 1, 4)
        tag = f"h{self.level + 1 if self.flavour == 'mail' else self.level}"
        if token.type == "heading_open":
            return f"<{tag}>", f"</{tag}>\n"
        anchor = (
            f' id="{escape(self.uid)}-{token.meta["anchor"]}"' if self.flavour == "web" and self.uid else ""
        )
        times = self.phrases.classed("time", str(escape(token.meta["times"])))
        return f"<{tag}{anchor}>", f" {times}</{tag}>\n"
