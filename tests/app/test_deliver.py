"""What a mail server's refusals do to a run, and to the readers they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from publisher.app.summary import MAIL_OPEN, exit_code
from publisher.core.issue import IssueName
from publisher.core.reply import STOP_AFTER
from tests.fake_smtp import FakeSmtp
from tests.house import House, essays, held

POLICY = "550 5.7.1 message rejected due to local policy"
GONE = "550 5.1.1 no such user"
FULL = "552 5.2.2 mailbox full"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeSmtp]:
    with FakeSmtp(tmp_path / "accepted.log") as server:
        yield server


def house_with(server: FakeSmtp, root: Path, readers: int) -> House:
    """A house that mails through this server, with so many readers and no owner."""
    house = House(
        root / "house",
        mail={
            "transport": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none", "owner": "",
        },
    )  # fmt: skip
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.write("2025-01-30", essays("2025-01-30", 2))
    house.app.add_subscribers(tuple(map(reader, range(readers))))
    return house


def reader(n: int) -> str:
    return f"reader{n}@example.com"


def deliveries(house: House) -> Counter[str]:
    return Counter(str(state) for (state,) in house.rows("SELECT state FROM deliveries"))


def person(house: House, email: str) -> tuple[object, ...]:
    """State and refusals in a row."""
    (found,) = house.rows(f"SELECT state, soft_bounces FROM subscribers WHERE email = '{email}'")
    return found


def test_a_run_that_is_refused_as_a_whole_stops_and_its_mail_waits_for_a_word(
    server: FakeSmtp, tmp_path: Path
) -> None:
    house = house_with(server, tmp_path, STOP_AFTER + 30)
    server.manners.at_end = POLICY
    run = house.once("2025-01-29 08:00")
    assert exit_code(run) == MAIL_OPEN
    assert [kind for kind, _ in held(run)] == ["mail"]
    assert deliveries(house) == {"deferred": STOP_AFTER, "waiting": 30}
    assert server.seen.commands.count("RCPT") == STOP_AFTER


def test_a_refused_mailing_is_not_tried_again_until_it_is_released_and_then_reaches_everybody_once(
    server: FakeSmtp, tmp_path: Path
) -> None:
    house = house_with(server, tmp_path, STOP_AFTER + 3)
    server.manners.at_end = POLICY
    house.once("2025-01-29 08:00")
    server.manners.at_end = ""
    house.tick("2025-01-29 09:00")
    assert server.accepted() == []
    house.deliver(IssueName(date(2025, 1, 29), 1), release=True)
    assert deliveries(house) == {"accepted": STOP_AFTER + 3}
    assert set(Counter(recipient for _, recipient in server.accepted()).values()) == {1}


def test_refusals_with_an_acceptance_between_them_do_not_stop_a_run(server: FakeSmtp, tmp_path: Path) -> None:
    house = house_with(server, tmp_path, 2 * STOP_AFTER)
    server.manners.refuse = {reader(n): POLICY for n in range(2 * STOP_AFTER - 1) if n != STOP_AFTER - 1}
    run = house.once("2025-01-29 08:00")
    assert deliveries(house) == {"accepted": 2, "deferred": 2 * STOP_AFTER - 2}
    assert server.seen.commands.count("RCPT") == 2 * STOP_AFTER
    assert not list(held(run))


def test_readers_who_do_not_exist_never_stop_a_run(server: FakeSmtp, tmp_path: Path) -> None:
    house = house_with(server, tmp_path, STOP_AFTER + 5)
    server.manners.refuse = {reader(n): GONE for n in range(STOP_AFTER + 4)}
    house.once("2025-01-29 08:00")
    assert deliveries(house) == {"rejected": STOP_AFTER + 4, "accepted": 1}


def test_an_address_that_does_not_exist_is_struck_off_and_never_asked_again(
    server: FakeSmtp, tmp_path: Path
) -> None:
    house = house_with(server, tmp_path, 3)
    server.manners.refuse = {reader(1): GONE}
    house.once("2025-01-29 08:00")
    assert person(house, reader(1)) == ("bounced", 0)
    server.manners.refuse = {}
    house.once("2025-01-30 08:00")
    assert Counter(recipient for _, recipient in server.accepted()) == {reader(0): 2, reader(2): 2}


def test_a_full_mailbox_is_counted_and_a_message_that_arrives_ends_the_count(
    server: FakeSmtp, tmp_path: Path
) -> None:
    house = house_with(server, tmp_path, 1)
    house.write("2025-01-31", essays("2025-01-31", 2))
    server.manners.refuse = {reader(0): FULL}
    house.once("2025-01-29 08:00")
    house.once("2025-01-30 08:00")
    assert person(house, reader(0)) == ("active", 2)
    server.manners.refuse = {}
    house.once("2025-01-31 08:00")
    assert person(house, reader(0)) == ("active", 0)


def test_policy_never_counts_against_a_reader(server: FakeSmtp, tmp_path: Path) -> None:
    house = house_with(server, tmp_path, 1)
    server.manners.refuse = {reader(0): POLICY}
    house.once("2025-01-29 08:00")
    assert person(house, reader(0)) == ("active", 0)


def test_who_left_while_their_message_was_under_way_stays_away(server: FakeSmtp, tmp_path: Path) -> None:
    from publisher.store import bounces, subscribers

    house = house_with(server, tmp_path, 1)
    house.app.remove_subscribers((reader(0),))
    with house.app._equipped() as e, e.store.write() as tx:
        (known,) = subscribers.everyone(tx)
        bounces.learn(tx, bounces.Lessons(gone=[known.id]), house.now)
    assert person(house, reader(0))[0] == "unsubscribed"
