"""Bodies as HTML for each place and as text: every mark drawn, every link honest, nothing unsafe."""

from __future__ import annotations

from datetime import UTC, datetime

import html5lib
import pytest

from publisher.core.link import LinkState, Show
from publisher.render.html import (
    Flavour,
    body_html,
    body_text,
    lead_html,
    lead_text,
    markdown_html,
    markdown_text,
    source_link_html,
    source_link_text,
)
from tests.render.factories import link, published, site

FLAVOURS: tuple[Flavour, ...] = ("web", "feed", "mail")
URL = "http://t.cn/A6abcd"
CHECKED = datetime(2025, 1, 29, 20, 0, tzinfo=UTC)  # the 30th in Shanghai
KNOWN = LinkState(
    url=URL, verdict="alive", result="ok", target="https://weibo.com/1/a", target_title="一条河"
)
DEAD = LinkState(url=URL, verdict="dead", result="broken", http_status=404, checked_at=CHECKED)
UNSURE = LinkState(url=URL, verdict="unsure", result="timeout", checked_at=CHECKED)


def web(markdown: str, **facts: object) -> str:
    return drawn(markdown, "web", **facts)


def drawn(markdown: str, flavour: Flavour, **facts: object) -> str:
    """The body of an entry with a given title, so that all of the Markdown is body."""
    return str(body_html(published(markdown, heading="题", **facts), site(), flavour))  # type: ignore[arg-type]


def text(markdown: str) -> str:
    return body_text(published(markdown, heading="题"), site())


# ---------------------------------------------------------------- every mark, everywhere


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("一段。\n\n又一段。", "<p>一段。</p>\n<p>又一段。</p>"),
        ("一行\n两行", "<p>一行<br>两行</p>"),
        (
            "**粗。**后*斜*~~删~~`x=1`",
            "<p><strong>粗。</strong>后<em>斜</em><del>删</del><code>x=1</code></p>",
        ),
        ("1. 甲\n2. 乙", "<ol>\n<li>甲</li>\n<li>乙</li>\n</ol>"),
        ("3. 甲\n\n4. 乙", '<ol start="3">\n<li>甲</li>\n<li>乙</li>\n</ol>'),
        ("- 甲\n\n  又\n- 乙", "<ul>\n<li><p>甲</p>\n<p>又</p>\n</li>\n<li>乙</li>\n</ul>"),
        ("- 甲\n  - 乙", "<ul>\n<li>甲\n<ul>\n<li>乙</li>\n</ul>\n</li>\n</ul>"),
        ("> 引文", "<blockquote>\n<p>引文</p>\n</blockquote>"),
        ("甲\n\n***\n\n乙", "<p>甲</p>\n<hr>\n<p>乙</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
    ],
)
def test_marks_are_drawn_alike_in_every_place(markdown: str, html: str) -> None:
    for flavour in FLAVOURS:
        assert drawn(f"{markdown}\n\n完。", flavour) == f"{html}\n<p>完。</p>"


def test_headings_begin_below_the_title_and_never_skip() -> None:
    markdown = "### 甲\n\n##### 乙\n\n###### 丙\n\n# 丁\n\n正文"
    assert web(markdown).replace("\n", "") == "<h3>甲</h3><h4>乙</h4><h4>丙</h4><h3>丁</h3><p>正文</p>"
    assert "<h4>甲</h4>\n<h5>乙</h5>" in drawn(markdown, "mail")


def test_a_time_heading_has_an_anchor_on_pages_and_a_time_everywhere() -> None:
    assert web("桥(7:59-结束):") == '<h3 id="aaaaaaaaaa-t479">桥 <span class="time">7:59–结束</span></h3>'
    assert drawn("桥(7:59-结束):", "mail") == '<h4>桥 <span class="time">7:59–结束</span></h4>'
    assert drawn("桥(7:59-结束):", "feed") == "<h3>桥 7:59–结束</h3>"


