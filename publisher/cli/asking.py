"""What was asked for on the command line, and the one way from there to the app: load, build, run, show.

Tests hand in their own app: `runner.invoke(entrance, ["once"], obj=Ask(make_app=lambda config, **_: fake))`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from publisher.cli.language import interface_words
from publisher.core.errors import UsageError

if TYPE_CHECKING:
    from publisher.cli.screen import Screen
    from publisher.config import Config
    from publisher.render.words import Words

T = TypeVar("T")


@dataclass
class Ask:
    """The global options as they were given, before or after the command. Filled in while click parses."""

    make_app: Callable[..., Any] | None = None  # None: publisher.wiring.make_app
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: Path = Path("config.toml")
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    command: str = ""  # "once", "subscribers add": for the lock's holder

    @cached_property
    def loaded(self) -> Config:
        """config.toml with the environment over it. Raises ConfigError with every problem."""
        from publisher.config import load_config

        return load_config(self.config, self.environ, self.words)

    @property
    def words(self) -> Words:
        """The configuration's language once it is loaded, the environment's before."""
        loaded = self.__dict__.get("loaded")
        return interface_words(self.environ, loaded.site.interface if loaded else "auto")

    @cached_property
    def screen(self) -> Screen:
        from publisher.cli.screen import Screen

        return Screen(self)

    def app(self, *, running: bool = False) -> Any:
        """The app for this configuration. PUBLISHER_NOW, when set, stands in for the clock: it stands still, or,
        `running`, goes on from there."""
        import time

        options: dict[str, Callable[[], datetime]] = {}
        now, began = stand_in_now(self.environ), time.monotonic()
        if now is not None:
            start, speed = now, int(running)
            options["now"] = lambda: start + timedelta(seconds=speed * (time.monotonic() - began))
        if self.make_app is not None:
            return self.make_app(self.loaded, **options)
        from publisher.wiring import make_app

        return make_app(self.loaded, **options)

    def run(self, verb: Callable[..., T | Awaitable[T]], /, *args: object, **options: object) -> T:
        """Call a verb, waiting for it where it waits itself."""
        import asyncio

        async def call() -> T:
            result = verb(*args, **options)
            return await result if isinstance(result, Awaitable) else result

        return asyncio.run(call())


def stand_in_now(environ: Mapping[str, str]) -> datetime | None:
    """PUBLISHER_NOW as a moment; None when it is not set."""
    written = environ.get("PUBLISHER_NOW", "")
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        at = None
    # At the ends of the calendar no other zone has that moment.
    if at is None or at.tzinfo is None or not 1900 <= at.year <= 9000:
        raise UsageError(
            "PUBLISHER_NOW: expected a date and time with offset, got '{got}'",
            fix="write it like 2025-01-29T08:00:00+08:00",
            got=written,
        )
    return at
