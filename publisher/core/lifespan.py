"""How long links live: what became of them, by the year in which they were published and by the site they led to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from publisher.core.link import Verdict

MOST_SITES = 10


class Life(Struct, frozen=True, kw_only=True):
    """One published link. `days`: how long a dead one had lived when it was last seen alive."""

    year: int
    site: str
    verdict: Verdict
    days: int = 0


class Generation(Struct, frozen=True, kw_only=True):
    """Links that belong together. `lived_days`: the median of the dead ones, None while all live."""

    name: str
    links: int
    open: int
    dead: int
    unsure: int
    lived_days: int | None = None

    @property
    def open_percent(self) -> int:
        """Of those that were ever asked; 100 says all, 0 says none, and nothing in between is rounded to them."""
        asked = self.open + self.dead + self.unsure
        if not asked or self.open in (0, asked):
            return 100 if asked and self.open else 0
        return min(99, max(1, round(100 * self.open / asked)))

    @property
    def was_asked(self) -> bool:
        return bool(self.open or self.dead or self.unsure)


def by_year(lives: Iterable[Life]) -> tuple[Generation, ...]:
    """The newest year first."""
    found = _grouped(lives, lambda life: str(life.year))
    return tuple(sorted(found, key=lambda one: int(one.name), reverse=True))


def by_site(lives: Iterable[Life], *, most: int = MOST_SITES) -> tuple[Generation, ...]:
    """The sites that most links lead to; one link says nothing of a site."""
    found = [one for one in _grouped(lives, lambda life: life.site) if one.links > 1]
    return tuple(sorted(found, key=lambda one: (-one.links, one.name))[:most])


def _grouped(lives: Iterable[Life], name_of: Callable[[Life], str]) -> list[Generation]:
    groups: dict[str, list[Life]] = {}
    for life in lives:
        groups.setdefault(name_of(life), []).append(life)
    return [_generation(name, group) for name, group in groups.items()]


def _generation(name: str, group: Sequence[Life]) -> Generation:
    ends = [life.days for life in group if life.verdict == "dead"]
    return Generation(
        name=name, links=len(group), open=sum(life.verdict == "alive" for life in group), dead=len(ends),
        unsure=sum(life.verdict == "unsure" for life in group), lived_days=_median(ends) if ends else None,
    )  # fmt: skip


def _median(days: Sequence[int]) -> int:
    from statistics import median  # takes 10 ms to load: only where something died

    return round(median(days))