def test_a_decorative_end_is_set_apart_and_not_read_aloud() -> None:
    assert web("完。\n\n~").endswith('<p class="end" aria-hidden="true">~</p>')
    assert drawn("完。\n\n~", "mail").endswith('<p class="end">~</p>')
    assert drawn("完。\n\n~", "feed").endswith("<p>~</p>")


def test_tables_and_code_scroll_in_boxes_that_a_keyboard_reaches() -> None:
    table = "| 甲 | 乙 |\n|---|---|\n| 1 | **2** |"
    plain = (
        "<table>\n<thead>\n<tr><th>甲</th><th>乙</th></tr>\n</thead>\n"
        "<tbody>\n<tr><td>1</td><td><strong>2</strong></td></tr>\n</tbody>\n</table>"
    )
    assert web(table) == f'<div tabindex="0">{plain}</div>'
    assert drawn(table, "feed") == drawn(table, "mail") == plain
    assert web("```python\na < 1\n\n\nb\n```") == (
        '<pre tabindex="0" data-language="python"><code>a &lt; 1\n\n\nb</code></pre>'
    )
    assert drawn("```\na\n```", "feed") == "<pre><code>a</code></pre>"


def test_topics_among_words_and_emoji_codes() -> None:
    assert web("去#大路#看") == '<p>去<span class="topic">#大路#</span>看</p>'
    assert drawn("去#大路#看", "feed") == "<p>去#大路#看</p>"
    assert web("好[太阳]，[没有的]。") == '<p>好<span role="img" aria-label="太阳">☀️</span>，[没有的]。</p>'
    assert drawn("好[太阳]", "feed") == "<p>好☀️</p>"


def test_what_stands_elsewhere_is_not_in_the_body() -> None:
    one = published(f"标题在此\n\n作者：某人\n\n正文说完`甲##乙` {URL}")
    assert str(body_html(one, site(), "web")) == "<p>正文说完</p>"
    assert one.entry.title == "标题在此"


# ---------------------------------------------------------------- links


def test_a_bare_address_is_shown_short_and_asked_for_whole() -> None:
    assert drawn(f"见{URL}。", "feed") == f'<p>见<a href="{URL}">t.cn/A6abcd</a>。</p>'
    assert web(f"见{URL}。") == f'<p>见<a href="{URL}" data-dest="t.cn/A6abcd">t.cn/A6abcd</a>。</p>'


def test_a_short_link_says_where_it_leads() -> None:
    for flavour in FLAVOURS:
        html = drawn(f"见{URL}。", flavour, links=[KNOWN])
        assert ">一条河 — weibo.com</a>（t.cn/A6abcd）。" in html
        assert f'href="{URL}"' in html
    assert 'data-dest="weibo.com/1/a"' in web(f"见{URL}。", links=[KNOWN])


def test_a_link_with_words_keeps_them() -> None:
    state = LinkState(
        url="https://a.b/路?x=1&y=2", target="https://c.d/", target_title="别的", verdict="alive"
    )
    html = drawn('[话 & 话](https://a.b/路?x=1&y=2 "题")', "feed", links=[state])
    assert html == '<p><a href="https://a.b/%E8%B7%AF?x=1&amp;y=2" title="题">话 &amp; 话</a></p>'
    assert drawn("[](https://a.b/c)", "feed") == '<p><a href="https://a.b/c">a.b/c</a></p>'


def test_a_dead_link_says_so_with_its_day() -> None:
    assert '<span class="warn">（链接已失效（404，2025年1月30日查））</span>' in web(
        f"见{URL}。", links=[DEAD]
    )
    assert '<span class="warn">（链接已失效（404，1月30日查））</span>' in drawn(
        f"见{URL}。", "mail", links=[DEAD]
    )
    assert "（链接已失效（404，2025年1月30日查））" in drawn(f"见{URL}。", "feed", links=[DEAD])
    assert "链接已失效" in web(f"[话]({URL})", links=[DEAD])


