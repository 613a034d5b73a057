"""The few facts about a site that every rendering needs."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from msgspec import Struct

from publisher.core.link import Show


class Site(Struct, frozen=True, kw_only=True):
    """`url` has a scheme and ends with '/': 'https://example.org/daily/' for a site under a path prefix."""

    title: str
    url: str
    description: str = ""
    author: str = ""
    language: str = "zh-CN"  # BCP 47, of readers: feeds and headers; HTML says `html_lang`
    timezone: str = "Asia/Shanghai"
    contact: str = ""  # an address or line for the foot of pages and mail
    remote_images: bool = False  # False: remote images become links
    show_links: Show = "both"  # how short links are shown (core.link)
    publisher_uuid: str = ""  # of the publication: part of Message-ID
    tag_host: str = "localhost"  # the authority of every tag: URI, stored at the first run

    @property
    def html_lang(self) -> str:
        """'zh-CN' is written 'zh-Hans' in HTML, so that fonts and quotes are chosen right."""
        return {"zh-CN": "zh-Hans", "zh": "zh-Hans", "zh-TW": "zh-Hant", "zh-HK": "zh-Hant"}.get(
            self.language, self.language
        )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def base_path(self) -> str:
        """The path every root-relative address starts with: '/' or '/daily/'."""
        return urlsplit(self.url).path

    def absolute(self, path: str) -> str:
        """The full address of a path below the site root, given without a leading '/'; non-ASCII is quoted."""
        return self.url + quote(path, safe="/#?&=%~:@!$'()*+,;-._")
