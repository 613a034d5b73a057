"""Forms as they are posted: read whole within a limit, and never trusted further than a dictionary of text."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM_BYTES = 64 * 1024
_MAX_FIELDS = 50

logging.getLogger("python_multipart").setLevel(
    logging.CRITICAL
)  # a stranger's crooked form is no news to anybody


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form; of a field given twice the first counts. Bytes that are no UTF-8 become U+FFFD.

    Raises HTTPException: 413 for a larger body, 415 for another type, 400 for what cannot be read.
    """
    body = await _read(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/x-www-form-urlencoded", ""):
        return _first(_urlencoded(body))
    if kind == "multipart/form-data":
        return _first(_multipart(request.headers["content-type"], body))
    raise HTTPException(415)


async def _read(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise HTTPException(400)
    if int(announced) > FORM_BYTES:
        raise HTTPException(413, headers={"connection": "close"})
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > FORM_BYTES:
                raise HTTPException(413, headers={"connection": "close"})
    except ClientDisconnect as exc:
        raise HTTPException(400) from exc
    return body


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="replace")
    except ValueError as exc:
        raise HTTPException(400) from exc


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The text fields; files are passed over. RFC 8058 lets a mail provider answer in this form."""
    boundary = parse_options_header(content_type.encode("latin-1", "replace"))[1].get(b"boundary")
    if not boundary:
        raise HTTPException(400)
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as exc:
        raise HTTPException(400) from exc
    return parts.fields


class _Parts:
    """What the parser of multipart bodies tells, put together."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self._header, self._said, self._disposition = b"", b"", b""
        self._data = bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin, "on_header_field": self._name, "on_header_value": self._value,
            "on_header_end": self._header_ended, "on_part_data": self._more, "on_part_end": self._ended,
        }  # fmt: skip

    def _begin(self) -> None:
        self._disposition, self._data = b"", bytearray()

    def _name(self, data: bytes, first: int, end: int) -> None:
        self._header += data[first:end]

    def _value(self, data: bytes, first: int, end: int) -> None:
        self._said += data[first:end]

    def _header_ended(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._said
        self._header, self._said = b"", b""

    def _more(self, data: bytes, first: int, end: int) -> None:
        self._data += data[first:end]

    def _ended(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options or b"filename" in options:
            return
        if len(self.fields) >= _MAX_FIELDS:
            raise HTTPException(400)
        name, value = options[b"name"].decode("utf-8", "replace"), self._data.decode("utf-8", "replace")
        self.fields.append((name, value))


def _first(fields: list[tuple[str, str]]) -> dict[str, str]:
    return dict(reversed(fields))
