"""Whatever a curator does, the folder is what a build from nothing would make: no page is left as it was."""

from __future__ import annotations

import asyncio
import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.wiring import make_app
from tests.house import ZONE, House, essay, essays

FIRST = date(2025, 1, 10)
STEPS = 8


class Curator:
    """Writes days and goes over them again."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.dice = house, random.Random(seed)
        self.entries: dict[date, list[list[str]]] = {}  # (heading, body, mark before it)
        self.heads: dict[date, list[str]] = {}  # title, preface
        for _ in range(4):
            self.write_a_day()

    def write_a_day(self) -> None:
        day = FIRST + timedelta(days=len(self.entries))
        self.heads[day] = ["", ""]
        self.entries[day] = [[f"{n}", self.body(), ""] for n in range(1, 3)]
        self.save(day)

    def body(self) -> str:
        dice = self.dice
        text = essay(f"{dice.randrange(10**6)}", paragraphs=dice.choice((1, 2, 3)))
        if dice.random() < 0.6:
            text += f"\n\n#{dice.choice('茶酒书山')}# 结束"
        if dice.random() < 0.4:
            text += f"\n\n链接 http://t.cn/A6{dice.randrange(30)}abc"
        return text if dice.random() < 0.8 else "Only English words here, " + "soup and bread " * 20

    def change(self) -> None:
        dice = self.dice
        day = dice.choice(list(self.entries))
        head, entries = self.heads[day], self.entries[day]
        entry = dice.choice(entries)
        acts = (
            lambda: head.__setitem__(0, dice.choice(("", "新题", "旧题"))),
            lambda: head.__setitem__(1, dice.choice(("", "导语一句。", "> 引文"))),
            lambda: entries.insert(0, [f"{dice.randrange(20, 99)}", self.body(), ""]),
            lambda: entries.remove(entry) if len(entries) > 1 else None,
            lambda: entry.__setitem__(1, f"{entry[1]}\n\n又添了一句话。"),
            lambda: entry.__setitem__(2, "" if entry[2] else "<!-- draft -->\n\n"),
            lambda: entry.__setitem__(0, f"{dice.randrange(1, 9)}{dice.choice(('', ' 新标题'))}"),
            lambda: dice.shuffle(entries),
            lambda: entry.__setitem__(1, self.body()),
            self.write_a_day,
        )
        dice.choice(acts)()
        self.save(day)

    def save(self, day: date) -> None:
        title, preface = self.heads[day]
        entries = "".join(f"## {heading}\n\n{mark}{body}\n\n" for heading, body, mark in self.entries[day])
        self.house.write(f"{day}", f"# {day} {title}\n\n{preface}\n\n{entries}")


def tree(folder: Path) -> dict[str, bytes]:
    return {f"{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_edit_the_folder_is_what_a_build_from_nothing_makes(tmp_path: Path, seed: int) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    curator, now = Curator(house, seed), datetime(2025, 1, 13, 8)
    for _ in range(STEPS):
        house.once(f"{now:%Y-%m-%d %H:%M}", accept_withdrawals=True)
        grown = tree(house.root / "public")
        shutil.rmtree(house.root / "public")
        house.once(f"{now + timedelta(minutes=1):%Y-%m-%d %H:%M}", accept_withdrawals=True)
        anew = tree(house.root / "public")
        assert {path for path in grown | anew if grown.get(path) != anew.get(path)} == set()
        now += timedelta(hours=curator.dice.choice((1, 24)))
        for _ in range(curator.dice.choice((1, 2))):
            curator.change()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://other.example.cn/"},
        {"url": "https://daily.example.cn/read/"},
        {"title": "别的名字"},
        {"language": "en-GB"},
    ],
    ids=str,
)
def test_after_any_change_of_the_site_the_folder_is_what_a_build_from_nothing_makes(
    tmp_path: Path, change: dict[str, object]
) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 2))

    def build(hour: int) -> dict[str, bytes]:
        """With its own translated templates, as every installation has them."""
        config = load_config(house.root / "config.toml", {})
        now = datetime(2025, 1, 29, hour, tzinfo=ZONE)
        asyncio.run(make_app(config, now=lambda: now, probing=house.web.probing).once())
        return tree(house.root / "public")

    before = build(8)
    house.configure(site=change)
    grown = build(9)
    shutil.rmtree(house.root / "public")
    shutil.rmtree(house.root / "var" / "templates")
    anew = build(9)
    assert grown != before
    assert {path for path in grown | anew if grown.get(path) != anew.get(path)} == set()
