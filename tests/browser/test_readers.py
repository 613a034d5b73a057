"""What readers do, in a real browser against real web and mail servers: find, subscribe, read, choose, leave."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.publication import READER, Publication, every_page, every_page_shown, publication

NODE = Path(__file__).resolve().parent.parent / "node"
AXE = NODE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = find_chromium()

pytestmark = [
    pytest.mark.needs_browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium was not found (set CHROMIUM)"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Publication]:
    with publication(tmp_path) as one:
        yield one


@pytest.fixture
def page(browser: Browser, there: Publication) -> Iterator[Page]:
    """A phone without JavaScript: whatever works there works everywhere."""
    yield from opened(browser, there, java_script_enabled=False, viewport={"width": 320, "height": 640})


def opened(browser: Browser, there: Publication, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=there.root, **options)
    troubles: list[str] = []
    one = context.new_page()
    one.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    yield one
    assert context.cookies() == []
    context.close()
    assert [said for said in troubles if "Content Security Policy" in said] == []


def test_from_the_form_to_the_last_mail(page: Page, there: Publication) -> None:
    page.goto("/")
    page.get_by_role("link", name="订阅", exact=True).click()
    page.get_by_label("您的邮箱地址").fill(READER)
    there.later(seconds=20)
    page.get_by_role("button", name="订阅").click()
    assert page.get_by_role("heading", level=1).inner_text() == "还差一步"

    (letter,) = there.mails()
    page.goto(there.link(letter, "subscribe/confirm/"))
    assert there.state() == "pending"
    page.get_by_role("button", name="确认订阅").click()
    assert there.state() == "active"
    assert "2025年1月30日" in page.get_by_role("status").inner_text()

    there.publish("2025-01-30")
    digest = there.mails()[-1]
    assert "关税又涨了" in str(digest["Subject"])

    page.goto(there.link(digest, "subscribe/view/"))
    assert "1月30日" in page.get_by_role("heading", level=1).inner_text()
    body = page.locator("body").inner_text().replace("\xa0", " ")
    assert "关税又涨了" in body
    assert "AI 写的书" in body, body[:500]

    page.goto(there.link(digest, "subscribe/preferences/"))
    page.get_by_label("每周一封").check()
    page.get_by_label("导读").check()
    page.get_by_role("button", name="保存").click()
    assert page.get_by_text("已保存。").is_visible()
    assert page.get_by_label("每周一封").is_checked()

    one_click = there.link(digest, "u/")
    answer = page.request.post(one_click, form={"List-Unsubscribe": "One-Click"}, max_redirects=0)
    assert answer.status == 200
    assert there.state() == "unsubscribed"
    page.goto(one_click)
    assert page.get_by_text("不会再收到邮件").is_visible()


def test_a_mistake_keeps_what_was_typed_and_takes_the_reader_there(page: Page, there: Publication) -> None:
    page.goto("/subscribe/")
    page.get_by_label("您的邮箱地址").fill("zhang@sanorg")
    page.get_by_label("只要标题").check()
    there.later(seconds=20)
    page.get_by_role("button", name="订阅").click()
    field = page.get_by_label("您的邮箱地址")
    assert field.input_value() == "zhang@sanorg"
    assert page.get_by_label("只要标题").is_checked()
    assert field.get_attribute("aria-describedby") == "email-error"
    assert page.locator("#email-error").is_visible()
    assert page.locator("*:focus").get_attribute("id") == "email"
    field.fill(READER)
    page.get_by_role("button", name="订阅").click()
    assert len(there.mails()) == 1


def test_the_keyboard_alone_is_enough(browser: Browser, there: Publication) -> None:
    for page in opened(browser, there):
        page.goto("/subscribe/")
        steps = []
        while "email" not in steps:
            page.keyboard.press("Tab")
            steps.append(page.evaluate("document.activeElement.id"))
            assert len(steps) < 20
            assert page.evaluate("document.activeElement.name") != "homepage"
        page.keyboard.type(READER)
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")  # every day → once a week
        there.later(seconds=20)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.goto(there.link(there.mails()[-1], "subscribe/confirm/"))
        while page.evaluate("document.activeElement.tagName") != "BUTTON":
            page.keyboard.press("Tab")
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px"  # the focus is seen
        with page.expect_navigation():
            page.keyboard.press("Space")
        assert there.house.rows("SELECT state, cadence FROM subscribers") == [("active", "weekly")]


def test_chinese_and_latin_words_are_found(page: Page) -> None:
    for word, title in (("关税", "关税又涨了"), ("AI", "AI 写的书")):
        page.goto("/")
        page.get_by_role("link", name="搜索", exact=True).click()
        page.get_by_role("searchbox").fill(word)
        page.keyboard.press("Enter")
        assert page.locator(".hits mark").first.inner_text() == word
        page.locator(".hits h2 a").first.click()
        assert title in page.get_by_role("heading", level=1).inner_text()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Publication, dict[str, str]]]:
    with publication(tmp_path_factory.mktemp("publication")) as one:
        yield one, every_page(one)


def shown(
    browser: Browser, pages: tuple[Publication, dict[str, str]], **options: Any
) -> Iterator[tuple[str, Page]]:
    return every_page_shown(browser, pages[0].root, pages[1], **options)


def test_no_page_scrolls_sideways_on_the_narrowest_phone(
    browser: Browser, pages: tuple[Publication, dict[str, str]]
) -> None:
    for name, page in shown(browser, pages, viewport={"width": 320, "height": 640}):
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name


def test_everything_that_is_pressed_is_large_enough(
    browser: Browser, pages: tuple[Publication, dict[str, str]]
) -> None:
    for name, page in shown(browser, pages, viewport={"width": 390, "height": 800}):
        assert page.evaluate(SMALL_CONTROLS) == [], name


SMALL_CONTROLS = """[...document.querySelectorAll('button, input:not([type=hidden]), select')]
  .map(e => [e, (e.type === 'radio' || e.type === 'checkbox' ? e.closest('label') : e).getBoundingClientRect()])
  .filter(([e, r]) => r.width > 0 && r.height < 44).map(([e]) => e.outerHTML.slice(0, 120))"""


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (see tests/node/README)")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(browser: Browser, pages: tuple[Publication, dict[str, str]], dark: bool) -> None:
    axe = AXE.read_text("utf-8")
    found = {}
    scheme = "dark" if dark else "light"
    for name, page in shown(browser, pages, color_scheme=scheme, viewport={"width": 390, "height": 800}):
        page.evaluate(axe)
        violations = page.evaluate("axe.run().then(said => said.violations)")
        found |= {f"{name}: {v['id']}": [node["html"] for node in v["nodes"]][:3] for v in violations}
    assert found == {}


@pytest.mark.skipif(
    not (NODE / "node_modules" / "html-validate").exists() or shutil.which("node") is None,
    reason="html-validate is not installed (see tests/node/README)",
)
def test_a_validator_finds_nothing_in_any_page(
    pages: tuple[Publication, dict[str, str]], tmp_path: Path
) -> None:
    files = []
    for name, text in pages[1].items():
        files.append(tmp_path / f"{name}.html")
        files[-1].write_text(text, "utf-8")
    command = ["node", str(NODE / "validate-html.mjs"), *map(str, files)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(said.stdout) == []
