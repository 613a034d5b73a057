"""The mailed digest, read back as mail programs read it."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from datetime import date
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import pytest
from msgspec.structs import replace

from publisher.core.delivery import message_id
from publisher.core.errors import StoreError, TemplateError
from publisher.core.issue import IssueName, PublishedDay, PublishedEntry
from publisher.render.digest import (
    BUDGET_BYTES,
    DigestSection,
    Frozen,
    Reader,
    freeze,
    sections_of,
    splice,
    subject,
)
from publisher.render.environment import Templates
from tests.render.digest_sample import (
    READER,
    SENTENCE,
    big_digest,
    digest,
    entries,
    essay,
    frozen,
    full_sample,
    golden_leads,
    html_of,
    late_entry,
    opened,
    parsed,
    raw,
    text_of,
    week_sample,
)
from tests.render.factories import AT, DAY, published, site

GOLDEN = Path(__file__).parent.parent / "golden" / "digest"


# ---------------------------------------------------------------- the message


GOLDENS = {
    "zh": lambda: raw(full_sample("zh-CN")),
    "en": lambda: raw(full_sample("en")),
    "lead": lambda: raw(golden_leads(), body="lead"),
    "titles": lambda: raw(full_sample("zh-CN"), body="titles"),
    "english-words": lambda: raw(full_sample("zh-CN"), words="en"),
    "weekly": lambda: raw(week_sample()),
    "weekly-titles": lambda: raw(week_sample(), body="titles"),
    "by-mail-alone": lambda: raw(digest()),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_the_message_is_the_golden_one(name: str) -> None:
    """To accept a change: PUBLISHER_GOLDEN=write pytest tests/render/test_digest.py, then read the diff.

    The bodies lie beside the message decoded, because nobody reads base64.
    """
    data = GOLDENS[name]()
    files = {"eml": data, "txt": text_of(data).encode(), "html": html_of(data).encode()}
    for suffix, content in files.items():
        path = GOLDEN / f"{name}.{suffix}"
        if os.environ.get("PUBLISHER_GOLDEN") == "write":
            path.write_bytes(content)
        assert content == path.read_bytes()


def test_equal_digests_give_equal_bytes() -> None:
    assert raw(full_sample("zh-CN")) == raw(full_sample("zh-CN"))
    assert frozen(digest()).to_bytes() == frozen(digest()).to_bytes()


def test_a_frozen_digest_survives_the_store_byte_for_byte() -> None:
    one = frozen(full_sample("zh-CN"))
    again = Frozen.from_bytes(one.to_bytes())
    assert again == one
    assert again.sha256 == one.sha256
    assert b"".join(splice(again, READER)) == b"".join(splice(one, READER))


def test_a_frozen_digest_of_another_version_is_refused() -> None:
    data = frozen(digest()).to_bytes().replace(b'"format":2', b'"format":99')
    with pytest.raises(StoreError, match="99"):
        Frozen.from_bytes(data)


def test_a_spliced_message_says_what_one_built_by_hand_says() -> None:
    """The quick way and the standard library's agree on every header and both bodies."""
    data = raw(digest())
    spliced = opened(data)
    naive = EmailMessage()
    naive["From"] = Address("每日一读", addr_spec="digest@example.org")
    naive["To"] = READER.email
    naive["Subject"] = frozen(digest()).subject
    naive.set_content(text_of(data))
    naive.add_alternative(html_of(data), subtype="html")
    built = opened(naive.as_bytes())
    for header in ("From", "To", "Subject"):
        assert spliced[header] == built[header]
    assert spliced.get_content_type() == built.get_content_type() == "multipart/alternative"
    for ours, theirs in zip(spliced.iter_parts(), built.iter_parts(), strict=True):
        assert ours.get_content_type() == theirs.get_content_type()
        assert ours["Content-Transfer-Encoding"] == "base64"
        assert ours.get_content().replace("\r\n", "\n") == theirs.get_content().replace("\r\n", "\n")


