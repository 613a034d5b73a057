"""The pages of subscribing on a real server: GET changes nothing, POST acts once, nobody learns who is known."""

from __future__ import annotations

import asyncio
import html
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.web import gatekeeper
from publisher.wiring import App
from tests.house import House, essays
from tests.web.serving import Served, serving

READER = "zhang.san@example.org"
FORM = {"cadence": "daily", "body": "full", "language": "zh-Hans", "lang": "zh", "homepage": ""}
FIELDS = (*FORM, "email", "stamp", "t", "do", "sure", "until", "pause")
PAGES = ("confirm", "change", "preferences", "unsubscribe", "view", "data")


@dataclass
class Site:
    """A served house, seen by somebody with a browser and a mailbox."""

    served: Served
    house: House
    app: App

    def later(self, **duration: float) -> None:
        self.house.now += timedelta(**duration)

    def stamp(self) -> str:
        return str(fields_of(self.served.get("/subscribe/").text)["stamp"])

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.served.client.post(path, data=fields, headers=named)

    def ask(self, email: str = READER, **fields: str) -> httpx.Response:
        """Fill in the form as a person does."""
        stamp = self.stamp()
        self.later(seconds=5)
        return self.post("/subscribe/", {**FORM, "stamp": stamp, "email": email, **fields})

    def letters(self, to: str = READER) -> list[EmailMessage]:
        """What came for an address of single letters, after those that are due were sent."""
        asyncio.run(self.app.send_letters())
        return [m for m in self.house.mails() if m["Auto-Submitted"] and m["To"] == to]

    def link(self, letter: EmailMessage) -> str:
        """The path of the one link of a letter."""
        (found,) = set(re.findall(r"https://daily\.example\.cn(/subscribe/\S+)", self.house.text(letter)))
        return str(found)

    def press(self, path: str, do: str = "") -> httpx.Response:
        """Open a page and press a button of it."""
        page = self.served.get(path)
        assert page.status_code == 200, page.text
        return self.press_on(page, do)

    def press_on(self, page: httpx.Response, do: str = "") -> httpx.Response:
        for form in forms_of(page.text):
            if not do or form["fields"].get("do") == do:
                return self.post(form["action"], form["fields"])
        raise AssertionError(f"no button {do} on {page.url}")

    def subscribe(self, email: str = READER, **fields: str) -> httpx.Response:
        assert self.ask(email, **fields).status_code == 200
        return self.press(self.link(self.letters(email)[-1]))

    def digest(self, day: str = "2025-01-30", to: str = READER) -> EmailMessage:
        """Another day goes out; what came of it to an address."""
        self.house.write(day, essays(day, 2))
        self.house.once(f"{day} 08:00")
        return [m for m in self.house.mails() if not m["Auto-Submitted"] and m["To"] == to][-1]

    def links(self, mail: EmailMessage) -> list[str]:
        """Every address of a mail that leads to us, of headers and both bodies, as paths."""
        body = mail.get_body(("html",))
        assert body is not None
        said = [str(mail["List-Unsubscribe"]), self.house.text(mail), html.unescape(str(body.get_content()))]
        found = re.findall(r"https://daily\.example\.cn(/[^\s\"'<>)（）]*)", " ".join(said))
        return sorted(set(found))

    def link_to(self, mail: EmailMessage, name: str) -> str:
        return next(path for path in self.links(mail) if path.startswith(f"/{name}"))

    def state(self, email: str = READER) -> str | None:
        rows = self.house.rows(f"SELECT state FROM subscribers WHERE email_norm = '{email}'")
        return str(rows[0][0]) if rows else None


def forms_of(page: str) -> list[dict[str, object]]:
    """The forms of a page as a browser would send them."""
    found = []
    for head, body in re.findall(r"<form([^>]*)>(.*?)</form>", page, re.DOTALL):
        action = re.search(r'action="([^"]*)"', head)
        if action is None or 'method="post"' not in head:
            continue
        found.append({"action": html.unescape(action[1]), "fields": fields_of(body)})
    return found


