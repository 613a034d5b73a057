"""How many answers a second the web server gives, beside nginx serving the same files in the same run.

    python -m tests.benchmarks.web_load [--days 112] [--seconds 5] [--runs 3] [--connections 50,1000]

Asks for the feed and a day page with wrk, conditionally (304) and not (200), in turns. Every page is read once before,
so that memory is what it is after a crawler. nginx has one worker, as we have one process; needs nginx and wrk on PATH.
Prints Markdown: rates, the slowest 1 %, CPU and memory, then the targets. Both share the machine with wrk, and with
whatever else is busy there: the share per second of CPU says what a quiet machine would show.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from urllib.parse import quote

from tests.benchmarks.archive import archive, write_ours
from tests.benchmarks.build import Target, _publisher, verdicts

OURS_PORT, NGINX_PORT = 18_200, 18_201

_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  types {{ text/html html; application/rss+xml xml; text/css css; }}
  access_log off; sendfile on; keepalive_requests 100000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=8192; root {public}; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw, and what it cost the server."""

    rate: float
    p99_ms: float
    cpu: float  # cores

    @property
    def a_core(self) -> float:
        """Answers per second of CPU."""
        return self.rate / self.cpu


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, and the process that does the work."""

    name: str
    url: str
    pid: int

    @property
    def memory_mb(self) -> float:
        """The most that was resident."""
        said = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", said)[1]) / 1000  # type: ignore[index]

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def servers(site: Path, work: Path) -> Iterator[list[Server]]:
    """Ours and nginx on the same folder."""
    config = work / "nginx.conf"
    config.write_text(_NGINX.format(folder=work, port=NGINX_PORT, public=site / "public"))
    ours = subprocess.Popen([*_publisher(), "serve", "--no-schedule", "--port", str(OURS_PORT)], cwd=site)
    nginx = subprocess.Popen(["nginx", "-p", str(work), "-c", str(config)])
    try:
        started = [
            Server("ours", f"http://127.0.0.1:{OURS_PORT}", ours.pid),
            Server("nginx", f"http://127.0.0.1:{NGINX_PORT}", nginx.pid),
        ]
        for server in started:
            _wait(server.url + "/rss.xml")
        worker = Path(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read_text().split()[0]
        yield [started[0], Server("nginx", started[1].url, int(worker))]
    finally:
        for process in (ours, nginx):
            process.terminate()
            process.wait(40)


def _wait(url: str) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.1)
    raise TimeoutError(url)


def crawl(server: Server, public: Path) -> int:
    """Read every page once; how many there were."""
    pages = [p.relative_to(public).as_posix().removesuffix("index.html") for p in public.rglob("index.html")]
    for path in pages:
        urllib.request.urlopen(f"{server.url}/{quote(path)}").read()
    return len(pages)


def load(server: Server, path: str, *, connections: int, seconds: int, conditional: bool) -> Load:
    """One run of wrk. Raises ValueError when an answer was not the one that is measured."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    if conditional:
        with urllib.request.urlopen(server.url + path) as answer:
            command += ["-H", f"If-None-Match: {answer.headers['etag']}"]
    before, began = server.cpu_s, time.perf_counter()
    said = subprocess.run([*command, server.url + path], capture_output=True, text=True, check=True).stdout
    cpu = (server.cpu_s - before) / (time.perf_counter() - began)
    if "Non-2xx" in said or re.search(r"Socket errors: .*[1-9]", said):
        raise ValueError(said)
    slowest, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None
    return Load(float(rate[1]), float(slowest) * {"us": 0.001, "ms": 1, "s": 1000}[unit], cpu)


Key = tuple[str, str, int]
"""Server, what was asked, connections."""


def measure_all(
    found: list[Server], day: str, connections: list[int], seconds: int, runs: int
) -> dict[Key, Load]:
    """The medians of some runs, servers in turns."""
    asked = (
        ("feed 304", "/rss.xml", True),
        ("day page 304", day, True),
        ("feed 200", "/rss.xml", False),
        ("day page 200", day, False),
    )
    measured: dict[Key, list[Load]] = {}
    for n in connections:
        for what, path, conditional in asked:
            for _ in range(runs):
                for server in found:
                    one = load(server, path, connections=n, seconds=seconds, conditional=conditional)
                    measured.setdefault((server.name, what, n), []).append(one)
                    print(f"{server.name} · {what} · {n}: {one.rate:.0f}/s", file=sys.stderr)
    return {key: _median(every) for key, every in measured.items()}


def _median(every: list[Load]) -> Load:
    return Load(
        median(one.rate for one in every),
        median(one.p99_ms for one in every),
        median(one.cpu for one in every),
    )


def table(measured: dict[Key, Load]) -> Iterator[str]:
    """The medians as Markdown."""
    yield (
        "| asked | connections | nginx /s | ours /s | ours / nginx | the same a CPU second "
        "| nginx p99 ms | ours p99 ms | nginx cores | ours cores |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (name, what, n), ours in measured.items():
        if name != "ours":
            continue
        nginx = measured["nginx", what, n]
        yield (
            f"| {what} | {n} | {nginx.rate:.0f} | {ours.rate:.0f} | {ours.rate / nginx.rate:.2f} "
            f"| {ours.a_core / nginx.a_core:.2f} | {nginx.p99_ms:.1f} | {ours.p99_ms:.1f} | {nginx.cpu:.2f} | {ours.cpu:.2f} |"
        )


def targets(measured: dict[Key, Load], memory_mb: float) -> Iterator[Target]:
    for (name, what, n), ours in measured.items():
        if name == "ours" and what.endswith("304"):
            share = ours.rate / measured["nginx", what, n].rate
            yield Target(f"{what}, {n} connections: share of nginx's rate", share, 0.35, at_least=True)
    yield Target("memory after a crawl and all loads: MB", memory_mb, 150)


def main() -> int:
    """Measure and print; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.web_load", description=__doc__)
    parser.add_argument("--days", type=int, default=112, help="days of nine essays (112)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each run (5)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (3)")
    parser.add_argument("--connections", default="50,1000", help="how many (50,1000)")
    asked = parser.parse_args()
    if not (shutil.which("nginx") and shutil.which("wrk")):
        parser.error("nginx and wrk are needed")
    with tempfile.TemporaryDirectory(prefix="publisher-web-") as name:
        work = Path(name)
        work.chmod(0o755)
        site, newest = work / "site", _lay_out(work / "site", asked.days)
        with servers(site, work) as found:
            pages = crawl(found[0], site / "public")
            measured = measure_all(
                found,
                f"/{newest:%Y/%m/%d}/",
                [int(n) for n in asked.connections.split(",")],
                asked.seconds,
                asked.runs,
            )
            memory_mb = found[0].memory_mb
    judged = list(targets(measured, memory_mb))
    print("\n".join([f"{pages} pages", "", *table(measured), "", *verdicts(judged)]))
    return 0 if all(one.met for one in judged) else 1


def _lay_out(site: Path, days: int) -> date:
    """A published archive; its newest day."""
    site.mkdir()
    options = f'[site]\ntitle = "每日手记"\nurl = "http://127.0.0.1:{OURS_PORT}/"\n[links]\nbudget_s = 0\n'
    (site / "config.toml").write_text(options, "utf-8")
    every = list(archive(days))
    write_ours(site / "seeds", every)
    newest = every[-1].day
    environ = {**os.environ, "PUBLISHER_NOW": f"{newest}T08:00:00+08:00"}
    subprocess.run([*_publisher(), "once", "-q"], cwd=site, env=environ, check=True)
    return newest


if __name__ == "__main__":
    sys.exit(main())
