"""How long links live: shares that never lie at their ends, medians of the dead, order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from publisher.core.lifespan import Generation, Life, by_site, by_year
from publisher.core.link import Verdict

LIVES = st.lists(
    st.builds(
        Life,
        year=st.integers(2020, 2026),
        site=st.sampled_from(["weibo.com", "a.org", "b.org"]),
        verdict=st.sampled_from(["alive", "dead", "unsure", "unchecked"]),
        days=st.integers(0, 4000),
    ),
    max_size=60,
)


def life(verdict: Verdict, *, year: int = 2025, site: str = "a.org", days: int = 0) -> Life:
    return Life(year=year, site=site, verdict=verdict, days=days)


def test_the_median_is_that_of_the_dead() -> None:
    (one,) = by_year(
        [life("dead", days=10), life("dead", days=400), life("dead", days=30), life("alive", days=9)]
    )
    assert (one.name, one.links, one.open, one.dead, one.lived_days) == ("2025", 4, 1, 3, 30)


def test_while_all_live_there_is_no_median() -> None:
    (one,) = by_year([life("alive"), life("unsure"), life("unchecked")])
    assert one.lived_days is None


def test_years_come_newest_first_and_sites_by_their_links() -> None:
    known = [(2023, "b.org"), (2025, "a.org"), (2024, "a.org"), (2024, "b.org")]
    lives = [life("alive", year=year, site=site) for year, site in known]
    assert [one.name for one in by_year(lives)] == ["2025", "2024", "2023"]
    assert [one.name for one in by_site([*lives, life("dead", site="b.org")])] == ["b.org", "a.org"]


def test_a_site_with_one_link_is_not_told() -> None:
    assert by_site([life("dead")]) == ()
    assert len(by_site([life("dead", site=f"{n}.org") for n in range(40) for _ in range(2)])) == 10


def test_a_percentage_is_never_rounded_to_all_or_none() -> None:
    assert Generation(name="x", links=1000, open=999, dead=1, unsure=0).open_percent == 99
    assert Generation(name="x", links=1000, open=1, dead=999, unsure=0).open_percent == 1
    assert Generation(name="x", links=3, open=3, dead=0, unsure=0).open_percent == 100
    assert not Generation(name="x", links=3, open=0, dead=0, unsure=0).was_asked


@given(LIVES)
def test_every_link_is_in_exactly_one_year(lives: list[Life]) -> None:
    years = by_year(lives)
    assert sum(one.links for one in years) == len(lives)
    for one in (*years, *by_site(lives)):
        assert one.open + one.dead + one.unsure <= one.links
        assert 0 <= one.open_percent <= 100
        assert (one.lived_days is None) == (one.dead == 0)
