"""The pages of subscribing: the form, and what the links in letters and digests open. They work without JavaScript.

Nothing but what the caller hands in is shown; addresses of readers come masked.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from msgspec import Struct

from publisher.core.preferences import CADENCES, LONGEST_PAUSE, Cadence, Preferences
from publisher.core.variant import BODIES, Body, Language
from publisher.render.environment import Templates
from publisher.render.pages import DayLine, drawn

FORM_PATH = "subscribe/"

_USUAL = Preferences()

WRONG_WORDS = {
    "early": "That was very fast: please press the button once more.",
    "late": "This page had been open for long: please press the button once more.",
    "trap": "A program seems to have filled in this form: please press the button once more.",
    "foreign": "This form came from another site: please press the button here.",
}
"""Why a form is shown again, when it is not the address."""


class Reader(Protocol):
    """Whom a page is about."""

    @property
    def masked(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def cadence(self) -> Cadence: ...
    @property
    def body(self) -> Body: ...
    @property
    def language(self) -> Language: ...
    @property
    def paused_until(self) -> date | None: ...
    @property
    def since(self) -> datetime: ...
    @property
    def new_masked(self) -> str: ...


class Form(Struct, frozen=True, kw_only=True):
    """The form as it is shown. `stamp`: the signed moment; `error` finished words that stand under the address."""

    stamp: str
    email: str = ""
    wish: Preferences = _USUAL
    consent: str = ""
    error: str = ""
    wrong: str = ""  # a key of WRONG_WORDS
    sample: DayLine | None = None


class Doors(Struct, frozen=True, kw_only=True):
    """The tokens of the other pages that a reader may open from here; '' for none."""

    preferences: str = ""
    unsubscribe: str = ""
    resubscribe: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """What a button came to. `kind` as the verbs name it, 'forgotten', or 'asked' of a new address."""

    kind: str
    reader: Reader | None = None
    doors: Doors = Doors()
    next_at: datetime | None = None  # when the first digest comes
    sender: str = ""  # whom to add to one's address book


def form_page(templates: Templates, form: Form) -> bytes:
    """The form, a sample of what one gets, and the addresses of the feeds."""
    return _shown(templates, "subscribe-form", FORM_PATH, form=form, wrong_words=WRONG_WORDS)


def asked_page(templates: Templates, email: str) -> bytes:
    """The answer to the form: the same for everybody but for the address that was typed."""
    return _shown(templates, "subscribe-asked", FORM_PATH, email=email)


def confirm_page(templates: Templates, reader: Reader, token: str) -> bytes:
    """One button that makes them a reader."""
    return _shown(templates, "confirm", "subscribe/confirm/", reader=reader, token=token)


def change_page(templates: Templates, reader: Reader, token: str) -> bytes:
    """One button that makes the new address theirs."""
    return _shown(templates, "change", "subscribe/change/", reader=reader, token=token)


def unsubscribe_page(templates: Templates, reader: Reader, token: str, *, back: bool = False) -> bytes:
    """A button to leave, and one for a mail a week instead. `back`: the token is one to come back with."""
    return _shown(templates, "unsubscribe", "subscribe/unsubscribe/", reader=reader, token=token, back=back)


def preferences_page(
    templates: Templates, reader: Reader, token: str, doors: Doors, *, today: date, error: str = "", email: str = "",
    saved: bool = False, pause: str = "",
) -> bytes:  # fmt: skip
    """What they chose, to be changed; another address; their data. `error` stands by the pause or, with `email`,
    by the new address."""
    first, last = today + timedelta(days=1), today + LONGEST_PAUSE
    until = reader.paused_until or first  # what is shown may be saved, though the operator chose it
    return _shown(
        templates, "preferences", "subscribe/preferences/", reader=reader, token=token, doors=doors, error=error,
        email=email, saved=saved, pause=pause, first=min(first, until), last=max(last, until),
    )  # fmt: skip


def data_page(templates: Templates, reader: Reader, token: str, *, unsure: bool = False) -> bytes:
    """A button to take one's data along, one to have it erased. `unsure`: the box was not ticked."""
    return _shown(templates, "data", "subscribe/data/", reader=reader, token=token, unsure=unsure)


def done_page(templates: Templates, done: Done) -> bytes:
    """What a button did, and the ways on."""
    return _shown(templates, "done", FORM_PATH, done=done)


def dead_link_page(templates: Templates, why: str) -> bytes:
    """For a link that opens nothing: 'invalid', 'expired', or 'not-kept' for a digest of long ago."""
    return _shown(templates, "dead-link", FORM_PATH, why=why)


def _shown(templates: Templates, name: str, path: str, **context: object) -> bytes:
    return drawn(
        templates, f"web/{name}.html", path, cadences=CADENCES, bodies=BODIES, **context,
    )  # fmt: skip
