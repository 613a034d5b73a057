"""The daily mailing through a real mail server: every reader the form they chose, with links of their own."""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest

from publisher.app import signup
from publisher.app.mailing import html_as_mailed
from publisher.core.issue import IssueName
from publisher.core.token import read
from tests.fake_smtp import FakeSmtp
from tests.house import House, essay, essays

READERS = {
    "full@example.cn": ("daily", "full", "zh-Hans"),
    "lead@example.cn": ("daily", "lead", "zh-Hans"),
    "titles@example.cn": ("daily", "titles", "zh-Hans"),
    "english@example.cn": ("daily", "titles", "en"),
    "weekly@example.cn": ("weekly", "full", "zh-Hans"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeSmtp]:
    with FakeSmtp(tmp_path / "accepted.log") as server:
        yield server


@pytest.fixture
def house(tmp_path: Path, server: FakeSmtp) -> House:
    """Readers of every kind, and an issue of one long essay and one short."""
    mail = {
        "transport": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none", "owner": "",
        "reply_to": "curator@example.cn",
    }  # fmt: skip
    house = House(tmp_path, links={"budget_s": 0}, mail=mail)
    house.app.add_subscribers(tuple(READERS))
    for address, choice in READERS.items():
        choose(house, address, *choice)
    long, short = essay("长文", paragraphs=12), essay("短文", paragraphs=1)
    house.write("2025-01-29", f"# 2025-01-29\n\n## 1\n\n{long}\n\n## 2\n\n{short}\n")
    return house


def choose(house: House, address: str, cadence: str, body: str = "full", language: str = "zh-Hans") -> None:
    """What the reader's own page writes."""
    with house.app._equipped() as e, e.store.write() as tx:
        from publisher.core.preferences import Preferences
        from publisher.store import subscribers

        person = subscribers.find(tx, address)
        assert person is not None
        wish = Preferences(cadence=cadence, body=body, language=language)  # type: ignore[arg-type]
        subscribers.set_preferences(tx, person.id, wish)


def received(server: FakeSmtp) -> dict[str, EmailMessage]:
    """Messages by reader; nobody has two."""
    found: dict[str, EmailMessage] = {}
    for data in server.seen.contents:
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        assert message["To"] not in found
        found[message["To"]] = message
    return found


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_everybody_gets_the_form_they_chose_and_weekly_readers_wait(house: House, server: FakeSmtp) -> None:
    run = house.once("2025-01-29 08:00")
    mails = received(server)
    assert set(mails) == set(READERS) - {"weekly@example.cn"}
    assert run.mail is not None
    assert run.mail.readers == {"full.zh-Hans": 1, "lead.zh-Hans": 1, "titles.en": 1, "titles.zh-Hans": 1}
    texts = {address.partition("@")[0]: part(mail, "plain") for address, mail in mails.items()}
    bodies = {name: len(re.findall("[一-鿿]{60}", text)) for name, text in texts.items()}
    assert bodies["full"] > bodies["lead"] > bodies["titles"]
    assert "阅读全文（还有" in texts["lead"]
    assert "Preferences (change to weekly)" in texts["english"]
    assert mails["english@example.cn"]["Content-Language"] == "zh-CN, en"
    assert len({mail["Message-ID"] for mail in mails.values()}) == len(mails)
    assert run.books["recipients"] == run.books["accepted"] == 4


def test_only_forms_that_have_readers_are_kept(house: House) -> None:
    house.once("2025-01-29 08:00")
    kept = {name for (name,) in house.rows("SELECT variant FROM artifacts")}
    assert kept == {"full.zh-Hans", "lead.zh-Hans", "titles.zh-Hans", "titles.en"}


def test_every_link_of_a_reader_is_good_for_what_it_says_and_names_no_address(
    house: House, server: FakeSmtp
) -> None:
    house.once("2025-01-29 08:00")
    with house.app._equipped() as e, e.store.read() as tx:
        from publisher.store import publication

        known = publication.get(tx)
        assert known is not None
    mail = received(server)["full@example.cn"]
    ways = re.fullmatch(
        r"<https://daily\.example\.cn/u/(\S+)>, <mailto:curator@example\.cn\?\S+>", mail["List-Unsubscribe"]
    )
    assert ways is not None
    text = part(mail, "plain")
    found = dict(re.findall(r"https://daily\.example\.cn/subscribe/(\w+)/\?t=(\S+)", text))
    assert set(found) == {"unsubscribe", "preferences", "view"}
    assert found["unsubscribe"] == ways[1]
    [(uid,)] = house.rows("SELECT uid FROM subscribers WHERE email = 'full@example.cn'")
    for purpose, token in found.items():
        fields = read(known.secret, purpose, token, now=house.now).fields  # type: ignore[arg-type]
        assert fields[0] == uid
        assert f'?t={token}"' in part(mail, "html")
    assert "full@" not in "".join(found.values())
    assert f"您在 {date(2025, 1, 29)} 用 full@example.cn 订阅了" in text


def test_the_page_of_a_mail_is_what_was_mailed(house: House, server: FakeSmtp) -> None:
    house.once("2025-01-29 08:00")
    for address, mail in received(server).items():
        body = mail.get_body(("html",))
        assert body is not None
        mailed = body.get_payload(decode=True)
        token = re.search(r"/subscribe/view/\?t=(\S+)", part(mail, "plain"))
        assert token is not None
        with house.app._equipped() as e:
            assert signup.view(e, token[1]) == mailed, address


def test_who_got_no_mail_has_no_page_of_it(house: House) -> None:
    house.once("2025-01-29 08:00")
    [(uid,)] = house.rows("SELECT uid FROM subscribers WHERE email = 'weekly@example.cn'")
    with house.app._equipped() as e:
        assert html_as_mailed(e, str(uid), "daily", IssueName(date(2025, 1, 29))) is None
        assert html_as_mailed(e, "nobody", "daily", IssueName(date(2025, 1, 29))) is None
        assert html_as_mailed(e, str(uid), "weekly", IssueName(date(2025, 1, 29))) is None


def test_a_resumed_send_is_the_same_mail_byte_for_byte(house: House, server: FakeSmtp) -> None:
    """Although the texts were edited and a reader chose another form in between."""
    server.manners.refuse = {"*": "451 4.7.1 later"}
    house.once("2025-01-29 08:00")
    assert not server.seen.contents
    with house.app._equipped() as e:
        from publisher.render.digest import Frozen, splice
        from publisher.store import deliveries, publication

        with e.store.read() as tx:
            known = publication.get(tx)
            assert known is not None
            [mailing] = deliveries.mailings(tx)
            expected = set()
            for row in deliveries.rows(tx):
                one = deliveries.of_reader(tx, "daily", mailing.issue, row.subscriber_uid)
                assert one is not None
                frozen = Frozen.from_bytes(deliveries.artifact(tx, mailing.id, one.variant))
                reader = e.identity(known).reader(one, "daily", mailing.issue)
                expected.add(b"".join(splice(frozen, reader)))
    house.write("2025-01-29", essays("2025-01-29", 2))
    choose(house, "lead@example.cn", "weekly", "titles", "en")
    server.manners.refuse = {}
    house.once("2025-01-29 09:00")
    assert set(server.seen.contents) == expected
    assert len(server.seen.contents) == 4


def test_where_no_site_answers_mails_carry_no_links_of_readers(house: House, server: FakeSmtp) -> None:
    house.configure(mail={"manage_url": "", "reply_to": ""})
    house.once("2025-01-29 08:00")
    mail = received(server)["full@example.cn"]
    assert mail["List-Unsubscribe-Post"] is None
    assert str(mail["List-Unsubscribe"]).startswith("<mailto:publisher@daily.example.cn?")
    assert "/subscribe/unsubscribe" not in part(mail, "plain") + part(mail, "html")


def test_who_reads_the_senders_mail_takes_unsubscribe_by_mail_too(house: House, server: FakeSmtp) -> None:
    house.configure(mail={"sender": "daily@example.cn", "reply_to": ""})
    house.once("2025-01-29 08:00")
    assert (
        "<mailto:daily@example.cn?subject=unsubscribe"
        in received(server)["full@example.cn"]["List-Unsubscribe"]
    )


def test_an_address_that_nobody_chose_is_offered_to_nobody(house: House, server: FakeSmtp) -> None:
    house.configure(mail={"reply_to": ""})
    house.once("2025-01-29 08:00")
    assert "mailto:" not in received(server)["full@example.cn"]["List-Unsubscribe"]


def test_readers_may_be_led_to_another_host(house: House, server: FakeSmtp) -> None:
    house.configure(mail={"manage_url": "https://mail.example.cn", "unsubscribe_mailbox": "leave@example.cn"})
    house.once("2025-01-29 08:00")
    mail = received(server)["full@example.cn"]
    assert str(mail["List-Unsubscribe"]).startswith("<https://mail.example.cn/u/")
    assert "<mailto:leave@example.cn?" in mail["List-Unsubscribe"]


def test_the_owner_gets_every_issue_whatever_they_chose(house: House, server: FakeSmtp) -> None:
    house.configure(mail={"owner": "weekly@example.cn"})
    house.once("2025-01-29 08:00")
    assert "weekly@example.cn" in received(server)


def test_the_plan_and_the_preview_say_who_would_get_what(house: House, server: FakeSmtp) -> None:
    import asyncio

    run = house.plan("2025-01-29 08:00")
    assert run.mail is not None
    assert run.mail.readers == {"full.zh-Hans": 1, "lead.zh-Hans": 1, "titles.en": 1, "titles.zh-Hans": 1}
    asyncio.run(house.app.preview())
    mails = {path.name for path in (house.root / "var" / "preview").glob("*.eml")}
    assert mails == {
        "digest.eml", "digest.lead.zh-Hans.eml", "digest.titles.en.eml", "digest.titles.zh-Hans.eml",
    }  # fmt: skip
    assert not server.seen.contents
    json.dumps(run.mail.readers)


def test_no_reader_of_the_usual_form_is_no_trouble(house: House, server: FakeSmtp) -> None:
    house.app.remove_subscribers(("full@example.cn",))
    run = house.once("2025-01-29 08:00")
    assert run.mail is not None
    assert run.mail.subject.startswith("1月29日 · ")
    assert "full.zh-Hans" not in {name for (name,) in house.rows("SELECT variant FROM artifacts")}
    assert len(received(server)) == 3


def test_on_an_english_site_our_words_are_english_until_somebody_wants_others(
    house: House, server: FakeSmtp
) -> None:
    house.configure(site={"language": "en-GB"}, mail={"owner": "owner@example.cn"})
    house.app.add_subscribers(("new@example.cn",))
    house.once("2025-01-29 08:00")
    mails = received(server)
    for address in ("new@example.cn", "owner@example.cn"):
        assert "Preferences (change to weekly)" in part(mails[address], "plain")
        assert mails[address]["Content-Language"] == "en-GB"
    assert mails["full@example.cn"]["Content-Language"] == "en-GB, zh-Hans"
