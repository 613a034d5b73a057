"""Links over weeks: re-checks, deaths, canaries, pauses, the letter, the patch, and what happens on publication day."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from publisher.adapters.fetch import Fetcher
from publisher.app.link_summary import LinksSummary
from publisher.app.summary import exit_code
from publisher.config import load_config
from publisher.core.errors import UsageError
from publisher.core.link import Answer
from publisher.wiring import make_app
from tests.adapters.stand_in import Handler, page, stand_in
from tests.house import ZONE, House, day_file, essay

SHORT = "http://t.cn/A6abcdef"
PAGE = "https://weibo.com/1/abc"
FIRST = "2025-01-29 08:00"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One entry with a short link, not yet published."""
    house = House(tmp_path)
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n看 {SHORT} 。"))
    return house


def tick(house: House, when: datetime | str) -> None:
    house.now = when if isinstance(when, datetime) else datetime.fromisoformat(when).replace(tzinfo=ZONE)
    asyncio.run(house.app.tick(fresh=False))


def live(house: House, days: int) -> None:
    """Let the clock tick on: whenever a link is due, and every other day for everything else."""
    end = house.now + timedelta(days=days)
    while house.now < end:
        (due,) = house.rows("SELECT min(next_at) FROM links")[0]
        at = datetime.fromisoformat(str(due)).astimezone(ZONE) if due else end
        soonest = house.now + timedelta(minutes=1)
        tick(house, min(max(at, soonest), house.now + timedelta(days=2), end))


def link(house: House, url: str = SHORT) -> tuple[object, ...]:
    """Verdict, failures and result of a link."""
    return house.rows(f"SELECT verdict, fails, result FROM links WHERE url='{url}'")[0]


def report(house: House, **options: object) -> LinksSummary:
    return house.app.report_links(**options)  # type: ignore[arg-type]


def check(house: House, **options: object) -> LinksSummary:
    return asyncio.run(house.app.check_links(**options))  # type: ignore[arg-type]


# ---------------------------------------------------------------- living and dying


def test_a_good_link_is_asked_again_ever_more_rarely(house: House) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    live(house, 90)
    asked = house.web.asked.count(SHORT)
    assert 5 <= asked <= 9  # +1, +3, +7, +14, then monthly
    assert len(house.rows("SELECT 1 FROM link_checks")) == asked


def test_a_link_dies_after_a_week_of_failures_and_comes_back_by_answering(house: House) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    house.web.fails(SHORT)
    live(house, 2)
    assert link(house)[0] == "unsure"
    assert "已失效" not in house.page("2025/01/29/")
    assert "打不开（404）" in house.page("2025/01/29/")
    live(house, 20)
    assert link(house)[0] == "dead"
    assert "已失效" in house.page("2025/01/29/")
    (row,) = report(house, only="dead").links
    assert row.archive == f"https://web.archive.org/web/20250129/{PAGE}"
    assert (row.title, row.target) == ("春天", PAGE)
    house.web.leads(SHORT, PAGE, "春天")
    live(house, 120)
    assert link(house)[:2] == ("alive", 0)
    assert "已失效" not in house.page("2025/01/29/")


def test_a_deleted_page_is_dead_when_it_says_so_again_the_next_day(house: House) -> None:
    house.web.answers[SHORT] = Answer(url=SHORT, result="broken", deleted=True, error="x", network="heard")
    house.once(FIRST)
    live(house, 1)
    assert link(house)[0] == "unsure"
    live(house, 2)
    assert link(house)[0] == "dead"


def test_without_a_canary_nothing_fails_and_nothing_is_asked_every_minute(house: House) -> None:
    house.web.leads(SHORT, PAGE)
    house.once(FIRST)
    house.web.fails(SHORT)
    house.web.canary_sings = False
    live(house, 5)
    assert link(house)[:2] == ("alive", 0)
    voids = house.rows("SELECT count(*) FROM link_checks WHERE void=1")[0][0]
    assert isinstance(voids, int)
    assert 0 < voids <= 5 * 24
    house.web.canary_sings = True
    live(house, 1)
    assert link(house)[:1] == ("unsure",)


