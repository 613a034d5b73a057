"""Single letters: over a real mail server, each once, again under the same name when nobody can know, never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from publisher.core.errors import MailError
from publisher.render.words import words
from tests.app.desk import READER, Desk
from tests.fake_smtp import FakeSmtp

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "notices"


def over_smtp(tmp_path: Path, server: FakeSmtp) -> Desk:
    desk = Desk(tmp_path / "house")
    desk.house.configure(
        mail={"transport": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none", "owner": ""}
    )
    desk._app = desk.house.app
    return desk


def letter_rows(desk: Desk) -> list[tuple[object, ...]]:
    return desk.house.rows("SELECT state, attempts, next_at IS NOT NULL FROM notices ORDER BY id")


# ---------------------------------------------------------------- what a letter is


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_a_letter_has_the_headers_of_one_that_nobody_answers(tmp_path: Path, language: str) -> None:
    desk = Desk(tmp_path)
    desk.ask(language=language)
    desk.send()
    letter = desk.letters()[0]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Content-Language"] == ("en" if language == "en" else "zh-CN")
    assert letter["List-Unsubscribe"] is None
    assert letter["Message-ID"].endswith("@daily.example.cn>")
    assert letter.get_content_type() == "multipart/alternative"
    assert ("press its button" in desk.house.text(letter)) == (language == "en")


def test_both_parts_lead_to_the_same_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask()
    desk.send()
    letter = desk.letters()[0]
    html = letter.get_body(("html",))
    assert isinstance(html, EmailMessage)
    assert html.get_content().count(desk.token(letter)) == 2
    assert "<script" not in html.get_content()


def test_a_sites_title_cannot_write_into_a_letter(tmp_path: Path) -> None:
    desk = Desk(tmp_path, site={"title": "<b>甲</b> & 乙", "url": "https://daily.example.cn/"})
    desk.ask()
    desk.send()
    letter = desk.letters()[0]
    html = letter.get_body(("html",))
    assert isinstance(html, EmailMessage)
    assert "<b>甲" not in html.get_content()
    assert "《<b>甲</b> & 乙》" in desk.house.text(letter)


def test_every_sentence_of_the_letters_has_its_translation() -> None:
    import re

    from publisher.render import notices as drawn

    zh = words("zh")
    said = {s for file in TEMPLATES.iterdir() for s in re.findall(r'_\("([^"]+)"', file.read_text("utf-8"))}
    said |= {*drawn.SUBJECTS.values(), *drawn.CADENCE_WORDS.values(), *drawn.BODY_WORDS.values()}
    assert len(said) > 15
    assert {sentence for sentence in said if zh(sentence) == sentence} == set()


# ---------------------------------------------------------------- on the way


def test_a_letter_reaches_its_reader_through_a_mail_server(tmp_path: Path) -> None:
    with FakeSmtp(tmp_path / "log") as server:
        desk = over_smtp(tmp_path, server)
        desk.ask()
        assert desk.send() == 1
        assert desk.send() == 0
        assert [to for _, to in server.accepted()] == [READER]
    assert letter_rows(desk) == [("accepted", 1, 0)]


def test_without_a_mail_server_letters_wait_and_nothing_is_lost(tmp_path: Path) -> None:
    with FakeSmtp(tmp_path / "log") as server:
        desk = over_smtp(tmp_path, server)
    desk.ask()
    with pytest.raises(MailError):
        desk.send()
    assert [row[:2] for row in letter_rows(desk)] == [("waiting", 0)]
    with FakeSmtp(tmp_path / "log") as server:
        desk.house.configure(mail={"port": server.port})
        desk._app = desk.house.app
        desk.later(minutes=2)
        assert desk.send() == 1


def test_a_mail_server_that_is_away_does_not_break_a_tick(tmp_path: Path) -> None:
    with FakeSmtp(tmp_path / "log") as server:
        desk = over_smtp(tmp_path, server)
    desk.ask()
    assert desk.house.tick().outcome == "already-published"
    assert letter_rows(desk)[0][0] == "waiting"


def test_a_refused_letter_is_not_tried_again(tmp_path: Path) -> None:
    with FakeSmtp(tmp_path / "log", refuse={READER: "550 5.1.1 no such user"}) as server:
        desk = over_smtp(tmp_path, server)
        desk.ask()
        assert desk.send() == 0
        desk.later(hours=5)
        assert desk.send() == 0
    assert letter_rows(desk) == [("rejected", 1, 0)]


def test_a_deferred_letter_goes_out_later(tmp_path: Path) -> None:
    with FakeSmtp(tmp_path / "log", refuse={READER: "450 4.2.0 later"}) as server:
        desk = over_smtp(tmp_path, server)
        desk.ask()
        assert desk.send() == 0
        assert letter_rows(desk) == [("deferred", 1, 1)]
    with FakeSmtp(tmp_path / "log") as server:
        desk.house.configure(mail={"port": server.port})
        desk._app = desk.house.app
        assert desk.send() == 0
        desk.later(minutes=5)
        assert desk.send() == 1


def test_what_waited_for_a_week_is_not_sent_any_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask()
    desk.later(days=8)
    assert desk.send() == 0
    assert letter_rows(desk) == [("rejected", 0, 0)]


def test_a_paused_publication_sends_no_letters(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.house.app.pause()
    desk.ask()
    assert desk.send() == 0
    desk.house.app.resume()
    assert desk.send() == 1


def test_where_no_site_answers_no_letter_goes_out(tmp_path: Path) -> None:
    desk = Desk(tmp_path, mail={"manage_url": ""})
    desk.ask()
    assert desk.send() == 0


def test_whoever_must_confirm_first_is_asked_by_a_letter(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.house.app.add_subscribers((READER,), pending=True)
    desk.house.tick()
    assert desk.confirm(desk.token(desk.letters()[0])).kind == "confirmed"
    assert [kind for kind, _ in desk.consents()] == ["asked", "confirmed"]


def test_a_template_that_is_broken_loses_no_letter_and_holds_up_no_other(tmp_path: Path) -> None:
    from publisher.core.errors import TemplateError

    desk = Desk(tmp_path, templates={"folder": "mine"})
    mine = tmp_path / "mine" / "notices"
    mine.mkdir(parents=True)
    (mine / "confirmation.txt").write_text("{{ nonsense }}", "utf-8")
    desk.ask()
    desk.ask("known@example.org")
    with desk.equipment() as e, e.store.write() as tx:
        from publisher.store import subscribers

        subscribers.add(
            tx,
            uid="known",
            email="known@example.org",
            email_norm="known@example.org",
            state="active",
            now=desk.now,
        )
    with pytest.raises(TemplateError):
        desk.send()
    assert letter_rows(desk) == [("deferred", 0, 1), ("accepted", 1, 0)]
    ((error,),) = desk.house.rows("SELECT error FROM notices WHERE state = 'deferred'")
    assert "confirmation.txt" in str(error)
    (mine / "confirmation.txt").unlink()
    desk.later(minutes=5)
    assert desk.send() == 1
    assert letter_rows(desk) == [("accepted", 1, 0), ("accepted", 1, 0)]


# ---------------------------------------------------------------- killed


_SEND = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from publisher.config import load_config
from publisher.wiring import make_app
now = datetime.fromisoformat(sys.argv[1])
asyncio.run(make_app(load_config(Path("config.toml"), {}), now=lambda: now).send_letters())
"""


