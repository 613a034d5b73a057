"""A list of readers as CSV: ours without loss, and those of other newsletter programs as far as they go.

Our columns: uid, email, state, cadence, body, language, paused_until, created_at, state_at, key_version, asked_at,
asked_n, soft_bounces, consents (JSON). Only `email` is needed; names of other programs are understood too.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct, field

from publisher.core.errors import UsageError
from publisher.core.preferences import CADENCES
from publisher.core.subscriber import STATES, Address, State, normalise_email
from publisher.core.variant import BODIES

LONGEST_CELL = 10_000_000
"""Characters. A reader's consents stand in one cell, and there may be many of them."""

csv.field_size_limit(LONGEST_CELL)

COLUMNS = (
    "uid", "email", "state", "cadence", "body", "language", "paused_until", "created_at", "state_at", "key_version",
    "asked_at", "asked_n", "soft_bounces", "consents",
)  # fmt: skip
"""The header of an export, in this order."""

_ALIASES = {
    "email": "email address|e-mail|e-mail address|mail|subscriber email|邮箱|邮箱地址|电子邮件|邮件地址",
    "state": "status|subscriber type|subscription status|状态",
    "cadence": "frequency|频率",
    "language": "lang|locale|语言",
    "created_at": "created|creation date|date|subscribed at|subscribed on|signup date|optin time|订阅时间",
    "state_at": "last changed|updated at",
}
_BY_NAME = {alias: ours for ours, names in _ALIASES.items() for alias in names.split("|")}

_STATE_WORDS: Mapping[str, State] = {
    **{state: state for state in STATES},
    **dict.fromkeys(("subscribed", "enabled", "confirmed", "regular", "premium", "gifted", "trialed"), "active"),
    **dict.fromkeys(("unconfirmed", "unactivated", "not confirmed", "transactional"), "pending"),
    **dict.fromkeys(("removed", "optout", "opted out", "blocklisted", "blacklisted", "disabled"), "unsubscribed"),
    **dict.fromkeys(("cleaned", "undeliverable", "hard bounce"), "bounced"),
    **dict.fromkeys(("complaint", "spam", "spammy", "abuse"), "complained"),
}  # fmt: skip

_CONSENT_KINDS = {"asked", "confirmed", "vouched", "imported", "changed", "withdrawn"}
_UID = re.compile(r"[a-z0-9-]{8,64}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")

# Every zone of the world can tell a moment between these.
_FIRST_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
_LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


class ConsentRow(Struct, frozen=True, kw_only=True):
    """One record of consent in a file."""

    at: datetime
    kind: str
    source: str
    text: str


class Row(Struct, frozen=True, kw_only=True):
    """A reader as a file tells of them. `facts` holds the columns that the file fills, by our names."""

    line: int
    address: Address
    state: State | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    consents: tuple[ConsentRow, ...] = ()


class BadRow(Struct, frozen=True, kw_only=True):
    """A row that cannot be taken: where, what is wrong, how to mend it."""

    line: int
    written: str  # its address as it stands there, shortened
    error: UsageError


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8 or UTF-16 with its mark, else GB 18030, which older spreadsheets write.

    Raises UsageError.
    """
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("gb18030")
    except UnicodeDecodeError as exc:
        raise UsageError("the file is no text", fix="save it as CSV in UTF-8") from exc


def rows(text: str) -> Iterator[Row | BadRow]:
    """The readers of a file in its order. Raises UsageError when it has no column of addresses."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=_delimiter(lines), strict=True)
    names: list[str] = []
    ours, line = False, 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            # One row's own matter, if it ends where it began; else its tail would be read as rows.
            alone = bool(names) and "expected after" in str(exc) and reader.line_num == line
            error = _beyond_quotes() if alone else _too_long() if "field limit" in str(exc) else _unclosed()
            yield BadRow(line=line, written="", error=error)
            if not alone:
                return
            line = reader.line_num + 1
            continue
        if cells is None:
            break
        if any(cell.strip() for cell in cells):
            if not names:
                names, ours = _names(cells), set(cells) <= set(COLUMNS)
            else:
                cells = [_unquoted(cell) for cell in cells] if ours else cells
                yield _row(line, dict(zip(names, cells, strict=False)))
        line = reader.line_num + 1
    if not names:
        raise _no_addresses()


def written(people: Iterable[Mapping[str, object]]) -> str:
    """Readers as CSV in our columns; the same people give the same text. ASCII throughout, lines end with CRLF.

    A cell that a spreadsheet would take for a formula has ' before it, which `rows` takes away again.
    """
    made: list[str] = []
    writer = csv.DictWriter(_Lines(made), COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for person in people:
        writer.writerow({name: _quoted(_cell(person.get(name))) for name in COLUMNS})
    return "".join(made)


class _Lines:
    """What csv writes to."""

    def __init__(self, made: list[str]) -> None:
        self.write = made.append


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=True, default=_cell, separators=(",", ":")) if value else ""
    return str(value)


