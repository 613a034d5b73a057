"""Addresses in running Chinese text: what is one, and where it ends."""

from __future__ import annotations

import pytest

from publisher.core.urls import find_urls


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in find_urls(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Chinese ends an address
        ("见http://t.cn/A6abcd。下一句（http://t.cn/B6abcd）", ["http://t.cn/A6abcd", "http://t.cn/B6abcd"]),
        ("看https://example.org/a?b=c，再说", ["https://example.org/a?b=c"]),
        ("“https://example.org/”", ["https://example.org/"]),
        ("https://example.org/路径", ["https://example.org/"]),
        # t.cn: its code and nothing else, with or without scheme
        ("t.cn/A63abcde更多", ["t.cn/A63abcde"]),
        ("（t.cn/A63abcde）", ["t.cn/A63abcde"]),
        ("HTTPS://T.CN/A63abcde", ["HTTPS://T.CN/A63abcde"]),
        ("http://t.cn/A63abcde,http", ["http://t.cn/A63abcde"]),
        ("http://t.cn/A63abcdehttp://t.cn/A63abcdf", ["http://t.cn/A63abcde", "http://t.cn/A63abcdf"]),
        ("http://t.cn/A63abcde#话题#", ["http://t.cn/A63abcde"]),
        # ... but not another host that ends so, nor one that begins so
        ("import.cn/abcdef xt.cn/abcdef a.t.cn/abcdef", []),
        ("http://t.cnx/abcdef", ["http://t.cnx/abcdef"]),
        ("t.cn/abc t.cn/ t.cn", []),
        # what closes a sentence is not of the address
        ("(see https://example.org/a).", ["https://example.org/a"]),
        ("https://example.org/a, https://example.org/b; https://example.org/c!", [
            "https://example.org/a", "https://example.org/b", "https://example.org/c",
        ]),
        ("'https://example.org/a' \"https://example.org/b\"", ["https://example.org/a", "https://example.org/b"]),
        ("**https://example.org/a**", ["https://example.org/a"]),
        ("https://example.org/wiki/Foo_(bar)", ["https://example.org/wiki/Foo_(bar)"]),
        ("(https://example.org/wiki/Foo_(bar))", ["https://example.org/wiki/Foo_(bar)"]),
        ("[https://example.org/a](b)", ["https://example.org/a"]),
        ("https://example.org/a(b", ["https://example.org/a(b"]),
        # an address within an address
        ("https://web.archive.org/web/2020/https://example.org/", ["https://web.archive.org/web/2020/https://example.org/"]),
        ("https://example.org/?u=http://a.b/c", ["https://example.org/?u=http://a.b/c"]),
        # none at all
        ("http:// https:/// 例子.cn Gemini.Pro R1.ai a@b.cn ftp://a.b/c www.example.org", []),
        ("https://例子.cn/", []),
    ],
)  # fmt: skip
def test_an_address_ends_where_its_reader_would_end_it(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_an_address_without_scheme_is_asked_for_with_one() -> None:
    assert [one.url for one in find_urls("t.cn/A63abcde http://t.cn/A63abcdf")] == [
        "http://t.cn/A63abcde",
        "http://t.cn/A63abcdf",
    ]


def test_a_code_of_fewer_than_four_characters_looks_cut_off() -> None:
    assert [(one.url, one.cut) for one in find_urls("http://t.cn/A6。http://t.cn/A6ab http://t.cn/")] == [
        ("http://t.cn/A6", True),
        ("http://t.cn/A6ab", False),
        ("http://t.cn/", True),
    ]
