"""Pages in a real browser fit, can be clicked and ask nobody else; a validator finds nothing in them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import screenshots
from tests.browser.chromium import Chromium, find_chromium, serving
from tests.render.factories import site
from tests.render.small_site import build

NODE = Path(__file__).resolve().parent.parent / "node"
WIDTHS = (320, 390, 768, 1100, 1280)
CHROMIUM = find_chromium()

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium was not found (set CHROMIUM)")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site under a path prefix, so that every address is tried the hard way."""
    return write(tmp_path_factory.mktemp("public"), build(site(url="https://example.org/daily/")))


@pytest.fixture(scope="module")
def root(public: Path) -> Iterator[str]:
    with serving(public, "/daily/") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium(CHROMIUM or "") as chromium:
        yield chromium


def paths(public: Path) -> list[str]:
    """Every page but the redirects, which a browser leaves at once."""
    found = (f for f in public.rglob("*.html") if b'http-equiv="refresh"' not in f.read_bytes())
    return sorted(f.relative_to(public).as_posix().removesuffix("index.html") for f in found)


@pytest.mark.needs_browser
@needs_chromium
class TestInChromium:
    def test_no_page_scrolls_sideways(self, browser: Chromium, root: str, public: Path) -> None:
        for path in paths(public):
            browser.open(root + path, width=WIDTHS[0])
            for width in WIDTHS:
                browser.resize(width)
                wide = browser.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width, wide, browser.evaluate(WIDER_THAN_THE_WINDOW))

    def test_pages_ask_nobody_but_their_own_site(self, browser: Chromium, root: str, public: Path) -> None:
        for path in paths(public):
            browser.open(root + path, width=390)
            assert browser.requests
            assert all(address.startswith((root, "data:")) for address in browser.requests), browser.requests

    def test_everything_that_is_clicked_is_large_enough(
        self, browser: Chromium, root: str, public: Path
    ) -> None:
        for path in paths(public):
            browser.open(root + path, width=390)
            assert browser.evaluate(SMALL_TARGETS) == [], path

    def test_dark_pages_are_dark_and_light_ones_light(self, browser: Chromium, root: str) -> None:
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        browser.open(root, width=390)
        assert browser.evaluate(ground) == "rgb(251, 250, 247)"
        browser.open(root, width=390, dark=True)
        assert browser.evaluate(ground) == "rgb(20, 23, 26)"

    def test_a_number_leads_on_to_its_entry(self, browser: Chromium, root: str) -> None:
        assert browser.follow(root + "2025/01/29/3/") == root + "2025/01/29/talktalk22/"

    def test_the_contents_are_a_rail_on_a_desk_and_a_list_on_a_phone(
        self, browser: Chromium, root: str
    ) -> None:
        left = "document.querySelector('.toc').getBoundingClientRect().right"
        text = "document.querySelector('.entries').getBoundingClientRect().left"
        browser.open(root + "2025/01/29/", width=1280)
        assert browser.evaluate(left) <= browser.evaluate(text)
        browser.open(root + "2025/01/29/", width=390)
        assert browser.evaluate(left) > browser.evaluate(text)

    def test_a_line_of_chinese_holds_at_most_38_characters(self, browser: Chromium, root: str) -> None:
        browser.open(root + "2025/01/29/", width=1280)
        measure = "(() => { const p = document.querySelector('.prose > p'), s = getComputedStyle(p);"
        measure += " return p.getBoundingClientRect().width / parseFloat(s.fontSize); })()"
        assert 30 <= browser.evaluate(measure) <= 38.01

    def test_a_page_can_be_printed(self, browser: Chromium, root: str) -> None:
        browser.open(root + "2025/01/29/", width=1280)
        assert browser.pdf().startswith(b"%PDF")

    def test_pictures_are_taken(self, public: Path, tmp_path: Path) -> None:
        plain = write(tmp_path / "public", build(site(), days=()))
        assert screenshots.main([str(plain), str(tmp_path / "out"), "404.html"]) == 0
        assert len(list((tmp_path / "out").glob("404.html-*.png"))) == 4


WIDER_THAN_THE_WINDOW = """[...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""

# WCAG 2.5.8: 24 by 24 CSS pixels, but for links within a sentence and for the calendar's, whose days the lists below it
# lead to as well.
SMALL_TARGETS = """[...document.querySelectorAll('a')]
  .filter(a => !a.closest('.prose, .source, .skip, .note, .heat') && !a.matches('.skip'))
  .filter(a => { const r = a.getBoundingClientRect(); return r.width < 24 || r.height < 24; })
  .map(a => a.outerHTML.slice(0, 120))"""


@pytest.mark.needs_node
@pytest.mark.skipif(
    not (NODE / "node_modules" / "html-validate").exists() or shutil.which("node") is None,
    reason="html-validate is not installed (see tests/node/README)",
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_validator_finds_nothing_in_any_page(tmp_path: Path, language: str) -> None:
    folder = write(tmp_path, build(site(language=language)))
    names = [str(path) for path in sorted(folder.rglob("*.html"))]
    command = ["node", str(NODE / "validate-html.mjs"), *names]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(found.stdout) == []