def test_one_failed_check_is_told_on_pages_and_not_in_feeds() -> None:
    assert "（2025年1月30日查：打不开（超时））" in web(f"见{URL}。", links=[UNSURE])
    assert drawn(f"见{URL}。", "feed", links=[UNSURE]) == drawn(f"见{URL}。", "feed")


def test_the_source_link_is_a_line_of_its_own() -> None:
    one = published(f"说完了。 {URL}", heading="题", links=[KNOWN])
    said = f'链接：<a href="{URL}">一条河 — weibo.com</a>（t.cn/A6abcd）'
    assert str(source_link_html(one, site(), "mail")) == f'<p class="source">{said}</p>'
    assert str(source_link_html(one, site(), "feed")) == f"<p>{said}</p>"
    assert source_link_html(one, site(), "web").startswith("<p>链接：<a ")
    assert source_link_text(one, site()) == f"链接：一条河 — weibo.com\n{URL}"


def test_the_source_link_keeps_the_curators_words_and_warns() -> None:
    own = published("正文。", source_link=link(URL, text="看原文"), links=[DEAD])
    assert str(source_link_html(own, site(), "feed")) == (
        f'<p>链接：<del><a href="{URL}">看原文</a></del>（t.cn/A6abcd）（链接已失效（404，2025年1月30日查））'
        f' <a href="https://web.archive.org/web/{URL}">存档副本</a></p>'
    )
    assert source_link_text(own, site()) == f"链接：看原文（链接已失效（404，1月30日查））\n{URL}"
    english = source_link_text(published("x", source_link=link(URL), links=[DEAD]), site(language="en"))
    assert english == f"Source: (this link is dead (404, checked 30 January))\n{URL}"


def test_without_a_source_link_there_is_no_line() -> None:
    assert source_link_html(published("正文。"), site(), "web") == ""
    assert source_link_text(published("正文。"), site()) == ""
    assert source_link_html(published("x", source_link=link("javascript:alert(1)")), site(), "web") == ""


# ---------------------------------------------------------------- pictures and files


MEDIA = {"clock.png": "media/abc.png", "讲义 1.pdf": "media/def.pdf"}


def test_our_pictures_are_shown_on_pages_and_in_feeds_and_linked_in_mail() -> None:
    assert web("![钟](clock.png)", media=MEDIA) == '<p><img src="/media/abc.png" alt="钟" loading="lazy"></p>'
    full = "https://daily.example.org/media/abc.png"
    assert drawn("![钟](clock.png)", "feed", media=MEDIA) == f'<p><img src="{full}" alt="钟"></p>'
    assert drawn("![钟](clock.png)", "mail", media=MEDIA) == f'<p><a href="{full}">钟</a></p>'


def test_a_site_below_a_path_links_below_it() -> None:
    below = site(url="https://example.org/每日/")
    one = published("![钟](clock.png)[旧文](/2025/01/28/)", heading="题", media=MEDIA)
    html = str(body_html(one, below, "web"))
    assert 'src="/每日/media/abc.png"' in html
    assert 'href="/每日/2025/01/28/"' in html


def test_a_caption_makes_a_figure() -> None:
    html = web('![钟](clock.png "十点十分")', media=MEDIA)
    assert html == (
        '<figure><img src="/media/abc.png" alt="钟" loading="lazy"><figcaption>十点十分</figcaption></figure>'
    )


def test_a_picture_that_is_missing_is_its_words() -> None:
    for flavour in FLAVOURS:
        assert drawn("![钟](clock.png)", flavour) == "<p>钟</p>"
        assert drawn("![](clock.png)", flavour) == "<p>clock.png</p>"
        assert drawn("[讲义](讲义.pdf)", flavour) == "<p>讲义 (讲义.pdf)</p>"


