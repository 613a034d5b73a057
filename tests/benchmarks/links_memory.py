"""How much memory asking all hazards takes: `python -m tests.benchmarks.links_memory` prints one JSON object.

The server is a process of its own, so that only the asking side is measured.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
from multiprocessing.connection import Connection

from tests.adapters.link_hazards import HAZARDS, HOST, hazard_pages
from tests.adapters.stand_in import Names, Web, at_once


def serve(pipe: Connection) -> None:
    async def main() -> None:
        web = Web(hazard_pages())
        server = await asyncio.start_server(web.serve, "127.0.0.1", 0, limit=1 << 20)
        pipe.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(main())


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def ask_all(port: int) -> dict[str, object]:
    from publisher.adapters.addresses import Guard, GuardedTransport
    from publisher.adapters.fetch import Fetcher
    from publisher.adapters.shortlinks import ShortLinks
    from tests.adapters.stand_in import Rerouted

    transport = GuardedTransport(Guard(resolve=Names(), network=Rerouted(port)))
    fetcher = Fetcher(
        transport=transport,
        rules=ShortLinks(),
        site_url="https://example.org/",
        pace=at_once(),
        deadline_s=1.5,
    )
    await fetcher.ask(f"http://{HOST}/none")  # what any single question loads is no part of the hazards
    idle = peak_kb()
    async with asyncio.timeout(240):
        answers = await asyncio.gather(*(fetcher.ask(f"http://{HOST}/{name}") for name in HAZARDS))
    results = {name: answer.result for name, answer in zip(HAZARDS, answers, strict=True)}
    return {
        "idle_MB": round(idle / 1024, 1),
        "above_idle_MB": round((peak_kb() - idle) / 1024, 1),
        "results": results,
    }


def main() -> None:
    """Fork nothing: a forked child would start with its parent's peak."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        print(json.dumps(asyncio.run(ask_all(ours.recv()))))
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