def _quoted(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


# ---------------------------------------------------------------- reading a row


def _delimiter(lines: list[str]) -> str:
    """What parts the cells of the first line that says anything."""
    first = next((line for line in lines if line.strip()), "")
    return max(",;\t", key=first.count)


def _names(cells: list[str]) -> list[str]:
    names = []
    for cell in cells:
        said = " ".join(cell.strip().lower().replace("_", " ").split())
        ours = said.replace(" ", "_")
        name = ours if ours in COLUMNS else _BY_NAME.get(said, "")
        names.append("" if name in names else name)  # the first of two columns of one meaning
    if "email" not in names:
        raise _no_addresses()
    return names


def _no_addresses() -> UsageError:
    return UsageError("the file has no column of addresses", fix="name one 'email' in the first line")


def _unclosed() -> UsageError:
    return UsageError(
        "the quotes of this row do not match: nothing after it was read", fix='write "" for a quote'
    )


def _beyond_quotes() -> UsageError:
    return UsageError(
        "a cell of this row goes on behind its closing quote",
        fix='put the whole cell in quotes and write "" for a quote in it',
    )


def _too_long() -> UsageError:
    return UsageError(
        "a cell of this row has more than {n} characters: nothing after it was read", n=LONGEST_CELL,
        fix="shorten it, or leave the cell empty",
    )  # fmt: skip


def _row(line: int, cells: Mapping[str, str]) -> Row | BadRow:
    told = {name: cell.strip() for name, cell in cells.items() if name and cell.strip()}
    try:
        address = normalise_email(told.get("email", ""))
        facts = {name: _READ[name](name, told[name]) for name in _READ if name in told}
        consents = _consents(told.get("consents", ""))
        return Row(
            line=line, address=address, state=_state(told.get("state", "")), facts=facts, consents=consents
        )
    except UsageError as exc:
        return BadRow(line=line, written=" ".join(told.get("email", "").split())[:80], error=exc)


def _state(word: str) -> State | None:
    if not word:
        return None
    found = _STATE_WORDS.get(" ".join(word.lower().replace("_", " ").split()))
    if found is None:
        raise UsageError(
            "'{word}' is no state", word=word[:40],
            fix="write active, pending, paused, unsubscribed, bounced or complained",
        )  # fmt: skip
    return found


def _choice(name: str, word: str) -> str:
    allowed = {"cadence": CADENCES, "body": BODIES, "language": ("zh-Hans", "en")}[name]
    if name == "language":
        return "en" if word.lower().startswith("en") else "zh-Hans"
    if word.lower() not in allowed:
        raise UsageError(
            "{name}: '{word}' is none of {allowed}", name=name, word=word[:40], allowed=", ".join(allowed)
        )
    return word.lower()


def _moment(name: str, word: str) -> datetime:
    try:
        at = datetime.fromisoformat(word)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not _FIRST_MOMENT <= at < _LAST_MOMENT:
        raise UsageError(
            "{name}: '{word}' is no date and time", name=name, word=word[:40],
            fix="write it like 2025-01-29T08:00:00+08:00, or leave the cell empty",
        )  # fmt: skip
    return at


def _day(name: str, word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UsageError(
            "{name}: '{word}' is no date", name=name, word=word[:40], fix="write it like 2025-01-29"
        ) from None


def _number(name: str, word: str) -> int:
    if not _NUMBER.fullmatch(word):
        raise UsageError(
            "{name}: '{word}' is no number", name=name, word=word[:40], fix="leave the cell empty"
        )
    return int(word)


def _uid(name: str, word: str) -> str:
    if not _UID.fullmatch(word):
        raise UsageError(
            "{name}: '{word}' is none of ours", name=name, word=word[:40], fix="leave the cell empty"
        )
    return word


_READ = {
    "uid": _uid, "cadence": _choice, "body": _choice, "language": _choice, "paused_until": _day,
    "created_at": _moment, "state_at": _moment, "key_version": _number, "asked_at": _moment, "asked_n": _number,
    "soft_bounces": _number,
}  # fmt: skip


def _consents(cell: str) -> tuple[ConsentRow, ...]:
    if not cell:
        return ()
    try:
        return tuple(
            ConsentRow(
                at=_moment("consents", one["at"]), kind=_kind(one["kind"]), source=_text(one["source"]),
                text=_text(one["text"]),
            )
            for one in json.loads(cell)
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UsageError("consents: this is not what an export wrote", fix="leave the cell empty") from None


def _kind(word: str) -> str:
    if word not in _CONSENT_KINDS:
        raise ValueError(word)
    return word


def _text(said: object) -> str:
    """Raises ValueError for half a character, which no database keeps."""
    str(said).encode("utf-8")
    return str(said)
