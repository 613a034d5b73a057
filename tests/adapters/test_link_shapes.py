"""Every shape of the table is judged as it should be: nothing dead called alive, nothing alive called dead."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from publisher.core.link import Answer
from tests.adapters.link_shapes import OURS, SHAPES, Shape
from tests.adapters.stand_in import stand_in

CALLED = {"ok": "alive", "redirected": "alive", "broken": "dead", "suspect": "dead", "invalid": "dead"}
"""What a single answer says of a link; every other result keeps it apart."""


def asked(shape: Shape) -> Answer:
    async def main() -> Answer:
        async with stand_in(shape.pages, deadline_s=0.5 if "hang" in shape.name else 10) as stand:
            return await stand.ask(shape.url)

    return asyncio.run(main())


@pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.name) for shape in SHAPES])
def test_a_shape_is_what_it_is(shape: Shape) -> None:
    answer = asked(shape)
    assert (answer.result, answer.error) == (shape.result, answer.error)
    assert CALLED.get(answer.result, "unsure") == shape.truth
    if shape.target:
        assert answer.target == shape.target


def test_the_table_is_wide_enough_and_each_row_has_its_source() -> None:
    assert len(OURS) >= 30
    assert all("github.com/" in shape.source for shape in OURS)
    assert len({shape.url for shape in SHAPES}) == len(SHAPES)
    truths = Counter(shape.truth for shape in SHAPES)
    assert min(truths.values()) >= 20
