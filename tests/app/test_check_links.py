"""Asking the links of an issue: once each, within a budget, and never blaming links for a missing network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.adapters.pace import Pace
from publisher.app.check_links import NO_NETWORK, OUT_OF_TIME, check_links
from publisher.app.progress import Silent
from publisher.core.link import Answer, LinkCheck
from publisher.core.verdict import Standing, judge
from tests.adapters.stand_in import Names, Stand, moved, no_name_server, no_such_name, page, stand_in
from tests.adapters.test_fetch import hang

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Told(Silent):
    def __init__(self) -> None:
        self.links: list[tuple[int, int, str, str | None]] = []

    def link(self, done: int, total: int, url: str, target: str | None = None) -> None:
        self.links.append((done, total, url, target))


async def check(
    urls: list[str], stand: Stand, *, budget_s: float = 10, told: Told | None = None
) -> list[LinkCheck]:
    async with asyncio.timeout(8):  # a test that hangs has failed
        return await check_links(
            urls, probe=stand.fetcher, budget_s=budget_s, now=lambda: NOON, progress=told or Told()
        )


def results(checks: list[LinkCheck]) -> list[str]:
    return [one.result for one in checks]


def test_every_link_is_asked_once_and_answered_in_order() -> None:
    async def main() -> None:
        async with stand_in(
            {"t.cn/A6abcdef": moved("http://a.org/x"), "a.org/x": page("<title>X</title>")}
        ) as stand:
            told = Told()
            urls = ["http://b.org/gone", "http://t.cn/A6abcdef", "http://b.org/gone"]
            checks = await check(urls, stand, told=told)
            assert [(one.url, one.result) for one in checks] == [(urls[0], "broken"), (urls[1], "ok")]
            assert checks[1].target_title == "X"
            assert {one.at for one in checks} == {NOON}
            assert sorted(stand.web.asked) == ["a.org/x", "b.org/gone", "t.cn/A6abcdef"]
            assert [done[:2] for done in told.links] == [(1, 2), (2, 2)]
            assert {done[2:] for done in told.links} == {(urls[0], None), (urls[1], "http://a.org/x")}

    asyncio.run(main())


def test_the_budget_holds_though_a_server_hangs_and_the_rest_counts() -> None:
    async def main() -> None:
        async with stand_in({"a.org/": page(), "b.org/": hang}) as stand:
            checks = await check(["http://a.org/", "http://b.org/"], stand, budget_s=0.5)
            assert [(one.result, one.error) for one in checks] == [("ok", ""), ("deferred", OUT_OF_TIME)]

    asyncio.run(main())


def test_the_budget_holds_while_links_wait_for_their_turn() -> None:
    async def main() -> None:
        pages = {f"t.cn/{i}": page('<p class="desc">http://a.org/</p>') for i in range(5)}
        async with stand_in({**pages, "a.org/": page()}, pace=Pace()) as stand:
            checks = await check([f"http://t.cn/{i}" for i in range(5)], stand, budget_s=1)
            assert results(checks) == ["ok", *["deferred"] * 4]

    asyncio.run(main())


def test_no_budget_asks_nobody() -> None:
    async def main() -> None:
        async with stand_in({"a.org/": page()}) as stand:
            assert results(await check(["http://a.org/"], stand, budget_s=0)) == ["deferred"]
            assert stand.web.asked == []
            assert await check([], stand) == []

    asyncio.run(main())


@pytest.mark.parametrize("fault", [no_name_server(), no_such_name(), TimeoutError()], ids=str)
@pytest.mark.parametrize("n", [1, 2, 12])
def test_without_a_network_nothing_is_said_of_any_link(fault: Exception, n: int) -> None:
    async def main() -> None:
        urls = [f"http://t.cn/A6abcde{i}" for i in range(n)] + [f"http://{i}.org/" for i in range(n)]
        names = Names(fails=dict.fromkeys(["t.cn", *(f"{i}.org" for i in range(n))], fault))
        async with stand_in({}, names=names, pace=Pace()) as stand:  # the real pace: nobody waits for a turn
            checks = await check(urls, stand)
            assert {(one.result, one.error, one.http_status) for one in checks} == {
                ("deferred", NO_NETWORK, None)
            }

    asyncio.run(main())


def test_without_a_network_a_few_hosts_are_enough_to_know() -> None:
    async def main() -> None:
        class Hanging(Names):
            async def __call__(self, host: str, port: int) -> list[object]:  # type: ignore[override]
                self.asked.append(host)
                if host in ("0.org", "1.org", "2.org"):
                    raise no_name_server()
                await asyncio.Event().wait()
                return []

        async with stand_in({}, names=Hanging()) as stand:
            checks = await check([f"http://{i}.org/" for i in range(15)], stand)
            assert set(results(checks)) == {"deferred"}

    asyncio.run(main())


def test_refused_connections_everywhere_are_no_network_either() -> None:
    async def main() -> None:
        async with stand_in({}) as stand:
            stand.network.port = 9  # nobody listens there
            assert set(results(await check(["http://a.org/", "http://b.org/"], stand))) == {"deferred"}

    asyncio.run(main())


def test_one_voice_from_outside_makes_the_silence_of_others_count() -> None:
    async def main() -> None:
        names = Names(fails={"gone.org": no_such_name(), "away.org": no_name_server()})
        async with stand_in({"a.org/": page()}, names=names) as stand:
            urls = ["http://gone.org/", "http://away.org/", "http://a.org/", "http://10.0.0.1/"]
            assert results(await check(urls, stand)) == ["broken", "unreachable", "ok", "policy"]

    asyncio.run(main())


def test_being_cancelled_leaves_nothing_going_on() -> None:
    async def main() -> None:
        async with stand_in({"a.org/": hang, "b.org/": hang}) as stand:
            before = asyncio.all_tasks()
            work = asyncio.create_task(check(["http://a.org/", "http://b.org/"], stand))
            while len(stand.web.asked) < 2:
                await asyncio.sleep(0)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            stand.web.over.set()
            await stand.web.close()
            assert asyncio.all_tasks() <= before

    asyncio.run(main())


class Oracle:
    """Answers from a table; raises what stands there."""

    def __init__(self, table: Mapping[str, Answer | Exception]) -> None:
        self.table = table

    def shut(self, hosts: Mapping[str, str]) -> None:
        raise NotImplementedError

    async def ask(self, url: str) -> Answer:
        said = self.table[url]
        if isinstance(said, Exception):
            raise said
        return said


def test_a_fault_of_ours_does_not_stop_the_issue() -> None:
    probe = Oracle({"a": RuntimeError("bug"), "b": Answer(url="b", result="ok", network="heard")})
    checks = asyncio.run(
        check_links(["a", "b"], probe=probe, budget_s=5, now=lambda: NOON, progress=Silent())
    )
    assert [(one.result, one.error) for one in checks] == [("deferred", "RuntimeError: bug"), ("ok", "")]


_ANSWERS = st.builds(
    Answer,
    url=st.just("x"),
    result=st.sampled_from(
        ["ok", "redirected", "broken", "unreachable", "timeout", "blocked", "deferred", "policy"]
    ),
    network=st.sampled_from(["heard", "absent", "unclear"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_ANSWERS, max_size=12))
def test_no_run_ever_says_dead(answers: list[Answer]) -> None:
    table = {f"http://{i}.org/": answer for i, answer in enumerate(answers)}
    checks = asyncio.run(
        check_links(list(table), probe=Oracle(table), budget_s=5, now=lambda: NOON, progress=Silent())
    )
    assert len(checks) == len(answers)
    assert "dead" not in {judge(Standing(url=one.url), one).verdict for one in checks}


# ---------------------------------------------------------------- once more


class Moody(Oracle):
    """Answers one after another for each address."""

    def __init__(self, table: dict[str, list[Answer]]) -> None:
        self.lives = table
        self.asked: list[str] = []

    async def ask(self, url: str) -> Answer:
        self.asked.append(url)
        await asyncio.sleep(0)
        left = self.lives[url]
        return left.pop(0) if len(left) > 1 else left[0]


def told(url: str, result: str, **more: object) -> Answer:
    return Answer(url=url, result=result, network="heard", **more)  # type: ignore[arg-type]


def moods(probe: Moody, *, retry_wait_s: float | None = 30) -> tuple[list[LinkCheck], list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    checks = asyncio.run(
        check_links(
            list(probe.lives), probe=probe, budget_s=5, now=lambda: NOON, progress=Silent(),
            retry_wait_s=retry_wait_s, sleep=sleep,
        )
    )  # fmt: skip
    return checks, slept


def test_a_passing_fault_is_asked_once_more_at_the_very_end() -> None:
    busy, fine = "http://busy.org/", "http://fine.org/"
    probe = Moody({busy: [told(busy, "unreachable", again=True), told(busy, "ok")], fine: [told(fine, "ok")]})
    checks, slept = moods(probe)
    assert results(checks) == ["ok", "ok"]
    assert (probe.asked[-1], probe.asked.count(busy), slept) == (busy, 2, [30])


def test_what_is_sure_is_not_asked_twice() -> None:
    gone = "http://gone.org/"
    probe = Moody({gone: [told(gone, "broken")]})
    _, slept = moods(probe)
    assert (probe.asked, slept) == ([gone], [])


def test_a_second_answer_that_is_none_leaves_the_first() -> None:
    busy = "http://busy.org/"
    probe = Moody({busy: [told(busy, "timeout", again=True), told(busy, "deferred")]})
    assert results(moods(probe)[0]) == ["timeout"]


def test_hosts_take_turns_so_that_one_of_many_links_holds_up_nobody() -> None:
    urls = [f"http://many.org/{n}" for n in range(50)] + ["http://one.org/"]
    probe = Moody({url: [told(url, "ok")] for url in urls})
    moods(probe)
    assert probe.asked.index("http://one.org/") <= 2
