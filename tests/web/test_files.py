"""Files over HTTP, on a real server: what is sent, what is not modified, what is a part, what is not there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import brotli
import pytest

from tests.house import House, day_file, essay, essays
from tests.web.serving import Served, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    house = House(tmp_path_factory.mktemp("site"), links={"budget_s": 0}, documents={"settle_s": 0})
    house.write("2025-01-28", essays("2025-01-28", 3))
    house.once("2025-01-28 08:00")
    house.write("图.png", PNG)
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n![图](图.png)", essay("乙")))
    house.once("2025-01-29 08:00")
    house.at("2025-01-29 09:00")
    with serving(house) as running:
        yield running


def media(served: Served) -> str:
    return "/" + next(p for p in served.house.site() if p.startswith("media/"))


# ---------------------------------------------------------------- whole answers


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/2025/01/29/", "2025/01/29/index.html", "text/html; charset=utf-8"),
        ("/rss.xml", "rss.xml", "application/rss+xml; charset=utf-8"),
        ("/atom.xml", "atom.xml", "application/atom+xml; charset=utf-8"),
        ("/feed.json", "feed.json", "application/feed+json; charset=utf-8"),
        ("/style.css", "style.css", "text/css; charset=utf-8"),
        ("/robots.txt", "robots.txt", "text/plain; charset=utf-8"),
        ("/sitemap.xml", "sitemap.xml", "application/xml; charset=utf-8"),
        ("/favicon.svg", "favicon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_a_file_is_sent_with_its_type(served: Served, path: str, file: str, content_type: str) -> None:
    answer = served.get(path)
    assert answer.status_code == 200
    assert answer.content == served.house.site()[file]
    assert answer.headers["content-type"] == content_type
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_every_file_of_the_site_is_served_and_nothing_else(served: Served) -> None:
    for path, data in served.house.site().items():
        shown = "/" + path.removesuffix("index.html") if path.endswith("index.html") else "/" + path
        answer = served.get(shown)
        if path.partition("/")[0] in served.web.files.table.shelf.made:
            continue  # a page of this address is made when asked
        if path.startswith("."):
            assert answer.status_code == 404, path
        elif path == "404.html":
            assert answer.content == data
        else:
            assert (answer.status_code, answer.content) == (200, data), path


def test_everything_carries_the_security_headers(served: Served) -> None:
    for path in ("/", "/rss.xml", media(served), "/nowhere", "/2025/01/29", "/healthz"):
        headers = served.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin"
        assert "script-src" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["strict-transport-security"].startswith("max-age=")
        assert "geolocation=()" in headers["permissions-policy"]
        assert "server" not in headers
        assert "set-cookie" not in headers


def test_no_page_needs_an_inline_script_or_style_which_the_policy_forbids(served: Served) -> None:
    for path, data in served.house.site().items():
        if path.endswith(".html"):
            text = data.decode().lower()
            assert "<script" not in text, path
            assert "<style" not in text, path
            assert " style=" not in text, path
            assert " onclick=" not in text, path


def test_codings_have_their_own_strong_tags_and_give_the_same_bytes(served: Served) -> None:
    plain = served.get("/rss.xml")
    tag = plain.headers["etag"]
    assert tag.startswith('"')
    assert plain.headers["vary"] == "accept-encoding"
    with served.client.stream("GET", "/rss.xml", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["etag"] == tag[:-1] + '-gz"'
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain.content
    with served.client.stream("GET", "/rss.xml", headers={"accept-encoding": "gzip, br"}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert answer.headers["etag"] == tag[:-1] + '-br"'
        raw = b"".join(answer.iter_raw())
        assert len(raw) == int(answer.headers["content-length"])
        assert brotli.decompress(raw) == plain.content


def test_a_picture_is_not_compressed_again_and_kept_for_good(served: Served) -> None:
    answer = served.get(media(served), accept_encoding="gzip, br")
    assert answer.content == PNG
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_style_sheet_is_kept_for_good_under_the_address_that_names_its_bytes(served: Served) -> None:
    page = served.get("/").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in served.get(address).headers["cache-control"]
    assert "immutable" not in served.get("/style.css?v=00000000").headers["cache-control"]
    assert "immutable" not in served.get("/style.css").headers["cache-control"]


def test_the_feeds_say_their_own_address(served: Served) -> None:
    links = served.get("/atom.xml").headers["link"]
    assert links == '<https://daily.example.cn/atom.xml>; rel="self"'
    assert "link" not in served.get("/").headers


def test_head_has_the_headers_of_get_and_no_body(served: Served) -> None:
    for path in ("/", "/rss.xml", media(served), "/nowhere"):
        whole, head = served.get(path), served.ask("HEAD", path)
        assert head.status_code == whole.status_code
        assert head.content == b""
        kept = {k: v for k, v in whole.headers.items() if k != "date"}
        assert {k: v for k, v in head.headers.items() if k != "date"} == kept


@pytest.mark.parametrize("path", ["/", "/rss.xml", "/2025/01/29/", "/style.css"])
@pytest.mark.parametrize("accept", ["", "gzip", "br"])
def test_the_short_way_and_the_long_way_give_the_same(served: Served, path: str, accept: str) -> None:
    """A plain GET is answered at once; one that announces a body, even an empty one, goes the long way."""
    for tag in ("", '"other"', "*"):
        headers = {"accept_encoding": accept, "if_none_match": tag}
        short = served.get(path, **headers)
        long = served.get(path, content_length="0", **headers)
        assert short.status_code == long.status_code == (304 if tag == "*" else 200)
        assert short.content == long.content
        assert _without_date(short.headers.raw) == _without_date(long.headers.raw)


def _without_date(raw: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted(one for one in raw if one[0] != b"date")


def test_answers_come_in_the_order_of_the_questions(served: Served) -> None:
    """On one connection, whichever way each of them goes."""
    entry = "/" + next(p for p in served.house.site() if p.count("/") == 4).removesuffix("index.html")
    paths = [
        "/rss.xml",
        "/nowhere",
        "/",
        "/search?q=x",
        "/style.css",
        entry,
        "/rss.xml",
        "/2025/01/29",
        "/robots.txt",
    ] * 3
    asked = "".join(f"GET {path} HTTP/1.1\r\nhost: daily.example.cn\r\n\r\n" for path in paths)
    last = "GET /robots.txt HTTP/1.1\r\nhost: daily.example.cn\r\nconnection: close\r\n\r\n"
    rest = served.raw((asked + last).encode(), hang_up=False)
    for path in [*paths, "/robots.txt"]:
        expected = served.get(path)
        head, _, rest = rest.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % expected.status_code), path
        body, rest = rest[: len(expected.content)], rest[len(expected.content) :]
        assert body == expected.content, path
    assert rest == b""


# ---------------------------------------------------------------- how long it holds


def test_answers_hold_until_the_next_slot_and_never_longer_than_four_hours(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    for at, expected in (
        ("2025-01-29 09:00", 14400),
        ("2025-01-30 06:00", 7200),
        ("2025-01-30 07:59", 60),
        ("2025-01-30 08:00", 60),  # due, and not published yet
    ):
        house.at(at)
        with serving(house) as running:
            assert running.get("/rss.xml").headers["cache-control"] == f"public, max-age={expected}", at


def test_while_the_days_issue_may_still_come_answers_hold_five_minutes(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    house.tick("2025-01-30 08:00")  # nothing there
    with serving(house) as running:
        assert running.get("/").headers["cache-control"] == "public, max-age=300"


# ---------------------------------------------------------------- not modified


def tag_and_date(served: Served, path: str = "/rss.xml") -> tuple[str, str]:
    headers = served.get(path).headers
    return headers["etag"], headers["last-modified"]


def test_last_modified_is_the_moment_when_the_bytes_came_to_be(served: Served) -> None:
    _, since = tag_and_date(served)
    assert parsedate_to_datetime(since) == datetime(2025, 1, 29, 0, 0, tzinfo=UTC)
    assert parsedate_to_datetime(tag_and_date(served, "/2025/01/28/")[1]) <= parsedate_to_datetime(since)


def test_not_modified_repeats_the_validators_and_has_no_body(served: Served) -> None:
    tag, since = tag_and_date(served)
    answer = served.get("/rss.xml", if_none_match=tag)
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == tag
    assert answer.headers["last-modified"] == since
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert "content-length" not in answer.headers
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "written",
    [
        "{tag}", "W/{tag}", "*", '"other", {tag}', '"other",W/{tag}', '{tag}, "other"', "{bare}", "W/{bare}",
        "{stem}-gz", '"{stem}-gz"', '"{stem}-br"', 'W/"{stem}-br"', '"{stem}"', "w/{tag}",
    ],
)  # fmt: skip
def test_a_tag_matches_as_readers_write_it(served: Served, written: str) -> None:
    tag, _ = tag_and_date(served)
    sent = written.format(tag=tag, bare=tag.strip('"'), stem=tag.strip('"'))
    assert served.get("/rss.xml", if_none_match=sent).status_code == 304
    assert served.get("/rss.xml", if_none_match=sent, accept_encoding="br").status_code == 304


@pytest.mark.parametrize(
    "written", ['"other"', "", '""', "W/", '"{part}"', '"x{stem}"', "nonsense", '"', ","]
)
def test_another_tag_brings_the_whole(served: Served, written: str) -> None:
    stem = tag_and_date(served)[0].strip('"')
    sent = written.format(stem=stem, part=stem[:-1])
    answer = served.get("/rss.xml", if_none_match=sent)
    assert answer.status_code == 200
    assert answer.content


def test_the_tag_decides_before_the_date(served: Served) -> None:
    tag, since = tag_and_date(served)
    assert served.get("/rss.xml", if_none_match='"old"', if_modified_since=since).status_code == 200
    assert (
        served.get(
            "/rss.xml", if_none_match=tag, if_modified_since="Mon, 01 Jan 1990 00:00:00 GMT"
        ).status_code
        == 304
    )


def test_dates_are_compared_not_matched(served: Served) -> None:
    moment = parsedate_to_datetime(tag_and_date(served)[1])
    served.house.at("2025-01-30 08:00")  # a day later
    for shift, status in ((0, 304), (1, 304), (86400, 304), (-1, 200), (-86400, 200)):
        date = format_datetime(datetime.fromtimestamp(moment.timestamp() + shift, UTC), usegmt=True)
        assert served.get("/rss.xml", if_modified_since=date).status_code == status, shift


@pytest.mark.parametrize("date", ["Thu, 30 Jan 2025 00:00:01 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"])
@pytest.mark.parametrize("more", [{}, {"range": "bytes=0-9"}])
def test_a_date_that_is_still_to_come_holds_nothing_back(
    served: Served, date: str, more: dict[str, str]
) -> None:
    """Else a reader whose clock was wrong once would never see another issue."""
    served.house.at("2025-01-30 08:00")
    assert served.get("/rss.xml", if_modified_since=date, **more).status_code in (200, 206)
    assert served.get("/2025/01/28/", if_modified_since=date, **more).status_code in (200, 206)


@pytest.mark.parametrize(
    "date", ["Wed, 29 Jan 2025 00:00:00 GMT", "Wednesday, 29-Jan-25 00:00:00 GMT", "Wed Jan 29 00:00:00 2025"]
)
def test_every_form_of_date_is_read(served: Served, date: str) -> None:
    assert served.get("/rss.xml", if_modified_since=date).status_code == 304


@pytest.mark.parametrize(
    "date", ["", "yesterday", "0", "-1", "Wed, 99 Jan 2025 00:00:00 GMT", "2025-01-29T00:00:00Z"]
)
def test_a_date_that_is_none_brings_the_whole(served: Served, date: str) -> None:
    assert served.get("/rss.xml", if_modified_since=date).status_code == 200


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1), ("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None),
        ("bytes=5-99999999", 5, None), ("BYTES = 1 - 2", 1, 3), ("bytes=-99999999", 0, None),
    ],
)  # fmt: skip
def test_a_part_is_sent(served: Served, asked: str, first: int, end: int | None) -> None:
    answer = served.get(media(served), range=asked, accept_encoding="gzip, br")
    assert answer.status_code == 206
    assert answer.content == PNG[first:end]
    start = first % len(PNG)
    expected = f"bytes {start}-{start + len(answer.content) - 1}/{len(PNG)}"
    assert answer.headers["content-range"] == expected
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=99999999999999999999999-"])
def test_a_part_beyond_the_end_is_refused_with_the_size(served: Served, asked: str) -> None:
    answer = served.get(media(served), range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(PNG)}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=", "bytes=-", "lines=1-2", "bytes=5-1", "bytes=a-b", "x"]
)
def test_several_parts_or_nonsense_bring_the_whole(served: Served, asked: str) -> None:
    answer = served.get(media(served), range=asked)
    assert (answer.status_code, answer.content) == (200, PNG)


def test_a_part_is_of_the_bytes_that_if_range_names(served: Served) -> None:
    tag, since = tag_and_date(served)
    assert served.get("/rss.xml", range="bytes=0-9", if_range=tag).status_code == 206
    assert served.get("/rss.xml", range="bytes=0-9", if_range=since).status_code == 206
    assert served.get("/rss.xml", range="bytes=0-9", if_range='"old"').status_code == 200
    assert served.get("/rss.xml", range="bytes=0-9", if_range=f"W/{tag}").status_code == 200
    assert served.get("/rss.xml", range="bytes=0-9", if_none_match=tag).status_code == 304


# ---------------------------------------------------------------- elsewhere, gone, nowhere


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("/2025/01/29", "/2025/01/29/"), ("/2025/01/29/index.html", "/2025/01/29/"), ("/index.html", "/"),
        ("/archive?x=1", "/archive/?x=1"),
    ],
)  # fmt: skip
def test_a_page_has_one_address(served: Served, asked: str, right: str) -> None:
    answer = served.get(asked)
    assert answer.status_code == 301
    assert answer.headers["location"] == right


def test_what_is_not_there_is_said_by_the_sites_own_page(served: Served) -> None:
    answer = served.get("/2024/01/01/")
    assert answer.status_code == 404
    assert answer.content == served.house.site()["404.html"]
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert served.get("/404.html").status_code == 404


def test_a_withdrawn_entry_is_gone(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 2))
    page = str(house.once("2025-01-29 08:00").issue.entries[1].url).removeprefix("https://daily.example.cn")
    house.write("2025-01-29", essays("2025-01-29", 1))
    with serving(house) as running:
        before = running.get(page)
        assert before.status_code == 200
        house.once("2025-01-29 09:00")
        running.renew()
        answer = running.get(page)
        assert answer.status_code == 410
        assert "data-withdrawn" in answer.text
        assert running.get(page, if_none_match=answer.headers["etag"]).status_code == 410
        assert running.get(page, if_none_match=before.headers["etag"]).status_code == 410


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_files_are_only_read(served: Served, method: str) -> None:
    answer = served.ask(method, "/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


HOSTILE = [
    "/../config.toml", "/../../../../etc/passwd", "/%2e%2e/config.toml", "/..%2fconfig.toml", "/..%5cconfig.toml",
    "/%252e%252e/config.toml", "/..;/config.toml", "/2025/../../config.toml", "//etc/passwd", "/./index.html",
    "/2025/01/29/../../../../var/publisher.db", "/%00", "/index.html%00.png", "/\\..\\config.toml", "/~root/",
    "/.publisher.json", "/%2epublisher.json", "/.git/config", "/.env", "/.tmp-1-index.html", "/2025/.hidden",
    "/var/publisher.db", "/seeds/2025-01-29.md", "/C:/win.ini", "/file:///etc/passwd", "/....//....//etc/passwd",
    "/%c0%ae%c0%ae/config.toml", "/%uff0e%uff0e/config.toml", "/" + "a/" * 2000, "/" + "%2e%2e%2f" * 40 + "etc/passwd",
    "/media/../../config.toml", "/2025/01/29/%2e%2e/%2e%2e/", "/%", "/%zz", "/\u200b", "/%ff%fe",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_nothing_outside_the_table_is_reached(served: Served, path: str) -> None:
    target = path.encode("utf-8")
    said = served.raw(b"GET " + target + b" HTTP/1.1\r\nhost: daily.example.cn\r\nconnection: close\r\n\r\n")
    status = int(said.split(b" ", 2)[1])
    assert status in (301, 400, 404), said[:200]
    for secret in (b"root:", b"[site]", b"SQLite", b"tag_host", b"# 2025-01-29"):
        assert secret not in said


def test_a_redirect_never_leads_to_another_host(served: Served) -> None:
    for path in ("//evil.example/2025", "//2025/01/29", "/\\evil.example", "//evil.example/index.html"):
        said = served.raw(
            f"GET {path} HTTP/1.1\r\nhost: daily.example.cn\r\nconnection: close\r\n\r\n".encode()
        )
        assert b"location:" not in said.lower(), path


def test_links_out_of_the_folder_and_hidden_files_are_not_served(tmp_path: Path) -> None:
    house = House(tmp_path, links={"budget_s": 0})
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    (house.public / "secret").symlink_to(house.root / "config.toml")
    (house.public / "folder").symlink_to(house.root / "var")
    (house.public / ".htpasswd").write_text("curator:x")
    (house.public / ".well-known").mkdir()
    (house.public / ".well-known" / "security.txt").write_text("Contact: mailto:curator@example.cn\n")
    (house.public / "own file.txt").write_text("hello")
    with serving(house) as running:
        for path in ("/secret", "/folder/publisher.db", "/.htpasswd"):
            assert running.get(path).status_code == 404
        assert running.get("/.well-known/security.txt").status_code == 200
        assert running.get("/own%20file.txt").text == "hello"
