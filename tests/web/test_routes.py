"""Every route under fire: whatever is asked, and however, the answer is never a failure of ours."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.web.app import routes
from tests.house import House, essays
from tests.web.multipart import multipart_bodies, multipart_types
from tests.web.serving import Served, serving

EXAMPLES = int(os.environ.get("PUBLISHER_FUZZ", "150"))
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
NASTY = (
    "",
    "0",
    "-1",
    "9" * 40,
    "'",
    '"',
    "<script>",
    "%",
    "%00",
    "\x00",
    "../..",
    "NULL",
    "关税",
    "é\u0301",
    "\U0001f600",
    "a b",
)
FIELDS = (
    "q",
    "t",
    "year",
    "topic",
    "page",
    "lang",
    "email",
    "cadence",
    "body",
    "language",
    "List-Unsubscribe",
    "token",
)
TYPES = (
    "application/x-www-form-urlencoded",
    "application/json",
    "",
    "text/plain",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    house = House(tmp_path_factory.mktemp("site"), links={"budget_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 3))
    house.once("2025-01-28 08:00")
    with serving(house) as running:
        yield running


texts = st.sampled_from(NASTY) | st.text(max_size=20)
fields = st.lists(st.tuples(st.sampled_from(FIELDS) | texts, texts), max_size=5)


def paths(served: Served) -> list[str]:
    """Every route, with a token where one belongs, and what lies beside them."""
    found = {"/", "/rss.xml", "/healthz", "/metrics", "/2025/01/28/", "/nowhere", "/archive"}
    for route in routes(served.house.app):
        found |= {route.path.replace("{token}", token) for token in ("x", "a.b.c", "%00")}
    return sorted(found)


def encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(
        f"{quote(key, errors='surrogatepass')}={quote(value, errors='surrogatepass')}" for key, value in pairs
    )


forms = st.tuples(st.sampled_from(TYPES), fields.map(lambda pairs: encoded(pairs).encode())) | st.tuples(
    multipart_types().map(lambda said: said.replace(chr(0), "").strip()), multipart_bodies()
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_request_is_answered_by_a_failure(
    served: Served, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    path = data.draw(
        st.sampled_from(paths(served))
        | st.text(max_size=30).map(lambda t: "/" + quote(t, errors="surrogatepass"))
    )
    method = data.draw(st.sampled_from(METHODS))
    query = encoded(data.draw(fields))
    content_type, body = data.draw(forms)
    headers: dict[str, str | bytes] = {
        "content-type": content_type.encode("latin-1"),
        "accept-encoding": data.draw(st.sampled_from(("", "br", "gzip;q=0.1", "*;q=0"))),
        "if-none-match": data.draw(st.sampled_from(("*", '"x"', ",,,", "W/"))),
        "origin": data.draw(
            st.sampled_from(("https://daily.example.cn", "https://evil.example", "null", ""))
        ),
    }
    with caplog.at_level(logging.ERROR):
        answer = served.client.request(
            method,
            path + ("?" + query if query else ""),
            content=body if method in ("POST", "PUT", "PATCH") else None,
            headers={k: v for k, v in headers.items() if v},
        )
    assert answer.status_code < 500 or path == "/healthz", answer.text
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert answer.status_code == 304 or answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_pages_made_when_asked_are_kept_by_nobody_and_carry_the_headers(served: Served) -> None:
    answer = served.get("/search?q=%E5%85%B3%E7%A8%8E")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"


def test_a_method_that_a_route_does_not_know_is_said_so(served: Served) -> None:
    assert served.ask("DELETE", "/search").status_code == 405
    assert served.ask("GET", "/search/deeper").status_code == 404


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("/search/?q=%E5%85%B3&page=2", "/search?q=%E5%85%B3&page=2"), ("/subscribe", "/subscribe/"),
        ("/subscribe/preferences?t=a.b", "/subscribe/preferences/?t=a.b"), ("/u/a.1.b/", "/u/a.1.b"),
        ("/u/%0d%0aX:1/", "/u/%0d%0aX:1"), ("/subscribe/view?t=x", "/subscribe/view/?t=x"),
    ],
)  # fmt: skip
def test_a_slash_too_many_or_too_few_leads_on_without_a_word_of_scheme_or_host(
    served: Served, asked: str, right: str
) -> None:
    """A proxy in front speaks https where we hear http: naming either would send a token over an open line."""
    answer = served.get(asked, x_forwarded_proto="https")
    assert (answer.status_code, answer.headers["location"]) == (308, right)
    assert answer.headers["cache-control"] == "no-store"


def test_a_form_posted_without_its_slash_is_posted_again_with_it(served: Served) -> None:
    answer = served.client.post("/subscribe/confirm", data={"t": "x"})
    assert (answer.status_code, answer.headers["location"]) == (308, "/subscribe/confirm/")
