"""Three counts side by side: dead called alive, alive called dead, undecidable kept apart, on one table of shapes.

    python -m tests.benchmarks.links_verdicts

Ours asks the stand-in through its guard; lychee and LinkChecker reach the same stand-in through an HTTP proxy (every
address of the table is http). Tools are looked for on PATH, or named by LYCHEE and LINKCHECKER.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.adapters.link_shapes import OURS, SHAPES
from tests.adapters.stand_in import Handler, Web, stand_in
from tests.adapters.test_link_shapes import CALLED


def renamed(text: str) -> str:
    """lychee leaves example names out by design; it is given others."""
    return text.replace(".example.org", ".sample-site.net").replace(".example.net", ".sample-site.com")


class Proxied(Web):
    """The same web for whoever comes through a proxy: the request line holds the whole address, and tools quote
    addresses as they like."""

    def __init__(self, pages: dict[str, bytes | Handler]) -> None:
        super().__init__(pages)
        self._unquoted = {unquote(where): said for where, said in pages.items()}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        method, address, _ = first.split(" ")
        split = urlsplit(address)
        where = (split.hostname or "") + (split.path or "/") + (f"?{split.query}" if split.query else "")
        headers[":method"] = method
        self.asked.append(where)
        said = (
            self._unquoted.get(unquote(where))
            or b"HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        if isinstance(said, bytes):
            writer.write(said if method == "GET" else said.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        else:
            await said(self, writer, headers)
        await writer.drain()


def web_of_all() -> dict[str, bytes | Handler]:
    pages: dict[str, bytes | Handler] = {}
    for shape in SHAPES:
        for where, said in shape.pages.items():
            told = renamed(said.decode("latin-1")).encode("latin-1") if isinstance(said, bytes) else said
            pages[renamed(where)] = _mended(told) if isinstance(told, bytes) else told
    return pages


def _mended(said: bytes) -> bytes:
    """Renaming moved the length; https behind the proxy becomes http."""
    head, _, body = said.partition(b"\r\n\r\n")
    lines = [
        line
        for line in head.split(b"\r\n")
        if not line.lower().startswith((b"content-length", b"connection"))
    ]
    lines = [line.replace(b"location: https://", b"location: http://") for line in lines]
    return (
        b"\r\n".join([*lines, b"content-length: %d" % len(body), b"connection: close"]) + b"\r\n\r\n" + body
    )


def count(name: str, called: Mapping[str, str]) -> str:
    """A line of the table; `called`: address → alive, dead or unsure."""
    wrong = {"dead": [0, 0], "alive": [0, 0], "unsure": [0, 0]}
    kept = {"alive": 0, "dead": 0, "unsure": 0}
    totals = {"alive": 0, "dead": 0, "unsure": 0}
    for shape in SHAPES:
        said = called.get(shape.url, "unsure")
        totals[shape.truth] += 1
        kept[shape.truth] += said == shape.truth
        wrong[shape.truth][0] += said == "alive"
        wrong[shape.truth][1] += said == "dead"
    return (
        f"| {name} | {wrong['dead'][0]} of {totals['dead']} | {wrong['alive'][1]} of {totals['alive']} "
        f"| {wrong['unsure'][0]} / {wrong['unsure'][1]} / {kept['unsure']} of {totals['unsure']} |"
    )


async def ours() -> dict[str, str]:
    called = {}
    for shape in SHAPES:
        async with stand_in(shape.pages, deadline_s=1 if "hang" in shape.name else 10) as stand:
            called[shape.url] = CALLED.get((await stand.ask(shape.url)).result, "unsure")
    return called


async def _through_proxy(command: list[str], folder: Path) -> str:
    web = Proxied(web_of_all())
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0, limit=1 << 20)
    proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    environ = os.environ | {"http_proxy": proxy, "HTTP_PROXY": proxy, "https_proxy": proxy, "no_proxy": ""}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    out, _ = await process.communicate()
    server.close()
    await web.close()
    return out.decode("utf-8", "replace")


def lychee(folder: Path) -> dict[str, str] | None:
    tool = os.environ.get("LYCHEE") or shutil.which("lychee")
    if not tool:
        return None
    (folder / "links.md").write_text("\n".join(f"<{renamed(shape.url)}>\n" for shape in SHAPES))
    command = [
        tool,
        "-E",
        "--no-progress",
        "--format",
        "json",
        "-v",
        "--timeout",
        "3",
        "--max-retries",
        "0",
        "links.md",
    ]
    told = json.loads(asyncio.run(_through_proxy(command, folder)))
    states: dict[str, str] = {}
    for key, state in (
        ("success_map", "alive"),
        ("error_map", "dead"),
        ("timeout_map", "dead"),
        ("excluded_map", "unsure"),
    ):
        for rows in told.get(key, {}).values():
            states |= {_plain(row["url"]): state for row in rows}
    # It asks YouTube for a thumbnail over https, which the stand-in does not speak: given as right.
    states |= {_plain(renamed(shape.url)): shape.truth for shape in SHAPES if "youtube.com" in shape.url}
    return {shape.url: states.get(_plain(renamed(shape.url)), "unsure") for shape in SHAPES}


def linkchecker(folder: Path) -> dict[str, str] | None:
    tool = os.environ.get("LINKCHECKER") or shutil.which("linkchecker")
    if not tool:
        return None
    links = "".join(f'<a href="{renamed(shape.url)}">x</a>\n' for shape in SHAPES)
    (folder / "links.html").write_text(f"<html><meta charset=utf-8><body>{links}</body></html>")
    (folder / "rc").write_text("[checking]\ntimeout=3\n")
    command = [
        "timeout",
        "150",
        tool,
        "-f",
        "rc",
        "--check-extern",
        "-o",
        "csv",
        "-v",
        "--no-status",
        "links.html",
    ]
    said = asyncio.run(_through_proxy(command, folder))
    rows = csv.DictReader(
        io.StringIO("\n".join(line for line in said.splitlines() if not line.startswith("#"))), delimiter=";"
    )
    states = {}
    for row in rows:
        if row.get("urlname"):
            valid = row.get("valid") == "True"
            kept = valid and "Rate limited" in (row.get("warningstring") or "")
            states[_plain(row["urlname"])] = "unsure" if kept else "alive" if valid else "dead"
    return {shape.url: states.get(_plain(renamed(shape.url)), "unsure") for shape in SHAPES}


def _plain(url: str) -> str:
    return unquote(url).rstrip("/")


def main() -> None:
    print(f"{len(SHAPES)} shapes, {len(OURS)} of them from public threads\n")
    print(
        "| | dead called alive | alive called dead | undecidable: called alive / called dead / kept apart |"
    )
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # LinkChecker gives up root
        for tool, called in (
            ("publisher", asyncio.run(ours())), ("lychee", lychee(Path(name))), ("LinkChecker", linkchecker(Path(name))),
        ):  # fmt: skip
            print(count(tool, called) if called else f"| {tool} | not installed |", flush=True)


if __name__ == "__main__":
    main()
