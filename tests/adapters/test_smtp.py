"""The SMTP mailer against a real server that misbehaves: what was sent, what was not, what nobody knows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import ssl
import threading
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from publisher.adapters.smtp import SmtpMailer, Timeouts
from publisher.core.delivery import Outcome, Outgoing
from publisher.core.errors import MailError
from tests.fake_smtp import FakeSmtp, accepted, as_process

QUICK = Timeouts(connect_s=5, command_s=5, final_s=5, reconnect_s=(0.01, 0.02, 0.03))
PASSWORD = "s3cret-Päss"
LARGE = b"x" * 76 + b"\r\n"
LARGE *= 24 * 1024 * 1024 // len(LARGE)  # more than the kernel takes before the other side reads


def mail(number: int, to: str = "", *, body: bytes = b"Hello.\r\n", **changes: Any) -> Outgoing:
    head = b"From: d@us.example\r\nMessage-ID: <%d@us.example>\r\nSubject: x\r\n\r\n" % number
    values = {
        "key": str(number),
        "message_id": f"<{number}@us.example>",
        "envelope_from": f"b+{number}@us.example",
        "recipient": to or f"r{number}@there.example",
        "segments": (head, body),
    }
    return Outgoing(**{**values, **changes})


def mails(count: int) -> list[Outgoing]:
    return [mail(number) for number in range(1, count + 1)]


class Books:
    """Plays the caller: hands out items, takes outcomes, and counts what is under way in between."""

    def __init__(self, items: Iterable[Outgoing], *, before: Callable[[int], Awaitable[None]] | None = None):
        self.items = list(items)
        self.before = before
        self.pulled: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.under_way = 0
        self.most_under_way = 0
        self.error: BaseException | None = None

    async def outgoing(self) -> AsyncIterator[Outgoing]:
        for number, item in enumerate(self.items, start=1):
            if self.before is not None:
                await self.before(number)
            self.pulled.append(item.key)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            yield item

    async def send(self, mailer: SmtpMailer, connections: int = 1) -> None:
        try:
            async for outcome in mailer.send(self.outgoing(), connections=connections):
                assert outcome.key not in self.outcomes
                await asyncio.sleep(0)  # closing the row
                self.under_way -= 1
                self.outcomes[outcome.key] = outcome
        except Exception as exc:
            self.error = exc
        assert sorted(self.outcomes) == sorted(self.pulled), "an item was pulled and has no outcome"

    @property
    def kinds(self) -> list[str]:
        return [self.outcomes[key].kind for key in self.pulled]


def mailer_for(server: FakeSmtp, **changes: Any) -> SmtpMailer:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": server.manners.security,
        "timeouts": QUICK,
        "local_hostname": "us.example",
        "ssl_context": server.trusting(),
    }
    return SmtpMailer(**{**values, **changes})


def send(
    server: FakeSmtp, items: Iterable[Outgoing], *, connections: int = 1, before: Any = None, **changes: Any
) -> Books:
    books = Books(items, before=before)
    asyncio.run(books.send(mailer_for(server, **changes), connections))
    return books


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "accepted.log"


def everything(count: int) -> list[tuple[str, str]]:
    return [(f"<{n}@us.example>", f"r{n}@there.example") for n in range(1, count + 1)]


# ---------------------------------------------------------------- the plain way


def test_a_message_arrives_byte_for_byte_under_its_own_envelope(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [mail(1, body=b"one\r\ntwo\r\n")])
    assert books.outcomes["1"] == Outcome(key="1", kind="accepted", code=250, text="2.0.0 OK queued")
    assert server.seen.contents == [b"".join(mail(1, body=b"one\r\ntwo\r\n").segments)]
    assert server.seen.senders == ["b+1@us.example"]
    assert server.accepted() == everything(1)


def test_one_connection_carries_all_messages_with_rset_between_and_a_goodbye(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, mails(3))
    assert books.kinds == ["accepted"] * 3
    assert server.seen.connections == 1
    one = ["MAIL", "RCPT", "DATA"]
    assert server.seen.commands == ["EHLO", *one, "RSET", *one, "RSET", *one, "RSET", "QUIT"]


def test_the_null_sender_is_written_as_such(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [mail(1, envelope_from="")])
    assert books.kinds == ["accepted"]
    assert server.seen.senders == ["null@null.example"]  # the server's name for <>


@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        (b".\r\nMAIL FROM:<evil@x>\r\n", b".\r\nMAIL FROM:<evil@x>\r\n"),
        (b"a\r\n.\r\n..\r\n.b\r\n", b"a\r\n.\r\n..\r\n.b\r\n"),
        (b"a\n.\nMAIL\r.\rb", b"a\r\n.\r\nMAIL\r\n.\r\nb\r\n"),
        (b"no end", b"no end\r\n"),
    ],
)
def test_no_content_can_end_the_message_early(log: Path, body: bytes, arrives: bytes) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [mail(1, body=body), mail(2)])
    assert books.kinds == ["accepted"] * 2
    assert server.seen.contents[0].partition(b"\r\n\r\n")[2] == arrives
    assert server.accepted() == everything(2)


# ---------------------------------------------------------------- how many at once


def test_with_one_connection_an_item_is_pulled_when_the_outcome_before_it_was_dealt_with(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, mails(10))
    assert books.most_under_way == 1


def test_never_more_items_are_under_way_than_connections(log: Path) -> None:
    with FakeSmtp(log, delay_s=0.005) as server:
        books = send(server, mails(40), connections=4)
    assert books.kinds == ["accepted"] * 40
    assert books.most_under_way == 4
    assert server.seen.most_open == 4
    assert sorted(server.accepted()) == sorted(everything(40))


def test_few_messages_do_not_open_many_connections(log: Path) -> None:
    with FakeSmtp(log) as server:
        send(server, mails(1), connections=10)
    assert server.seen.connections <= 2


def test_an_outcome_is_told_while_others_are_under_way(log: Path) -> None:
    with FakeSmtp(log, delays_s={"r1@there.example": 0.5}) as server:
        books = send(server, mails(4), connections=2)
    assert list(books.outcomes)[-1] == "1"
    assert books.kinds == ["accepted"] * 4


def test_a_server_that_bears_fewer_connections_gets_fewer_and_nobody_is_deferred(log: Path) -> None:
    with FakeSmtp(log, most=2, delay_s=0.02) as server:
        books = send(server, mails(20), connections=4)
    assert books.error is None
    assert books.kinds == ["accepted"] * 20


def test_no_connection_at_all_is_a_mistake_of_the_caller(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, mails(1), connections=0)
    assert isinstance(books.error, ValueError)


# ---------------------------------------------------------------- refusals


def test_a_refused_recipient_gets_an_outcome_and_the_connection_goes_on(log: Path) -> None:
    refuse = {"r2@there.example": "550 5.1.1 no such user"}
    with FakeSmtp(log, refuse=refuse) as server:
        books = send(server, mails(3))
    assert books.kinds == ["accepted", "rejected", "accepted"]
    assert (books.outcomes["2"].code, books.outcomes["2"].text) == (550, "5.1.1 no such user")
    assert server.seen.connections == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("554 transaction failed", "rejected"),
        ("550 Domain frequency limited", "deferred"),
        ("550 5.7.1 policy", "deferred"),
        ("451 4.7.1 greylisted", "deferred"),
        ("554 5.7.1 Relay access denied", "deferred"),
    ],
)
def test_a_refusal_at_rcpt_is_judged_by_its_class(log: Path, reply: str, kind: str) -> None:
    with FakeSmtp(log, refuse={"*": reply}) as server:
        books = send(server, mails(1))
    assert books.kinds == [kind]
    assert books.error is None


@pytest.mark.parametrize("stage", ["at_mail", "at_data", "at_end"])
def test_an_unexplained_5xx_elsewhere_defers_and_rejects_nobody(log: Path, stage: str) -> None:
    with FakeSmtp(log, **{stage: "554 no"}) as server:
        books = send(server, mails(2))
    assert books.kinds == ["deferred"] * 2
    assert books.outcomes["1"].code == 554
    assert books.error is None
    assert server.accepted() == []


def test_a_reply_over_several_lines_in_gbk_becomes_one_readable_line(log: Path) -> None:
    with FakeSmtp(log, refuse={"*": "550-5.1.1 用户\r\n550 5.1.1 \x07不存在"}) as server, writing("gbk"):
        books = send(server, mails(1))
    assert books.outcomes["1"].text == "5.1.1 用户 不存在"
    assert books.kinds == ["rejected"]


@contextlib.contextmanager
def writing(encoding: str) -> Iterator[None]:
    """aiosmtpd writes ASCII alone."""
    push = SMTP.push

    async def encoded(self: SMTP, status: Any) -> None:
        await push(self, status.encode(encoding) if isinstance(status, str) else status)

    SMTP.push = encoded  # type: ignore[method-assign]
    try:
        yield
    finally:
        SMTP.push = push  # type: ignore[method-assign]


# ---------------------------------------------------------------- lost connections


def test_a_421_defers_the_message_in_hand_and_the_others_go_over_a_new_connection(log: Path) -> None:
    with FakeSmtp(log, take=2, end_at="MAIL") as server:
        books = send(server, mails(5))
    assert books.kinds == ["accepted", "accepted", "deferred", "accepted", "accepted"]
    assert books.outcomes["3"].code == 421
    assert books.error is None
    assert server.seen.connections == 2


@pytest.mark.parametrize("end_at", ["RCPT", "DATA"])
def test_a_421_further_on_defers_as_well(log: Path, end_at: str) -> None:
    with FakeSmtp(log, take=1, end_at=end_at) as server:
        books = send(server, mails(3))
    assert books.kinds == ["accepted", "deferred", "accepted"]


@pytest.mark.parametrize("end_with", ["421 4.7.0 enough", ""])
def test_a_server_that_closes_between_two_messages_costs_nobody_anything(log: Path, end_with: str) -> None:
    with FakeSmtp(log, take=2, end_at="RSET", end_with=end_with) as server:
        books = send(server, mails(6))
    assert books.kinds == ["accepted"] * 6
    assert server.accepted() == everything(6)


def test_a_server_that_closes_with_every_message_it_took_gets_them_all(log: Path) -> None:
    with FakeSmtp(log, close_after="queued") as server:
        books = send(server, mails(12))
    assert books.error is None
    assert books.kinds == ["accepted"] * 12
    assert server.accepted() == everything(12)


def test_a_server_that_closes_with_every_refusal_of_a_reader_refuses_them_alone(log: Path) -> None:
    refused = {f"r{n}@there.example": "550 5.1.1 nobody of that name" for n in range(1, 9)}
    with FakeSmtp(log, refuse=refused, close_after="nobody of that name") as server:
        books = send(server, mails(10))
    assert books.error is None
    assert books.kinds == ["rejected"] * 8 + ["accepted"] * 2


def test_what_came_back_with_the_end_of_the_stream_costs_no_pause(log: Path) -> None:
    with FakeSmtp(log, close_after="queued") as server:
        books = send(server, mails(12), timeouts=Timeouts(reconnect_s=()))  # a pause would end it
    assert books.kinds == ["accepted"] * 12


def test_a_connection_that_died_while_the_next_item_was_awaited_is_replaced(log: Path) -> None:
    with FakeSmtp(log) as server:

        async def idle(number: int) -> None:
            if number == 2:
                server.cut()
                await asyncio.sleep(0.1)

        books = send(server, mails(3), before=idle)
    assert books.kinds == ["accepted"] * 3
    assert server.seen.connections == 2


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_connection_lost_after_the_dot_is_uncertain_and_never_sent_again(log: Path, security: str) -> None:
    with FakeSmtp(log, security=security, drop_after_accepting={"r2@there.example"}) as server:
        books = send(server, mails(3))
    assert books.kinds == ["accepted", "uncertain", "accepted"]
    assert books.outcomes["2"].code is None
    assert server.accepted() == everything(3)


def test_no_reply_in_time_after_the_dot_is_uncertain(log: Path) -> None:
    slow = Timeouts(command_s=5, final_s=0.1, reconnect_s=(0.01,))
    with FakeSmtp(log, delays_s={"r1@there.example": 0.6}) as server:
        books = send(server, mails(2), timeouts=slow)
    assert books.kinds == ["uncertain", "accepted"]
    assert "no answer in time" in books.outcomes["1"].text


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_connection_lost_in_the_middle_of_a_large_message_is_surely_not_sent(
    log: Path, security: str
) -> None:
    with FakeSmtp(log, security=security, drop_in_data={"r1@there.example"}) as server:
        books = send(server, [mail(1, body=LARGE), mail(2)])
    assert books.kinds == ["deferred", "accepted"]
    assert server.accepted() == everything(2)[1:]


def test_a_small_message_that_left_with_its_dot_is_uncertain_though_the_server_never_read_it(
    log: Path,
) -> None:
    """The price of doubt: the dot was in the network when the connection broke, so nobody here can know."""
    with FakeSmtp(log, drop_in_data={"r1@there.example"}) as server:
        books = send(server, mails(2))
    assert books.kinds == ["uncertain", "accepted"]
    assert server.accepted() == everything(2)[1:]


def test_a_server_that_speaks_in_the_middle_of_the_content_is_heard(log: Path) -> None:
    with FakeSmtp(log, drop_in_data={"r1@there.example"}, end_in_data="452 4.3.1 disk full") as server:
        books = send(server, [mail(1, body=LARGE), mail(2)])
    assert books.kinds == ["deferred", "accepted"]
    assert books.outcomes["1"].code in (452, None)  # None: the reset overtook the words
    assert server.accepted() == everything(2)[1:]


def test_after_three_reconnects_without_a_success_the_run_is_given_up(log: Path) -> None:
    with FakeSmtp(log, take=0, end_at="MAIL") as server:
        books = send(server, mails(9))
    assert books.kinds == ["deferred"] * 4
    assert isinstance(books.error, MailError)
    assert "4 times in a row: 421 4.7.0 enough" in str(books.error)
    assert server.seen.connections == 4


def test_a_success_in_between_begins_the_count_anew(log: Path) -> None:
    with FakeSmtp(log, take=1, end_at="MAIL") as server:
        books = send(server, mails(12))
    assert books.error is None
    assert books.kinds == ["accepted", "deferred"] * 6


def test_a_server_that_goes_away_for_good_leaves_the_rest_untouched(log: Path) -> None:
    with FakeSmtp(log) as server:

        async def away(number: int) -> None:
            if number == 3:
                await asyncio.to_thread(server.stop_listening)
                server.cut()
                await asyncio.sleep(0.1)

        books = send(server, mails(9), before=away)
    assert books.pulled == ["1", "2", "3"]
    assert books.kinds == ["accepted", "accepted", "deferred"]
    assert isinstance(books.error, MailError)
    assert "cannot reach the mail server" in str(books.error)


def test_when_one_connection_gives_up_what_the_others_have_in_hand_is_finished(log: Path) -> None:
    with FakeSmtp(log, refuse={"r1@there.example": "530 5.7.0 log in"}, delay_s=0.2) as server:

        async def later(number: int) -> None:
            await asyncio.sleep(0)

        items = [mail(2), mail(3), mail(1), *(mail(n) for n in range(4, 9))]
        books = send(server, items, connections=3, before=later)
    assert isinstance(books.error, MailError)
    assert {books.outcomes[key].kind for key in books.pulled if key != "1"} <= {"accepted", "deferred"}
    assert books.outcomes["1"].kind == "deferred"
    accepted_keys = {f"<{key}@us.example>" for key, one in books.outcomes.items() if one.kind == "accepted"}
    assert {named for named, _ in server.accepted()} == accepted_keys


# ---------------------------------------------------------------- a run that cannot begin


def test_a_server_that_is_not_there_is_told_before_anything_is_pulled(log: Path) -> None:
    with FakeSmtp(log) as server:
        pass
    books = send(server, mails(3))
    assert books.pulled == []
    assert isinstance(books.error, MailError)
    assert str(books.error).startswith(
        f"cannot reach the mail server 127.0.0.1:{server.port}: Connection refused"
    )
    assert books.error.fix


def test_a_host_that_has_no_address_is_told(log: Path) -> None:
    for host in ("nowhere.invalid", "a..b"):
        books = Books(mails(1))
        asyncio.run(books.send(SmtpMailer(host=host, port=25, timeouts=QUICK, local_hostname="us.example")))
        assert isinstance(books.error, MailError)
        assert f"cannot reach the mail server {host}:25" in str(books.error)


def test_a_server_that_says_nothing_is_told_in_time() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        books = Books(mails(1))
        timeouts = Timeouts(connect_s=0.1)
        port = silent.getsockname()[1]
        asyncio.run(books.send(SmtpMailer(host="127.0.0.1", port=port, timeouts=timeouts)))
    assert isinstance(books.error, MailError)
    assert "no answer in time" in str(books.error)


def test_a_greeting_that_turns_us_away_ends_the_run_at_once(log: Path) -> None:
    with FakeSmtp(log, greeting="554 5.7.1 your address is on a list") as server:
        books = send(server, mails(2))
    assert books.pulled == []
    assert isinstance(books.error, MailError)
    assert "554 5.7.1 your address is on a list" in str(books.error)
    assert server.seen.connections == 1


def test_a_server_that_knows_no_ehlo_is_greeted_as_of_old(log: Path) -> None:
    with FakeSmtp(log, at_ehlo="500 5.5.1 what?") as server:
        books = send(server, mails(3))
    assert books.error is None
    assert server.accepted() == everything(3)


@pytest.mark.parametrize("manner", ["greeting", "at_ehlo"])
def test_a_server_that_is_busy_is_asked_again(log: Path, manner: str) -> None:
    with FakeSmtp(log, **{manner: "421 4.3.2 busy"}) as server:

        def calm() -> None:
            while server.seen.connections < 2:
                time.sleep(0.005)
            setattr(server.manners, manner, "")

        waiting = threading.Thread(target=calm)
        waiting.start()
        timeouts = Timeouts(connect_s=5, reconnect_s=(0.05, 0.1, 0.2))
        books = send(server, mails(2), timeouts=timeouts)
        waiting.join()
    assert books.kinds == ["accepted"] * 2


def test_a_server_that_stays_busy_is_told_before_anything_is_pulled(log: Path) -> None:
    with FakeSmtp(log, greeting="421 4.3.2 busy") as server:
        books = send(server, mails(2))
    assert books.pulled == []
    assert isinstance(books.error, MailError)
    assert server.seen.connections == 4


def test_a_refusal_that_concerns_every_message_stops_the_run(log: Path) -> None:
    with FakeSmtp(log, at_mail="553 Mail from must equal authorized user") as server:
        books = send(server, mails(3))
    assert books.pulled == ["1"]
    assert books.kinds == ["deferred"]
    assert isinstance(books.error, MailError)
    assert "553 Mail from must equal authorized user" in str(books.error)


# ---------------------------------------------------------------- encryption and login


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_mail_goes_encrypted_and_logged_in_to_a_server_whose_certificate_holds(
    log: Path, security: str, host: str
) -> None:
    with FakeSmtp(log, security=security, login=("me", PASSWORD)) as server:
        books = send(server, mails(2), host=host, username="me", password=PASSWORD)
    assert books.error is None
    assert books.kinds == ["accepted"] * 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobodys_making_is_refused_before_anything_is_said(log: Path, security: str) -> None:
    with FakeSmtp(log, security=security, login=("me", PASSWORD)) as server:
        books = send(server, mails(1), ssl_context=None, username="me", password=PASSWORD)
    assert isinstance(books.error, MailError)
    assert "cannot be trusted: unable to get local issuer certificate" in str(books.error)
    assert books.pulled == []
    assert set(server.seen.commands) <= {"EHLO"}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_made_out_to_another_name_is_refused(log: Path, security: str) -> None:
    with FakeSmtp(log, security=security) as server:
        server.present("elsewhere.example")
        books = send(server, mails(1))
    assert isinstance(books.error, MailError)
    assert "cannot be trusted" in str(books.error)
    assert "127.0.0.1" in str(books.error)
    assert "MAIL" not in server.seen.commands


def test_without_starttls_on_offer_nothing_is_said_in_the_clear(log: Path) -> None:
    with FakeSmtp(log, login=("me", PASSWORD)) as server:
        books = send(server, mails(1), security="starttls", username="me", password=PASSWORD)
    assert isinstance(books.error, MailError)
    assert "does not offer STARTTLS" in str(books.error)
    assert server.seen.commands == ["EHLO"]


def test_tls_with_a_server_that_speaks_plainly_is_told_with_the_setting_to_change(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, mails(1), security="tls")
    assert isinstance(books.error, MailError)
    assert "no encryption with the mail server" in str(books.error)
    assert '"starttls" (port 587)' in books.error.fix


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.1", "localhost.example.org", "0.0.0.0"])
def test_plain_text_leaves_this_machine_by_consent_alone(host: str) -> None:
    with pytest.raises(MailError, match="unencrypted"):
        SmtpMailer(host=host, port=25, security="none")
    assert SmtpMailer(host=host, port=25, security="none", allow_plain=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_text_may_stay_on_this_machine(host: str) -> None:
    assert SmtpMailer(host=host, port=25, security="none")


def test_a_refused_login_ends_the_run_and_the_password_is_told_nowhere(
    log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeSmtp(log, security="starttls", login=("me", "another"), tells_login=True) as server:
        mailer = mailer_for(server, username="me", password=PASSWORD)
        books = Books(mails(2))
        asyncio.run(books.send(mailer), debug=True)
    assert books.pulled == []
    assert isinstance(books.error, MailError)
    assert "refuses the login of me: 535 5.7.8 you said PLAIN ***" in str(books.error)
    logged = "".join(f"{one.getMessage()} {one.exc_info}" for one in caplog.records if one.name != "mail.log")
    told = "".join(traceback.format_exception(books.error)) + repr(mailer) + str(mailer) + logged
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), _plain("me", PASSWORD)):
        assert secret not in told
        assert secret not in repr(vars(books.error))


def _plain(user: str, password: str) -> str:
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def test_a_login_that_fails_for_the_moment_is_tried_again(log: Path) -> None:
    with FakeSmtp(log, security="tls", login=("me", "x"), at_auth="454 4.7.0 later") as server:
        books = send(server, mails(1), username="me", password="x")
    assert isinstance(books.error, MailError)
    assert server.seen.connections == 4


def test_a_server_without_login_is_told(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, mails(1), username="me", password="x")
    assert isinstance(books.error, MailError)
    assert "offers no login" in str(books.error)


def test_a_server_that_wants_a_login_we_have_not_stops_the_run(log: Path) -> None:
    with FakeSmtp(log, security="tls", login=("me", "x")) as server:
        books = send(server, mails(3))
    assert books.kinds == ["deferred"]
    assert isinstance(books.error, MailError)
    assert "530 5.7.0 Authentication required" in str(books.error)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "address",
    ["a@b.example\r\nRSET", "a@b.example\n", "a@b.example> SIZE=1", "a b@c.example", "编者@b.example", ""],
)
def test_an_address_that_could_break_out_of_its_command_never_reaches_the_server(
    log: Path, address: str
) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [mail(1, recipient=address), mail(2)])
    assert books.kinds == ["rejected", "accepted"]
    assert books.outcomes["1"].code is None
    assert server.seen.commands.count("MAIL") == 1


@pytest.mark.parametrize("address", ["a@b.example\r\nRSET", "a@b.example> SIZE=1", "编者@b.example"])
def test_a_sender_that_cannot_be_written_stops_the_run_and_rejects_nobody(log: Path, address: str) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [mail(1, envelope_from=address), mail(2)])
    assert books.kinds == ["deferred"]
    assert isinstance(books.error, MailError)
    assert "\n" not in str(books.error)
    assert "MAIL" not in server.seen.commands


# ---------------------------------------------------------------- the caller's side


def test_an_error_of_the_callers_own_comes_after_the_outcomes(log: Path) -> None:
    with FakeSmtp(log, delay_s=0.1) as server:

        async def broken(number: int) -> None:
            if number == 3:
                raise RuntimeError("no database")

        books = send(server, mails(5), connections=2, before=broken)
    assert isinstance(books.error, RuntimeError)
    assert books.kinds == ["accepted"] * 2


def test_nothing_to_send_is_no_error(log: Path) -> None:
    with FakeSmtp(log) as server:
        books = send(server, [])
    assert books.error is None
    assert books.outcomes == {}


def test_leaving_the_loop_drops_the_connections(log: Path) -> None:
    with FakeSmtp(log, delays_s={"r2@there.example": 30}) as server:

        async def leave() -> None:
            books = Books(mails(9))
            async with contextlib.aclosing(
                mailer_for(server).send(books.outgoing(), connections=2)
            ) as outcomes:
                async for _ in outcomes:
                    break

        begun = time.monotonic()
        asyncio.run(leave())
        assert time.monotonic() - begun < 2
        assert len(server.accepted()) <= 2


def test_leaving_ends_at_any_moment(log: Path) -> None:
    """Also when a reply and the cancellation arrive together, which wait_for of Python 3.11 mixes up."""
    with FakeSmtp(log) as server:

        async def leave(after: int) -> None:
            books = Books(mails(99))
            async with (
                asyncio.timeout(5),
                contextlib.aclosing(mailer_for(server).send(books.outgoing(), connections=3)) as outcomes,
            ):
                async for _ in outcomes:
                    after -= 1
                    if after < 0:
                        break

        for after in range(40):
            asyncio.run(leave(after % 8))


def test_end_of_outgoing_is_the_polite_stop(log: Path) -> None:
    with FakeSmtp(log, delay_s=0.05) as server:
        stop = asyncio.Event()

        async def outgoing() -> AsyncIterator[Outgoing]:
            for item in mails(100):
                if stop.is_set():
                    return
                yield item

        async def until_five() -> list[str]:
            kinds: list[str] = []
            async for outcome in mailer_for(server).send(outgoing(), connections=3):
                kinds.append(outcome.kind)
                if len(kinds) == 5:
                    stop.set()
            return kinds

        kinds = asyncio.run(until_five())
    assert 5 <= len(kinds) <= 7
    assert set(kinds) == {"accepted"}
    assert len(server.accepted()) == len(kinds)


# ---------------------------------------------------------------- the server as a process


def test_the_server_process_keeps_a_durable_list_and_speaks_tls(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    options = ["--security", "starttls", "--ca-file", str(ca), "--login", "me:x"]
    options += ["--refuse", "r2@there.example=550 5.1.1 no", "--drop-after-accepting", "r3@there.example"]
    with as_process(tmp_path, *options) as (port, log):
        books = Books(mails(4))
        context = ssl.create_default_context(cafile=str(ca))
        mailer = SmtpMailer(
            host="localhost", port=port, username="me", password="x", ssl_context=context, timeouts=QUICK
        )
        asyncio.run(books.send(mailer))
    assert books.error is None
    assert books.kinds == ["accepted", "rejected", "uncertain", "accepted"]
    assert accepted(log) == [everything(4)[i] for i in (0, 2, 3)]
