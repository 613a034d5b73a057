"""The pages of subscribing: the form for everybody, and what the links in letters and digests open.

GET shows and changes nothing; POST acts, with the token in its body. There are no cookies: nobody is logged in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher.app import signup, subscribe_form
from publisher.app.equipment import Equipment
from publisher.app.letters import wished
from publisher.app.signup import Outcome, Person
from publisher.core.errors import UsageError
from publisher.core.preferences import Preferences
from publisher.core.token import Purpose, TokenError, TokenExpired
from publisher.core.variant import language_of
from publisher.render import pages, subscribing
from publisher.render.environment import Templates
from publisher.render.subscribing import Done, Doors, Form
from publisher.web import answers
from publisher.web.forms import read_form
from publisher.web.gatekeeper import Gatekeeper
from publisher.web.visitors import Proxies
from publisher.wiring import App

T = TypeVar("T")
Fields = Mapping[str, str]
Handler = Callable[[Request], Awaitable[Response]]

AT_ONCE = 4
"""Requests that work on the database at one time; the others wait in memory, not with a thread each."""

_MISTYPED = 422


def routes(app: App) -> list[Route]:
    config = app.config
    gatekeeper = Gatekeeper(
        (config.site.url, config.manage_url), config.serve.hosts, Proxies(config.serve.trusted_proxies)
    )
    form, doors = _TheForm(app, gatekeeper), _ReaderPages(app, gatekeeper)

    def both(path: str, shown: Handler, acted: Handler) -> list[Route]:
        return [Route(path, shown, methods=["GET"]), Route(path, acted, methods=["POST"])]

    return [
        *both("/subscribe/", form.show, form.post),
        *both("/subscribe/confirm/", doors.show_confirm, doors.confirm),
        *both("/subscribe/change/", doors.show_change, doors.change),
        *both("/subscribe/preferences/", doors.show_preferences, doors.set_preferences),
        *both("/subscribe/unsubscribe/", doors.show_unsubscribe, doors.unsubscribe),
        *both("/subscribe/data/", doors.show_data, doors.data),
        *both("/u/{token}", doors.show_one_click, doors.one_click),
        Route("/subscribe/view/", doors.view, methods=["GET"]),
        Route("/subscribe", form.lead, methods=["GET"]),
    ]


class _Desk:
    """What both kinds of pages need: verbs in a thread, words in a language."""

    def __init__(self, app: App, gatekeeper: Gatekeeper) -> None:
        self._app, self._gatekeeper = app, gatekeeper
        self._room = anyio.CapacityLimiter(AT_ONCE)

    async def _ask(self, verb: Callable[[Equipment], T]) -> T:
        """A verb with its equipment, beside the loop."""

        def asked() -> T:
            with self._app.at_hand() as e:
                return verb(e)

        return await run_sync(asked, limiter=self._room)

    def _templates(self, language: str = "") -> Templates:
        return self._app.page_templates(language_of(language) if language else "")


class _TheForm(_Desk):
    """The form that strangers fill in."""

    async def show(self, request: Request) -> Response:
        language = request.query_params.get("lang", "")
        wish = Preferences(language=language_of(language or self._app.config.site.language))
        return await self._shown(Form(stamp="", wish=wish), language=language)

    async def lead(self, request: Request) -> Response:
        """To the form, without a word of scheme or host: a proxy in front may have changed both."""
        asked = f"?{request.url.query}" if request.url.query else ""
        return Response(
            status_code=308, headers={"location": f"{request.scope['root_path']}/subscribe/{asked}"}
        )

    async def post(self, request: Request) -> Response:
        """The same answer and the same work whoever has this address, and whatever they are to us."""
        now = self._app.now()
        if not self._gatekeeper.has_room(request, now):
            return _too_many()
        fields = await read_form(request)
        form, language = _filled_in(fields, self._app.config.site.language), fields.get("lang", "")
        if not self._gatekeeper.is_own(request):
            return await self._shown(form, 403, wrong="foreign", language=language)
        if fields.get("homepage"):
            return await self._shown(form, _MISTYPED, wrong="trap", language=language)
        gate = await self._ask(lambda e: subscribe_form.gate(e, form.stamp, now))
        if gate != "open":
            return await self._shown(form, _MISTYPED, wrong=gate, language=language)
        network = self._gatekeeper.network(request)
        try:
            await self._ask(lambda e: signup.ask(e, form.email, form.wish, network=network, now=now))
        except UsageError as exc:
            return await self._shown(form, _MISTYPED, wrong="", error=exc, language=language)
        return answers.page(subscribing.asked_page(self._templates(language), form.email.strip()))

    async def _shown(
        self,
        form: Form,
        status: int = 200,
        *,
        wrong: str = "",
        error: UsageError | None = None,
        language: str,
    ) -> Response:
        """The form with all that was typed. Who was early keeps the stamp: the second press is late enough."""
        templates = self._templates(language)

        def drawn(e: Equipment) -> bytes:
            if not e.config.manage_url:
                return pages.subscribe_page(templates)
            kept = form.stamp if wrong == "early" or error else ""
            try:
                stamp = kept or subscribe_form.stamp(e, self._app.now(), waited=bool(wrong))
            except TokenError:  # nothing was ever published: there is nobody to mail anything
                return pages.subscribe_page(templates)
            shown = Form(
                stamp=stamp, email=form.email, wish=form.wish, wrong=wrong,
                error=templates.words.error(error) if error else "",
                consent=signup.consent_text(e, templates.site.language), sample=subscribe_form.sample(e),
            )  # fmt: skip
            return subscribing.form_page(templates, shown)

        return answers.page(await self._ask(drawn), status)


class _ReaderPages(_Desk):
    """What tokens open. A token that opens nothing has a page of its own, the same for every purpose."""

    async def show_confirm(self, request: Request) -> Response:
        return await self._looked(request, "confirm", subscribing.confirm_page)

    async def confirm(self, request: Request) -> Response:
        network, now = self._gatekeeper.network(request), self._app.now()
        return await self._acted(request, lambda e, t, _: signup.confirm(e, t, network=network, now=now))

    async def show_change(self, request: Request) -> Response:
        return await self._looked(request, "change", subscribing.change_page)

    async def change(self, request: Request) -> Response:
        network, now = self._gatekeeper.network(request), self._app.now()
        return await self._acted(
            request, lambda e, t, _: signup.confirm_change(e, t, network=network, now=now)
        )

    async def view(self, request: Request) -> Response:
        """A digest as it was mailed, with the styles that it brought."""
        token = request.query_params.get("t", "")
        try:
            html = await self._ask(lambda e: signup.view(e, token))
        except TokenError as exc:
            return self._dead(request, exc)
        if html is None:
            templates = self._templates(request.query_params.get("lang", ""))
            return answers.page(subscribing.dead_link_page(templates, "not-kept"), 410)
        return answers.page(html, mail=True, remote_images=self._app.config.site.remote_images)

    # -- leave and come back

    async def show_unsubscribe(self, request: Request) -> Response:
        """The page takes tokens to leave and to come back with."""
        return await self._leaving(request, request.query_params.get("t", ""))

    async def show_one_click(self, request: Request) -> Response:
        """The address of RFC 8058 in a browser: whoever copies it from a header gets the page with its button."""
        return await self._leaving(request, request.path_params["token"])

    async def _leaving(self, request: Request, token: str) -> Response:
        now = self._app.now()

        def drawn(e: Equipment) -> bytes:
            person, back = _leaver(e, token, now)
            return subscribing.unsubscribe_page(self._spoken(request, person), person, token, back=back)

        return await self._paged(request, drawn)

    async def unsubscribe(self, request: Request) -> Response:
        now = self._app.now()
        return await self._acted(request, lambda e, t, do: _LEAVING.get(do, signup.unsubscribe)(e, t, now))

    async def one_click(self, request: Request) -> Response:
        """RFC 8058: asked by a mail provider's machine, which follows no redirect and keeps no cookie."""
        fields = await read_form(request)
        said = {name.strip().lower(): value.strip().lower() for name, value in fields.items()}
        if said.get("list-unsubscribe") != "one-click":
            return answers.line("The body of the request must be List-Unsubscribe=One-Click.", 400)
        token, now = request.path_params["token"], self._app.now()
        try:
            await self._ask(lambda e: signup.unsubscribe(e, token, now, how="one-click"))
        except TokenError:
            return answers.line("This address unsubscribes nobody.", 404)
        return answers.line("Unsubscribed.", 200)

    # -- preferences

    async def show_preferences(self, request: Request) -> Response:
        token = request.query_params.get("t", "")
        return await self._paged(request, lambda e: self._preferences(e, request, token))

    async def set_preferences(self, request: Request) -> Response:
        fields = await read_form(request)
        token, now = fields.get("t", ""), self._app.now()
        if fields.get("do") == "address":
            return await self._another_address(request, token, fields.get("email", ""))
        if fields.get("do") != "save":
            return await self._paged(request, lambda e: self._preferences(e, request, token))
        until = fields.get("until", "").strip() if fields.get("pause") == "until" else ""

        def saved(e: Equipment) -> bytes:
            person = signup.preferences(e, token).person
            wish, kept = wished(fields, person.preferences), _keeps_pause(fields, person)
            if fields.get("pause") == "until" and not kept:
                wish = replace(wish, paused_until=_day(until))
            signup.set_preferences(e, token, wish, now, keep_pause=kept)
            return self._preferences(e, request, token, saved=True)

        def again(e: Equipment, error: UsageError) -> bytes:
            wish = wished(fields, signup.preferences(e, token).person.preferences)
            return self._preferences(e, request, token, wish=wish, error=error, pause=until or " ")

        return await self._paged(request, saved, again=again)

    async def _another_address(self, request: Request, token: str, email: str) -> Response:
        network, now = self._gatekeeper.network(request), self._app.now()
        if not self._gatekeeper.has_room(request, now):
            return _too_many()

        def asked(e: Equipment) -> bytes:
            signup.change_address(e, token, email, network=network, now=now)
            person = signup.preferences(e, token).person
            done = Done(kind="asked", reader=person, doors=Doors(preferences=token))
            return subscribing.done_page(self._spoken(request, person), done)

        def again(e: Equipment, error: UsageError) -> bytes:
            return self._preferences(e, request, token, error=error, email=email or " ")

        return await self._paged(request, asked, again=again)

    def _preferences(
        self, e: Equipment, request: Request, token: str, *, wish: Preferences | None = None,
        error: UsageError | None = None, email: str = "", saved: bool = False, pause: str = "",
    ) -> bytes:  # fmt: skip
        """The page as things stand, or with what was typed and must be mended."""
        outcome = signup.preferences(e, token)
        person = outcome.person
        templates = self._spoken(request, person)
        if wish is not None:
            person = replace(person, cadence=wish.cadence, body=wish.body, language=wish.language)
        return subscribing.preferences_page(
            templates, person, token, _doors(outcome), today=e.today(self._app.now()), email=email, saved=saved,
            pause=pause, error=templates.words.error(error) if error else "",
        )  # fmt: skip

    # -- data

    async def show_data(self, request: Request) -> Response:
        return await self._looked(request, "preferences", subscribing.data_page)

    async def data(self, request: Request) -> Response:
        """A copy of everything, or the end of it. The box to tick is asked for again here: browsers may not ask."""
        fields = await read_form(request)
        token, now = fields.get("t", ""), self._app.now()
        if fields.get("do") == "take":
            return await self._copy(request, token)

        def erased(e: Equipment) -> bytes:
            person = signup.look(e, token, now, purpose="preferences")
            templates = self._spoken(request, person)
            if fields.get("do") != "erase" or not fields.get("sure"):
                return subscribing.data_page(templates, person, token, unsure=True)
            signup.erase(e, token, now)
            return subscribing.done_page(templates, Done(kind="forgotten"))

        return await self._paged(request, erased)

    async def _copy(self, request: Request, token: str) -> Response:
        try:
            told = await self._ask(lambda e: signup.export_data(e, token))
        except TokenError as exc:
            return self._dead(request, exc)
        headers = {"content-disposition": 'attachment; filename="my-data.json"', "cache-control": "no-store"}
        body = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        return Response(body, 200, headers, media_type="application/json")

    # -- what they share

    async def _looked(
        self, request: Request, purpose: Purpose, page: Callable[[Templates, Person, str], bytes]
    ) -> Response:
        """A page with a button, which changes nothing."""
        token, now = request.query_params.get("t", ""), self._app.now()

        def drawn(e: Equipment) -> bytes:
            person = signup.look(e, token, now, purpose=purpose)
            return page(self._spoken(request, person), person, token)

        return await self._paged(request, drawn)

    async def _acted(self, request: Request, verb: Callable[[Equipment, str, str], Outcome]) -> Response:
        """A verb with the token of a form and what its button is called; then what came of it."""
        fields = await read_form(request)

        def done(e: Equipment) -> bytes:
            outcome = verb(e, fields.get("t", ""), fields.get("do", ""))
            return subscribing.done_page(
                self._spoken(request, outcome.person), _done(e, outcome, self._app.now())
            )

        return await self._paged(request, done)

    async def _paged(
        self,
        request: Request,
        drawn: Callable[[Equipment], bytes],
        *,
        again: Callable[[Equipment, UsageError], bytes] | None = None,
        status: int = 200,
    ) -> Response:
        """The page that is drawn; `again`: the one that says what was mistyped."""
        try:
            return answers.page(await self._ask(drawn), status)
        except TokenError as exc:
            return self._dead(request, exc)
        except UsageError as exc:
            if again is None:
                raise
            mend, error = again, exc
        return await self._paged(request, lambda e: mend(e, error), status=_MISTYPED)

    def _dead(self, request: Request, exc: TokenError) -> Response:
        expired = isinstance(exc, TokenExpired)
        templates = self._templates(request.query_params.get("lang", ""))
        return answers.page(
            subscribing.dead_link_page(templates, "expired" if expired else "invalid"),
            410 if expired else 404,
        )

    def _spoken(self, request: Request, person: Person) -> Templates:
        """In the reader's language, unless the address names another."""
        return self._templates(request.query_params.get("lang", "") or person.language)


