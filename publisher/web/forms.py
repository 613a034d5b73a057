"""Forms as they are posted: read whole within a limit, and never trusted further than a dictionary of text."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

FORM_BYTES = 64 * 1024
_MAX_FIELDS = 50


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
    head = b"content-type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes) and part.get_filename() is None:
            fields.append((name, payload.decode("utf-8", "replace")))
    return fields[:_MAX_FIELDS]


def _first(fields: list[tuple[str, str]]) -> dict[str, str]:
    return dict(reversed(fields))
