"""What addresses and pages of short links, wrappers, walls and soft "not found" pages mean, by rules that are data.

The shipped rules are shortlinks.toml beside this file; the operator's own, of the same form, are asked first.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, get_args
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import NODEFAULT, Struct

from publisher.core.link import Reading, Result
from publisher.core.webpage import visible_text

SHIPPED = Path(__file__).with_suffix(".toml")
_HEAD = 4096  # characters of a page in which marks of challenges stand
_LAYOUT = 65_536
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)


class RulesError(Exception):
    """A file of rules that cannot be used; `problems` names each with its rule."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(problems))


# ---------------------------------------------------------------- rules


class Rule(Struct, frozen=True, kw_only=True):
    """What every rule has. `hosts` with all their subdomains; '=a.org' without; none: every host."""

    table: ClassVar[str]
    name: str
    hosts: tuple[str, ...] = ()
    example: str = ""  # an address or a page that it must recognise
    seen: str = ""  # where the shape was seen

    def is_of(self, host: str) -> bool:
        return not self.hosts or any(_is_under(host, one) for one in self.hosts)


class Wrapper(Rule, frozen=True, kw_only=True):
    """An address that holds another one in its query."""

    table: ClassVar[str] = "wrapper"
    path: str = "/"
    parameters: tuple[str, ...]
    whole_query: bool = False  # the query may be the address and nothing else

    def behind(self, split: SplitResult) -> str | None:
        """The address that such an address holds."""
        if not (split.path or "/").startswith(self.path):
            return None
        return _parameter(split, self.parameters) or (_web(split.query) if self.whole_query else None)


class Address(Rule, frozen=True, kw_only=True):
    """An address that is an end: a wall, a sorry page."""

    table: ClassVar[str] = "address"
    path: str = "/"
    whole: bool = False  # the path is this and no more
    query: tuple[str, ...] = ()
    bare: bool = False
    from_: tuple[str, ...] = ()
    parameter: tuple[str, ...] = ()
    needed: bool = False
    segments: tuple[str, ...] = ()
    result: Result
    error: str = ""
    deleted: bool = False

    def fits(self, host: str, split: SplitResult, came_from: str | None) -> bool:
        before = _host(came_from) if came_from else ""
        return (
            self.is_of(host)
            and (split.path or "/").startswith(self.path)
            and not (self.whole and split.path.strip("/") != self.path.strip("/"))
            and not (self.bare and split.query)
            and (not self.query or any(word in split.query for word in self.query))
            and (not self.from_ or any(_is_under(before, one) for one in self.from_))
            and (
                not self.segments
                or (came_from is not None and not set(split.path.split("/")).isdisjoint(self.segments))
            )
            and (not self.needed or _parameter(split, self.parameter) is not None)
        )


class Door(Rule, frozen=True, kw_only=True):
    """A short host that is taken at its word when it leads to one of `leads`."""

    table: ClassVar[str] = "door"
    leads: tuple[str, ...]


class Layout(Rule, frozen=True, kw_only=True):
    """A page in between: where its target stands."""

    table: ClassVar[str] = "layout"
    class_: str
    attribute: str = ""


class Page(Rule, frozen=True, kw_only=True):
    """A page that answers 200 and says otherwise."""

    table: ClassVar[str] = "page"
    words: tuple[str, ...] = ()
    title: str = ""
    html: tuple[str, ...] = ()
    deep: bool = False  # `html` is looked for in the whole page
    unless: str = ""
    least: int = 0  # characters of visible text above which it is a real page
    result: Result
    error: str = ""
    deleted: bool = False

    def fits(self, page: _Read) -> bool:
        if not self.is_of(page.host) or (self.unless and self.unless in page.html):
            return False
        if not (self._title_fits(page.title) or self._marked(page) or self._says(page)):
            return False
        return not self.least or len(page.text) <= self.least

    def _title_fits(self, title: str) -> bool:
        return bool(self.title and title and _pattern(self.title).fullmatch(title))

    def _marked(self, page: _Read) -> bool:
        where = page.html if self.deep else page.html[:_HEAD]
        return any(mark in where for mark in self.html)

    def _says(self, page: _Read) -> bool:
        return bool(self.words) and any(words.lower() in page.text for words in self.words)


_KINDS: tuple[type[Rule], ...] = (Wrapper, Address, Door, Layout, Page)
_AnyRule = TypeVar("_AnyRule", bound=Rule)


