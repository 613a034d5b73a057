"""The dead man's switch: a monitor hears when a slot's run begins, when it is finished, and what went wrong."""

from __future__ import annotations

from publisher.app.equipment import Equipment
from publisher.store import monitor, runs

LOG_BYTES = 10_000
_LOG_RUNS = 40


async def ping_start(e: Equipment) -> None:
    """The run of a slot begins. One short try: publishing does not wait for a monitor."""
    _note(e, "start")  # first: who is killed after that is known to have begun
    await _ping(e, "/start", patient=False)


async def ping_done(e: Equipment) -> None:
    """The slot is finished: published, or there was nothing to publish."""
    await _ping(e, "")
    _note(e, "done")


async def ping_fail(e: Equipment, said: str) -> None:
    """The run failed or is held; with the end of the log."""
    if e.config.alerts.ping_url:
        await _ping(e, "/fail", log_tail(e, said))
        _note(e, "fail")


def log_tail(e: Equipment, said: str) -> bytes:
    """The last runs, oldest first, and what is wrong now: its last 10 kB."""
    with e.store.read() as tx:
        lines = [
            "  ".join(
                filter(
                    None, (f"{e.local(run.started_at):%Y-%m-%d %H:%M:%S}", run.kind, run.outcome, run.error)
                )
            )
            for run in reversed(runs.latest(tx, _LOG_RUNS))
        ]
    log = "\n".join([*lines, said]).encode("utf-8", "replace")[-LOG_BYTES:]
    return log.decode("utf-8", "ignore").encode()  # never half a character


def _note(e: Equipment, word: monitor.Word) -> None:
    if e.config.alerts.ping_url:
        with e.store.write() as tx:
            monitor.note(tx, word, e.today(e.clock()))


async def _ping(e: Equipment, path: str, body: bytes = b"", *, patient: bool = True) -> None:
    url = e.config.alerts.ping_url
    if not url:
        return
    base, mark, query = url.partition("?")
    await e.webhook(f"{base.rstrip('/') if path else base}{path}{mark}{query}", body, patient=patient)
