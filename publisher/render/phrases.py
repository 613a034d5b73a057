"""What stands inside a paragraph, as HTML: links that say where they lead, topics, emoji, pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import escape
from msgspec import Struct, field

from publisher.core.emoji import emoji_of
from publisher.core.entry import EntryLink
from publisher.core.inline import is_web
from publisher.core.link import LinkState, Shown, host_label, is_short, short_form, shown, warning
from publisher.core.markup import Token
from publisher.core.plaintext import inline_text
from publisher.core.site import Site
from publisher.render.words import Words, words

Flavour = Literal["web", "feed", "mail"]
"""web: our own pages, classes allowed; feed: the tag set every reader keeps, absolute addresses, no class;
mail: as feed, plus classes that css-inline resolves; images as alt text and link."""

# One range above the BMP instead of the last two of each plane: a set of many would be tried for every character.
_NOT_HTML = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U0001fffe-\U0010ffff]"
)
_ELEMENTS = {"em": "em", "strong": "strong", "s": "del"}


def seen(text: str) -> str:
    """Without the code points that no HTML document may hold."""
    return _NOT_HTML.sub(_unless_assigned, text)


def _unless_assigned(found: re.Match[str]) -> str:
    """A character of a higher plane, unless it is one of its last two, which are none."""
    return found[0] if found[0] > "\uffff" and ord(found[0]) & 0xFFFE != 0xFFFE else ""


def own_words(link: EntryLink) -> str:
    """The curator's words of a [link](…); '' when they only repeat the address."""
    said = seen(link.text).strip()
    return "" if said.split("://")[-1].rstrip("/") in link.url else said


def destination(state: LinkState) -> str:
    """'标题 — weibo.com', as far as it is known; '' when nothing is."""
    if not state.target:
        return ""
    return " — ".join(filter(None, (seen(state.target_title or ""), host_label(state.target))))


def quoted(url: str) -> str:
    """The address with everything percent-encoded that a URI cannot hold."""
    return quote(seen(url), safe="/#?&=%~:@!$'()*+,;-._[]")