def test_pictures_of_others_are_links_unless_the_site_shows_them() -> None:
    markdown = "![外](https://a.b/c.png)"
    assert drawn(markdown, "feed") == '<p><a href="https://a.b/c.png">外</a></p>'
    one = published(markdown, heading="题")
    shown = site(remote_images=True)
    assert str(body_html(one, shown, "feed")) == '<p><img src="https://a.b/c.png" alt="外"></p>'
    assert "<img" not in body_html(one, shown, "mail")


def test_files_are_linked() -> None:
    assert web("[讲义](<讲义 1.pdf>)", media=MEDIA) == '<p><a href="/media/def.pdf">讲义</a></p>'


# ---------------------------------------------------------------- where links lead, as text


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("original", "看 t.cn/A6abcd 。\nhttp://t.cn/A6abcd"),
        ("both", "看 一条河 — weibo.com（t.cn/A6abcd） 。\nhttp://t.cn/A6abcd"),
        ("resolved", "看 一条河 — weibo.com 。\nhttps://weibo.com/1/a"),
    ],
)
def test_text_shows_a_short_link_as_the_operator_wishes(show: Show, expected: str) -> None:
    one = published(f"看 {URL} 。", heading="题", links=(KNOWN,))
    assert body_text(one, site(show_links=show)) == expected
    assert lead_text(one, site(show_links=show)) == expected


@pytest.mark.parametrize(
    ("show", "address"), [("original", URL), ("both", URL), ("resolved", "https://weibo.com/1/a")]
)
def test_text_keeps_the_curators_words_for_a_short_link(show: Show, address: str) -> None:
    one = published(f"看 [这篇]({URL})。", heading="题", links=(KNOWN,))
    assert body_text(one, site(show_links=show)) == f"看 这篇。\n{address}"


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("original", "链接：\nhttp://t.cn/A6abcd"),
        ("both", "链接：一条河 — weibo.com\nhttp://t.cn/A6abcd"),
        ("resolved", "链接：一条河 — weibo.com\nhttps://weibo.com/1/a"),
    ],
)
def test_text_shows_the_source_as_the_operator_wishes(show: Show, expected: str) -> None:
    one = published("一。", heading="题", links=(KNOWN,), source_link=link(URL))
    assert source_link_text(one, site(show_links=show)) == expected


def test_text_of_an_unknown_short_link_is_its_address_whatever_the_operator_wishes() -> None:
    for show in ("original", "both", "resolved"):
        one = published(f"看 {URL} 。", heading="题")
        assert body_text(one, site(show_links=show)) == f"看 t.cn/A6abcd 。\n{URL}"


def test_text_says_what_is_wrong_with_a_link() -> None:
    assert "t.cn/A6abcd（链接已失效" in body_text(
        published(f"看 {URL} 。", heading="题", links=(DEAD,)), site()
    )
    assert "这篇（" in body_text(published(f"看 [这篇]({URL})。", heading="题", links=(UNSURE,)), site())


def test_a_hostile_title_of_a_destination_is_one_line_of_text() -> None:
    state = LinkState(url=URL, verdict="alive", target="https://weibo.com/1/a", target_title="甲\u202e\x07乙")
    assert "甲乙 — weibo.com" in body_text(published(f"看 {URL} 。", heading="题", links=(state,)), site())


# ---------------------------------------------------------------- beginnings


def test_a_beginning_is_three_paragraphs_or_two_hundred_characters() -> None:
    short = published("一。\n\n二。\n\n三。\n\n四。", heading="题")
    assert lead_html(short, site(), "web") == "<p>一。</p>\n<p>二。</p>\n<p>三。</p>"
    assert lead_text(short, site()) == "一。\n\n二。\n\n三。"
    long = published("山" * 250 + "\n\n二。", heading="题")
    assert lead_text(long, site()) == "山" * 250
    assert lead_html(published("一。", heading="题"), site(), "web") == "<p>一。</p>"


def test_a_beginning_does_not_end_with_a_heading() -> None:
    one = published("一。\n\n二。\n\n桥(0:00-1:00):\n\n三。\n\n四。", heading="题")
    assert lead_text(one, site()).endswith("桥 0:00–1:00\n\n三。")


