"""The postman: a trouble that lasts is told once, and the letters behind it leave."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from publisher.web import postman
from publisher.web.postman import Postman
from tests.app.desk import Desk


def test_a_trouble_that_lasts_is_one_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path)
    desk.house.configure(mail={"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"})
    desk.ask()
    monkeypatch.setattr(postman, "REST_S", 0.01)
    monkeypatch.setattr(postman, "LOOK_S", 0.01)
    app, rounds = desk.house.app, 0
    send = app.send_letters

    async def counted(**how: object) -> int:
        nonlocal rounds
        rounds += 1
        desk.later(minutes=2)
        return await send(**how)  # type: ignore[arg-type]

    monkeypatch.setattr(app, "send_letters", counted)

    async def working() -> None:
        one = Postman(app)
        await one.start()
        while rounds < 4:
            await asyncio.sleep(0.01)
        assert await one.stop()

    with caplog.at_level(logging.WARNING, logger="publisher.web"):
        asyncio.run(working())
    told = [record for record in caplog.records if record.name == "publisher.web"]
    assert [record.levelname for record in told] == ["WARNING"]
    assert "127.0.0.1" in told[0].getMessage()
