"""How fast links are asked: 2 000 addresses on a local nginx, politeness off, ours against others.

    python -m tests.benchmarks.links_speed [--hosts 1|200] [--only ours,bare,lychee,linkinator,linkchecker]

    800 × 200 (2 kB)   600 × 302 → 200   400 × 404   200 × 200 after 200 ms

The slow ones are answered by a small server behind nginx. Tools are looked for on PATH, or named by
LYCHEE, LINKINATOR, LINKCHECKER; one that is not there is left out. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PORT, SLOW_PORT = 18_080, 18_081
N_OK, N_MOVED, N_GONE, N_SLOW = 800, 600, 400, 200
TOTAL = N_OK + N_MOVED + N_GONE + N_SLOW

_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; default_type text/html; keepalive_requests 100000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen {port} backlog=8192; root {folder}/www;
    location /ok/ {{ try_files /page.html =404; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /ok/m$1 redirect; }}
    location /slow/ {{ proxy_pass http://127.0.0.1:{slow}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location / {{ return 404; }}
  }}
}}
"""


@dataclass(frozen=True)
class Row:
    """What one tool did."""

    tool: str
    wall_s: float
    cpu_s: float
    rss_mb: float
    correct: int
    note: str = ""

    def line(self) -> str:
        return (
            f"| {self.tool} | {TOTAL / self.wall_s:.0f} | {self.wall_s:.2f} | {self.cpu_s:.2f} | {self.rss_mb:.0f} "
            f"| {self.correct}/{TOTAL} | {self.note} |"
        )


def addresses(hosts: int) -> list[str]:
    """The 2 000, kinds and hosts mixed."""
    kinds = ["ok"] * N_OK + ["moved"] * N_MOVED + ["gone"] * N_GONE + ["slow"] * N_SLOW
    mixed = [kinds[(i * 7) % TOTAL] for i in range(TOTAL)]
    name = (lambda i: "127.0.0.1") if hosts == 1 else (lambda i: f"127.0.1.{i % hosts + 1}")
    return [f"http://{name(i)}:{PORT}/{kind}/{i}" for i, kind in enumerate(mixed)]


@contextmanager
def servers() -> Iterator[None]:
    """nginx, and the slow server behind it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "page.html").write_text(
            "<html><title>Page</title>" + "<p>text</p>" * 180 + "</html>"
        )
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=PORT, slow=SLOW_PORT))
        slow = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.links_speed", "--serve-slow"])
        nginx = subprocess.Popen(
            [_found("nginx") or "/usr/sbin/nginx", "-c", folder / "nginx.conf", "-p", folder]
        )
        time.sleep(1.5)
        try:
            yield
        finally:
            nginx.terminate()
            slow.terminate()
            nginx.wait()
            slow.wait()


async def _serve_slow() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.2)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\n\r\n<title>Slow</title> "
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", SLOW_PORT, backlog=4096)
    async with server:
        await server.serve_forever()


# ---------------------------------------------------------------- ours, and the limit


async def _ours(urls: list[str], in_flight: int) -> int:
    from datetime import UTC, datetime

    from publisher.adapters.addresses import Guard, GuardedTransport
    from publisher.adapters.fetch import Fetcher
    from publisher.adapters.pace import Manners, Pace
    from publisher.adapters.shortlinks import ShortLinks
    from publisher.app.check_links import check_links
    from publisher.app.progress import Silent

    polite_to_nobody = Manners(at_once=in_flight, gap_s=0)
    transport = GuardedTransport(Guard(allow=lambda address: True))  # the guard looks, and lets loopback pass
    fetcher = Fetcher(
        transport=transport, rules=ShortLinks(), site_url="https://example.org/", ports=frozenset({PORT}),
        pace=Pace(in_flight=in_flight, usual=polite_to_nobody, manners={}),
    )  # fmt: skip
    checks = await check_links(
        urls,
        probe=fetcher,
        budget_s=600,
        now=lambda: datetime.now(UTC),
        progress=Silent(),
        per_host=in_flight,
    )
    return sum(check.result == ("broken" if "/gone/" in check.url else "ok") for check in checks)


async def _bare(urls: list[str], in_flight: int) -> int:
    import aiohttp  # type: ignore[import-not-found]

    gate, right = asyncio.Semaphore(in_flight), 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def ask(url: str) -> None:
            nonlocal right
            async with gate, session.get(url) as response:
                await response.read()
                right += response.status == (404 if "/gone/" in url else 200)

        await asyncio.gather(*map(ask, urls))
    return right


def _within(tool: str, hosts: int, in_flight: int) -> None:
    """In a process of its own: ask, and print what it took."""
    urls = addresses(hosts)
    began, cpu = time.perf_counter(), time.process_time()
    right = asyncio.run((_ours if tool == "ours" else _bare)(urls, in_flight))
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall_s": wall, "cpu_s": used, "rss_mb": rss, "correct": right}))


def python_row(tool: str, hosts: int, in_flight: int) -> Row:
    python = os.environ.get("BARE_PYTHON", sys.executable) if tool == "bare" else sys.executable
    arguments = [
        "-m",
        "tests.benchmarks.links_speed",
        "--within",
        tool,
        "--hosts",
        str(hosts),
        "--flight",
        str(in_flight),
    ]
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=True)
    name = {"ours": "publisher", "bare": "bare aiohttp (the limit)"}[tool]
    return Row(tool=f"{name}, {in_flight} in flight", **json.loads(done.stdout))


# ---------------------------------------------------------------- the others


def _found(name: str) -> str | None:
    return os.environ.get(name.upper()) or shutil.which(name)


def _measured(command: list[str], **more: object) -> tuple[float, float, float, str]:
    """Wall, CPU and peak memory of a command, and what it printed."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
        _, _, used = os.wait4(process.pid, 0)
        out.seek(0)
        said = out.read()
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said


