"""`publisher` and `python -m publisher`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

# Before the imports, because that is when both count. All that is loaded stays: looking through it again and again for
# what could be freed costs an eighth of a run; and plugins are looked for by reading about every installed package.
gc.set_threshold(200_000, 20, 20)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from publisher.cli.entrance import entrance  # noqa: E402 (see above)


def main() -> NoReturn:
    """Run the command line; ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows '?', and goes on
    try:
        entrance.main()
    except SystemExit as end:
        _leave(end)


def _leave(end: SystemExit) -> NoReturn:
    """End at once: taking apart everything that was loaded takes as long as a fifth of a run that has nothing to do.

    Whatever is open was closed by the verb; threads that still wait for the network are left behind.
    """
    if not isinstance(end.code, int):
        raise end
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed by whoever called us
                stream.flush()
    except (OSError, ValueError):
        raise end from None  # nobody reads any more: Python says so in its own way
    os._exit(end.code)


if __name__ == "__main__":
    main()