def fields_of(page: str) -> dict[str, str]:
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        said = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if said.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        fields[said["name"]] = said.get("value", "")
    return fields


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house after its first day, to be copied: a run takes longer than most tests here."""
    root = tmp_path_factory.mktemp("published")
    house = House(root, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    return root


def opened(published: Path, root: Path) -> House:
    shutil.copytree(published, root, dirs_exist_ok=True)
    return House(root, links={"budget_s": 0})


@pytest.fixture
def site(published: Path, tmp_path: Path) -> Iterator[Site]:
    house = opened(published, tmp_path)
    app = house.app
    with serving(house, app=app) as served:
        yield Site(served, house, app)


# ---------------------------------------------------------------- the way in, through and out


def test_a_reader_subscribes_reads_chooses_and_leaves(site: Site) -> None:
    done = site.subscribe(cadence="daily", body="lead")
    assert "z…@example.org" in done.text
    assert "2025年1月30日" in done.text  # when the next digest comes
    assert site.state() == "active"

    mail = site.digest()
    viewed = site.served.get(site.link_to(mail, "subscribe/view/"))
    assert viewed.status_code == 200
    body = mail.get_body(("html",))
    assert body is not None
    assert viewed.text.split() == str(body.get_content()).split()

    saved = site.post(
        "/subscribe/preferences/",
        {
            **fields_of(site.served.get(site.link_to(mail, "subscribe/preferences/")).text),
            "do": "save", "cadence": "weekly", "body": "titles", "language": "en", "pause": "",
        },
    )  # fmt: skip
    assert "Saved." in saved.text  # in the language that was chosen just now
    row = site.house.rows(f"SELECT cadence, body, language FROM subscribers WHERE email_norm = '{READER}'")
    assert row == [("weekly", "titles", "en")]

    left = site.press(site.link_to(mail, "subscribe/unsubscribe/"), "leave")
    assert site.state() == "unsubscribed"
    assert 'role="status"' in left.text
    back = site.press_on(left, "back")
    assert site.state() == "active"
    assert "z…@example.org" in back.text


def test_once_a_week_instead_of_leaving(site: Site) -> None:
    site.subscribe()
    mail = site.digest()
    assert site.press(site.link_to(mail, "subscribe/unsubscribe/"), "weekly").status_code == 200
    assert site.state() == "active"
    assert ("weekly",) in site.house.rows(f"SELECT cadence FROM subscribers WHERE email_norm = '{READER}'")


def test_another_address_is_asked_first_and_then_mailed(site: Site) -> None:
    site.subscribe()
    page = site.served.get(site.link_to(site.digest(), "subscribe/preferences/"))
    token = fields_of(page.text)["t"]
    site.later(hours=1)
    asked = site.post("/subscribe/preferences/", {"t": token, "do": "address", "email": "li.si@example.net"})
    assert asked.status_code == 200
    assert site.state() == "active"
    (letter,) = site.letters("li.si@example.net")
    assert "l…@example.net" in site.served.get(site.link(letter)).text
    assert site.press(site.link(letter)).status_code == 200
    assert site.state() is None
    assert site.state("li.si@example.net") == "active"


def test_a_reader_takes_their_data_and_is_forgotten(site: Site) -> None:
    site.subscribe()
    token = fields_of(site.served.get(site.link_to(site.digest(), "subscribe/preferences/")).text)["t"]
    page = site.served.get(f"/subscribe/data/?t={token}")
    assert READER not in page.text
    taken = site.press_on(page, "take")
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["cache-control"] == "no-store"
    assert json.loads(taken.text)["email"] == READER
    unsure = site.press_on(page, "erase")
    assert unsure.status_code == 200
    assert site.state() == "active"
    gone = site.post("/subscribe/data/", {"t": token, "do": "erase", "sure": "yes"})
    assert gone.status_code == 200
    assert site.state() is None
    assert site.served.get(f"/subscribe/data/?t={token}").status_code == 404
    assert READER not in repr(site.house.content_rows())


def test_a_pause_ends_on_a_day_to_come(site: Site) -> None:
    site.subscribe()
    token = fields_of(site.served.get(site.link_to(site.digest(), "subscribe/preferences/")).text)["t"]
    choice = {"t": token, "do": "save", "cadence": "daily", "body": "full", "language": "zh-Hans"}
    for until in ("", "2024-01-01", "2039-01-01", "morgen", "<b>"):
        refused = site.post("/subscribe/preferences/", {**choice, "pause": "until", "until": until})
        assert refused.status_code == 422, until
        assert 'id="until-error"' in refused.text
        assert "<b>" not in refused.text
        assert site.state() == "active"
    paused = site.post("/subscribe/preferences/", {**choice, "pause": "until", "until": "2025-02-10"})
    assert paused.status_code == 200
    assert site.state() == "paused"
    assert 'value="2025-02-10"' in paused.text
    assert site.post("/subscribe/preferences/", {**choice, "pause": ""}).status_code == 200
    assert site.state() == "active"


def preferences_token(site: Site) -> str:
    return fields_of(site.served.get(site.link_to(site.digest(), "subscribe/preferences/")).text)["t"]


def test_what_a_form_does_not_say_stays_as_it_is(site: Site) -> None:
    site.subscribe(cadence="weekly", body="lead", language="en")
    site.app.set_subscriber(READER, cadence="daily", body=None, language=None)
    token = preferences_token(site)
    path = "/subscribe/preferences/"
    paused = {"t": token, "do": "save", "pause": "until", "until": "2025-02-10"}
    assert site.post(path, paused).status_code == 200
    before = everything(site)
    for fields in ({}, {"cadence": "weekly", "pause": ""}, {"do": "nonsense", "pause": ""}, {"do": "save"}):
        assert site.post(path, {"t": token, **fields}).status_code == 200
        assert everything(site) == before, fields
    assert site.post(path, {"t": token, "do": "save", "cadence": "weekly"}).status_code == 200
    row = site.house.rows(
        f"SELECT cadence, body, language, state, paused_until FROM subscribers WHERE email_norm = '{READER}'"
    )
    assert row == [("weekly", "lead", "en", "paused", "2025-02-10")]


@pytest.mark.parametrize("until", [None, "2031-01-01", "2025-01-31"])
def test_the_page_of_any_pause_may_be_saved_as_it_is_shown(site: Site, until: str | None) -> None:
    site.subscribe()
    token = preferences_token(site)
    site.app.pause_subscriber(READER, date.fromisoformat(until) if until else None)
    site.later(days=2)  # a short pause is over by then, and no tick has ended it yet
    before = everything(site)
    saved = site.press(f"/subscribe/preferences/?t={token}", "save")
    assert saved.status_code == 200
    assert 'role="status"' in saved.text
    assert everything(site) == before
    assert site.state() == "paused"


def test_who_asks_for_a_change_too_often_is_told_so(site: Site) -> None:
    site.subscribe()
    fields = {"t": preferences_token(site), "do": "address", "email": "li.si@example.net"}
    assert site.post("/subscribe/preferences/", fields).status_code == 200
    again = site.post("/subscribe/preferences/", fields)
    assert again.status_code == 422
    assert "不久前刚有人请我们给这个地址写过信" in again.text
    assert 'value="li.si@example.net"' in again.text
    assert len(site.letters("li.si@example.net")) == 1


def test_the_old_mailbox_opens_nothing_after_a_change_but_the_way_out(site: Site) -> None:
    site.ask()
    confirm = site.link(site.letters()[-1])
    site.press(confirm)
    mail = site.digest()
    token = fields_of(site.served.get(site.link_to(mail, "subscribe/preferences/")).text)["t"]
    fields = {"t": token, "do": "address", "email": "li.si@example.net"}
    site.post("/subscribe/preferences/", fields)
    change = site.link(site.letters("li.si@example.net")[-1])
    assert site.press(change).status_code == 200
    assert site.press(change).status_code == 200  # pressed twice
    old = confirm.partition("?t=")[2]
    for answer in (site.served.get(confirm), site.post("/subscribe/confirm/", {"t": old})):
        assert answer.status_code == 404
        assert "example.net" not in answer.text
    for name in ("view", "preferences"):
        assert site.served.get(site.link_to(mail, f"subscribe/{name}/")).status_code == 404
    page = site.served.get(site.link_to(mail, "subscribe/unsubscribe/"))
    assert page.status_code == 200
    assert "example.net" not in page.text
    assert site.state("li.si@example.net") == "active"
    assert site.post(site.link_to(mail, "u/"), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert site.state("li.si@example.net") == "unsubscribed"
    left = site.post("/subscribe/unsubscribe/", fields_of(page.text))
    assert left.status_code == 200
    assert "?t=" not in left.text
    assert 'name="t"' not in left.text
    assert "example.net" not in left.text


# ---------------------------------------------------------------- GET changes nothing


def everything(site: Site) -> object:
    return site.house.content_rows()


def test_no_page_changes_a_row_however_often_it_is_opened(site: Site) -> None:
    """What a scanner of links does: every address of every mail and letter, and every link on those pages."""
    site.ask()
    confirm = site.link(site.letters()[-1])
    before = everything(site)
    for method in ("GET", "HEAD", "GET"):
        assert site.served.ask(method, confirm).status_code == 200
    assert everything(site) == before
    site.press(confirm)
    mail = site.digest()
    before = everything(site)
    paths = [confirm, *site.links(mail)]
    assert {name for name in ("view", "preferences", "unsubscribe") if any(f"/{name}/" in p for p in paths)} == {
        "view", "preferences", "unsubscribe",
    }  # fmt: skip
    assert any(path.startswith("/u/") for path in paths)
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        if path in seen:
            continue
        seen.add(path)
        for method in ("GET", "HEAD"):
            answer = site.served.ask(method, path)
            assert answer.status_code < 500, path
            assert "set-cookie" not in answer.headers, path
        if "?t=" in path and "/view/" not in path:
            paths += [html.unescape(p) for p in re.findall(r'href="(/[^"]*)"', site.served.get(path).text)]
    assert len(seen) > 8
    assert everything(site) == before
    assert site.state() == "active"


def test_other_methods_are_refused(site: Site) -> None:
    for path in ("/subscribe/", "/u/x", *(f"/subscribe/{name}/" for name in PAGES)):
        for method in ("PUT", "DELETE", "PATCH"):
            assert site.served.ask(method, path).status_code == 405
    assert site.served.ask("POST", "/subscribe/view/").status_code == 405


# ---------------------------------------------------------------- RFC 8058


def test_one_click_leaves_at_once_and_once(site: Site) -> None:
    site.subscribe()
    mail = site.digest()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = site.link_to(mail, "u/")
    for _ in range(2):
        answer = site.post(path, {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert site.state() == "unsubscribed"
    withdrawn = site.house.rows("SELECT source FROM consents WHERE kind = 'withdrawn'")
    assert withdrawn == [("one-click",)]


def test_one_click_is_taken_as_multipart_and_from_any_origin(site: Site) -> None:
    site.subscribe()
    path = site.link_to(site.digest(), "u/")
    answer = site.served.client.post(
        path, files={"List-Unsubscribe": (None, "One-Click")},
        headers={"origin": "https://mail.example", "sec-fetch-site": "cross-site"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert site.state() == "unsubscribed"


def test_a_post_without_the_words_of_the_standard_does_nothing(site: Site) -> None:
    site.subscribe()
    path = site.link_to(site.digest(), "u/")
    for fields in ({}, {"List-Unsubscribe": "yes"}, {"x": "One-Click"}):
        assert site.post(path, fields).status_code == 400
    assert site.state() == "active"


@pytest.mark.parametrize(
    "token", ["x", "a.1.0.b", "..", "%00", "a" * 3000, "%F0%9F%98%80", "'%3B--", "-1.-1.-1.-1"]
)
def test_an_unknown_token_is_said_to_be_one(site: Site, token: str) -> None:
    one_click = site.post(f"/u/{token}", {"List-Unsubscribe": "One-Click"})
    assert one_click.status_code in (404, 405)
    for name in PAGES:
        assert site.served.get(f"/subscribe/{name}/?t={token}").status_code == 404
        if name != "view":
            assert site.post(f"/subscribe/{name}/", {"t": token, "sure": "yes"}).status_code == 404


# ---------------------------------------------------------------- tokens


def test_a_token_of_one_purpose_opens_no_other_page(site: Site) -> None:
    site.ask()
    confirm = site.link(site.letters()[-1])
    site.press(confirm)
    mail = site.digest()
    tokens = {"confirm": confirm.partition("?t=")[2]}
    for name in ("preferences", "unsubscribe", "view"):
        tokens[name] = site.link_to(mail, f"subscribe/{name}/").partition("?t=")[2]
    tokens["form"] = site.stamp()
    opens = {
        "confirm": {"confirm"},
        "preferences": {"preferences", "data"},
        "unsubscribe": {"unsubscribe"},
        "view": {"view"},
    }
    before = everything(site)
    for purpose, token in tokens.items():
        for name in PAGES:
            if name in opens.get(purpose, set()):
                continue
            assert site.served.get(f"/subscribe/{name}/?t={token}").status_code == 404, (purpose, name)
            if name != "view":
                sent = {"t": token, "sure": "yes", "do": "erase"}
                assert site.post(f"/subscribe/{name}/", sent).status_code == 404, (purpose, name)
        if purpose != "unsubscribe":
            assert site.post(f"/u/{token}", {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert everything(site) == before


def test_a_token_in_the_address_of_a_post_does_nothing(site: Site) -> None:
    site.subscribe()
    path = site.link_to(site.digest(), "subscribe/unsubscribe/")
    assert site.post(path, {}).status_code == 404
    assert site.post(path, {"do": "leave"}).status_code == 404
    assert site.state() == "active"


def test_a_confirmation_holds_seven_days(site: Site) -> None:
    site.ask()
    path = site.link(site.letters()[-1])
    site.later(days=8)
    assert site.served.get(path).status_code == 410
    assert site.post("/subscribe/confirm/", {"t": path.partition("?t=")[2]}).status_code == 410
    assert site.state() == "pending"


# ---------------------------------------------------------------- nobody learns who is known


def test_the_answer_is_the_same_for_known_and_unknown(site: Site) -> None:
    """Same status, same headers, same bytes but the address that was typed, same work on the database."""
    for email in ("known@example.org", "left-@example.org"):
        site.subscribe(email)
    site.house.rows("SELECT 1")
    site.post("/subscribe/unsubscribe/", {"t": "x"})
    told, work = set(), set()
    for n, email in enumerate(("known@example.org", "left-@example.org", "fresh@example.org")):
        site.later(hours=1 + n)
        with counted(site) as statements:
            answer = site.ask(email)
        headers = tuple((k, v) for k, v in answer.headers.items() if k != "date")
        told.add((answer.status_code, headers, answer.text.replace(email, "ADDRESS")))
        work.add(tuple(statements))
    assert len(told) == 1
    assert len(work) == 1


class counted:  # noqa: N801 - reads as a word of the test
    """The statements that the server's store runs while a block runs."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __enter__(self) -> list[str]:
        from sqlalchemy import event

        self._said: list[str] = []
        with self._site.app.at_hand() as e:
            self._engine = e.store._engine
        event.listen(self._engine, "before_cursor_execute", self._heard)
        return self._said

    def __exit__(self, *_: object) -> None:
        from sqlalchemy import event

        event.remove(self._engine, "before_cursor_execute", self._heard)

    def _heard(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        self._said.append(statement)


# ---------------------------------------------------------------- the gate of the form


def test_too_fast_keeps_what_was_typed_and_the_second_press_counts(site: Site) -> None:
    typed = {**FORM, "stamp": site.stamp(), "email": READER, "cadence": "weekly", "body": "titles"}
    again = site.post("/subscribe/", typed)
    assert again.status_code == 422
    kept = fields_of(again.text)
    assert {name: kept[name] for name in ("email", "cadence", "body")} == {
        "email": READER, "cadence": "weekly", "body": "titles",
    }  # fmt: skip
    site.later(seconds=2)
    assert site.post("/subscribe/", kept).status_code == 200
    assert len(site.letters()) == 1


@pytest.mark.parametrize("stamp", ["", "1.2.3", "late", "cut"])
def test_a_form_without_a_good_stamp_is_shown_again_and_then_taken(site: Site, stamp: str) -> None:
    stamped = site.stamp()
    if stamp == "late":
        site.later(hours=25)
    said = {"late": stamped, "cut": stamped[:-1]}.get(stamp, stamp)
    again = site.post("/subscribe/", {**FORM, "stamp": said, "email": READER})
    assert again.status_code == 422
    assert site.letters() == []
    assert site.post("/subscribe/", fields_of(again.text)).status_code == 200
    assert len(site.letters()) == 1


def test_what_fills_in_the_trap_is_asked_again(site: Site) -> None:
    again = site.ask(homepage="https://spam.example/")
    assert again.status_code == 422
    assert site.letters() == []
    assert fields_of(again.text)["homepage"] == ""
    assert site.post("/subscribe/", fields_of(again.text)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"origin": "https://evil.example"},
        {"origin": "null"}, {"origin": "https://daily.example.cn.evil.example"}, {"origin": "https://["},
        {"sec_fetch_site": "cross-site", "origin": "https://daily.example.cn"},
    ],
)  # fmt: skip
def test_a_form_of_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    stamp = site.stamp()
    site.later(seconds=5)
    refused = site.post("/subscribe/", {**FORM, "stamp": stamp, "email": READER}, **headers)
    assert refused.status_code == 403
    assert fields_of(refused.text)["email"] == READER
    assert site.letters() == []


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}, {"origin": "https://daily.example.cn"},
        {"sec_fetch_site": "same-origin", "origin": "null"}, {"origin": "https://Daily.Example.CN:443"},
    ],
)  # fmt: skip
def test_our_own_form_is_taken(site: Site, headers: dict[str, str]) -> None:
    stamp = site.stamp()
    site.later(seconds=5)
    taken = site.post("/subscribe/", {**FORM, "stamp": stamp, "email": READER}, **headers)
    assert taken.status_code == 200


