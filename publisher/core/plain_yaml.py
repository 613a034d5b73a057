"""Names and values of a block of YAML with their places: its events are read, nothing is ever built from them."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from msgspec import Struct


class NotPlainError(Exception):
    """Broken YAML, or such as front matter has no use for (aliases, deep nesting): refused before it can grow."""


class Value(Struct, frozen=True):
    """One 'key: value' with the lines and columns of both in the file, from 1."""

    key: str
    text: str  # "" for a list or a mapping
    key_at: tuple[int, int]
    at: tuple[int, int]


def values_of(text: str) -> list[Value]:
    """The names and values of the outermost mapping, in order. Raises NotPlainError when it is none, or no YAML."""
    try:
        return list(_outermost(_events(text)))
    except yaml.YAMLError as exc:
        raise NotPlainError from exc


def _events(text: str) -> Iterator[yaml.Event]:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > 8:
            raise NotPlainError
        yield event


def _outermost(events: Iterator[yaml.Event]) -> Iterator[Value]:
    """The outermost mapping, without what lies inside its values."""
    depth, key = 0, None
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            if depth == 0 and not isinstance(event, yaml.MappingStartEvent):
                raise NotPlainError
            if depth == 1 and key is not None:
                yield Value(key.value, "", _place(key), _place(event))
                key = None
            elif depth == 1:
                raise NotPlainError  # a list as a key
            depth += 1
        elif isinstance(event, yaml.ScalarEvent) and depth == 1:
            if key is None:
                key = event
            else:
                yield Value(key.value, event.value, _place(key), _place(event))
                key = None


def _place(event: yaml.Event) -> tuple[int, int]:
    """Line and column in the file, from 1: the block begins on its second line."""
    mark = event.start_mark
    return (2, 1) if mark is None else (mark.line + 2, mark.column + 1)
