"""An entry's Markdown as tokens that titles, topics, links, counts and HTML all share."""

from __future__ import annotations