def test_two_readers_differ_only_in_what_is_theirs() -> None:
    one = frozen(digest())
    first = splice(one, Reader(uid="a", email="a@example.com"))
    second = splice(one, Reader(uid="b", email="b@example.com"))
    differing = [i for i, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
    assert sum(len(first[i]) for i in differing) < 3000
    text_a, text_b = (text_of(b"".join(segments)) for segments in (first, second))
    assert text_a.replace("a@example.com", "b@example.com").replace("%20a", "%20b") == text_b
    html_a, html_b = (html_of(b"".join(segments)) for segments in (first, second))
    assert html_a.replace("a@example.com", "b@example.com").replace("%20a", "%20b") == html_b


def test_the_shared_segments_are_not_copied() -> None:
    one = frozen(digest())
    first, second = splice(one, READER), splice(one, replace(READER, email="other@example.com"))
    assert any(a is b and len(a) > 2000 for a, b in zip(first, second, strict=True))


def test_the_message_can_go_into_smtp_data_as_it_is() -> None:
    data = raw(full_sample("zh-CN"))
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    lines = data.split(b"\r\n")
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, lines)) <= 998
    body = data.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, body)) <= 78
    assert data.isascii()


# ---------------------------------------------------------------- headers


def test_headers_say_who_what_when_and_how_to_leave() -> None:
    message = opened(raw(full_sample("zh-CN")))
    assert str(message["From"]) == "每日一读 <digest@example.org>"
    assert message["Reply-To"] == "curator@example.org"
    assert message["To"] == "reader@example.com"
    assert message["Subject"] == "1月29日 · 河堤上的集市，为什么越来越早？等 4 篇"
    assert message["Date"].datetime == AT
    assert str(message["Date"]).endswith("+0800")
    assert message["List-Id"] == "每日一读 <daily.example.org>"
    assert message["List-Archive"] == "<https://daily.example.org/archive/>"
    assert message["Content-Language"] == "zh-CN"
    assert message["Precedence"] == "bulk"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["List-Help"] == "<https://daily.example.org/subscribe/>"
    assert re.fullmatch(r"2025-01-29:daily:digest:[0-9a-f]{12}", message["Feedback-ID"])
    assert message["MIME-Version"] == "1.0"
    assert message["Auto-Submitted"] is None


def test_the_message_id_follows_from_names_alone() -> None:
    message = opened(raw(digest()))
    facts = site()
    expected = message_id(facts.publisher_uuid, "daily", DAY, 1, READER.uid, facts.tag_host)
    assert message["Message-ID"] == expected == frozen(digest()).message_id(READER)
    again = opened(raw(digest(issue=IssueName(DAY, 2))))
    assert again["Message-ID"] != message["Message-ID"]


def test_a_list_id_has_a_dot_even_on_a_trial_host() -> None:
    trial = digest(site=site(url="http://localhost:8000/", title='A "quoted" =?name?= <x@y>'))
    message = opened(raw(trial))
    assert str(message["List-Id"]).endswith("<digest.localhost>")
    assert message["From"].addresses[0].display_name == 'A "quoted" =?name?= <x@y>'
    assert message["From"].addresses[0].addr_spec == "digest@example.org"