# ---------------------------------------------------------------- plain text


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("一段。\n\n又**一**段。", "一段。\n\n又一段。"),
        ("3. 甲\n4. 乙", "3. 甲\n4. 乙"),
        ("1. 甲\n\n2. 乙", "1. 甲\n\n2. 乙"),
        ("- 甲\n  - 乙\n- 丙", "- 甲\n  - 乙\n- 丙"),
        ("> 引\n>\n> 文", "> 引\n>\n> 文"),
        ("甲\n\n***\n\n乙", "甲\n\n* * *\n\n乙"),
        ("| 甲 | 乙 |\n|---|---|\n| 1 | 2 |", "甲 | 乙\n1 | 2"),
        ("```\na\n\nb\n```", "a\n\nb"),
        ("好[太阳][没有的]", "好☀️[没有的]"),
        ("桥(0:00-1:00):", "桥 0:00–1:00"),
        ("![钟](clock.png)和![](b.png)", "钟和b.png"),
        (f"见{URL}。后面", f"见t.cn/A6abcd。后面\n{URL}"),
        ("[话](https://a.b/c)，[又](https://a.b/c)", "话，又\nhttps://a.b/c"),
        ("甲\n乙", "甲\n乙"),
    ],
)
def test_text_is_written_as_text(markdown: str, expected: str) -> None:
    assert text(markdown) == expected


# ---------------------------------------------------------------- loose pieces, hostile pieces


def test_a_preface_follows_the_same_rules() -> None:
    assert markdown_html(f"宜**读书**。见{URL}。", site(), "mail") == (
        f'<p>宜<strong>读书</strong>。见<a href="{URL}">t.cn/A6abcd</a>。</p>'
    )
    assert markdown_html("桥(0:00-1:00):", site(), "web") == '<h3>桥 <span class="time">0:00–1:00</span></h3>'
    assert markdown_text("宜**读书**。") == "宜读书。"
    assert markdown_html("", site(), "web") == ""


@pytest.mark.parametrize(
    "markdown",
    [
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JAVASCRIPT:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "![x](data:text/html,<script>)",
        '[x](http://a.b/"onclick="alert(1))',
        '[x](http://a.b/ "t\\" onclick=alert(1)")',
        "<http://a.b/'onclick='alert(1)>",
        '```"><script>alert(1)</script>\ncode\n```',
        '[太阳" onload="x]',
        'http://a.b/"onclick="alert(1)',
        "<svg/onload=alert(1)>",
        "<!-- --><script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_nothing_runs(markdown: str) -> None:
    for flavour in FLAVOURS:
        tree = html5lib.parseFragment(drawn(markdown, flavour), namespaceHTMLElements=False)
        for element in tree.iter():
            assert element.tag not in ("script", "svg", "iframe", "style")
            assert not [name for name in element.attrib if str(name).startswith("on")]
            href = element.attrib.get("href", element.attrib.get("src", "https:"))
            assert href.startswith(("http://", "https://", "https:", "mailto:", "/"))


def test_characters_that_no_html_may_hold_are_left_out() -> None:
    assert web("甲\x0b乙\ud800丙\ufffe丁\U0001ffff") == "<p>甲乙丙丁</p>"


# ---------------------------------------------------------------- as the operator wants links shown


@pytest.mark.parametrize(
    ("show", "drawn"),
    [
        ("both", f'<a href="{URL}">一条河 — weibo.com</a>（t.cn/A6abcd）'),
        ("resolved", f'<a href="{KNOWN.target}">一条河 — weibo.com</a>'),
        ("original", f'<a href="{URL}">t.cn/A6abcd</a>'),
    ],
)
def test_a_short_link_is_shown_as_the_operator_wants_it(show: str, drawn: str) -> None:
    one = published(f"说完了。 {URL} 是的。", links=[KNOWN])
    assert drawn in str(body_html(one, site(show_links=show), "feed"))