_LEAVING: Mapping[str, Callable[[Equipment, str, datetime], Outcome]] = {
    "weekly": signup.weekly_instead,
    "back": signup.resubscribe,
}


def _leaver(e: Equipment, token: str, now: datetime) -> tuple[Person, bool]:
    """Whom a token is about, and whether it is one to come back with. Raises TokenError."""
    try:
        return signup.look(e, token, now, purpose="unsubscribe"), False
    except TokenError:
        return signup.look(e, token, now, purpose="resubscribe"), True


def _done(e: Equipment, outcome: Outcome, now: datetime) -> Done:
    person, kind = outcome.person, str(outcome.kind)
    if kind == "already" and person.state in ("unsubscribed", "complained"):
        kind = "gone"
    comes = subscribe_form.next_mail(e, now, person.cadence) if kind in ("confirmed", "back") else None
    return Done(kind=kind, reader=person, doors=_doors(outcome), next_at=comes, sender=e.config.sender)


def _doors(outcome: Outcome) -> Doors:
    return Doors(**{name: token for name, token in outcome.tokens.items() if name in _DOORS})


_DOORS = ("preferences", "unsubscribe", "resubscribe")


def _filled_in(fields: Fields, language: str) -> Form:
    wish = wished(fields, Preferences(language=language_of(language)))
    return Form(stamp=fields.get("stamp", ""), email=fields.get("email", ""), wish=wish)


def _keeps_pause(fields: Fields, person: Person) -> bool:
    """Whether a form leaves a pause as it is: it says nothing of one, or just what its page showed. That may be a
    pause without an end, or one that we would not let a reader choose."""
    shown = person.paused_until.isoformat() if person.paused_until else ""
    same = person.state == "paused" and fields.get("until", "").strip() == shown
    return "pause" not in fields or (fields["pause"] == "until" and same)


def _day(written: str) -> date:
    """Raises UsageError."""
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise UsageError("the first day with mail again is missing", fix="write it like 2025-01-29") from None


def _too_many() -> Response:
    """Said in one line: it must cost less than what it turns away."""
    response = answers.line("Too many requests from this network. Please come again in an hour.", 429)
    response.headers["retry-after"] = "3600"
    return response