HOSTILE = (
    "", " ", "zhang", "a@b", "a@@b.cn", "a@b.cn, c@d.cn", "a@b.cn\r\nBcc: x@y.cn", "a@b.cn\0", "张三＠例子.中国",
    "张@example.org", "<script>alert(1)</script>@example.org", '"><img src=x onerror=y>@example.org',
    "a" * 400 + "@example.org",
    "\u202ea@example.org", "{{7*7}}@example.org!", "%s%n@", "a@example.org\u2028",
)  # fmt: skip


@pytest.mark.parametrize("email", HOSTILE)
def test_a_bad_address_is_explained_under_its_field(site: Site, email: str) -> None:
    answer = site.ask(email)
    assert answer.status_code == 422
    assert 'aria-describedby="email-error" autofocus' in answer.text
    assert 'id="email-error"' in answer.text
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert site.house.rows("SELECT count(*) FROM notices") == [(0,)]


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.text(max_size=40) | st.sampled_from(["save", "address", "erase", "take", "until", "2025-02-30"]),
    ),
    st.sampled_from(["/subscribe/", "/u/x", *(f"/subscribe/{name}/" for name in PAGES)]),
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_nothing_breaks(shared: Site, fields: dict[str, str], path: str) -> None:
    shared.later(minutes=10)  # past the limits, now and then
    answer = shared.post(path, {k: v.encode("utf-8", "replace").decode() for k, v in fields.items()})
    assert answer.status_code < 500
    assert shared.served.client.get(path, params=fields).status_code < 500