class Phrases(Struct, frozen=True):
    """Draws the inside of paragraphs for one place. Knows what is known of links and files."""

    site: Site
    flavour: Flavour
    links: Mapping[str, LinkState] = field(default_factory=dict)
    media: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        return words(self.site.language)

    def draw(self, children: Sequence[Token], *, captioned: bool = False) -> str:
        """The children of an inline token. `captioned`: a picture's title stands below it."""
        drawn: list[str] = []
        ends: list[str] = []
        for at, token in enumerate(children):
            if token.type == "link_open":
                before, after = self._link(token, empty=children[at + 1].type == "link_close")
                drawn.append(before)
                ends.append(after)
            elif token.type == "link_close":
                drawn.append(ends.pop())
            elif token.type == "image":
                drawn.append(self._picture(token, "" if captioned else str(token.attrs["title"])))
            else:
                drawn.append(self._one(token))
        return "".join(drawn)

    def _one(self, token: Token) -> str:
        said = str(escape(token.content))
        match token.type:
            case "hardbreak":
                return "<br>"
            case "code_inline":
                return f"<code>{said}</code>"
            case "url":
                return self._address(str(token.meta["url"]), token.content)
            case "topic":
                return self.classed("topic", str(escape(inline_text([token]))))
            case "emoji_code":
                return self._emoji(token.content)
            case _ if token.nesting:
                return f"<{'/' if token.nesting < 0 else ''}{_ELEMENTS[token.tag]}>"
            case _:
                return said

    def classed(self, name: str, said: str) -> str:
        """`said` (HTML) with a look of its own, where looks are kept."""
        return said if self.flavour == "feed" else f'<span class="{name}">{said}</span>'

    def _emoji(self, code: str) -> str:
        emoji = emoji_of(code[1:-1])
        if emoji is None:
            return str(escape(code))
        if self.flavour == "feed":
            return emoji
        return f'<span role="img" aria-label="{escape(code[1:-1])}">{emoji}</span>'

    # -- pictures and files --------------------------------------------------------------------------

    def _picture(self, token: Token, title: str) -> str:
        """A picture of ours; one of others as a link unless the site shows them; a missing one as its words."""
        target, alt = str(token.attrs["src"]), token.content
        address = self._address_of(target)
        said = str(escape(alt or (short_form(target) if is_web(target) else target)))
        shown = target in self.media or (is_web(target) and self.site.remote_images)
        if not shown or self.flavour == "mail":
            return self._anchor(target, said, title) if address else f"{said} {escape(title)}".rstrip()
        more = f' title="{escape(title)}"' if title else ""
        more += ' loading="lazy"' if self.flavour == "web" else ""
        return f'<img src="{escape(address)}" alt="{escape(alt)}"{more}>'

    def _address_of(self, target: str) -> str:
        """What a link's or picture's target leads to; '' when it leads nowhere."""
        if is_web(target) or target.lower().startswith("mailto:"):
            return quoted(target)
        if target in self.media:
            return self._below_root(self.media[target])
        return self._below_root(target[1:]) if target.startswith("/") else ""

    def _below_root(self, path: str) -> str:
        """A path below the site root: root-relative on our own pages, a full address elsewhere."""
        full = self.site.absolute(seen(path))
        return (
            full.removeprefix(self.site.url.removesuffix(self.site.base_path))
            if self.flavour == "web"
            else full
        )

    # -- links as text -------------------------------------------------------------------------------

    def address(self, url: str) -> str:
        """The address that is the link: the one that was written, or the one behind a short one."""
        behind = self._state(url).target if self.site.show_links == "resolved" and is_short(url) else None
        return behind or url

    def said_of(self, url: str, written: str) -> str:
        """'标题 — weibo.com（t.cn/A63SL70V）（链接已失效…）', or the address alone."""
        if not is_web(url) or not is_short(url):
            return short_form(written) + (self.warning_of(url) if is_web(url) else "")
        found = shown(self._state(url), show=self.site.show_links)
        after = self.words(" ({address})", address=found.beside) if found.beside else ""
        return f"{seen(found.text)}{after}{self.warning_of(url)}"

    def source_text(self, link: EntryLink) -> str:
        """The link an entry came from: what it is, and a word of warning; the address stands elsewhere."""
        hidden = is_short(link.url) and self.site.show_links == "original"
        said = own_words(link) or ("" if hidden else destination(self._state(link.url)))
        return f"{said}{self.warning_of(link.url)}".lstrip()

    # -- links ---------------------------------------------------------------------------------------

    def source(self, link: EntryLink) -> str:
        """The link an entry came from: what it is, its address, a word of warning."""
        state, own = self._state(link.url), own_words(link)
        found = shown(state, show=self.site.show_links, words=own)
        if not own and not is_short(link.url) and state.target:
            found = Shown(link.url, destination(state), short_form(link.url))
        return self._told(link.url, found)

    def _address(self, url: str, written: str) -> str:
        """A bare address: a short one says where it leads, when that is known."""
        if not is_web(url):
            return self._anchor(url, str(escape(written)))
        state = self._state(url)
        found = shown(state, show=self.site.show_links) if is_short(url) else Shown(url, short_form(url))
        return self._told(url, found)

    def _told(self, url: str, found: Shown) -> str:
        """'标题 — weibo.com（t.cn/A63SL70V）（链接已失效…）', or the address alone."""
        after = escape(self.words(" ({address})", address=found.beside)) if found.beside else ""
        drawn = self._struck(url, self._anchor(found.href, str(escape(seen(found.text)))))
        return f"{drawn}{after}{self._warned(url)}"

    def _struck(self, url: str, drawn: str) -> str:
        """A dead link is struck out: what it led to can still be read."""
        return f"<del>{drawn}</del>" if self._state(url).verdict == "dead" else drawn

    def _link(self, opening: Token, *, empty: bool) -> tuple[str, str]:
        """What stands before and after the words of a [link](…); one without words shows its address."""
        target = str(opening.attrs["href"])
        said = str(escape(short_form(target) if is_web(target) else target)) if empty else ""
        state = self._state(target)
        resolved = is_short(target) and self.site.show_links == "resolved" and state.target
        drawn = self._anchor(resolved or target, f"{said}\0", str(opening.attrs.get("title", "")))
        before, _, after = self._struck(target, drawn).partition("\0")
        return before, after + (self._warned(target) if is_web(target) else "")

    def _anchor(self, target: str, said: str, title: str = "") -> str:
        """`said` (HTML) as a link; a file that is not there is named behind it."""
        href = self._address_of(target)
        if not href:
            return f"{said} ({escape(target)})"
        extra = f' title="{escape(title)}"' if title else ""
        if self.flavour == "web" and is_web(target):
            extra += f' data-dest="{escape(short_form(self._state(target).target or target))}"'
        return f'<a href="{escape(href)}"{extra}>{said}</a>'

    def _state(self, url: str) -> LinkState:
        return self.links.get(url) or LinkState(url=url)

    def _warned(self, url: str) -> str:
        """The word of warning; behind a dead link the way to a copy of what it led to."""
        told = str(escape(self.warning_of(url)))
        said = self.classed("warn", told) if told else ""
        copy = self._state(url).archive_url if told and self._state(url).verdict == "dead" else ""
        return f"{said} {self._anchor(copy, str(escape(self.words('archived copy'))))}" if copy else said

    def warning_of(self, url: str) -> str:
        """'（1月29日查：打不开（404））'; '' when there is nothing to warn of.

        A feed is read for weeks and tells deaths alone: a live link must not be called broken in it.
        """
        state = self._state(url)
        found = warning(state)
        if found is None or (self.flavour == "feed" and state.verdict != "dead"):
            return ""
        message, why = found
        said = self.words(message, why=self.words(why), day=self._day(state.checked_at))
        return self.words(" ({address})", address=said)

    def _day(self, at: datetime | None) -> str:
        if at is None:
            return "?"
        day = at.astimezone(ZoneInfo(self.site.timezone)).date()
        return self.words.day_short(day) if self.flavour == "mail" else self.words.day_full(day)
