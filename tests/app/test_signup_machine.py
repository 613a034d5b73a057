"""Any order of forms, buttons, waits and complaints: a reader's state only ever changes as core.subscriber allows, and
nobody is active who did not say so themselves since they were last told to be away."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from publisher.app import signup
from publisher.app.signup import Preferences
from publisher.core.errors import PublisherError
from publisher.core.subscriber import STATES, State, may_become
from publisher.store import subscribers
from tests.app.desk import Desk

A, B = "zhang.san@example.org", "li.si@example.net"
PEOPLE = st.sampled_from([A, B])


class Readers(RuleBasedStateMachine):
    """Two readers, their mailboxes, and the web. What a token opens is tried at any time, also much later."""

    @initialize()
    def open_the_house(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.desk = Desk(self.root / "house")
        self.before: dict[str, State | None] = {A: None, B: None}
        self.willing = {A: False, B: False}  # by their own last word
        self.away_since = {A: self.desk.now, B: self.desk.now}
        self.held: dict[str, list[str]] = {"confirm": [], "change": []}
        self.links: list[dict[str, str]] = []

    # -- what happens from outside

    @rule(who=PEOPLE, cadence=st.sampled_from(["daily", "weekly"]))
    def somebody_asks(self, who: str, cadence: str) -> None:
        rows = len(self.desk.house.rows("SELECT id FROM notices"))
        self.desk.ask(who, cadence=cadence, network=f"198.51.100.{self.desk.now.minute}")
        assert len(self.desk.house.rows("SELECT id FROM notices")) - rows in (0, 1)

    @rule()
    def letters_go_out(self) -> None:
        self.desk.send()
        self.held = {"confirm": [], "change": []}
        for mail in self.desk.house.mails():
            text = self.desk.house.text(mail)
            for kind, tokens in self.held.items():
                if f"/subscribe/{kind}/?t=" in text:
                    tokens.append(self.desk.token(mail))

    @rule(minutes=st.sampled_from([1, 11, 60, 60 * 24, 60 * 24 * 8, 60 * 24 * 31]))
    def time_passes(self, minutes: int) -> None:
        self.desk.house.now += timedelta(minutes=minutes)

    @rule(who=PEOPLE)
    def a_reader_opens_every_page(self, who: str) -> None:
        if self.desk.state(who) is None:
            return
        rows, tokens = self.desk.house.content_rows(), self.desk.tokens(who)
        with self.desk.equipment() as e:
            for purpose in ("preferences", "unsubscribe", "resubscribe"):
                signup.look(e, tokens[purpose], self.desk.now, purpose=purpose)
            signup.preferences(e, tokens["preferences"])
            for kind in ("confirm", "change"):
                for token in self.held[kind]:
                    with contextlib.suppress(PublisherError):
                        signup.look(e, token, self.desk.now, purpose=kind)  # type: ignore[arg-type]
        assert self.desk.house.content_rows() == rows
        self.links.append(dict(tokens))

    # -- what readers do

    @rule(who=PEOPLE)
    def somebody_goes_the_whole_way_in(self, who: str) -> None:
        self.somebody_asks(who, "daily")
        self.letters_go_out()
        self.a_confirm_button_is_pressed(-1)

    @rule(pick=st.integers(-1, 5))
    def a_confirm_button_is_pressed(self, pick: int) -> None:
        if not self.held["confirm"]:
            return
        token = self.held["confirm"][pick % len(self.held["confirm"]) if pick >= 0 else -1]
        with contextlib.suppress(PublisherError):
            if self.desk.confirm(token).kind == "confirmed":
                ((who, asked_at),) = self.desk.house.rows(
                    f"SELECT email, created_at FROM notices WHERE uid = '{token.partition('.')[0]}'"
                )
                assert datetime.fromisoformat(str(asked_at)) >= self.away_since[str(who)], (
                    "an old link undid leaving"
                )
                self.willing[str(who)] = True

    @rule(who=PEOPLE, verb=st.sampled_from(["page", "one-click"]))
    def one_leaves(self, who: str, verb: str) -> None:
        if self.desk.state(who) is None:
            return
        with self.desk.equipment() as e:
            signup.unsubscribe(e, self.desk.tokens(who)["unsubscribe"], self.desk.now, verb)  # type: ignore[arg-type]
        if self.willing[who]:
            self.away_since[who] = self.desk.now
        self.willing[who] = False

    @rule(who=PEOPLE)
    def one_comes_back(self, who: str) -> None:
        if self.desk.state(who) is None:
            return
        with self.desk.equipment() as e:
            if signup.resubscribe(e, self.desk.tokens(who)["resubscribe"], self.desk.now).kind == "back":
                self.willing[who] = True

    @rule(who=PEOPLE, days=st.none() | st.integers(1, 40))
    def one_chooses(self, who: str, days: int | None) -> None:
        if self.desk.state(who) is None:
            return
        today = self.desk.now.date()
        wish = Preferences(cadence="weekly", paused_until=today + timedelta(days=days) if days else None)
        with self.desk.equipment() as e:
            signup.set_preferences(e, self.desk.tokens(who)["preferences"], wish, self.desk.now)

    @rule(pick=st.integers(0, 99), purpose=st.sampled_from(["unsubscribe", "preferences"]))
    def an_old_link_is_pressed(self, pick: int, purpose: str) -> None:
        if not self.links:
            return
        token = self.links[pick % len(self.links)][purpose]
        with self.desk.equipment() as e, contextlib.suppress(PublisherError):
            if purpose == "preferences":
                signup.set_preferences(e, token, Preferences(body="lead"), self.desk.now)
            else:
                signup.weekly_instead(e, token, self.desk.now)

    @rule(who=PEOPLE, state=st.sampled_from(["bounced", "complained"]))
    def mail_comes_back(self, who: str, state: State) -> None:
        before = self.desk.state(who)
        if before is None or not may_become(before, state):  # type: ignore[arg-type]
            return
        with self.desk.equipment() as e, e.store.write() as tx:
            person = subscribers.find(tx, who)
            assert person is not None
            subscribers.set_state(tx, person.id, state, self.desk.now)
        self.away_since[who] = self.desk.now
        self.willing[who] = False

    @rule(who=PEOPLE)
    def a_list_names_them(self, who: str) -> None:
        if self.desk.state(who) is None:
            return
        self.desk.house.app.import_subscribers(f"email,state\n{who},active\n".encode(), "list.csv")

    # -- what always holds

    @invariant()
    def states_follow_each_other_as_they_may(self) -> None:
        if not hasattr(self, "desk"):
            return
        for who in (A, B):
            now = self.desk.state(who)
            assert now is None or now in STATES
            before = self.before[who]
            if before and now:
                # a confirmation leads somebody who complained through 'pending' in one step
                through = may_become(before, "pending") and may_become("pending", now)
                assert may_become(before, now) or through, f"{before} → {now}"
            self.before[who] = now

    @invariant()
    def nobody_is_mailed_against_their_last_word(self) -> None:
        if not hasattr(self, "desk"):
            return
        for who in (A, B):
            if self.desk.state(who) in ("active", "paused"):
                assert self.willing[who]

    @invariant()
    def whoever_is_active_has_said_yes(self) -> None:
        if not hasattr(self, "desk"):
            return
        unproven = self.desk.house.rows(
            "SELECT id FROM subscribers s WHERE state = 'active' AND owner = 0 AND NOT EXISTS "
            "(SELECT 1 FROM consents c WHERE c.subscriber_id = s.id AND c.kind = 'confirmed' AND c.source != '')"
        )
        assert unproven == []

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root, ignore_errors=True)


Readers.TestCase.settings = settings(
    max_examples=10, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)  # fmt: skip
TestReaders = Readers.TestCase
