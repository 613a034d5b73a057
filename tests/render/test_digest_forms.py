"""The forms a digest comes in: beginnings, a list with summaries, our words in another language, a week."""

from __future__ import annotations

import re

from msgspec.structs import replace

from tests.render.digest_sample import (
    SENTENCE,
    big_digest,
    digest,
    entries,
    essay,
    frozen,
    full_sample,
    golden_leads,
    html_of,
    opened,
    parsed,
    raw,
    text_of,
    week_sample,
)


def test_readers_may_want_beginnings_or_titles_only() -> None:
    whole, lead, titles = (
        frozen(big_digest(), body=body, budget_bytes=10**6) for body in ("full", "lead", "titles")
    )
    assert whole.html_bytes > lead.html_bytes > titles.html_bytes
    assert whole.shortened == lead.shortened == titles.shortened == ()


def test_a_lead_says_how_much_is_left_and_where() -> None:
    data = raw(golden_leads(), body="lead")
    said = r"阅读全文（还有 \d+ 字，约 \d+ 分钟）"
    assert re.search(said + "：\nhttps://daily.example.org/2025/01/29/e000000004/", text_of(data))
    assert len(parsed(html_of(data)).xpath("//p[@class='read-on']/a")) == 2  # the shorter ones are whole
    assert "第3段" in text_of(data)
    assert "第9段" not in text_of(data)


def test_titles_are_a_list_with_a_summary_each_and_nothing_below_it() -> None:
    shown = [replace(one, entry=replace(one.entry, summary=f"{one.uid} 说了什么。")) for one in entries()]
    data = raw(digest(*shown), body="titles")
    tree, lines = parsed(html_of(data)), text_of(data).split("\n")
    assert not tree.xpath("//h2 | //h3 | //p[@class='read-on']")
    for one in shown:
        url = f"https://daily.example.org/{one.permalink}"
        cell = tree.xpath(f"//table[contains(@class,'contents')]//a[@href='{url}']/..")[0]
        assert cell.xpath("string(span)") == one.entry.summary
        assert lines[lines.index(url) - 1] == one.entry.summary
        assert one.entry.text not in text_of(data)
    for sample in (full_sample("zh-CN"), week_sample()):
        assert "\n\n\n" not in text_of(raw(sample, body="titles"))


def test_a_list_of_titles_over_the_budget_loses_summaries_before_lines() -> None:
    shown = [
        replace(essay(n, 3), entry=replace(essay(n, 3).entry, summary=f"{n}" + SENTENCE * 3))
        for n in range(1, 60)
    ]
    one = frozen(digest(*shown), body="titles", budget_bytes=45_000)
    assert one.html_bytes <= 45_000
    assert {short.form for short in one.shortened} == {"listed"}


def test_words_may_be_english_while_the_texts_stay_as_they_were_written() -> None:
    data = raw(full_sample("zh-CN"), words="en")
    message, tree = opened(data), parsed(html_of(data))
    assert message["Content-Language"] == "zh-CN, en"
    assert tree.xpath("string(/html/@lang)") == "en"
    assert "Preferences (change to weekly)" in text_of(data)
    for words in ("天还没亮，河堤上已经有了灯", "今天从河堤写到屋顶。", "雪后初晴"):
        assert words in text_of(data)
        assert tree.xpath(f"//*[@lang='zh-Hans'][contains(.,'{words}')]"), words
    assert tree.xpath("//div[@lang='zh-Hans'][contains(.,'雾散的时候')]")
    assert not tree.xpath("//div[@lang='en']")


def test_a_week_names_its_days_and_its_own_kind() -> None:
    data = raw(week_sample())
    assert opened(data)["Subject"] == "一周：1月28–29日 · 河堤上的集市，为什么越来越早？等 4 篇"
    assert opened(data)["Feedback-ID"].startswith("2025-02-02:weekly:digest:")
    assert "订阅了《每日一读》的每周摘要" in text_of(data)
    assert "偏好（改为每日）" in text_of(data)
    headings = [h.xpath("string()") for h in parsed(html_of(data)).xpath("//h1 | //h2[@class='day']")]
    assert headings == ["一周：1月28–29日", "1月28日 · 星期二", "1月29日 · 星期三", "补：1月20日"]
    other = opened(raw(replace(week_sample(), kind="daily")))
    assert other["Message-ID"] != opened(data)["Message-ID"]
