"""The pages that are made when asked, as one Starlette application: each module of them hands in its routes."""

from __future__ import annotations

import logging
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher.core.errors import PublisherError
from publisher.web import answers, search, subscribing
from publisher.wiring import App

log = logging.getLogger("publisher.web")


_METHODS = ("GET", "HEAD", "POST")


def routes(app: App) -> list[Route]:
    """Every route there is, without the path prefix of the site. They win over files of the same path."""
    made = [*search.routes(app), *subscribing.routes(app)]
    known = {route.path for route in made}
    others = {path.removesuffix("/") if path.endswith("/") else f"{path}/" for path in known} - known
    return [*made, *(Route(path, _lead, methods=_METHODS) for path in sorted(others))]


def asked(app: App) -> Starlette:
    """The application behind those routes. An error is one line; what an operator can mend is a 503."""
    handlers = {HTTPException: _said, PublisherError: _unavailable, Exception: _failed}
    made = Starlette(routes=routes(app), exception_handlers=handlers)  # type: ignore[arg-type]
    made.router.redirect_slashes = (
        False  # it would name scheme and host, which a proxy in front may have changed
    )
    return made


async def _lead(request: Request) -> Response:
    """To the same address with its slash, or without one too many."""
    path: str = request.scope["raw_path"].decode("ascii")
    query = f"?{request.url.query}" if request.url.query else ""
    right = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    return Response(status_code=308, headers={"location": right + query})


async def _said(_request: Request, exc: HTTPException) -> Response:
    response = answers.line(exc.detail or HTTPStatus(exc.status_code).phrase, exc.status_code)
    response.headers.update(exc.headers or {})
    return response


async def _unavailable(_request: Request, exc: PublisherError) -> Response:
    """The database is busy or cannot be used: the visitor comes again, the operator reads the log."""
    log.error("%s", exc)
    response = answers.line("Service Unavailable", 503)
    response.headers["retry-after"] = "60"
    return response


async def _failed(_request: Request, _exc: Exception) -> Response:
    return answers.line("Internal Server Error", 500)