def lychee_row(hosts: int, folder: Path) -> Row | None:
    tool = _found("lychee")
    if not tool:
        return None
    page = folder / "links.md"
    page.write_text("\n".join(f"<{url}>\n" for url in addresses(hosts)))
    command = [tool, "--no-progress", "--format", "json", "--max-concurrency", "100", "--host-concurrency", "100",
               "--host-request-interval", "0ms", "--max-retries", "0", str(page)]  # fmt: skip
    wall, cpu, rss, said = _measured(command)
    told = json.loads(said)
    right = (
        told["successful"] - max(0, N_GONE - told["errors"])
        if told["errors"] >= N_GONE
        else told["successful"]
    )
    return Row("lychee, 100 in flight", wall, cpu, rss, right + min(told["errors"], N_GONE))


def _page(hosts: int, folder: Path) -> Path:
    page = folder / "links.html"
    page.write_text(
        "<html><body>" + "".join(f'<a href="{url}">x</a>\n' for url in addresses(hosts)) + "</body></html>"
    )
    return page


def linkinator_row(hosts: int, folder: Path) -> Row | None:
    tool = _found("linkinator")
    if not tool:
        return None
    page = _page(hosts, folder)
    wall, cpu, rss, said = _measured(
        [tool, page.name, "--format", "json", "--concurrency", "100"], cwd=folder
    )
    told = json.loads(said[said.index("{") :])["links"]
    ours = [link for link in told if f":{PORT}/" in link["url"]]
    right = sum((link["state"] == "BROKEN") == ("/gone/" in link["url"]) for link in ours)
    return Row("linkinator, 100 in flight", wall, cpu, rss, right)


def linkchecker_row(hosts: int, folder: Path) -> Row | None:
    tool = _found("linkchecker")
    if not tool:
        return None
    page = _page(hosts, folder)
    rc = folder / "rc"
    rc.write_text("[checking]\nmaxrequestspersecond=100000\n")
    command = [
        "timeout",
        "120",
        tool,
        "-f",
        str(rc),
        "--check-extern",
        "-t",
        "50",
        "-o",
        "csv",
        "-v",
        "--no-status",
        str(page),
    ]
    wall, cpu, rss, said = _measured(command)
    rows = [line.split(";") for line in said.splitlines() if f":{PORT}/" in line]
    right = sum(("True" in row) != any("/gone/" in cell for cell in row) for row in rows)
    note = "killed after 120 s" if wall > 119 else ""
    return Row("LinkChecker, 50 threads", wall, cpu, rss, min(right, TOTAL), note)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--flight", type=int, default=50)
    parser.add_argument("--only", default="ours,bare,lychee,linkinator,linkchecker")
    parser.add_argument("--within", default="")
    parser.add_argument("--serve-slow", action="store_true")
    given = parser.parse_args()
    if given.serve_slow:
        asyncio.run(_serve_slow())
    elif given.within:
        _within(given.within, given.hosts, given.flight)
    else:
        _compare(given.hosts, given.flight, given.only.split(","))


def _compare(hosts: int, in_flight: int, only: list[str]) -> None:
    print(f"{TOTAL} addresses on {hosts} host{'s' if hosts > 1 else ''}\n")
    print(
        "| tool | URLs/s | wall s | CPU s | peak MB | correct | |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    with servers(), tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # LinkChecker gives up root
        for tool in only:
            if tool in ("ours", "bare"):
                row: Row | None = python_row(tool, hosts, in_flight)
            else:
                others = {"lychee": lychee_row, "linkinator": linkinator_row, "linkchecker": linkchecker_row}
                row = others[tool](hosts, Path(name))
            print(row.line() if row else f"| {tool} | not installed |", flush=True)


if __name__ == "__main__":
    main()
