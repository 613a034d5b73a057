"""Replies of SMTP servers: whose fault they are, and that nobody is struck off without proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.delivery import Outcome
from publisher.core.reply import (
    CLASSES,
    KINDS,
    RULES,
    STAGES,
    STOP_AFTER,
    Stage,
    Streak,
    classify,
    enhanced_status,
    is_hard,
    one_line,
)

codes = st.integers(-1, 999)
stages = st.sampled_from(STAGES)
BEFORE_RCPT: tuple[Stage, ...] = ("connect", "auth", "mail")


def outcome(kind: str, code: int | None = None, text: str = "") -> Outcome:
    return Outcome(key="1", kind=kind, code=code, text=text)  # type: ignore[arg-type]


# ---------------------------------------------------------------- evidence about the reader


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
@pytest.mark.parametrize("stage", ["rcpt", "data", "final"])
def test_these_statuses_prove_that_the_address_does_not_exist(status: str, stage: Stage) -> None:
    assert classify(550, f"{status} <a@b.example> whatever", stage=stage) == "hard"


@pytest.mark.parametrize(
    "text",
    [
        "<a@b.example>: Recipient address rejected: User unknown in local recipient table",
        "User not found: a@163.com",
        "Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728",
        "RC:LD The email account that you tried to reach does no exist.",
        "RC:NE The email account does not exist.",
        "no such user here (umail mta)",
        "Local User [a@123.com] not found.",
        "delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [-5]",
        "#2175041 unavailable mail user",
        "5.0.0 no such recipient",
        "该用户不存在",
    ],
)
def test_user_unknown_in_plain_words_is_proof_as_well(text: str) -> None:
    assert classify(550, text, stage="rcpt") == "hard"


@pytest.mark.parametrize("stage", BEFORE_RCPT)
def test_before_rcpt_nothing_is_proof_for_the_server_does_not_know_the_reader_yet(stage: Stage) -> None:
    for text in ("5.1.1 user unknown", "5.2.2 full", "no such user", "", "5.3.4 too big"):
        assert KINDS[classify(550, text, stage=stage)] == "deferred"


def test_a_temporary_user_unknown_is_no_proof() -> None:
    assert classify(450, "4.1.1 <a@b.example> user unknown", stage="rcpt") == "retry"
    assert classify(450, "5.1.1 <a@b.example> user unknown", stage="rcpt") == "retry"


def test_of_a_code_and_a_status_that_contradict_each_other_the_milder_one_holds() -> None:
    assert classify(550, "4.1.1 user unknown", stage="rcpt") == "retry"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.1.1 <we@us.example>: Sender address rejected: User unknown", "slow-domain"),
        ("5.1.0 Sender denied as sender's email address is on SenderFilterConfig list", "slow-domain"),
        ("5.1.8 <we@us.example>: Domain not found", "slow-domain"),
        ("Sender verify failed: no such user", "slow-domain"),
        (
            "5.2.1 The user you are trying to contact is receiving mail at a rate that\n5.2.1 prevents",
            "retry",
        ),
        ("spam-policy@b.example: user unknown", "hard"),
        ("user unknown, see https://b.example/blocked/spam", "hard"),
    ],
)
def test_words_that_turn_the_meaning_round_are_heard_and_those_in_addresses_are_not(
    text: str, expected: str
) -> None:
    assert classify(550, text, stage="rcpt") == expected


@given(codes, st.text(), stages)
def test_any_reply_has_a_class_and_a_kind(code: int, text: str, stage: Stage) -> None:
    assert classify(code, text, stage=stage) in CLASSES
    assert KINDS[classify(code, text, stage=stage)] in ("accepted", "rejected", "deferred")


@given(codes, st.text(), stages)
def test_only_a_5xx_from_rcpt_on_can_reject_and_only_a_2xx_at_the_end_accepts(
    code: int, text: str, stage: Stage
) -> None:
    kind = KINDS[classify(code, text, stage=stage)]
    assert kind != "rejected" or (500 <= code <= 599 and stage in ("rcpt", "data", "final"))
    assert (kind == "accepted") == (stage == "final" and 200 <= code <= 299)


@given(st.integers(500, 599), st.integers(0, 999), st.text(), stages)
def test_policy_is_never_the_readers_fault(code: int, detail: int, text: str, stage: Stage) -> None:
    assert KINDS[classify(code, f"5.7.{detail} user unknown {text}", stage=stage)] == "deferred"


# ---------------------------------------------------------------- providers


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "Domain frequency limited. http://service.mail.qq.com/cgi-bin/help"),
        (550, "Sender frequency limited"),
        (550, "Connection frequency limited"),
        (550, "Mailbox unavailable or access denied"),
        (550, "Mail content denied. http://service.mail.qq.com/cgi-bin/help?no=1000726"),
        (550, "Suspected spam sender"),
        (550, "DMARC check failed"),
        (421, "HL:REP 163 smtp5,D9CowAB3 http://mail.163.com/help/help_spam_16.htm?ip=1.2.3.4"),
        (421, "HL:ICC"),
        (450, "MI:DMC 126 smtp"),
        (451, "DT:SPM ,please try again"),
        (451, "MI:SFQ"),
        (554, "DT:SPM 163 smtp10"),
        (554, "HL:IPB"),
        (421, "4.7.28 Gmail has detected an unusual rate of mail"),
        (550, "5.7.26 This mail has been blocked because the sender is unauthenticated."),
        (550, "5.7.515 Access denied, sending domain does not meet the required authentication level"),
        (550, "5.4.5 Daily user sending limit exceeded. For more information go to\n5.4.5 https://x"),
        (550, "5.2.121 RESOLVER.RST.RecipientHourlyLimit"),
        (451, "4.7.650 The mail server has been temporarily rate limited"),
        (554, "5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org"),
        (554, "5.7.1 <a@b.example>: Relay access denied"),
        (550, "relay not permitted"),
        (553, "you don't authenticate or the domain is not allowed relay"),
        (552, "message rejected by anti-spam engine"),
        (552, "too many same size mails"),
        (554, "rbl deny"),
    ],
)
@pytest.mark.parametrize("stage", ["rcpt", "final"])
def test_what_providers_say_of_rate_and_trust_slows_the_domain(code: int, text: str, stage: Stage) -> None:
    assert classify(code, text, stage=stage) == "slow-domain"


def test_a_filter_that_the_reader_made_refuses_the_message_and_keeps_the_reader() -> None:
    assert classify(550, "Mail is rejected by recipients", stage="final") == "soft"


@pytest.mark.parametrize("code", [530, 535])
@pytest.mark.parametrize("stage", STAGES)
def test_a_failed_login_stops_the_run_wherever_it_is_said(code: int, stage: Stage) -> None:
    assert classify(code, "5.7.8 Authentication credentials invalid", stage=stage) == "stop-run"


@pytest.mark.parametrize(
    "text",
    [
        "Mail from must equal authorized user",
        "mail from address must be same as authorization user",
        "SMTP authentication required",
        "Please authenticate first",
    ],
)
def test_a_login_that_is_missing_or_anothers_stops_the_run(text: str) -> None:
    assert classify(553, text, stage="mail") == "stop-run"


def test_authentication_required_of_a_message_means_dkim_and_not_our_login() -> None:
    assert classify(554, "authentication required, see our DKIM rules", stage="final") == "slow-domain"


def test_a_refusal_of_the_connection_stops_the_run_and_a_busy_server_does_not() -> None:
    assert classify(554, "no SMTP service here", stage="connect") == "stop-run"
    assert classify(421, "too busy", stage="connect") == "retry"
    assert classify(454, "4.7.0 Temporary authentication failure", stage="auth") == "retry"


# ---------------------------------------------------------------- the basic code


def test_an_unknown_5xx_is_a_rejection_at_rcpt_alone() -> None:
    found = {stage: classify(554, "transaction failed", stage=stage) for stage in STAGES}
    assert found == {
        "connect": "stop-run",
        "auth": "stop-run",
        "mail": "retry",
        "rcpt": "soft",
        "data": "retry",
        "final": "retry",
    }


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_complaint_about_our_commands_rejects_nobody(code: int) -> None:
    assert classify(code, "bad sequence", stage="rcpt") == "retry"
    assert classify(550, "5.5.2 <localhost>: Helo command rejected", stage="rcpt") == "retry"


@pytest.mark.parametrize("text", ["5.2.2 mailbox full", "5.4.4 unable to route", "5.4.1 Access denied"])
def test_a_full_mailbox_or_a_lost_domain_rejects_this_message_and_strikes_nobody_off(text: str) -> None:
    assert classify(552, text, stage="rcpt") == "soft"


def test_too_large_a_message_is_the_readers_matter_at_rcpt_and_the_relays_anywhere_else() -> None:
    text = "5.3.4 Message size exceeds fixed limit"
    assert classify(552, text, stage="rcpt") == "soft"
    assert {classify(552, text, stage=stage) for stage in ("mail", "data", "final")} == {"retry"}


@pytest.mark.parametrize("code", [250, 251, 354, 199, 0, -1, 600])
def test_what_is_neither_4xx_nor_5xx_rejects_nobody(code: int) -> None:
    assert all(KINDS[classify(code, "user unknown", stage=stage)] != "rejected" for stage in STAGES)


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 no", "5.1.1"),
        ("5.1.10", "5.1.10"),
        ("#5.1.0 Address rejected.", "5.1.0"),
        ("[5.7.1] no", "5.7.1"),
        ("refused (5.7.1)", "5.7.1"),
        ("5.1.1.7 is listed", ""),
        ("blocked [5.1.1.7]", ""),
        ("Postfix 5.1.1 at your service", ""),
        ("3.1.1 what", ""),
        ("", ""),
    ],
)
def test_a_status_is_told_from_an_address_and_from_a_version(text: str, status: str) -> None:
    assert enhanced_status(text) == status


def test_no_row_of_the_table_is_hidden_by_one_before_it() -> None:
    for number, rule in enumerate(RULES):
        assert rule.why
        before = [r for r in RULES[:number] if r.status in ("", rule.status) and r.text in ("", rule.text)]
        assert not before, rule.why


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("5.1.1 no such\n5.1.1 user  here", "5.1.1 no such user here"),
        ("one\n5.1.1 two", "one 5.1.1 two"),
        ("5.1.1\n5.1.1", "5.1.1"),
        ("\x1b[31mred\x00\r\n", "[31mred"),
        ("用户不存在".encode("gbk").decode("utf-8", "surrogateescape"), "用户不存在"),
        ("用户不存在", "用户不存在"),
        ("", ""),
    ],
)
def test_a_reply_is_kept_as_one_readable_line(said: str, kept: str) -> None:
    assert one_line(said) == kept


@given(st.binary())
def test_any_bytes_become_a_line_that_a_database_takes(said: bytes) -> None:
    kept = one_line(said.decode("utf-8", "surrogateescape"))
    assert kept.encode().decode() == kept
    assert kept.isprintable() or not any(character < " " for character in kept)


@given(st.integers(500, 599), st.sampled_from(["5.1.1", "5.7.1", "5.2.2", "4.2.1"]), stages)
def test_what_is_kept_has_the_class_of_what_was_said(code: int, status: str, stage: Stage) -> None:
    said = f"{status} no\n{status} go"
    assert classify(code, one_line(said), stage=stage) == classify(code, said, stage=stage)


# ---------------------------------------------------------------- what callers ask


def test_a_reader_is_struck_off_for_a_rejection_with_proof_and_for_nothing_else() -> None:
    assert is_hard(outcome("rejected", 550, "5.1.1 no such user"))
    assert not is_hard(outcome("rejected", 550, "5.2.2 full"))
    assert not is_hard(outcome("rejected", None, "not an address for SMTP without SMTPUTF8"))
    assert not is_hard(outcome("deferred", 550, "5.1.1 <we@us.example> no such user"))
    assert not is_hard(outcome("uncertain", 550, "5.1.1"))


def run_of(*outcomes: Outcome) -> Streak:
    streak = Streak()
    for one in outcomes:
        streak = streak.after(one)
    return streak


def test_twenty_policy_refusals_in_a_row_are_enough() -> None:
    policy = outcome("deferred", 550, "5.7.1 no")
    assert not run_of(*[policy] * (STOP_AFTER - 1)).too_long
    assert run_of(*[policy] * STOP_AFTER).too_long


@pytest.mark.parametrize("verdict", [outcome("accepted", 250), outcome("rejected", 550, "5.1.1 unknown")])
def test_a_verdict_about_a_message_or_a_reader_begins_the_count_anew(verdict: Outcome) -> None:
    policy = outcome("deferred", 550, "5.7.1 no")
    assert run_of(*[policy] * 19, verdict, policy).length == 1


@pytest.mark.parametrize("nothing", [outcome("deferred", 451), outcome("deferred"), outcome("uncertain")])
def test_what_has_no_verdict_neither_counts_nor_clears(nothing: Outcome) -> None:
    policy = outcome("deferred", 550, "5.7.1 no")
    assert run_of(policy, nothing, policy).length == 2
