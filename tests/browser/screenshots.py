"""Pictures of a published site at phone and desktop width, light and dark.

python -m tests.browser.screenshots PUBLIC_DIR OUT_DIR [PATH…]
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.chromium import Chromium, find_chromium, serving

WIDTHS = (390, 1280)


def paths_of(public: Path) -> list[str]:
    """One page of each kind: the newest day and its longest entry stand for the others."""
    fixed = [p for p in ("", "archive/", "subscribe/", "404.html") if (public / p).exists()]
    days = sorted(public.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]"))
    if not days:
        return fixed
    entries = sorted(days[-1].glob("*/index.html"), key=lambda f: f.stat().st_size)
    found = [days[-1], *(e.parent for e in entries[-1:])]
    return fixed + [f"{folder.relative_to(public).as_posix()}/" for folder in found]


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or (executable := find_chromium()) is None:
        print(__doc__ if len(arguments) < 2 else "Chromium was not found (set CHROMIUM)", file=sys.stderr)
        return 2
    public, out = Path(arguments[0]), Path(arguments[1])
    out.mkdir(parents=True, exist_ok=True)
    with serving(public) as root, Chromium(executable) as browser:
        for path in arguments[2:] or paths_of(public):
            for width in WIDTHS:
                for dark in (False, True):
                    browser.open(root + path, width=width, dark=dark)
                    name = (
                        f"{path.strip('/').replace('/', '-') or 'home'}-{width}{'-dark' if dark else ''}.png"
                    )
                    (out / name).write_bytes(browser.picture())
                    print(out / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
