"""Three years of ten links a day, simulated: how many checks a day, and how long they take at the polite pace.

    python -m tests.benchmarks.links_years [--days 1095] [--links 10]

No network and no waiting: every link is an address with a fate, the clock is moved by hand, standings are judged by
core.verdict as in production. A third of the links are t.cn's, which is asked one at a time, 2 to 3 s apart.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from publisher.core.link import LinkCheck, Result
from publisher.core.verdict import Standing, judge

START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = {"t.cn": 2.5, "other": 1.0}
"""What a check costs its host's turn."""


def fate(dice: random.Random) -> tuple[str, float]:
    """What a link does: ok for ever, walled, flaky, or gone after so many days (half of them within four years)."""
    kind = dice.choices(["ok", "walled", "flaky"], [80, 12, 8])[0]
    return kind, dice.expovariate(1 / (365 * 5.8))


def answer(kind: str, dies_after: float, age: float, dice: random.Random) -> Result:
    if age > dies_after:
        return "broken"
    if kind == "walled":
        return "blocked"
    return "timeout" if kind == "flaky" and dice.random() < 0.1 else "ok"


def simulate(days: int, links_a_day: int) -> tuple[list[Counter[str]], Counter[str], int]:
    """Checks of each day by kind of host; verdicts at the end; living links that were called dead at any time."""
    dice = random.Random(1)
    queue: list[tuple[datetime, int]] = []
    standings: list[Standing] = []
    fates, born = [], []
    per_day: list[Counter[str]] = []
    wrongly_dead = 0
    for day in range(days):
        now = START + timedelta(days=day)
        for n in range(links_a_day):
            host = "t.cn" if n % 3 == 0 else f"{dice.randrange(3000)}.org"
            standings.append(Standing(url=f"http://{host}/{day}-{n}"))
            fates.append(fate(dice))
            born.append(now)
            heapq.heappush(queue, (now, len(standings) - 1))
        counts: Counter[str] = Counter()
        while queue and queue[0][0] < now + timedelta(days=1):
            at, index = heapq.heappop(queue)
            kind, dies_after = fates[index]
            age = (at - born[index]) / timedelta(days=1)
            result = answer(kind, dies_after, age, dice)
            check = LinkCheck(url=standings[index].url, result=result, at=at)
            after = judge(standings[index], check)
            wrongly_dead += after.verdict == "dead" and age <= dies_after
            standings[index] = after
            counts["t.cn" if "//t.cn/" in after.url else "other"] += 1
            assert after.next_at is not None
            heapq.heappush(queue, (after.next_at, index))
        per_day.append(counts)
    return per_day, Counter(standing.verdict for standing in standings), wrongly_dead


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=1095)
    parser.add_argument("--links", type=int, default=10)
    given = parser.parse_args()
    per_day, verdicts, wrongly_dead = simulate(given.days, given.links)
    last = per_day[-90:]
    checks = [sum(counts.values()) for counts in last]
    turns = [counts["t.cn"] * SECONDS["t.cn"] for counts in last]
    print(f"links {given.days * given.links}, checks in all {sum(sum(c.values()) for c in per_day)}")
    print(f"checks a day, last 90 days: mean {sum(checks) / 90:.0f}, most {max(checks)}")
    print(
        f"t.cn alone, one at a time: mean {sum(turns) / 90 / 60:.1f} min a day, most {max(turns) / 60:.1f} min"
    )
    print(f"rechecks within budget: {1440 * 20} s a day at most (20 s a minute)")
    print(f"verdicts {dict(verdicts)}; living links ever called dead: {wrongly_dead}")


if __name__ == "__main__":
    main()
