"""Which kind of pieces core.search makes of a text. Apart, so that asking for it loads nothing."""

from __future__ import annotations

import unicodedata

VERSION = f"1 {unicodedata.unidata_version}"
"""Moves whenever the same text would give other pieces: an index made by another version is made anew."""
