"""A publication whose readers knock by themselves: the forms' verbs over a house, and the links of the letters."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from publisher.app import notices, signup
from publisher.app.equipment import Equipment
from publisher.app.letters import wished
from publisher.app.signup import Outcome, Preferences
from publisher.core.token import Purpose
from tests.house import House, essays

NETWORK = "203.0.113.7"
READER = "zhang.san@example.org"


class Desk:
    """Verbs of `publisher.app.signup` at the house's own time."""

    def __init__(self, root: Path, **sections: dict[str, object]) -> None:
        self.house = House(root, **sections)
        self.house.write("2025-01-29", essays("2025-01-29", 2))
        self.house.once("2025-01-29 08:00")
        self._app = self.house.app

    @property
    def now(self) -> datetime:
        return self.house.now

    def later(self, **duration: int) -> None:
        self.house.now += timedelta(**duration)

    @contextlib.contextmanager
    def equipment(self) -> Iterator[Equipment]:
        with self._app._equipped() as e:
            yield e

    def ask(self, email: str = READER, *, network: str = NETWORK, **wish: str) -> None:
        with self.equipment() as e:
            signup.ask(e, email, wished(wish, Preferences()), network=network, now=self.now)

    def send(self) -> int:
        with self.equipment() as e:
            return asyncio.run(notices.send_due(e))

    def letters(self, to: str = READER) -> list[EmailMessage]:
        """Single letters to an address, oldest first."""
        return [m for m in self.house.mails() if m["Auto-Submitted"] and m["To"] == to]

    def token(self, letter: EmailMessage) -> str:
        """The token of the one link of a letter that leads to us."""
        found = re.findall(r"\?t=([a-z0-9.-]+)", self.house.text(letter))
        assert len(found) == 1, self.house.text(letter)
        return str(found[0])

    def confirm(self, token: str) -> Outcome:
        with self.equipment() as e:
            return signup.confirm(e, token, network=NETWORK, now=self.now)

    def subscribe(self, email: str = READER, **wish: str) -> Outcome:
        """The whole way in."""
        self.ask(email, **wish)
        self.send()
        return self.confirm(self.token(self.letters(email)[-1]))

    def tokens(self, email: str = READER) -> dict[Purpose, str]:
        """What the links in somebody's newest mail hold."""
        from publisher.app.letters import reader_token, secret
        from publisher.store import subscribers

        with self.equipment() as e, e.store.read() as tx:
            person = subscribers.find(tx, email)
            assert person is not None
            names: tuple[Purpose, ...] = ("preferences", "unsubscribe", "resubscribe", "view")
            return {name: reader_token(secret(tx), name, person) for name in names}

    def state(self, email: str = READER) -> str | None:
        rows = self.house.rows(f"SELECT state FROM subscribers WHERE email_norm = '{email}'")
        return str(rows[0][0]) if rows else None

    def person(self, email: str = READER) -> dict[str, object]:
        names = "state, cadence, body, language, paused_until, key_version, email"
        rows = self.house.rows(f"SELECT {names} FROM subscribers WHERE email_norm = '{email}'")
        return dict(zip(names.split(", "), rows[0], strict=True))

    def consents(self, email: str = READER) -> list[tuple[object, ...]]:
        return self.house.rows(
            "SELECT kind, source FROM consents JOIN subscribers s ON s.id = subscriber_id "
            f"WHERE email_norm = '{email}' ORDER BY consents.id"
        )