class Rules(Struct, frozen=True):
    """All rules by kind, in the order in which they are asked."""

    wrapper: tuple[Wrapper, ...] = ()
    address: tuple[Address, ...] = ()
    door: tuple[Door, ...] = ()
    layout: tuple[Layout, ...] = ()
    page: tuple[Page, ...] = ()

    def all(self) -> Iterator[Rule]:
        for kind in _KINDS:
            yield from getattr(self, kind.table)

    def over(self, other: Rules) -> Rules:
        """These before those of another file."""
        return Rules(*(getattr(self, kind.table) + getattr(other, kind.table) for kind in _KINDS))


@cache
def shipped_rules() -> Rules:
    """The rules that come with us."""
    return read_rules(SHIPPED)


def load_rules(own: Path | None = None) -> Rules:
    """The shipped rules, with the operator's own before them. Raises RulesError with every problem."""
    return read_rules(own).over(shipped_rules()) if own else shipped_rules()


def read_rules(path: Path) -> Rules:
    """One file of rules."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise RulesError([str(exc)]) from exc
    problems: list[str] = []
    made = {kind.table: tuple(_made(kind, data.pop(kind.table, []), problems.append)) for kind in _KINDS}
    problems += [f"[[{table}]]: there is no such kind of rule" for table in data]
    names = [rule.name for rules in made.values() for rule in rules]
    problems += [f"{name}: the name is taken" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise RulesError(problems)
    return Rules(**made)  # type: ignore[arg-type]


def _made(kind: type[_AnyRule], rows: object, problem: Callable[[str], None]) -> Iterator[_AnyRule]:
    names = kind.__struct_fields__
    wanted = {name.rstrip("_"): name for name in names}
    given = dict(zip(reversed(names), reversed(kind.__struct_defaults__), strict=False))
    for n, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
        if not isinstance(row, dict):
            problem(f"[[{kind.table}]]: is not a table")
            continue
        name = str(row.get("name", f"{kind.table} {n}"))
        wrong = [f"{key}: there is no such key" for key in row if key not in wanted]
        needed = [
            key for key, name in wanted.items() if given.get(name, NODEFAULT) is NODEFAULT and key not in row
        ]
        wrong += [f"{key}: is missing" for key in needed]
        wrong += [
            f"{key}: {said}" for key, value in row.items() if key in wanted and (said := _fault(key, value))
        ]
        if wrong:
            problem(f"{name}: {', '.join(wrong)}")
        else:
            values: dict[str, Any] = {wanted[key]: _value(key, value) for key, value in row.items()}
            yield kind(**values)


_LISTS = {"hosts", "parameters", "parameter", "query", "from", "leads", "words", "html", "segments"}
_FLAGS = {"needed", "whole", "whole_query", "bare", "deep", "deleted"}


def _fault(key: str, value: object) -> str:
    """What is wrong with a value; "" when nothing is."""
    if key in _LISTS:
        listed = value if isinstance(value, list) else [value]
        return "" if all(isinstance(one, str) and one for one in listed) else "expected a list of texts"
    if key in _FLAGS:
        return "" if isinstance(value, bool) else "expected true or false"
    if key == "least":
        return "" if isinstance(value, int) and not isinstance(value, bool) else "expected a whole number"
    if not isinstance(value, str):
        return "expected a text"
    if key == "result":
        return "" if value in get_args(Result) else f"'{value}' is no result"
    if key == "title":
        try:
            re.compile(value)
        except re.error as exc:
            return str(exc)
    return ""


def _value(key: str, value: Any) -> object:
    return tuple(value if isinstance(value, list) else [value]) if key in _LISTS else value


@cache
def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(written, re.IGNORECASE)


# ---------------------------------------------------------------- what an address says


class ShortLinks:
    """The rules as the fetcher asks them."""

    def __init__(self, rules: Rules | None = None) -> None:
        rules = rules or shipped_rules()
        self._wrappers, self._addresses = _ByHost(rules.wrapper), _ByHost(rules.address)
        self._doors, self._layouts, self._pages = (
            _ByHost(rules.door),
            _ByHost(rules.layout),
            _ByHost(rules.page),
        )

    def address(self, url: str, came_from: str | None) -> Reading | None:
        """What an address alone says, before anything is asked: the one behind a wrapper, or an end."""
        split = urlsplit(url)
        host = _host(url)
        for wrapper in self._wrappers.of(host):
            target = wrapper.behind(split)
            if target:
                return Reading(target=target, rule=wrapper.name)
        for rule in self._addresses.of(host):
            if rule.fits(host, split, came_from):
                behind = _parameter(split, rule.parameter)
                return Reading(
                    result=rule.result, target=behind, error=rule.error, deleted=rule.deleted, rule=rule.name
                )
        for door in self._doors.of(_host(came_from)) if came_from else ():
            if any(_is_under(host, lead) for lead in door.leads):
                return Reading(result="ok", target=url, rule=door.name)
        return None

    def page(self, url: str, text: str, title: str) -> Reading:
        """What a page that answered 200 says: its title, where it leads on, or that it is none."""
        page = _Read(_host(url), text, title)
        between = self._layouts.of(page.host)
        for layout in between:
            target = _target_in(text[:_LAYOUT], layout)
            if target:
                return Reading(target=target, rule=layout.name)
        for rule in self._pages.of(page.host):
            if rule.fits(page):
                return Reading(result=rule.result, error=rule.error, deleted=rule.deleted, rule=rule.name)
        if between:
            return Reading(
                result="unknown", error="the short link service shows a page we do not know", alarm=True
            )
        return Reading(title=title or None)


class _ByHost(Generic[_AnyRule]):
    """Rules that can be of a host, found without looking at all of them; their order is kept."""

    def __init__(self, rules: Sequence[_AnyRule]) -> None:
        self._rules = rules
        self._everywhere = {n for n, rule in enumerate(rules) if not rule.hosts}
        self._named: dict[str, set[int]] = {}
        for n, rule in enumerate(rules):
            for host in rule.hosts:
                self._named.setdefault(host.removeprefix("="), set()).add(n)

    def of(self, host: str) -> list[_AnyRule]:
        at, found = host, set(self._everywhere)
        while at:
            found |= self._named.get(at, set())
            at = at.partition(".")[2]
        return [rule for n in sorted(found) if (rule := self._rules[n]).is_of(host)]


class _Read:
    """A page as rules look at it; its visible text is made when a rule needs it."""

    __slots__ = ("_text", "host", "html", "title")

    def __init__(self, host: str, html: str, title: str) -> None:
        self.host, self.html, self.title = host, html, title
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = visible_text(self.html).lower()
        return self._text


@cache
def _split_host(written: str) -> tuple[bool, str, str]:
    exact = written.startswith("=")
    return exact, written.removeprefix("="), "." + written


def _is_under(host: str, domain: str) -> bool:
    exact, name, suffix = _split_host(domain)
    return host == name or (not exact and host.endswith(suffix))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _parameter(split: SplitResult, names: Iterable[str]) -> str | None:
    """A web address held by one of these parameters of the query, or None."""
    values: Mapping[str, list[str]] | None = None
    for name in names:
        if values is None:
            try:
                values = parse_qs(split.query, max_num_fields=50)
            except ValueError:
                return None
        found = next(filter(None, map(_web, values.get(name, []))), None)
        if found:
            return found
    return None


def _web(value: str) -> str | None:
    """A value as a web address, also when it was encoded once more than its query; None when it is none."""
    decoded = value if _WEB.match(value) else unquote(value)
    return decoded if _WEB.match(decoded) else None


# ---------------------------------------------------------------- what a page in between says


def _target_in(text: str, layout: Layout) -> str | None:
    """The web address in the first element of the layout's class that holds one."""
    for found in _of_class(text, layout.class_, layout.attribute):
        target = _repaired(html.unescape(found).strip())
        if _WEB.match(target):
            return target
    return None


@cache
def _opening(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"<\w{{1,10}}\s[^>]{{0,300}}?class=[\"']?(?:[\w -]{{0,80}} )?{re.escape(name)}[\s\"'>]",
        re.IGNORECASE,
    )


def _of_class(text: str, name: str, attribute: str) -> Iterator[str]:
    """Texts of the elements of a class, or an attribute of the first element in or on them."""
    for match in _opening(name).finditer(text):
        rest = text[match.start() : match.start() + 4096]
        if attribute:
            inner = re.search(rf"{re.escape(attribute)}=[\"']([^\"']+)", rest)
        else:
            inner = re.search(r">([^<]+)", rest)
        if inner:
            yield inner[1]


def _repaired(target: str) -> str:
    """UTF-8 that was shown as Latin-1 is put right."""
    try:
        return target if target.isascii() else target.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return target
