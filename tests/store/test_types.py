"""What the column types of the store write is what was meant."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.dialects import sqlite

from publisher.store.types import Utc


def written(at: datetime) -> str:
    return str(Utc().process_bind_param(at, sqlite.dialect()))


def test_the_two_hours_of_an_autumn_night_are_two_moments() -> None:
    first = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert written(first) == "2025-10-26T00:30:00.000000Z"
    assert written(first.replace(fold=1)) == "2025-10-26T01:30:00.000000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        written(datetime(2025, 1, 29))