@pytest.mark.parametrize(
    "address",
    [
        "a@b.com\r\nBcc: x@y.z",
        "a@b.com\n",
        "a b@c.de",
        "a@b.com, c@d.ef",
        "<a@b.com>",
        "no-at",
        "a@\u2028b",
        "",
    ],
)
def test_an_address_cannot_become_a_header_or_a_second_address(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        splice(frozen(digest()), Reader(uid="r", email=address))


def test_an_address_with_an_ampersand_is_shown_as_it_is() -> None:
    data = raw(digest(), Reader(uid="r", email="a&b'c@example.com"))
    assert "a&b'c@example.com" in text_of(data)
    assert "a&b'c@example.com" in parsed(html_of(data)).xpath("string()")


# ---------------------------------------------------------------- what readers see


def test_the_html_is_valid_by_the_html_standard() -> None:
    for language in ("zh-CN", "en"):
        tree = parsed(html_of(raw(full_sample(language))))
        assert len(tree.xpath("//h1")) == 1
    assert html_of(raw(digest())).encode().index(b"<meta charset") < 1024


def test_the_digest_reads_top_to_bottom_in_the_order_of_the_page() -> None:
    shown = [
        "河堤上的集市，为什么越来越早？ · The manual outlived the machine · 昨夜下了今年最后一场雪",
        "雪后初晴",
        "4 篇 · 约 1,500 字 · 约 7 分钟",
        "今天从河堤写到屋顶。",
        "目录",
        "天还没亮",
        "雾散的时候",
        "The manual outlived",
        "昨夜下了今年最后一场雪。",
        "补：1月27日",
        "织机进了博物馆",
        "更正",
        "建成于 1958 年",
        "往年今日",
        "您在 2025-01-03 用 reader@example.com 订阅了《每日一读》的每日摘要。",
        "退订",
        "本邮件不含跟踪像素",
    ]
    data = raw(full_sample("zh-CN"))
    visible = parsed(html_of(data)).xpath("string(//body)")
    for words in (text_of(data), visible):
        at = 0
        for piece in shown:
            found = words.find(piece, at)
            assert found >= 0, piece
            at = found + 1


def test_the_text_part_is_written_as_text() -> None:
    text = text_of(raw(full_sample("zh-CN")))
    lines = text.split("\n")
    assert lines[0].startswith("河堤上的集市，为什么越来越早？ · ")
    assert "[1] 河堤上的集市，为什么越来越早？ · 4 分钟" in lines
    assert "[1] 河堤上的集市，为什么越来越早？" in lines
    assert "[3]" in lines  # its title is its first sentence: not said twice
    assert "-- " in lines
    assert "https://daily.example.org/2025/01/29/" in lines
    assert not re.search(r"<[a-z/]", text.replace("<叫", ""))
    assert "\n\n\n" not in text


def test_a_title_that_repeats_the_first_words_is_not_set_above_them() -> None:
    tree = parsed(html_of(raw(digest())))
    headings = [h.xpath("string()").strip() for h in tree.xpath("//h2")]
    assert headings == ["河堤上的集市，为什么越来越早？", "The manual outlived the machine", "3"]


def test_the_contents_lead_to_web_pages() -> None:
    tree = parsed(html_of(raw(digest())))
    links = tree.xpath("//table[contains(@class,'contents')]//a/@href")
    assert links == [f"https://daily.example.org/{entry.permalink}" for entry in entries()]
    assert not tree.xpath("//a[starts-with(@href,'#')]")


def test_nothing_is_fetched_when_the_mail_is_opened() -> None:
    tree = parsed(html_of(raw(full_sample("zh-CN"))))
    assert not tree.xpath("//img | //link | //script | //iframe | //@background")
    assert "url(" not in html_of(raw(full_sample("zh-CN")))


def test_type_and_colour_stand_in_the_elements_and_the_rest_in_the_head() -> None:
    html = html_of(raw(digest()))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert style[1].startswith("@media")
    assert "prefers-color-scheme" in style[1]
    tree = parsed(html)
    assert "#FFFEFC" in tree.xpath("string(//table[@class='card']/@style)")
    assert "17px" in tree.xpath("string(//td[@class='content']/@style)")
    assert (
        tree.xpath("string(/html/@lang)") == "zh-Hans" == tree.xpath("string(//td[@class='content']/@lang)")
    )


def test_an_entry_in_another_language_says_so() -> None:
    tree = parsed(html_of(raw(digest())))
    assert "The manual outlived" in tree.xpath("string(//div[@lang='en'])")
    assert len(tree.xpath("//div[@lang]")) == 1


def test_an_english_site_is_english() -> None:
    data = raw(full_sample("en"))
    for text in (
        "Read in the browser",
        "4 entries",
        "about 7 minutes",
        "Added later to 27 January",
        "Unsubscribe",
    ):
        assert text in text_of(data)
    assert opened(data)["Subject"] == "29 January · 河堤上的集市，为什么越来越早？ and 3 more"
    assert "You subscribed to “Daily Reading” on 2025-01-03 as reader@example.com." in text_of(data)


def test_hostile_titles_stay_words() -> None:
    title = "</a><script>alert(1)</script>\r\nBcc: x@y.z ${{7*7}} %s {n} \u202e=?utf-8?q?x?="
    hostile = replace(entries()[0], entry=replace(entries()[0].entry, title=title, byline=(title,)))
    data = raw(digest(hostile, subject=title))
    message = opened(data)
    assert message["Bcc"] is None
    assert "script" in message["Subject"]
    tree = parsed(html_of(data))
    assert not tree.xpath("//script")
    assert "<script>alert(1)</script>" in tree.xpath("string(//h2)")


def test_a_broken_template_names_itself(tmp_path: Path) -> None:
    (tmp_path / "digest").mkdir()
    (tmp_path / "digest" / "entry.html").write_text("{{ item.titel }}", "utf-8")
    with pytest.raises(TemplateError, match="titel"):
        freeze(digest(), Templates(site(), user_folder=tmp_path))


def test_the_curators_own_templates_win(tmp_path: Path) -> None:
    (tmp_path / "digest").mkdir()
    (tmp_path / "digest" / "digest.txt").write_text("{{ reader.email }} first, {{ heading }}\n", "utf-8")
    one = freeze(digest(), Templates(site(), user_folder=tmp_path))
    assert text_of(b"".join(splice(one, READER))) == "reader@example.com first, 1月29日 · 星期三\n"


# ---------------------------------------------------------------- days, sections, subjects


def day_of(day: date, *shown: PublishedEntry) -> PublishedDay:
    return PublishedDay(day=day, title="", preface="前言", entries=shown)


def test_late_additions_stand_after_the_days_in_sections_of_their_own() -> None:
    sections = sections_of([day_of(DAY, *entries()), day_of(date(2025, 1, 27), late_entry())])
    assert [(s.day.day, s.late, len(s.entries)) for s in sections] == [(29, False, 3), (27, True, 1)]
    assert sections[1].preface == ""
    data = raw(digest(sections=sections))
    tree = parsed(html_of(data))
    assert [h.xpath("string()") for h in tree.xpath("//h1")] == ["1月29日 · 星期三"]
    assert tree.xpath("string(//h2[@class='day'])") == "补：1月27日"
    assert tree.xpath("string(//h3)") == "织机进了博物馆"


@pytest.mark.parametrize(
    ("days", "slot", "expected"),
    [
        ([29], date(2025, 1, 29), "1月29日"),
        ([27, 28, 29], date(2025, 1, 29), "1月27–29日"),
        ([27, 29], date(2026, 2, 1), "2025年1月27–29日"),
        ([29], date(2026, 1, 2), "2025年1月29日"),
    ],
)
def test_the_subject_names_the_curators_days(days: list[int], slot: date, expected: str) -> None:
    sections = tuple(DigestSection(day=date(2025, 1, d), entries=entries()[:1]) for d in days)
    assert subject(sections, IssueName(slot), Templates(site())).partition(" · ")[0] == expected


def test_days_of_two_months_and_of_two_years_are_both_named() -> None:
    def named(*days: date, language: str = "zh-CN") -> str:
        sections = tuple(DigestSection(day=day, entries=entries()[:1]) for day in days)
        return subject(sections, IssueName(days[-1]), Templates(site(language=language))).partition(" · ")[0]

    assert named(date(2025, 1, 30), date(2025, 2, 2)) == "1月30日–2月2日"
    assert named(date(2024, 12, 30), date(2025, 1, 2)) == "2024年12月30日–2025年1月2日"
    assert named(date(2025, 1, 27), date(2025, 1, 29), language="en") == "27–29 January"
    assert named(date(2025, 1, 30), date(2025, 2, 2), language="en") == "30 January–2 February"


def test_an_issue_of_late_additions_alone_says_so() -> None:
    sections = (DigestSection(day=date(2025, 1, 27), late=True, entries=(late_entry(),)),)
    assert subject(sections, IssueName(DAY), Templates(site())) == "补：1月27日 · 织机进了博物馆"
    tree = parsed(html_of(raw(digest(sections=sections))))
    assert tree.xpath("string(//h1)") == "补：1月27日"


def titled(title: str, rule: str) -> PublishedEntry:
    return published("正文。", title=title, title_rule=rule, title_in_body=False, topics=())


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        ([("从句子切出的…", "R7"), ("写下的标题", "R5")], "1月29日 · 写下的标题等 2 篇"),
        ([("【快讯】雪🎿停了[心]", "R0")], "1月29日 · 快讯 雪停了 心"),
        ([("读 DeepSeek R1", "R0"), ("二", "R0")], "1月29日 · 读 DeepSeek R1 等 2 篇"),
        ([("很长" * 20, "R0")], "1月29日 · " + "很长" * 13 + "很…"),
        ([("🎉🎉", "R9"), ("🎉", "R9")], "1月29日 · 2 篇"),
    ],
)
def test_the_subject_takes_the_first_given_title(titles: list[tuple[str, str]], expected: str) -> None:
    sections = (DigestSection(day=DAY, entries=tuple(titled(*one) for one in titles)),)
    assert subject(sections, IssueName(DAY), Templates(site())) == expected


