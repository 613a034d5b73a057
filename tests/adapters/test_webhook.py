"""Calls to the operator's own addresses: private ones too, with patience, and never an exception or a secret."""

from __future__ import annotations

import asyncio
import socket

import pytest

from publisher.adapters.webhook import Called, Webhook
from tests.fake_hub import Answered, Server


def call(url: str, body: bytes = b"", *, timeout_s: float = 5, **options: object) -> Called:
    return asyncio.run(Webhook(timeout_s=timeout_s, pauses_s=(0, 0))(url, body, **options))  # type: ignore[arg-type]


def test_a_private_address_is_posted_to() -> None:
    with Server() as server:
        assert call(f"{server.url}uuid/start", "日志".encode()) == Called(ok=True, status=200)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/uuid/start", "日志".encode())
    assert asked.headers["user-agent"].startswith("publisher/")


def test_what_may_pass_is_tried_again() -> None:
    answers = [Answered(503), Answered(429), Answered(200)]
    with Server(lambda _: answers.pop(0)) as server:
        assert call(server.url).ok
    assert len(server.asked) == 3


def test_what_does_not_pass_is_not() -> None:
    with Server(lambda _: Answered(404)) as server:
        assert call(server.url) == Called(ok=False, status=404, error="the answer was an error")
        assert len(server.asked) == 1


def test_without_patience_there_is_one_try() -> None:
    with Server(lambda _: Answered(500)) as server:
        assert not call(server.url, patient=False).ok
        assert len(server.asked) == 1


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert call(f"http://127.0.0.1:{port}/", timeout_s=0.2).error == "no answer in time"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/secret",
        "http://no-such-host.invalid/secret",
        "http://[::bad/secret",
        "",
        "ftp://a/",
        "http://a:b/",
    ],
)
def test_nothing_raises_and_the_address_is_never_said(url: str) -> None:
    called = call(url)
    assert not called.ok
    assert "secret" not in called.error