@pytest.fixture(scope="module")
def shared(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    house = opened(published, tmp_path_factory.mktemp("shared"))
    app = house.app
    with serving(house, app=app) as served:
        yield Site(served, house, app)


# ---------------------------------------------------------------- limits


def test_a_thousand_requests_are_turned_away_cheaply(site: Site) -> None:
    stamp = site.stamp()
    site.later(seconds=5)
    with counted(site) as statements:
        told = [
            site.post("/subscribe/", {**FORM, "stamp": stamp, "email": f"n{n}@example.org"})
            for n in range(1000)
        ]
    let_in = [answer for answer in told if answer.status_code == 200]
    turned_away = [answer for answer in told if answer.status_code == 429]
    assert len(let_in) == gatekeeper.AN_HOUR_PER_NETWORK
    assert len(let_in) + len(turned_away) == 1000
    assert all("retry-after" in answer.headers and len(answer.content) < 200 for answer in turned_away)
    assert len(statements) < 20 * len(let_in)  # nothing for those who were turned away
    assert site.house.rows("SELECT count(*) FROM notices") == [(len(let_in),)]
    site.later(hours=1)
    assert site.ask().status_code == 200


def test_a_large_body_is_refused(site: Site) -> None:
    for path in ("/subscribe/", "/u/x", "/subscribe/confirm/", "/subscribe/preferences/", "/subscribe/data/"):
        answer = site.served.client.post(path, content=b"email=" + b"x" * 200_000, headers={
            "content-type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert answer.status_code == 413, path


# ---------------------------------------------------------------- languages and odd times


def test_pages_follow_the_reader_and_the_address(site: Site) -> None:
    english = site.served.get("/subscribe/?lang=en")
    assert '<html lang="en">' in english.text
    assert "Your e-mail address" in english.text
    assert fields_of(english.text)["language"] == "en"
    asked = site.ask(language="en", lang="en")
    assert "One more step" in asked.text
    path = site.link(site.letters()[-1])
    assert "Yes, subscribe me" in site.served.get(path).text
    assert "确认订阅" in site.served.get(path + "&lang=zh").text


@pytest.mark.parametrize("words", [str.upper, lambda t: f" {t} ", lambda t: t + "%20"])
def test_a_token_survives_what_mail_programs_do_to_it(site: Site, words: Callable[[str], str]) -> None:
    site.ask()
    token = site.link(site.letters()[-1]).partition("?t=")[2]
    assert site.served.get(f"/subscribe/confirm/?t={words(token)}").status_code == 200


def test_before_the_first_run_there_is_a_page_without_a_form(tmp_path: Path) -> None:
    house = House(tmp_path)
    with serving(house) as served:
        page = served.get("/subscribe/")
        assert page.status_code == 200
        assert "email" not in page.text
        assert served.client.post("/subscribe/", data=FORM).status_code < 500
        assert served.get("/subscribe/confirm/?t=x").status_code == 404
    assert not (tmp_path / "var" / "publisher.db").exists()


def test_where_no_site_answers_readers_there_is_no_form(tmp_path: Path) -> None:
    house = House(tmp_path, mail={"manage_url": ""})
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    with serving(house) as served:
        assert "<form class" not in served.get("/subscribe/").text


def test_a_restored_database_is_taken_up(site: Site) -> None:
    database = site.house.root / "var" / "publisher.db"
    site.subscribe()
    mail = site.digest()
    path = site.link_to(mail, "subscribe/preferences/")
    assert site.served.get(path).status_code == 200
    with site.app.at_hand() as e:
        first = e.store
    copy = database.with_name("copy.db")
    copy.write_bytes(database.read_bytes())
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    copy.replace(database)
    site.served.get(path)
    with site.app.at_hand() as e:
        assert e.store is not first


def test_a_site_below_a_path_keeps_its_forms_there(tmp_path: Path) -> None:
    house = House(tmp_path, url="https://daily.example.cn/read/", links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    with serving(house) as served:
        page = served.get("/read/subscribe/")
        assert page.status_code == 200
        assert 'action="/read/subscribe/"' in page.text
        assert served.get("/read/subscribe").headers["location"] == "/read/subscribe/"


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    site.subscribe()
    mail = site.digest()
    paths = [
        "/subscribe/",
        "/subscribe/confirm/?t=x",
        *(p for p in site.links(mail) if "?t=" in p or "/u/" in p),
    ]
    for path in paths:
        headers = site.served.get(path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