def test_a_run_in_which_too_much_fails_at_once_counts_for_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    urls = [f"http://{n}.example.org/" for n in range(12)]
    house.write("2025-01-29", day_file("2025-01-29", *(f"{essay(url)}\n\n{url}" for url in urls)))
    for n, url in enumerate(urls):
        if n < 8:
            house.web.leads(url, url)
        else:
            house.web.fails(url)
    house.once(FIRST)
    assert house.rows("SELECT count(*) FROM links WHERE fails > 0") == [(0,)]
    assert house.rows("SELECT count(*) FROM links WHERE verdict='alive'") == [(8,)]
    found = check(house, which="all")
    assert found.void
    house.web.leads(urls[11], urls[11])
    assert not check(house, which="all").void  # 3 of 12
    assert house.rows("SELECT count(*) FROM links WHERE fails > 0") == [(3,)]


def test_a_host_that_asks_for_a_pause_gets_it_in_later_runs_too(house: House) -> None:
    house.web.answers[SHORT] = Answer(url=SHORT, result="blocked", pause=("t.cn", 3 * 3600), network="heard")
    house.once(FIRST)
    other = "http://t.cn/A6zzzzzz"
    house.write("2025-01-30", day_file("2025-01-30", f"{essay('乙')}\n\n{other}"))
    house.web.leads(other, PAGE)
    house.once("2025-01-29 10:00")
    house.at("2025-01-29 10:30")
    check(house, which="all")
    assert link(house, other)[0] == "unchecked"
    house.at("2025-01-29 11:30")
    check(house, which="all")
    assert link(house, other)[0] == "alive"


def test_a_host_that_says_so_again_is_left_alone_twice_as_long(house: House) -> None:
    house.web.answers[SHORT] = Answer(url=SHORT, result="blocked", pause=("t.cn", 3600), network="heard")
    house.once(FIRST)
    house.at("2025-01-29 09:30")
    check(house, which="all")
    assert house.rows("SELECT not_before, streak FROM hosts") == [("2025-01-29T03:30:00.000000Z", 2)]


# ---------------------------------------------------------------- no network, then one


def test_without_a_network_the_destinations_come_later_and_identities_stay(house: House) -> None:
    run = house.once(FIRST)
    assert run.issue is not None
    assert run.issue.entries[0].links[0].verdict == "unchecked"
    assert "打不开" not in house.page("2025/01/29/")
    before = house.page("atom.xml")
    house.web.leads(SHORT, PAGE, "春天")
    tick(house, "2025-01-29 09:00")
    house.once("2025-01-29 09:05")
    assert "春天 — weibo.com" in house.page("2025/01/29/")
    after = house.page("atom.xml")
    assert "春天" in after
    for mark in ("<id>", "<updated>"):
        assert [line for line in before.split("\n") if mark in line] == [
            line for line in after.split("\n") if mark in line
        ]


def test_a_recheck_that_brings_nothing_new_leaves_the_feeds_alone(house: House) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    feeds = [house.page(name) for name in ("rss.xml", "atom.xml", "feed.json")]
    house.web.fails(SHORT)
    live(house, 2)
    assert [house.page(name) for name in ("rss.xml", "atom.xml", "feed.json")] == feeds


# ---------------------------------------------------------------- the letter and the patch


def letters(house: House) -> list[str]:
    return [house.text(mail) for mail in house.mails() if "链接" in str(mail["Subject"])]


def test_the_letter_tells_what_is_new_once_with_line_title_copy_and_patch(house: House) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    house.web.fails(SHORT)
    live(house, 25)
    (first, second) = letters(house)[:2]
    assert "打不开了" in first
    assert "已失效" in second
    assert "2025-01-29.md:11" in second
    assert f"春天 — {PAGE}" in second
    assert f"https://web.archive.org/web/20250129/{PAGE}" in second
    assert "+++ b/2025-01-29.md" in second
    live(house, 30)
    assert len(letters(house)) == 2


