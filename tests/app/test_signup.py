"""Signing up and leaving: only POST acts, twice is once, nobody learns who is known, and a token has one purpose."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from publisher.app import signup
from publisher.app.signup import Preferences
from publisher.core.errors import UsageError
from publisher.core.subscriber import AddressError
from publisher.core.token import TokenError, TokenExpired
from tests.app.desk import NETWORK, READER, Desk

NEW = "li.si@example.net"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---------------------------------------------------------------- the way in


def test_asking_confirming_and_being_mailed(desk: Desk) -> None:
    desk.ask(cadence="daily", body="lead", language="en")
    assert desk.send() == 1
    assert desk.state() == "pending"
    outcome = desk.confirm(desk.token(desk.letters()[0]))
    assert (outcome.kind, desk.state()) == ("confirmed", "active")
    assert outcome.person.masked == "z…@example.org"
    assert desk.person() | {"body": "lead", "language": "en"} == desk.person()
    assert desk.consents() == [("asked", NETWORK), ("confirmed", NETWORK)]


def test_the_words_that_were_agreed_to_are_kept(desk: Desk) -> None:
    desk.subscribe(language="zh-Hans")
    texts = {str(text) for (text,) in desk.house.rows("SELECT text FROM consents WHERE kind = 'confirmed'")}
    assert texts == {"我愿意收《每日手记》的邮件。每封信里都有退订链接；邮箱地址不作他用。"}


def test_nobody_is_mailed_a_digest_before_they_confirmed(desk: Desk) -> None:
    desk.ask()
    desk.send()
    desk.house.write("2025-01-30", "# 2025-01-30\n\n## 1\n\n另一天的文字。\n")
    desk.house.once("2025-01-30 08:00")
    assert [m for m in desk.house.mails() if m["To"] == READER and not m["Auto-Submitted"]] == []


def test_a_form_costs_one_row_whoever_is_named(desk: Desk) -> None:
    desk.subscribe()
    desk.later(days=1)
    before = desk.house.content_rows()
    desk.ask(READER)
    desk.ask("nobody.yet@example.org")
    after = desk.house.content_rows()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"notices"}
    assert len(after["notices"]) == len(before["notices"]) + 2


def test_a_known_reader_is_told_so_and_nothing_changes(desk: Desk) -> None:
    desk.subscribe(cadence="daily")
    desk.later(days=1)
    desk.ask(cadence="weekly")
    desk.send()
    letter = desk.letters()[-1]
    assert letter["Subject"] == "您已经订阅了《每日手记》"
    with desk.equipment() as e:
        assert signup.preferences(e, desk.token(letter)).person.cadence == "daily"


def test_the_link_may_be_used_again_until_it_is_too_old(desk: Desk) -> None:
    desk.ask()
    desk.send()
    token = desk.token(desk.letters()[0])
    assert desk.confirm(token).kind == "confirmed"
    rows = desk.house.content_rows()
    assert desk.confirm(token).kind == "already"
    assert desk.house.content_rows() == rows
    desk.later(days=8)
    with pytest.raises(TokenExpired):
        desk.confirm(token)


def test_a_link_holds_for_seven_days(desk: Desk) -> None:
    desk.ask()
    desk.send()
    desk.later(days=7)
    assert desk.confirm(desk.token(desk.letters()[0])).kind == "confirmed"


def test_an_old_confirm_link_does_not_undo_leaving(desk: Desk) -> None:
    desk.ask()
    desk.send()
    token = desk.token(desk.letters()[0])
    desk.confirm(token)
    desk.later(hours=1)
    with desk.equipment() as e:
        signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now)
    assert desk.confirm(token).kind == "used"
    assert desk.state() == "unsubscribed"


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "complained"])
def test_a_stranger_who_names_somebody_changes_nothing_about_them(desk: Desk, state: str) -> None:
    desk.subscribe()
    with desk.equipment() as e, e.store.write() as tx:
        from publisher.store import subscribers

        person = subscribers.find(tx, READER)
        assert person is not None
        subscribers.set_state(tx, person.id, state, desk.now)
    desk.later(days=1)
    desk.ask()
    desk.send()
    assert desk.state() == state
    assert desk.confirm(desk.token(desk.letters()[-1])).kind == "confirmed"
    assert desk.state() == "active"


def test_the_newest_wish_wins(desk: Desk) -> None:
    desk.ask(cadence="daily", body="full")
    desk.send()
    desk.later(minutes=11)
    desk.ask(cadence="weekly", body="titles")
    desk.send()
    desk.confirm(desk.token(desk.letters()[1]))
    assert (desk.person()["cadence"], desk.person()["body"]) == ("weekly", "titles")


@pytest.mark.parametrize(
    "email", ["", "no at", "a@b", "a@b.cn\r\nBcc: c@d.cn", "读者@例子.中国", "x" * 300 + "@b.cn"]
)
def test_what_is_no_address_is_refused_and_leaves_no_trace(desk: Desk, email: str) -> None:
    rows = desk.house.content_rows()
    with pytest.raises(AddressError):
        desk.ask(email)
    assert desk.house.content_rows() == rows


def test_choices_that_nobody_knows_become_the_usual_ones(desk: Desk) -> None:
    desk.subscribe(cadence="hourly", body="'; DROP TABLE", language="../../etc")
    assert [desk.person()[name] for name in ("cadence", "body", "language")] == ["daily", "full", "zh-Hans"]


# ---------------------------------------------------------------- limits


def test_an_address_gets_a_letter_every_ten_minutes_and_five_a_day(desk: Desk) -> None:
    desk.house.at("2025-01-30 09:00")
    for _ in range(30):
        desk.ask(network=f"198.51.{desk.now.hour}.{desk.now.minute}")
        desk.send()
        desk.later(minutes=4)
    assert len(desk.letters()) == 5


def test_a_network_may_ask_twenty_times_an_hour_and_is_not_told(desk: Desk) -> None:
    desk.house.at("2025-01-30 09:00")
    for n in range(30):
        desk.ask(f"reader{n}@example.org", network=f"203.0.113.{n}")
    assert desk.house.rows("SELECT count(*) FROM notices") == [(20,)]
    desk.later(hours=1)
    desk.ask("reader30@example.org", network="203.0.113.1")
    assert desk.house.rows("SELECT count(*) FROM notices") == [(21,)]


def test_an_address_that_the_operator_blocks_gets_nothing(desk: Desk) -> None:
    from publisher.store import suppressions

    with desk.equipment() as e, e.store.write() as tx:
        suppressions.suppress(tx, READER, "operator", desk.now)
    desk.ask()
    assert desk.send() == 0
    assert (desk.state(), desk.house.rows("SELECT * FROM notices")) == (None, [])


# ---------------------------------------------------------------- the way out and back


def test_leaving_is_at_once_and_twice_is_once(desk: Desk) -> None:
    desk.subscribe()
    token = desk.tokens()["unsubscribe"]
    with desk.equipment() as e:
        assert signup.unsubscribe(e, token, desk.now, "one-click").kind == "left"
        rows = desk.house.content_rows()
        assert signup.unsubscribe(e, token, desk.now, "one-click").kind == "already"
    assert desk.house.content_rows() == rows
    assert desk.state() == "unsubscribed"
    assert desk.consents()[-1] == ("withdrawn", "one-click")


def test_who_leaves_while_a_mailing_waits_is_not_mailed(desk: Desk) -> None:
    desk.subscribe()
    desk.house.configure(mail={"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"})
    desk.house.write("2025-01-30", "# 2025-01-30\n\n## 1\n\n另一天的文字。\n")
    desk.house.once("2025-01-30 08:00")
    with desk.equipment() as e:
        signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now)
    desk.house.configure(mail={"transport": "maildir"})
    run = desk.house.once("2025-01-30 09:00")
    assert (run.books["accepted"], run.books["skipped"]) == (1, 1)
    assert [m for m in desk.house.mails() if m["To"] == READER and not m["Auto-Submitted"]] == []


def test_one_press_brings_back_within_thirty_days(desk: Desk) -> None:
    desk.subscribe(cadence="weekly")
    with desk.equipment() as e:
        back = signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now).tokens["resubscribe"]
        desk.later(days=30)
        assert signup.resubscribe(e, back, desk.now).kind == "back"
        assert signup.resubscribe(e, back, desk.now).kind == "already"
    assert (desk.state(), desk.person()["cadence"]) == ("active", "weekly")


def test_after_thirty_days_they_must_ask_anew(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        back = signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now).tokens["resubscribe"]
        desk.later(days=31)
        with pytest.raises(TokenExpired):
            signup.resubscribe(e, back, desk.now)
        assert signup.resubscribe(e, desk.tokens()["resubscribe"], desk.now).kind == "late"
    assert desk.state() == "unsubscribed"


def test_weekly_instead_of_leaving(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        assert signup.weekly_instead(e, desk.tokens()["unsubscribe"], desk.now).kind == "saved"
        assert signup.weekly_instead(e, desk.tokens()["unsubscribe"], desk.now).kind == "already"
    assert (desk.state(), desk.person()["cadence"]) == ("active", "weekly")


# ---------------------------------------------------------------- preferences


def test_choosing_anew_and_pausing(desk: Desk) -> None:
    desk.subscribe()
    wish = Preferences(cadence="weekly", body="titles", language="en", paused_until=date(2025, 2, 10))
    with desk.equipment() as e:
        token = desk.tokens()["preferences"]
        assert signup.set_preferences(e, token, wish, desk.now).kind == "saved"
        rows = desk.house.content_rows()
        assert signup.set_preferences(e, token, wish, desk.now).kind == "already"
        assert signup.preferences(e, token).person.preferences == wish
    assert desk.house.content_rows() == rows
    assert desk.state() == "paused"


def test_a_pause_ends_by_itself_on_its_day(desk: Desk) -> None:
    desk.subscribe()
    wish = Preferences(paused_until=date(2025, 2, 1))
    with desk.equipment() as e:
        signup.set_preferences(e, desk.tokens()["preferences"], wish, desk.now)
    desk.house.tick("2025-01-31 23:59")
    assert desk.state() == "paused"
    desk.house.tick("2025-02-01 00:01")
    assert (desk.state(), desk.person()["paused_until"]) == ("active", None)


def test_a_pause_can_be_ended_by_hand(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        token = desk.tokens()["preferences"]
        signup.set_preferences(e, token, Preferences(paused_until=date(2025, 3, 1)), desk.now)
        signup.set_preferences(e, token, Preferences(), desk.now)
    assert desk.state() == "active"


@pytest.mark.parametrize("day", ["2025-01-29", "2024-12-31", "2026-02-01", "9999-12-31"])
def test_a_pause_without_a_sensible_end_is_refused(desk: Desk, day: str) -> None:
    desk.subscribe()
    wish = Preferences(paused_until=date.fromisoformat(day))
    with desk.equipment() as e, pytest.raises(UsageError, match="a pause ends"):
        signup.set_preferences(e, desk.tokens()["preferences"], wish, desk.now)


def test_who_left_stays_away_whatever_they_choose(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        signup.unsubscribe(e, desk.tokens()["unsubscribe"], desk.now)
        wish = Preferences(cadence="weekly", paused_until=date(2025, 2, 10))
        signup.set_preferences(e, desk.tokens()["preferences"], wish, desk.now)
    assert (desk.state(), desk.person()["cadence"]) == ("unsubscribed", "weekly")


# ---------------------------------------------------------------- another address


def changing(desk: Desk, new: str = NEW) -> None:
    with desk.equipment() as e:
        token = desk.tokens()["preferences"]
        signup.change_address(e, token, new, network=NETWORK, now=desk.now)
    desk.send()


def test_the_new_address_is_asked_and_the_old_one_told(desk: Desk) -> None:
    desk.subscribe(body="lead")
    old = desk.tokens()
    desk.later(hours=1)
    changing(desk)
    assert desk.state() == "active"
    with desk.equipment() as e:
        token = desk.token(desk.letters(NEW)[0])
        assert signup.look(e, token, desk.now, purpose="change").new_masked == "l…@example.net"
        assert signup.confirm_change(e, token, network=NETWORK, now=desk.now).kind == "changed"
        assert signup.confirm_change(e, token, network=NETWORK, now=desk.now).kind == "already"
        with pytest.raises(TokenError):
            signup.preferences(e, old["preferences"])
    desk.send()
    assert (desk.state(), desk.state(NEW), desk.person(NEW)["body"]) == (None, "active", "lead")
    assert desk.letters()[-1]["Subject"] == "《每日手记》今后寄到您的新地址"
    assert NEW not in desk.house.text(desk.letters()[-1])


def test_no_address_stands_in_any_link(desk: Desk) -> None:
    desk.subscribe()
    desk.later(hours=1)
    changing(desk)
    for letter in (*desk.letters(), *desk.letters(NEW)):
        links = [word for word in desk.house.text(letter).split() if word.startswith("http")]
        assert links
        assert not any("@" in link or "%40" in link or "example.net" in link for link in links)


def test_until_the_new_address_confirms_mail_goes_to_the_old_one(desk: Desk) -> None:
    desk.subscribe()
    desk.later(hours=1)
    changing(desk)
    assert desk.person()["email"] == READER


def test_a_change_asked_for_before_another_one_is_void(desk: Desk) -> None:
    desk.subscribe()
    desk.later(hours=1)
    changing(desk, "first@example.net")
    desk.later(hours=1)
    changing(desk, "second@example.net")
    with desk.equipment() as e:
        token = desk.token(desk.letters("second@example.net")[0])
        signup.confirm_change(e, token, network=NETWORK, now=desk.now)
        stale = desk.token(desk.letters("first@example.net")[0])
        with pytest.raises(TokenError):
            signup.confirm_change(e, stale, network=NETWORK, now=desk.now)


def test_changing_addresses_floods_nobody(desk: Desk) -> None:
    desk.subscribe()
    desk.later(hours=1)
    changing(desk, "victim@example.net")
    for _ in range(9):
        desk.later(minutes=1)
        with pytest.raises(UsageError, match="asked for a short while ago"):
            changing(desk, "victim@example.net")
    assert len([m for m in desk.house.mails() if "victim" in str(m["To"])]) == 1


# ---------------------------------------------------------------- their data


def test_everything_that_is_stored_is_told(desk: Desk) -> None:
    desk.subscribe()
    desk.house.write("2025-01-30", "# 2025-01-30\n\n## 1\n\n另一天的文字。\n")
    desk.house.once("2025-01-30 08:00")
    with desk.equipment() as e:
        data = signup.export_data(e, desk.tokens()["preferences"])
    assert (data["email"], data["state"], data["cadence"]) == (READER, "active", "daily")
    assert [one["kind"] for one in data["consents"]] == ["asked", "confirmed"]
    assert [one["kind"] for one in data["letters"]] == ["confirmation"]
    assert [(one["issue"], one["state"]) for one in data["mailings"]] == [("2025-01-30", "accepted")]


def test_who_is_erased_is_nowhere_and_the_books_still_balance(desk: Desk) -> None:
    desk.subscribe()
    desk.house.write("2025-01-30", "# 2025-01-30\n\n## 1\n\n另一天的文字。\n")
    run = desk.house.once("2025-01-30 08:00")
    tokens, uid = desk.tokens(), desk.house.rows("SELECT uid FROM subscribers WHERE owner = 0")[0][0]
    with desk.equipment() as e:
        signup.erase(e, tokens["preferences"], desk.now)
        for name in ("preferences", "unsubscribe", "resubscribe"):
            with pytest.raises(TokenError):
                signup.look(e, tokens[name], desk.now, purpose=name)
    kept = repr(desk.house.content_rows())
    for trace in (READER, "zhang.san", str(uid), NETWORK):
        assert trace not in kept
    assert desk.house.once("2025-01-30 09:00").books == run.books
    assert [one.email for one in desk.house.app.list_subscribers().subscribers] == ["curator@localhost"]


def test_who_was_erased_may_come_back_by_themselves(desk: Desk) -> None:
    desk.subscribe()
    with desk.equipment() as e:
        signup.erase(e, desk.tokens()["preferences"], desk.now)
    desk.later(days=1)
    desk.ask()
    desk.send()
    assert desk.house.rows("SELECT reason FROM suppressions") == [("forgotten",)]
    assert desk.confirm(desk.token(desk.letters()[-1])).kind == "confirmed"
    assert desk.house.rows("SELECT reason FROM suppressions") == []


def test_the_page_of_a_mail_is_what_was_mailed(desk: Desk) -> None:
    import re

    desk.subscribe()
    desk.house.write("2025-01-30", "# 2025-01-30\n\n## 1\n\n另一天的文字。\n")
    desk.house.once("2025-01-30 08:00")
    mail = next(m for m in desk.house.mails() if m["To"] == READER and not m["Auto-Submitted"])
    body = mail.get_body(("html",))
    assert body is not None
    token = re.findall(r"subscribe/view/\?t=([a-z0-9.-]+)", body.get_content())[0]
    with desk.equipment() as e:
        shown = signup.view(e, token)
        assert shown is not None
        assert shown.decode().replace("\r\n", "\n") == body.get_content().replace("\r\n", "\n")
        with pytest.raises(TokenError):
            signup.view(e, desk.tokens()["view"])


# ---------------------------------------------------------------- GET, tokens, time


def test_looking_changes_nothing(desk: Desk) -> None:
    desk.ask()
    desk.send()
    confirm = desk.token(desk.letters()[0])
    rows = desk.house.content_rows()
    with desk.equipment() as e:
        for _ in range(3):
            assert signup.look(e, confirm, desk.now).state == "pending"
    assert desk.house.content_rows() == rows
    desk.confirm(confirm)
    desk.later(minutes=1)
    changing(desk)
    rows, tokens = desk.house.content_rows(), desk.tokens()
    with desk.equipment() as e:
        for purpose in ("preferences", "unsubscribe", "resubscribe"):
            signup.look(e, tokens[purpose], desk.now, purpose=purpose)
        signup.preferences(e, tokens["preferences"])
        signup.export_data(e, tokens["preferences"])
        signup.look(e, confirm, desk.now)
    assert desk.house.content_rows() == rows


def test_no_token_does_the_work_of_another(desk: Desk) -> None:
    desk.ask()
    desk.send()
    confirm = desk.token(desk.letters()[0])
    desk.confirm(confirm)
    tokens = desk.tokens() | {"confirm": confirm}
    rows = desk.house.content_rows()
    with desk.equipment() as e:
        verbs = {
            "confirm": lambda t: signup.confirm(e, t, network=NETWORK, now=desk.now),
            "change": lambda t: signup.confirm_change(e, t, network=NETWORK, now=desk.now),
            "unsubscribe": lambda t: (
                signup.unsubscribe(e, t, desk.now),
                signup.weekly_instead(e, t, desk.now),
            ),
            "resubscribe": lambda t: signup.resubscribe(e, t, desk.now),
            "preferences": lambda t: signup.set_preferences(e, t, Preferences(), desk.now),
            "view": lambda t: signup.view(e, t),
        }
        verbs |= {
            "preferences of data": lambda t: signup.export_data(e, t),
            "preferences to erase": lambda t: signup.erase(e, t, desk.now),
            "preferences to move": lambda t: signup.change_address(e, t, NEW, network=NETWORK, now=desk.now),
        }
        for made, token in tokens.items():
            for used, verb in verbs.items():
                if used.split()[0] != made:
                    with pytest.raises(TokenError):
                        verb(token)
    assert desk.house.content_rows() == rows


def test_before_the_first_run_no_link_is_valid(tmp_path: Path) -> None:
    from tests.house import House

    with House(tmp_path).app._equipped() as e, pytest.raises(TokenError):
        signup.look(e, "abc.1.0.def", e.clock())


def test_who_asked_and_never_confirmed_is_forgotten_after_a_month(desk: Desk) -> None:
    desk.ask()
    desk.send()
    desk.house.tick("2025-02-27 08:01")
    assert desk.state() == "pending"
    desk.house.now += timedelta(days=2)
    desk.house.tick()
    assert desk.state() is None
    assert READER not in repr(desk.house.content_rows())


# ---------------------------------------------------------------- what the operator says


def test_who_complained_comes_back_by_themselves_and_by_nobody_else(desk: Desk) -> None:
    desk.subscribe()
    desk.house.app.remove_subscribers((READER,), because="complained")
    assert desk.state() == "complained"
    [refused] = desk.house.app.add_subscribers((READER,)).addresses
    assert (refused.outcome, desk.state()) == ("suppressed", "complained")
    desk.later(days=1)
    desk.subscribe()
    assert desk.state() == "active"


def test_a_blocked_address_is_mailed_nothing_until_the_operator_adds_it(desk: Desk) -> None:
    desk.subscribe()
    before = len(desk.letters())
    desk.house.app.remove_subscribers((READER, "stranger@example.org"), because="blocked")
    desk.later(days=1)
    for email in (READER, "stranger@example.org"):
        desk.ask(email)
    assert desk.send() == 0
    assert (len(desk.letters()), desk.letters("stranger@example.org")) == (before, [])
    assert desk.state() == "unsubscribed"
    desk.house.app.add_subscribers((READER,))
    assert desk.state() == "active"