@pytest.mark.parametrize(
    ("fault", "first_reader"),
    [("asks-answered", 1), ("letter-claimed", 1), ("letter-sent", 2), ("letter-sent:2", 1)],
)
def test_killed_anywhere_no_letter_is_lost_and_at_most_the_one_in_hand_comes_twice(
    tmp_path: Path, fault: str, first_reader: int
) -> None:
    with FakeSmtp(tmp_path / "log") as server:
        desk = over_smtp(tmp_path, server)
        for n in range(3):
            desk.ask(f"reader{n}@example.org")
        environ = os.environ | {"PUBLISHER_FAULT": fault}
        died = subprocess.run(
            [sys.executable, "-c", _SEND, desk.now.isoformat()], cwd=desk.house.root, env=environ, check=False
        )
        assert died.returncode == -signal.SIGKILL
        for _ in range(5):
            desk.send()
            desk.later(minutes=16)
        accepted = server.accepted()
    seen = Counter(to for _, to in accepted)
    assert set(seen) == {"reader0@example.org", "reader1@example.org", "reader2@example.org"}
    assert seen["reader0@example.org"] == first_reader
    assert seen.total() == (4 if fault.startswith("letter-sent") else 3)
    assert len({named for named, _ in accepted}) == 3
    assert {row[0] for row in letter_rows(desk)} == {"accepted"}


def test_a_letter_that_may_have_arrived_goes_out_once_more_under_the_same_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask()
    desk.send()
    first = desk.letters()[0]["Message-ID"]
    with desk.equipment() as e, e.store.write() as tx:
        tx.exec_driver_sql("UPDATE notices SET state = 'sending'")
    for state in (("accepted", 2, 0), ("accepted", 2, 0)):
        desk.later(minutes=16)
        desk.send()
        assert letter_rows(desk) == [state]
    assert [m["Message-ID"] for m in desk.letters()] == [first]


def test_a_letter_in_doubt_is_tried_twice_and_no_more(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask()
    desk.send()
    with desk.equipment() as e, e.store.write() as tx:
        tx.exec_driver_sql("UPDATE notices SET state = 'sending', attempts = 2")
    desk.later(minutes=16)
    assert desk.send() == 0
    assert letter_rows(desk) == [("uncertain", 2, 0)]


def test_what_a_living_process_holds_is_left_to_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.ask()
    desk.send()
    with desk.equipment() as e, e.store.write() as tx:
        tx.exec_driver_sql("UPDATE notices SET state = 'sending'")
    desk.later(minutes=10)
    assert desk.send() == 0
    assert letter_rows(desk) == [("sending", 1, 0)]


def test_no_secret_and_no_token_stands_in_a_repr(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    outcome = desk.subscribe()
    assert outcome.tokens
    shown: Any = repr(outcome)
    assert not any(token in shown for token in outcome.tokens.values())
    assert READER not in json.dumps(shown)
