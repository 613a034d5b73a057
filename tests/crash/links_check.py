"""`publisher links check` as a program of its own, over a web in which some hosts never answer.

    python -m tests.crash.links_check ROOT [--dead-canary] -- ARGUMENTS

Hosts are told apart by their names: good-N answers, gone-N is a 404, slow-N never comes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

from publisher.cli.asking import Ask
from publisher.cli.entrance import entrance
from publisher.core.link import Answer
from publisher.wiring import make_app
from tests.house import CANARIES, Web


class Partly(Web):
    async def ask(self, url: str) -> Answer:
        host = urlsplit(url).hostname or ""
        if url not in CANARIES and host.startswith("slow"):
            await asyncio.Event().wait()
        if url not in CANARIES and host.startswith("good"):
            self.leads(url, f"https://weibo.com/{host}", "春天")
        if url not in CANARIES and host.startswith("gone"):
            self.fails(url)
        return await super().ask(url)


def main(root: Path, arguments: list[str], *, canary_sings: bool) -> None:
    web = Partly(canary_sings=canary_sings)
    ask = Ask(make_app=lambda config, **options: make_app(config, probing=web.probing, **options))
    entrance(["--config", str(root / "config.toml"), *arguments], obj=ask)


if __name__ == "__main__":
    split = sys.argv.index("--")
    main(Path(sys.argv[1]), sys.argv[split + 1 :], canary_sings="--dead-canary" not in sys.argv[:split])
