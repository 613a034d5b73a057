"""`publisher` and `python -m publisher`."""

from __future__ import annotations

import gc
import sys

from publisher.cli.entrance import entrance


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    gc.set_threshold(
        50_000, 20, 20
    )  # all that is loaded at the start stays: looking through it costs a tenth of a run
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows '?', and goes on
    entrance.main()


if __name__ == "__main__":
    main()