def test_no_letter_is_sent_about_what_came_back_meanwhile(house: House) -> None:
    house.web.leads(SHORT, PAGE)
    house.once(FIRST)
    house.web.fails(SHORT)
    live(house, 2)
    house.web.leads(SHORT, PAGE)
    live(house, 20)
    assert letters(house) == []


def test_no_letter_when_the_operator_wants_none(house: House) -> None:
    house.configure(links={"report": "never"})
    house.web.fails(SHORT)
    house.once(FIRST)
    live(house, 20)
    assert letters(house) == []


def test_a_link_that_leads_elsewhere_is_told(house: House) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    house.web.leads(SHORT, "https://casino.example/", "赌场")
    live(house, 9)
    (letter,) = letters(house)
    assert "weibo.com → casino.example" in letter
    assert "赌场" not in house.page("2025/01/29/")
    assert [event.kind for row in report(house, only="new").links for event in row.events] == []  # a week ago
    assert house.rows("SELECT target, now_target FROM links") == [(PAGE, "https://casino.example/")]


def test_the_patch_applies_and_puts_where_a_dead_short_link_led(house: House, tmp_path: Path) -> None:
    house.web.leads(SHORT, PAGE, "春天")
    house.once(FIRST)
    house.web.answers[SHORT] = Answer(
        url=SHORT, result="broken", http_status=404, error="x", network="heard", chain=(SHORT,)
    )
    live(house, 20)
    before = (house.seeds / "2025-01-29.md").read_text("utf-8")
    found = house.app.fix_links()
    assert (found.mended, found.left) == (1, ())
    assert (house.seeds / "2025-01-29.md").read_text("utf-8") == before
    subprocess.run(
        ["patch", "-p1", "-d", house.seeds], input=found.patch.encode(), check=True, capture_output=True
    )
    assert (house.seeds / "2025-01-29.md").read_text("utf-8") == before.replace(SHORT, PAGE)


# ---------------------------------------------------------------- on the day of publication


def two_entries(house: House) -> None:
    good, bad = "http://good.example.org/", "http://bad.example.org/"
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')}\n\n{good}", f"{essay('乙')}\n\n{bad}"))
    house.web.leads(good, good)
    house.web.fails(bad)


def test_by_default_a_broken_link_goes_out_with_a_dated_fact(house: House) -> None:
    two_entries(house)
    run = house.once(FIRST)
    assert run.issue is not None
    assert len(run.issue.entries) == 2
    assert "2025年1月29日查：打不开（404）" in house.page("2025/01/29/")


def test_an_entry_with_a_broken_link_waits_when_the_operator_wants_it(house: House) -> None:
    house.configure(links={"on_broken": "hold-entry"})
    two_entries(house)
    run = house.once(FIRST)
    assert run.issue is not None
    assert [entry.number for entry in run.issue.entries] == [1]
    (held,) = run.held
    assert (held.kind, held.params["url"]) == ("entry", "bad.example.org")
    assert exit_code(run) == 0
    plan = house.plan("2025-01-30 07:00")
    assert [item.params["url"] for item in plan.held] == ["bad.example.org"]
    house.app.allow(str(held.params["uid"]))
    run = house.once("2025-01-30 08:00")
    assert run.issue is not None
    assert [entry.number for entry in run.issue.entries] == [2]


def test_an_entry_that_waited_goes_out_when_its_link_opens_again(house: House) -> None:
    house.configure(links={"on_broken": "hold-entry"})
    two_entries(house)
    house.once(FIRST)
    house.web.leads("http://bad.example.org/", "http://bad.example.org/")
    house.at("2025-01-30 07:00")
    check(house, which="all")
    run = house.once("2025-01-30 08:00")
    assert run.issue is not None
    assert [entry.number for entry in run.issue.entries] == [2]


def test_a_broken_link_stops_the_issue_when_the_operator_wants_it(house: House) -> None:
    house.configure(links={"on_broken": "hold-issue"})
    two_entries(house)
    run = house.once(FIRST)
    assert (run.outcome, exit_code(run)) == ("held", 1)
    assert not house.exists("2025/01/29/")
    plan = house.plan()
    assert plan.would == "held"
    house.web.leads("http://bad.example.org/", "http://bad.example.org/")
    check(house, which="all")
    run = house.once("2025-01-29 09:00")
    assert run.outcome == "published"
    assert run.issue is not None
    assert len(run.issue.entries) == 2


