"""A publication with its web server and a mail server, all on loopback, and a look at every kind of its pages."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from publisher.wiring import App
from tests.fake_smtp import FakeSmtp
from tests.house import House, day_file, essay
from tests.web.serving import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

T = TypeVar("T")

READER = "zhang.san@example.org"


@dataclass
class Publication:
    """What a reader in a browser deals with. Time passes when it is told to."""

    house: House
    app: App
    served: Served
    smtp: FakeSmtp

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.served.port}"

    def later(self, **duration: float) -> None:
        self.house.now += timedelta(**duration)

    def mails(self, to: str = READER) -> list[EmailMessage]:
        """What the mail server took for an address, after letters that are due were sent."""
        elsewhere(lambda: asyncio.run(self.app.send_letters()))
        read = [BytesParser(policy=policy.default).parsebytes(one) for one in self.smtp.seen.contents]
        return [one for one in read if one["To"] == to]  # type: ignore[misc]

    def publish(self, day: str) -> None:
        self.house.write(day, written(day))
        elsewhere(lambda: self.house.once(f"{day} 08:00"))
        self.house.app.keep_search_index()
        self.served.renew()

    def links(self, mail: EmailMessage) -> list[str]:
        """Every address of ours in a mail."""
        said = [str(mail["List-Unsubscribe"] or "")]
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            said.append(html.unescape(str(body.get_content())) if body else "")
        return sorted(set(re.findall(rf"{self.root}/[^\s\"'<>)（）]*", " ".join(said))))

    def link(self, mail: EmailMessage, name: str) -> str:
        """The address in a mail whose path begins so."""
        return next(one for one in self.links(mail) if one.startswith(f"{self.root}/{name}"))

    def state(self) -> str:
        return str(self.house.rows(f"SELECT state FROM subscribers WHERE email_norm = '{READER}'")[0][0])


def elsewhere(do: Callable[[], T]) -> T:
    """Do it in a thread of its own: in ours Playwright's event loop is running."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(do).result()


def written(day: str) -> str:
    """A day with topics, a link, and words that can be looked for."""
    return day_file(
        day,
        f"#国际贸易# 关税又涨了\n\n{essay(day + ' 贸易')}\n\nhttps://example.org/tariffs",
        f"#人工智能# AI 写的书\n\n{essay(day + ' 书', paragraphs=4)}",
        essay(f"{day} 旧事"),
    )


@contextlib.contextmanager
def publication(root: Path) -> Iterator[Publication]:
    """One with two published days, served while the block runs."""
    with FakeSmtp(root / "accepted.log") as smtp, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        house = House(
            root, url=f"http://127.0.0.1:{port}/", links={"budget_s": 0},
            mail={
                "transport": "smtp", "host": "127.0.0.1", "port": smtp.port, "security": "none",
                "sender": "digest@example.org", "owner": "",
            },
        )  # fmt: skip
        for day in ("2025-01-28", "2025-01-29"):
            house.write(day, written(day))
            elsewhere(lambda day=day: house.once(f"{day} 08:00"))  # type: ignore[misc]
        app = house.app
        house.app.keep_search_index()
        with serving(house, app=app, port=port) as served:
            yield Publication(house, app, served, smtp)


# ---------------------------------------------------------------- every kind of page


def every_page(there: Publication) -> dict[str, str]:
    """By name: the HTML of one page of each kind, those included that only a button leads to."""
    walk = _Walk(there)
    walk.site()
    walk.form()
    walk.reader()
    return walk.pages


def every_page_shown(
    browser: Browser, root: str, pages: dict[str, str], **options: Any
) -> Iterator[tuple[str, Page]]:
    """Each of these pages in a browser, those that answer a POST too, with the site's own style."""
    context = browser.new_context(base_url=root, **options)
    page = context.new_page()
    for name, text in pages.items():
        page.route(f"{root}/made/{name}/", _answering(text))
        page.goto(f"{root}/made/{name}/")
        yield name, page
    context.close()


def _answering(text: str) -> Callable[[Route], None]:
    def answer(route: Route) -> None:
        route.fulfill(body=text, content_type="text/html; charset=utf-8")

    return answer


class _Walk:
    """Somebody who opens every page and presses every button."""

    def __init__(self, there: Publication) -> None:
        self.there = there
        self.pages: dict[str, str] = {}

    def get(self, name: str, path: str) -> str:
        self.pages[name] = self.there.served.get(path.removeprefix(self.there.root)).text
        return self.pages[name]

    def post(self, name: str, path: str, **fields: str) -> str:
        self.pages[name] = self.there.served.client.post(path, data=fields).text
        return self.pages[name]

    def site(self) -> None:
        for name in ("archive/", "topics/", "links/", "search", "nowhere/", "2025/01/29/"):
            self.get(name.strip("/").replace("/", "-"), f"/{name}")
        self.get("home", "/")
        for name, asked in (("found", "关税"), ("nothing-found", "没有的词")):
            self.get(name, f"/search?q={asked}")
        entry = re.search(r'href="(/2025/01/29/[^/"#]+/)"', self.pages["home"])
        topic = re.search(r'href="(/topics/[^"/]+/)"', self.pages["topics"])
        assert entry is not None
        assert topic is not None
        self.get("entry", html.unescape(entry[1]))
        self.get("topic", html.unescape(topic[1]))

    def form(self) -> None:
        page = self.get("subscribe", "/subscribe/")
        self.get("subscribe-en", "/subscribe/?lang=en")
        stamp = _hidden(page, "stamp")
        self.post("subscribe-early", "/subscribe/", stamp=stamp, email=READER)
        self.there.later(seconds=5)
        self.post("subscribe-mistyped", "/subscribe/", stamp=stamp, email="zhang.san")
        self.post("asked", "/subscribe/", stamp=stamp, email=READER)

    def reader(self) -> None:
        there = self.there
        confirm = there.link(there.mails()[-1], "subscribe/confirm/")
        token = _hidden(self.get("confirm", confirm), "t")
        self.post("subscribed", "/subscribe/confirm/", t=token)
        self.post("already", "/subscribe/confirm/", t=token)
        self.get("dead-link", "/subscribe/confirm/?t=x")
        there.publish("2025-01-30")
        mail = there.mails()[-1]
        preferences, leave = (
            there.link(mail, "subscribe/preferences/"),
            there.link(mail, "subscribe/unsubscribe/"),
        )
        token = _hidden(self.get("preferences", preferences), "t")
        self.post("preferences-saved", "/subscribe/preferences/", t=token, do="save", cadence="daily")
        self.post(
            "preferences-mistyped", "/subscribe/preferences/", t=token, do="save", pause="until", until="x"
        )
        there.later(hours=1)
        self.post(
            "another-address", "/subscribe/preferences/", t=token, do="address", email="li.si@example.net"
        )
        self.get("change", there.link(there.mails("li.si@example.net")[-1], "subscribe/change/"))
        self.get("data", f"/subscribe/data/?t={token}")
        self.post("data-unsure", "/subscribe/data/", t=token, do="erase")
        out = _hidden(self.get("unsubscribe", leave), "t")
        self.post("weekly", "/subscribe/unsubscribe/", t=out, do="weekly")
        left = self.post("left", "/subscribe/unsubscribe/", t=out, do="leave")
        self.get("left-already", leave)
        self.get("back", f"/subscribe/unsubscribe/?t={_hidden(left, 't')}")
        self.post("welcome-back", "/subscribe/unsubscribe/", t=_hidden(left, "t"), do="back")
        self.post("erased", "/subscribe/data/", t=token, do="erase", sure="yes")


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return html.unescape(found[1])