# ---------------------------------------------------------------- the fit rule


def test_a_day_within_the_budget_is_whole() -> None:
    one = frozen(digest(*(essay(n, 12) for n in range(1, 10))))
    assert one.shortened == ()
    assert one.html_bytes <= BUDGET_BYTES


def test_over_the_budget_the_longest_entries_become_lead_and_link() -> None:
    one = frozen(big_digest())
    assert [(s.uid, s.form) for s in one.shortened] == [("e000000002", "lead")]
    data = b"".join(splice(one, READER))
    text, tree = text_of(data), parsed(html_of(data))
    assert one.html_bytes <= BUDGET_BYTES
    assert len(b64encode(html_of(data).encode())) <= 100_000
    assert "[2] 第2篇长文 · 节选 · 70 分钟" in text.split("\n")
    assert re.search(
        r"阅读全文（还有 2\d,\d00 字，约 \d+ 分钟）：\nhttps://daily\.example\.org/2025/01/29/e000000002/",
        text,
    )
    assert "第2段。" in text
    assert tree.xpath("//a[contains(.,'阅读全文')]/@href") == [
        "https://daily.example.org/2025/01/29/e000000002/"
    ]
    assert text.count("第200段。") == 1  # the third entry is whole


def test_an_entry_is_never_cut_without_a_link_to_the_rest() -> None:
    for budget in (60_000, 30_000, 20_000, 15_000, 11_000, 9_000):
        one = frozen(big_digest(), budget_bytes=budget)
        data = b"".join(splice(one, READER))
        assert len(html_of(data).encode()) <= budget
        tree, text = parsed(html_of(data)), text_of(data)
        links = tree.xpath("//a/@href")
        for short in one.shortened:
            if short.form == "left out":
                assert re.search(r"另有 \d+ 篇，见网页", text)
                assert "另有" in tree.xpath("string(//body)")
            else:
                assert f"https://daily.example.org/2025/01/29/{short.uid}/" in links
                assert f"https://daily.example.org/2025/01/29/{short.uid}/" in text.split("\n")


def test_ten_thousand_entries_end_in_a_message_that_fits() -> None:
    one = frozen(digest(*(essay(n, 2) for n in range(1, 10_001))))
    assert one.html_bytes <= BUDGET_BYTES
    assert len(one.shortened) > 9_000
    assert "另有" in text_of(b"".join(splice(one, READER)))


def test_a_preface_as_long_as_a_book_is_shown_by_its_beginning() -> None:
    section = DigestSection(day=DAY, preface=(SENTENCE + "\n\n") * 2000, entries=entries())
    one = frozen(digest(sections=(section,)))
    data = b"".join(splice(one, READER))
    assert one.shortened == ()
    assert one.html_bytes <= BUDGET_BYTES
    assert "继续阅读" in text_of(data)


def test_the_size_told_is_the_size_sent() -> None:
    one = frozen(full_sample("zh-CN"))
    sent = len(b"".join(splice(one, READER)))
    assert abs(one.message_bytes - sent) < 700
    assert one.html_bytes <= len(html_of(b"".join(splice(one, READER))).encode()) + 200
