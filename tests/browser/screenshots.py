"""Pictures of pages at phone and desktop width, light and dark.

python -m tests.browser.screenshots OUT_DIR                       every page of a publication that is served for it
python -m tests.browser.screenshots PUBLIC_DIR OUT_DIR [PATH…]    the pages of a site on disk
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import Chromium, find_chromium, serving

WIDTHS = (390, 1280)


def paths_of(public: Path) -> list[str]:
    """One page of each kind: the newest day and its longest entry stand for the others."""
    fixed = [
        p
        for p in ("", "archive/", "topics/", "links/", "subscribe/", "search/", "404.html")
        if (public / p).exists()
    ]
    for many in ("topics/*/", "archive/[0-9][0-9][0-9][0-9]/"):
        largest = sorted(public.glob(f"{many}index.html"), key=lambda f: f.stat().st_size)[-1:]
        fixed += [f"{file.parent.relative_to(public).as_posix()}/" for file in largest]
    days = sorted(public.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]"))
    if not days:
        return fixed
    entries = sorted(days[-1].glob("*/index.html"), key=lambda f: f.stat().st_size)
    found = [days[-1], *(e.parent for e in entries[-1:])]
    return fixed + [f"{folder.relative_to(public).as_posix()}/" for folder in found]


def main(arguments: list[str]) -> int:
    if not arguments or (executable := find_chromium()) is None:
        print("Chromium was not found (set CHROMIUM)" if arguments else __doc__, file=sys.stderr)
        return 2
    if len(arguments) == 1:
        return every_page_into(Path(arguments[0]), executable)
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


def every_page_into(out: Path, executable: str) -> int:
    """Pictures of every kind of page, those included that only a button leads to."""
    from playwright.sync_api import sync_playwright

    from tests.browser.publication import every_page, every_page_shown, publication

    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        publication(Path(folder)) as there,
        sync_playwright() as playwright,
    ):
        pages = every_page(there)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                size = {"width": width, "height": 900}
                for name, page in every_page_shown(
                    browser, there.root, pages, color_scheme=scheme, viewport=size
                ):
                    file = out / f"{name}-{width}{'-dark' if scheme == 'dark' else ''}.png"
                    page.screenshot(path=file, full_page=True)
                    print(file)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
