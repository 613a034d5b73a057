"""GET /search: the form, and what it finds."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher.core.topics import LONGEST
from publisher.web import answers
from publisher.wiring import App


def routes(app: App) -> list[Route]:
    async def search(request: Request) -> Response:
        """Whatever stands in the address is a fine question: what makes no sense there is passed over."""
        asked = request.query_params
        html = await run_in_threadpool(
            app.search_page, asked.get("q", ""), year=_number(asked.get("year", ""), digits=4),
            topic=asked.get("topic", "")[:LONGEST], page=_number(asked.get("page", ""), digits=3) or 1,
        )  # fmt: skip
        return answers.page(html)

    return [Route("/search", search, methods=["GET"])]


def _number(said: str, *, digits: int) -> int | None:
    return int(said) or None if re.fullmatch(rf"[0-9]{{1,{digits}}}", said) else None