# ---------------------------------------------------------------- asking by hand


def test_one_entry_may_be_checked_and_an_unknown_one_is_named(house: House) -> None:
    house.web.leads(SHORT, PAGE)
    run = house.once(FIRST)
    assert run.issue is not None
    uid = run.issue.entries[0].uid
    (row,) = check(house, which="entry", entry=uid).links
    assert (row.url, row.result, row.verdict, row.places[0].uid) == (SHORT, "redirected", "alive", uid)
    assert row.places[0].line == 11
    with pytest.raises(UsageError):
        check(house, which="entry", entry="nobody")


def test_a_file_of_anybodys_is_checked_without_history(house: House, tmp_path: Path) -> None:
    file = tmp_path / "any.md"
    file.write_text(
        "# 标题\n\n见http://a.org/1。下一句（http://a.org/2）全文\n\n[三](http://a.org/3)\n", "utf-8"
    )
    house.web.leads("http://a.org/1", "http://a.org/1")
    house.web.fails("http://a.org/2")
    house.web.answers["http://a.org/3"] = Answer(
        url="http://a.org/3", result="broken", deleted=True, error="x", network="heard"
    )
    found = asyncio.run(house.app.check_file((file,)))
    rows = [(row.url[-1], row.verdict, row.places[0].line) for row in found.links]
    assert rows == [("1", "alive", 3), ("2", "unsure", 3), ("3", "dead", 5)]
    assert found.some_bad
    assert not found.void
    assert not (house.root / "var").exists()


# ---------------------------------------------------------------- pages that no rule knows


UNKNOWN_PAGE = """<html><head><title>t.cn</title><script>var token = "deadbeefdeadbeefdeadbeefdeadbeef";</script></head>
<body data-ip="203.0.113.77"><form><input type="hidden" name="csrf" value="deadbeefdeadbeefdeadbeefdeadbeef"></form>
<div class="brand-new-layout">您的 IP 203.0.113.77 即将离开</div></body></html>"""


def checked_for_real(house: House, pages: dict[str, bytes | Handler]) -> LinksSummary:
    """`links check` with the real fetcher and the real keeper of pages, over a web of these pages."""
    app = house.app

    @contextlib.asynccontextmanager
    async def probing() -> AsyncIterator[Fetcher]:
        async with stand_in(pages, on_alarm=app._keep_page) as stand:
            yield stand.fetcher

    config = load_config(house.root / "config.toml", {})
    real = make_app(config, now=lambda: house.now, probing=probing)
    return asyncio.run(real.check_links(which="all"))


def test_a_page_of_t_cn_that_no_rule_knows_is_kept_redacted_and_told(house: House) -> None:
    house.once(FIRST)
    pages: dict[str, bytes | Handler] = {SHORT.removeprefix("http://"): page(UNKNOWN_PAGE)}
    found = checked_for_real(house, pages)
    assert [row.result for row in found.links] == ["unknown"]
    assert any("var/links/" in str(note.params.get("folder")) for note in found.notices)
    (kept,) = (house.root / "var" / "links").iterdir()
    text = kept.read_text("utf-8")
    assert text.startswith(f"<!-- {SHORT} -->")
    assert "brand-new-layout" in text
    assert "203.0.113.77" not in text
    assert "deadbeef" not in text


def test_the_same_unknown_page_is_kept_once_and_a_known_one_not_at_all(house: House) -> None:
    house.once(FIRST)
    pages: dict[str, bytes | Handler] = {SHORT.removeprefix("http://"): page(UNKNOWN_PAGE)}
    checked_for_real(house, pages)
    checked_for_real(house, pages)
    assert len(list((house.root / "var" / "links").iterdir())) == 1
    pages[SHORT.removeprefix("http://")] = page("<p>网页存在安全风险，已停止访问</p>")
    found = checked_for_real(house, pages)
    assert [row.result for row in found.links] == ["blocked"]
    assert len(list((house.root / "var" / "links").iterdir())) == 1
