"""A month under load: `serve` is killed and started again at random moments while readers poll, subscribe and confirm.

    pytest -m soak tests/crash/test_serve_month.py                       a bounded form: four days
    PUBLISHER_SOAK_DAYS=30 pytest -m soak tests/crash/test_serve_month.py    the month, half an hour

Every life of the process begins just before a publishing time: its clock (PUBLISHER_NOW) runs on from there.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import policy
from email.parser import BytesParser
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import html5lib
import httpx
import pytest

from tests.fake_smtp import FakeSmtp
from tests.house import House, essays

DAYS = int(os.environ.get("PUBLISHER_SOAK_DAYS", "4"))
POLLED = ("/atom.xml", "/rss.xml", "/feed.json", "/")
FIRST = date(2025, 1, 29)


@dataclass
class Crowd:
    """What readers asked for and what they were told. A dead server answers nothing, and then nothing counts."""

    port: int
    smtp: FakeSmtp
    over: threading.Event = field(default_factory=threading.Event)
    bodies: dict[tuple[str, str], str] = field(
        default_factory=dict
    )  # (path, ETag) → hash of the body it stood for
    asked: set[str] = field(default_factory=set)
    confirmed: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    polls: Counter[int] = field(default_factory=Counter)
    searches: Counter[int] = field(default_factory=Counter)

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)

    # -- those who poll

    def poll(self) -> None:
        """Ask for the feeds again and again, with the newest tag."""
        tags: dict[str, str] = {}
        while not self.over.is_set():
            with self.client as client:
                try:
                    for path in POLLED:
                        self._poll(client, path, tags)
                    self._search(client)
                except httpx.TransportError:
                    time.sleep(0.2)
            time.sleep(0.02)

    def _poll(self, client: httpx.Client, path: str, tags: dict[str, str]) -> None:
        headers = {"If-None-Match": tags[path]} if path in tags else {}
        answer = client.get(path, headers=headers)
        self.polls[answer.status_code] += 1
        if answer.status_code == 200:
            tag, body = answer.headers["etag"], sha256(answer.content).hexdigest()
            if self.bodies.setdefault((path, tag), body) != body:
                self.faults.append(f"{path}: one tag, two bodies")
            tags[path] = tag
        elif answer.status_code == 304:
            if answer.headers["etag"] != tags.get(path):
                self.faults.append(f"{path}: a 304 for {tags.get(path)} names {answer.headers['etag']}")
        elif answer.status_code not in (404, 503):  # before the first issue, or not up yet
            self.faults.append(f"{path}: {answer.status_code}")

    def _search(self, client: httpx.Client) -> None:
        """Whatever is being killed, indexed or not there yet: a question has an answer."""
        answer = client.get("/search", params={"q": "故事"})
        self.searches[answer.status_code] += 1
        if answer.status_code != 200:
            self.faults.append(f"/search: {answer.status_code}")

    # -- those who subscribe

    def subscribe(self, name: str) -> None:
        """One after another, each from the form to the confirmation."""
        n = 0
        while not self.over.is_set():
            n += 1
            self._subscribe(f"{name}{n}@reader.example.cn")

    def _subscribe(self, email: str) -> None:
        while email not in self.confirmed and not self.over.is_set():
            try:
                with self.client as client:
                    self._ask(client, email)
                    if link := self._mailed(email):
                        self._confirm(client, email, link)
            except httpx.TransportError:
                time.sleep(0.2)

    def _ask(self, client: httpx.Client, email: str) -> None:
        if email in self.asked:
            return
        page = client.get("/subscribe/")
        if page.status_code != 200 or 'method="post"' not in page.text:  # nothing was ever published yet
            time.sleep(0.5)
            return
        action, fields = form_of(page.text)
        time.sleep(3.2)  # people are not faster than the gate
        answer = client.post(
            action, data=fields | {"email": email}, headers={"Origin": str(client.base_url).rstrip("/")}
        )
        if answer.status_code in (200, 202):
            self.asked.add(email)
        elif answer.status_code == 429:
            time.sleep(1)
        else:
            self.faults.append(f"subscribing answered {answer.status_code}")

    def _mailed(self, email: str) -> str:
        """The confirmation's link, as soon as it is here."""
        end = time.monotonic() + 20
        while time.monotonic() < end and not self.over.is_set():
            for content in list(self.smtp.seen.contents):
                mail = BytesParser(policy=policy.default).parsebytes(content)
                body = mail.get_body(("plain",))
                if email in str(mail["To"]) and body is not None:
                    found = re.search(r"/subscribe/confirm/\?t=[\w.~-]+", body.get_content())
                    if found:
                        return found[0]
            time.sleep(0.1)
        return ""

    def _confirm(self, client: httpx.Client, email: str, link: str) -> None:
        page = client.get(link)
        if page.status_code != 200:
            return
        if 'method="post"' not in page.text:  # an earlier press counted, and its answer died with the server
            self.confirmed[email] = time.monotonic()
            return
        action, fields = form_of(page.text)
        answer = client.post(action or link, data=fields | {"t": parse_qs(urlsplit(link).query)["t"][0]})
        if answer.status_code == 200:
            self.confirmed[email] = time.monotonic()


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the first POST form goes, and what a browser would send when nothing is typed."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    form = next(f for f in tree.iter("form") if f.get("method", "").lower() == "post")
    fields = {}
    for one in form.iter("input"):
        kind = one.get("type", "text")
        if one.get("name") and (kind not in ("radio", "checkbox") or one.get("checked") is not None):
            fields[one.get("name")] = one.get("value", "")
    for one in form.iter("select"):
        chosen = next(
            (o for o in one.iter("option") if o.get("selected") is not None), next(one.iter("option"))
        )
        fields[one.get("name")] = chosen.get("value", "")
    return form.get("action", ""), fields


