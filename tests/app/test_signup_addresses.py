"""Readers who move: the old mailbox opens nothing any more, two rows become one person, and what is erased is gone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from publisher.app import people, signup
from publisher.app.letters import secret
from publisher.core import token as tokens
from publisher.core.errors import UsageError
from publisher.core.preferences import Preferences
from publisher.core.token import TokenError
from publisher.store import deliveries, subscribers, suppressions
from publisher.store.engine import Store
from tests.app.desk import NETWORK, READER, Desk
from tests.app.test_weekly import WEEK, publish, title

NEW = "li.si@example.net"
STATES = ("waiting", "sending", "accepted", "rejected", "deferred", "uncertain", "skipped")
HAD = ("accepted", "sending", "uncertain")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def change_letter(desk: Desk, new: str = NEW, *, of: str = READER) -> str:
    """Ask for the change, some time after all else; the token that the new address is mailed."""
    desk.later(minutes=11)
    with desk.equipment() as e:
        signup.change_address(e, desk.tokens(of)["preferences"], new, network=NETWORK, now=desk.now)
    desk.send()
    return desk.token(desk.letters(new)[-1])


def move(desk: Desk, new: str = NEW, *, of: str = READER) -> str:
    """The whole way from one address to another."""
    token = change_letter(desk, new, of=of)
    with desk.equipment() as e:
        assert signup.confirm_change(e, token, network=NETWORK, now=desk.now).kind == "changed"
    return token


def digests(desk: Desk, *addresses: str) -> list[str]:
    return sorted(
        str(m["To"]) for m in desk.house.mails() if not m["Auto-Submitted"] and m["To"] in addresses
    )


def carried(desk: Desk, reader: str) -> list[str]:
    """The titles of all entries that an address was mailed."""
    mails = [m for m in desk.house.mails() if not m["Auto-Submitted"] and m["To"] == reader]
    return [one for m in mails for one in re.findall(r"(?m)^\[\d+\] (.+篇的故事) · ", desk.house.text(m))]


def mail_server_down(desk: Desk) -> None:
    desk.house.configure(mail={"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"})
    desk._app = desk.house.app


def mail_server_back(desk: Desk) -> None:
    desk.house.configure(mail={"transport": "maildir"})
    desk._app = desk.house.app


# ---------------------------------------------------------------- old links


def test_the_letter_that_confirmed_the_old_address_opens_nothing_after_a_change(desk: Desk) -> None:
    desk.ask()
    desk.send()
    old = desk.token(desk.letters()[0])
    desk.confirm(old)
    move(desk)
    rows = desk.house.content_rows()
    with pytest.raises(TokenError):
        desk.confirm(old)
    with desk.equipment() as e, pytest.raises(TokenError):
        signup.look(e, old, desk.now)
    assert desk.house.content_rows() == rows


def test_the_letter_that_made_a_change_opens_nothing_after_the_next_one(desk: Desk) -> None:
    desk.subscribe()
    first = move(desk)
    desk.later(hours=1)
    move(desk, "third@example.net", of=NEW)
    with desk.equipment() as e:
        with pytest.raises(TokenError):
            signup.confirm_change(e, first, network=NETWORK, now=desk.now)
        with pytest.raises(TokenError):
            signup.look(e, first, desk.now, purpose="change")
        desk.later(hours=1)
    move(desk, NEW, of="third@example.net")  # and back: still another one than it was made for
    with desk.equipment() as e, pytest.raises(TokenError):
        signup.confirm_change(e, first, network=NETWORK, now=desk.now)


def test_an_old_link_to_leave_still_leads_out_and_nowhere_else(desk: Desk) -> None:
    desk.subscribe()
    old = desk.tokens()["unsubscribe"]
    move(desk)
    with desk.equipment() as e:
        assert signup.look(e, old, desk.now, purpose="unsubscribe").masked == ""
        with pytest.raises(TokenError):
            signup.weekly_instead(e, old, desk.now)
        outcome = signup.unsubscribe(e, old, desk.now, "one-click")
        again = signup.unsubscribe(e, old, desk.now, "one-click")
    assert (outcome.kind, again.kind, desk.state(NEW)) == ("left", "already", "unsubscribed")
    for one in (outcome, again):
        assert not one.tokens
        assert "example" not in repr(one)


def test_a_link_to_leave_in_a_mail_of_either_row_leads_out(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe(NEW)
    desk.subscribe("third@example.net")
    old = [desk.tokens(who)["unsubscribe"] for who in (READER, NEW, "third@example.net")]
    move(desk)
    desk.later(hours=1)
    move(desk, "third@example.net", of=NEW)
    for token in old:
        with desk.equipment() as e:
            assert signup.unsubscribe(e, token, desk.now).kind == "left"
            person = desk.tokens("third@example.net")
            signup.resubscribe(e, person["resubscribe"], desk.now)


def test_who_was_erased_cannot_be_named_by_any_old_link_to_leave(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe(NEW)
    old = [desk.tokens(who)["unsubscribe"] for who in (READER, NEW)]
    move(desk)
    with desk.equipment() as e:
        signup.erase(e, desk.tokens(NEW)["preferences"], desk.now)
        for token in old:
            with pytest.raises(TokenError):
                signup.unsubscribe(e, token, desk.now)


# ---------------------------------------------------------------- two rows, one person


def test_the_button_may_be_pressed_twice(desk: Desk) -> None:
    desk.subscribe(body="titles")
    desk.subscribe(NEW)
    token = move(desk)
    rows = desk.house.content_rows()
    with desk.equipment() as e:
        again = signup.confirm_change(e, token, network=NETWORK, now=desk.now)
        assert signup.look(e, token, desk.now, purpose="change").masked == "l…@example.net"
    assert (again.kind, again.person.masked) == ("already", "l…@example.net")
    assert desk.house.content_rows() == rows
    assert (desk.state(), desk.state(NEW), desk.person(NEW)["body"]) == (None, "active", "titles")


def test_every_link_of_both_is_void_but_those_to_leave(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe(NEW)
    old = [desk.tokens(who) for who in (READER, NEW)]
    confirmed = [desk.token(desk.letters(who)[0]) for who in (READER, NEW)]
    move(desk)
    with desk.equipment() as e:
        for person in old:
            for purpose in ("preferences", "resubscribe"):
                with pytest.raises(TokenError):
                    signup.look(e, person[purpose], desk.now, purpose=purpose)
        for token in confirmed:
            with pytest.raises(TokenError):
                signup.confirm(e, token, network=NETWORK, now=desk.now)


def test_what_waits_for_both_is_mailed_once_to_the_address_of_today(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe(NEW)
    token = change_letter(desk)
    mail_server_down(desk)
    publish(desk.house, date(2025, 1, 30))
    with desk.equipment() as e:
        signup.confirm_change(e, token, network=NETWORK, now=desk.now)
    mail_server_back(desk)
    books = desk.house.once("2025-01-30 09:00").books
    assert digests(desk, READER, NEW) == [NEW]
    assert (books["recipients"], books["accepted"], books["skipped"]) == (3, 2, 1)


def test_what_waits_for_the_row_that_is_left_is_not_lost(desk: Desk) -> None:
    desk.subscribe(cadence="weekly")
    desk.subscribe(NEW)
    token = change_letter(desk)
    mail_server_down(desk)
    publish(desk.house, date(2025, 1, 30))
    with desk.equipment() as e:
        signup.confirm_change(e, token, network=NETWORK, now=desk.now)
    mail_server_back(desk)
    desk.house.once("2025-01-30 09:00")
    assert digests(desk, READER, NEW) == [NEW]


def test_the_weekly_mail_holds_nothing_that_either_had(desk: Desk) -> None:
    desk.subscribe(cadence="weekly")
    desk.subscribe(NEW)
    publish(desk.house, *WEEK[3:5])
    move(desk)
    publish(desk.house, *WEEK[5:])
    mailed = carried(desk, NEW)
    assert {title(day) for day in WEEK[3:]} <= set(mailed)
    assert len(mailed) == len(set(mailed))


def test_a_weekly_mail_that_waits_is_skipped_when_the_other_row_had_it_all(desk: Desk) -> None:
    desk.subscribe(cadence="weekly")
    desk.subscribe(NEW)
    week = [day + timedelta(days=7) for day in WEEK[:-1]]
    publish(desk.house, *week)
    token = change_letter(desk)
    mail_server_down(desk)
    desk.house.tick("2025-02-10 00:01")
    assert desk.house.rows("SELECT day, state FROM mailings WHERE kind = 'weekly' ORDER BY id") == [
        ("2025-02-02", "done"), ("2025-02-09", "open"),
    ]  # fmt: skip
    with desk.equipment() as e:
        signup.confirm_change(e, token, network=NETWORK, now=desk.now)
    mail_server_back(desk)
    desk.house.tick("2025-02-10 00:10")
    assert sorted(carried(desk, NEW)) == sorted(title(day) for day in week)
    assert ("2025-02-09", "done") in desk.house.rows("SELECT day, state FROM mailings")


def two_ledgers(store: Store, ours: str, theirs: str) -> tuple[int, int]:
    with store.write() as tx:
        lives, left = subscribers.find(tx, READER), subscribers.find(tx, NEW)
        assert lives
        assert left
        for one, state in ((lives, ours), (left, theirs)):
            query = "UPDATE deliveries SET state = ?, next_at = NULL WHERE subscriber_id = ?"
            tx.exec_driver_sql(query, (state, one.id))
        return lives.id, left.id


def test_whatever_became_of_both_the_books_balance_and_nothing_can_be_mailed_twice(desk: Desk) -> None:
    desk.subscribe()
    desk.subscribe(NEW)
    publish(desk.house, date(2025, 1, 30))
    with desk.equipment() as e:
        for ours, theirs in product(STATES, STATES):
            store = e.store.rehearsal()
            lives, left = two_ledgers(store, ours, theirs)
            with store.write() as tx:
                one, other = subscribers.by_id(tx, left), subscribers.by_id(tx, lives)
                subscribers.join(tx, one, other, desk.now)
                books = deliveries.books(tx)
                after = {
                    row[0]: row[1]
                    for row in tx.exec_driver_sql("SELECT subscriber_id, state FROM deliveries").all()
                }
            case = (ours, theirs, after[lives], after[left])
            assert sum(books.values()) == 2 * books["recipients"] == 6, case
            assert after[left] not in ("waiting", "deferred"), case
            if ours in HAD or theirs in HAD:
                assert after[lives] in HAD, case
            elif {ours, theirs} & {"waiting", "deferred"}:
                assert after[lives] in ("waiting", "deferred"), case
            store.close()


def test_whoever_left_under_the_new_address_is_not_mailed_what_waited_then(desk: Desk) -> None:
    desk.subscribe(cadence="weekly")
    desk.subscribe(NEW)
    token = change_letter(desk)
    mail_server_down(desk)
    publish(desk.house, date(2025, 1, 30))
    with desk.equipment() as e:
        signup.unsubscribe(e, desk.tokens(NEW)["unsubscribe"], desk.now)
        signup.confirm_change(e, token, network=NETWORK, now=desk.now)
    mail_server_back(desk)
    desk.house.once("2025-01-30 09:00")
    assert digests(desk, READER, NEW) == []
    assert desk.state(NEW) == "active"


def test_an_address_that_the_operator_blocks_is_not_written_to_and_not_taken(desk: Desk) -> None:
    desk.subscribe()
    token = change_letter(desk)
    with desk.equipment() as e, e.store.write() as tx:
        suppressions.suppress(tx, NEW, "operator", desk.now)
    with desk.equipment() as e:
        assert signup.confirm_change(e, token, network=NETWORK, now=desk.now).kind == "used"
        desk.later(hours=1)
        signup.change_address(e, desk.tokens()["preferences"], NEW, network=NETWORK, now=desk.now)
    assert desk.send() == 0
    assert desk.state() == "active"
    assert len(desk.letters(NEW)) == 1


# ---------------------------------------------------------------- how often


def test_a_change_may_be_asked_for_right_after_another_letter(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        signup.change_address(e, desk.tokens()["preferences"], NEW, network=NETWORK, now=desk.now)
    assert desk.send() == 1


def test_one_address_is_asked_every_ten_minutes_and_five_times_a_day_whoever_asks(desk: Desk) -> None:
    desk.house.at("2025-01-30 09:00")
    desk.subscribe()
    desk.subscribe(NEW)
    refused = 0
    for n in range(40):
        who = (READER, NEW)[n % 2]
        with desk.equipment() as e:
            try:
                token = desk.tokens(who)["preferences"]
                signup.change_address(e, token, "Victim@example.net", network=f"198.51.{n}.1", now=desk.now)
            except UsageError:
                refused += 1
        desk.ask("victim@example.net", network=f"203.0.{n}.1")
        desk.send()
        desk.later(minutes=4)
    letters = [m for m in desk.house.mails() if str(m["To"]).lower() == "victim@example.net"]
    assert len(letters) == 5
    assert refused


# ---------------------------------------------------------------- nothing of them stays


@pytest.mark.parametrize("erased", [READER, NEW])
def test_no_letter_names_an_address_that_was_forgotten(desk: Desk, erased: str) -> None:
    desk.subscribe()
    desk.subscribe("asker@example.org")
    change_letter(desk, READER, of="asker@example.org")
    move(desk)
    desk.send()
    with desk.equipment() as e:
        people.forget(e, [erased.upper()], now=desk.now)
    kept = repr(desk.house.content_rows())
    assert erased not in kept
    if erased == NEW:  # the person: whatever they were told under either address
        assert desk.house.rows("SELECT count(*) FROM notices WHERE kind = 'changed'") == [(0,)]


@pytest.mark.parametrize("known", [True, False])
def test_a_wish_from_before_an_erasure_does_not_revive_anybody(desk: Desk, known: bool) -> None:
    if known:
        desk.subscribe()
        desk.later(days=1)
    desk.ask(network="198.51.100.9")
    with desk.equipment() as e:
        people.forget(e, [READER], now=desk.now)
    assert desk.send() == 0
    assert desk.state() is None
    kept = repr(desk.house.content_rows())
    assert READER not in kept
    assert "198.51.100.9" not in kept


@pytest.mark.parametrize("by", ["reader", "operator"])
def test_what_is_erased_is_gone_from_the_files_too_while_a_server_keeps_them_open(
    desk: Desk, by: str
) -> None:
    desk.subscribe()
    app = desk.house.app
    with app.at_hand() as server:
        with server.store.read() as tx:
            assert tx.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
        with desk.equipment() as e:
            if by == "reader":
                signup.erase(e, desk.tokens()["preferences"], desk.now)
            else:
                people.forget(e, [READER], now=desk.now)
        files = list((desk.house.root / "var").glob("publisher.db*"))
        assert len(files) == 3, "the log is there"
        assert [path.name for path in files if READER.encode() in path.read_bytes()] == []
    app.close()
    assert [path.name for path in (desk.house.root / "var").glob("publisher.db*")] == ["publisher.db"]


def test_nobody_else_on_the_machine_reads_the_database(desk: Desk) -> None:
    desk.subscribe()
    with desk.house.app.at_hand():
        modes = {path.stat().st_mode & 0o777 for path in (desk.house.root / "var").glob("publisher.db*")}
    assert modes == {0o600}


def test_a_fresh_wish_of_somebody_who_never_confirmed_is_answered(desk: Desk) -> None:
    desk.ask()
    desk.send()
    desk.later(days=31)
    desk.ask()
    desk.house.tick()
    assert desk.state() == "pending"
    assert len(desk.letters()) == 2


# ---------------------------------------------------------------- one owner


def owners(desk: Desk) -> list[str]:
    return [str(email) for (email,) in desk.house.rows("SELECT email FROM subscribers WHERE owner = 1")]


def test_an_owner_by_configuration_is_the_only_one(desk: Desk) -> None:
    desk.house.configure(mail={"owner": "second@example.org"})
    desk.house.tick("2025-01-29 09:00")
    assert owners(desk) == ["second@example.org"]
    desk.house.configure(mail={"owner": "curator@localhost"})
    desk.house.tick("2025-01-29 09:01")
    assert owners(desk) == ["curator@localhost"]


def test_an_owner_who_moves_leaves_one_owner_behind(desk: Desk) -> None:
    move(desk, of="curator@localhost")
    desk.house.tick("2025-01-29 09:00")
    assert owners(desk) == ["curator@localhost"]
    assert desk.state(NEW) == "active"


def test_a_reader_who_moves_to_the_owners_address_is_the_owner(desk: Desk) -> None:
    desk.subscribe()
    desk.house.configure(mail={"owner": NEW})
    desk.house.tick("2025-01-29 09:00")
    desk._app = desk.house.app
    move(desk)
    assert owners(desk) == [NEW]


def test_two_owners_of_an_older_version_become_one(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e, e.store.write() as tx:
        tx.exec_driver_sql("UPDATE subscribers SET owner = 1")
    desk.house.tick("2025-01-29 09:00")
    assert owners(desk) == ["curator@localhost"]


# ---------------------------------------------------------------- the page of a mail


def test_the_page_of_a_mail_says_what_the_mail_said_though_they_left_and_came_back(desk: Desk) -> None:
    desk.subscribe()
    publish(desk.house, date(2025, 1, 30))
    mail = next(m for m in desk.house.mails() if m["To"] == READER and not m["Auto-Submitted"])
    body = mail.get_body(("html",))
    assert body is not None
    token = re.findall(r"subscribe/view/\?t=([a-z0-9.-]+)", body.get_content())[0]
    desk.later(days=3)
    with desk.equipment() as e:
        back = signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now).tokens["resubscribe"]
        signup.resubscribe(e, back, desk.now)
        shown = signup.view(e, token)
    assert shown is not None
    assert shown.decode().split() == body.get_content().split()


# ---------------------------------------------------------------- choices


def test_a_pause_is_kept_when_it_is_not_spoken_of(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        people.pause(e, READER, desk.now.date() + timedelta(days=900), now=desk.now)
        token = desk.tokens()["preferences"]
        wish = Preferences(cadence="weekly")
        assert signup.set_preferences(e, token, wish, desk.now, keep_pause=True).kind == "saved"
        assert signup.set_preferences(e, token, wish, desk.now, keep_pause=True).kind == "already"
    assert (desk.state(), desk.person()["cadence"]) == ("paused", "weekly")


def test_a_token_of_a_version_that_was_lost_with_the_database_still_leads_out(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        with e.store.read() as tx:
            person = subscribers.find(tx, READER)
            assert person is not None
            token = tokens.sign(secret(tx), "unsubscribe", person.uid, key_version=person.key_version + 1)
        assert signup.unsubscribe(e, token, desk.now).kind == "left"