@dataclass
class Month:
    """The house, and the lives of its process."""

    house: House
    crowd: Crowd
    lives: int = 0
    kills: int = 0
    released: int = 0
    memory_mb: list[float] = field(default_factory=list)

    def live(self, now: str, seconds: float, *, kill: bool) -> None:
        self.lives += 1
        process = subprocess.Popen(
            [sys.executable, "-m", "publisher", "serve", "--port", str(self.crowd.port)],
            cwd=self.house.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=self._environment(now),
        )  # fmt: skip
        self._until_up(process)
        time.sleep(seconds)
        assert process.poll() is None, process.communicate()[1]
        self.memory_mb.append(memory_mb(process.pid))
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        _, said = process.communicate(timeout=40)
        self.kills += kill
        assert process.returncode == (-signal.SIGKILL if kill else 0), said
        assert "Traceback" not in said, said

    def _until_up(self, process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert process.poll() is None, process.communicate()[1]
            try:
                with self.crowd.client as client:
                    client.get("/healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the server never came up")

    def until_quiet(self, day: date) -> None:
        """Lives that end in peace, an hour apart, until one has finished everything; each must come nearer. What the
        kills had delayed for too long is held, and released as an operator would."""
        left = self.waiting()
        for hour in range(14, 24):
            self.live(f"{day}T{hour}:00:00+08:00", 20, kill=False)
            for (late,) in self.house.rows(
                "SELECT day FROM mailings WHERE state = 'held' AND reason = 'late'"
            ):
                self.released += 1
                self._run(f"{day}T{hour}:30:00+08:00", "deliver", str(late), "--release")
            before, left = left, self.waiting()
            if not left:
                return
            assert left < before or not before, f"{left} of {before} deliveries wait, and nothing moves"

    def _run(self, now: str, *command: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "publisher", *command], cwd=self.house.root, env=self._environment(now),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: some delivery is uncertain

    def _environment(self, now: str) -> dict[str, str]:
        mail = {"PUBLISHER_MAIL__PORT": str(self.crowd.smtp.port)}
        return os.environ | {"PUBLISHER_NOW": now, "LC_ALL": "C.UTF-8"} | mail

    def waiting(self) -> int:
        return int(
            self.house.rows("SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending')")[0][0]
        )


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


@contextmanager
def month(root: Path) -> Iterator[Month]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mail = {
        "transport": "smtp",
        "host": "127.0.0.1",
        "port": 25,
        "security": "none",
        "owner": "curator@example.cn",
    }
    house = House(root, links={"budget_s": 0}, documents={"settle_s": 0}, mail=mail)
    with FakeSmtp(root / "accepted.log") as smtp:
        crowd = Crowd(port, smtp)
        threads = [threading.Thread(target=crowd.poll) for _ in range(2)]
        threads += [threading.Thread(target=crowd.subscribe, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        try:
            yield Month(house, crowd)
        finally:
            crowd.over.set()
            for thread in threads:
                thread.join(timeout=60)


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_month_of_kills_under_load_loses_no_reader_and_mails_nobody_twice(tmp_path: Path) -> None:
    dice = random.Random(DAYS)
    with month(tmp_path) as m:
        for n in range(DAYS):
            day = FIRST + timedelta(days=n)
            m.house.write(f"{day}", essays(f"{day}", 3))
            for start in ("07:59:55", "08:10:00", "12:00:00"):
                m.live(f"{day}T{start}+08:00", dice.uniform(4, 18), kill=True)
        m.until_quiet(FIRST + timedelta(days=DAYS - 1))
    check(m)


def check(m: Month) -> None:
    house, crowd = m.house, m.crowd
    assert crowd.faults == []
    assert crowd.polls[304] > crowd.polls[200] > 0
    assert crowd.searches[200] > 0
    found = house.app.search("故事")
    assert (found.total, found.lagging) == (3 * DAYS, 0), "the index came through"
    known = {str(email): str(state) for email, state in house.rows("SELECT email, state FROM subscribers")}
    assert crowd.confirmed, "somebody got through"
    assert {email for email in crowd.confirmed if known.get(email) != "active"} == set(), (
        "no confirmed reader is lost"
    )
    # Who asked in the last two seconds before the end is on the books, and written to after the next start.
    asking = {str(email) for (email,) in house.rows("SELECT email FROM notices WHERE state = 'waiting'")}
    assert crowd.asked <= set(known) | asking, "nobody who was told to look into their mail is forgotten"
    issues = house.rows("SELECT day FROM issues WHERE state = 'published' ORDER BY day")
    assert [day for (day,) in issues] == [f"{FIRST + timedelta(days=n)}" for n in range(DAYS)]
    digests = Counter(
        (mail["Message-ID"], mail["To"])
        for mail in (BytesParser(policy=policy.default).parsebytes(c) for c in crowd.smtp.seen.contents)
        if mail["List-Id"]
    )
    assert [one for one, times in digests.items() if times > 1] == [], "no digest twice"
    books = dict(house.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))
    assert set(books) <= {"accepted", "uncertain", "skipped"}
    assert books["accepted"] + books.get("uncertain", 0) >= len(digests)
    assert books.get("uncertain", 0) <= m.kills
    assert max(m.memory_mb) < 150
    third = max(1, len(m.memory_mb) // 3)
    early, late = (sorted(some)[len(some) // 2] for some in (m.memory_mb[:third], m.memory_mb[-third:]))
    assert late < early * 1.25, "memory is flat"
    print(
        f"{DAYS} days, {m.lives} lives, {m.kills} kills: {len(crowd.confirmed)} confirmed, {len(digests)} digests, "
        f"{books.get('uncertain', 0)} uncertain, 0 twice, {m.released} released, polls {dict(crowd.polls)}, "
        f"{crowd.searches[200]} searches, "
        f"{max(m.memory_mb):.0f} MB"
    )
