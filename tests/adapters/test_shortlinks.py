"""t.cn and its friends, with the shapes seen in public."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from publisher.adapters import shortlinks
from publisher.adapters.shortlinks import (
    Address,
    Door,
    Layout,
    Page,
    RulesError,
    ShortLinks,
    Wrapper,
    load_rules,
    read_rules,
    shipped_rules,
)
from publisher.core.link import Answer
from tests.adapters.stand_in import Handler, moved, page, stand_in
from tests.adapters.test_fetch import asked

SHORT = "http://t.cn/A6abcdef"
TARGET = "https://zh.example.org/wiki/河湖?a=1&b=2"
PLAIN = "http://b.org/wiki?a=1&b=2"
WARNING = "此网页未在微博完成域名备案，可能存在内容风险。"

IN_BETWEEN = {
    "newest": '<div class="text">将要访问</div><div class="open-url"><a href="{target}">继续访问</a></div>',
    "desc": f'<p class="text">将要访问</p><p class="desc">{{target}}</p><p class="desc">{WARNING}</p>',
    "warning first": f'<p class="desc">{WARNING}</p><p class="desc">\n {{target}} </p>',
    "old": '<div class="wrap"><p class="desc">如需浏览，请长按网址复制</p><p class="link">{target}</p></div>',
    "risky": '<p class="link_quality_note">警告</p><p class="url_view_code">{target}</p>',
    "classes": "<p id='x' class='big desc red'>{target}</p>",
}


@pytest.mark.parametrize("layout", IN_BETWEEN)
def test_the_page_in_between_is_read_through_and_its_target_asked(layout: str) -> None:
    between = IN_BETWEEN[layout].format(target=PLAIN.replace("&", "&amp;"))
    answer = asked(SHORT, {"t.cn/A6abcdef": page(between), "b.org/wiki?a=1&b=2": page("<title>河湖</title>")})
    assert (answer.result, answer.target, answer.target_title) == ("ok", PLAIN, "河湖")


def test_a_target_shown_in_the_wrong_charset_is_put_right() -> None:
    wrong = TARGET.encode().decode("latin-1")
    reading = ShortLinks().page(SHORT, f'<p class="desc">{wrong}</p>', "")
    assert reading.target == TARGET


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("<p>网页存在安全风险，为维护绿色上网环境，已停止访问</p>", "blocked"),
        ("<p>something new</p>", "unknown"),
        ("", "unknown"),
        ('<p class="desc">javascript:alert(1)</p>', "unknown"),
    ],
)
def test_a_page_of_t_cn_without_a_target_is_never_ok(body: str, result: str) -> None:
    answer = asked(SHORT, {"t.cn/A6abcdef": page(body)})
    assert (answer.result, answer.target) == (result, None)


def test_a_page_of_t_cn_that_no_rule_knows_raises_an_alarm() -> None:
    assert asked(SHORT, {"t.cn/A6abcdef": page("<p>something new</p>")}).alarm
    assert not asked(SHORT, {"t.cn/A6abcdef": page("<p>已停止访问</p>")}).alarm


def test_a_target_in_between_is_guarded_like_any_other() -> None:
    between = '<p class="desc">http://127.0.0.1:22/</p>'
    assert asked(SHORT, {"t.cn/A6abcdef": page(between)}).result == "policy"


def arrivals(url: str, pages: dict[str, bytes | Handler]) -> tuple[Answer, list[str]]:
    async def main() -> tuple[Answer, list[str]]:
        async with stand_in(pages) as stand:
            return await stand.ask(url), stand.web.asked

    return asyncio.run(main())


def test_an_unknown_code_is_broken() -> None:
    answer, arrived = arrivals(SHORT, {"t.cn/A6abcdef": moved("http://weibo.com/sorry")})
    assert (answer.result, answer.target, arrived) == ("broken", None, ["t.cn/A6abcdef"])


def test_a_post_that_logged_out_readers_do_not_see_is_not_broken() -> None:
    pages = {
        "t.cn/A6abcdef": moved("http://weibo.com/1/Abc"),
        "weibo.com/1/Abc": moved("https://weibo.com/sorry?pagenotfound&x=1"),
    }
    answer, _ = arrivals(SHORT, pages)
    assert (answer.result, answer.target) == ("unknown", "http://weibo.com/1/Abc")
    script = '<script>parent.window.location="https://weibo.com/sorry?pagenotfound"</script>'
    answer, _ = arrivals("http://weibo.com/1/Abc", {"weibo.com/1/Abc": page(script)})
    assert answer.result == "unknown"


def test_the_visitor_wall_is_decoded_and_not_asked() -> None:
    wall = (
        "https://passport.weibo.com/visitor/visitor?entry=miniblog&a=enter&url={}&domain=.weibo.com&_rand=1.2"
    )
    pages = {
        "t.cn/A6abcdef": moved("http://weibo.com/1/Abc"),
        "weibo.com/1/Abc": moved(wall.format(quote("https://weibo.com/1/Abc?from=x", safe=""))),
    }
    answer, arrived = arrivals(SHORT, pages)
    assert (answer.result, answer.target) == ("unknown", "https://weibo.com/1/Abc?from=x")
    assert answer.target_title is None
    assert arrived == ["t.cn/A6abcdef", "weibo.com/1/Abc"]


# ---------------------------------------------------------------- every rule


def rules(kind: type[shortlinks.Rule]) -> list[object]:
    return [pytest.param(rule, id=rule.name) for rule in getattr(shipped_rules(), kind.table)]


def host_of(rule: shortlinks.Rule) -> str:
    return rule.hosts[0].removeprefix("=") if rule.hosts else "any.example.org"


@pytest.mark.parametrize("rule", rules(Wrapper))
def test_a_wrapper_is_opened_without_asking_it(rule: Wrapper) -> None:
    for parameter in rule.parameters:
        url = f"https://{host_of(rule)}{rule.path}?{parameter}={quote(PLAIN, safe='')}"
        answer, arrived = arrivals(url, {"b.org/wiki?a=1&b=2": page()})
        assert (answer.result, answer.target, answer.chain) == ("ok", PLAIN, (url, PLAIN))
        assert arrived == ["b.org/wiki?a=1&b=2"]


@pytest.mark.parametrize("rule", [row for row in rules(Wrapper) if row.values[0].whole_query])  # type: ignore[attr-defined]
def test_a_wrapper_may_hold_nothing_but_the_address(rule: Wrapper) -> None:
    for written in (PLAIN, quote(PLAIN, safe="")):
        answer, arrived = arrivals(
            f"https://{host_of(rule)}{rule.path}?{written}", {"b.org/wiki?a=1&b=2": page()}
        )
        assert (answer.result, answer.target) == ("ok", PLAIN)
        assert arrived == ["b.org/wiki?a=1&b=2"]


def test_an_address_that_was_encoded_twice_is_read() -> None:
    url = f"https://www.curseforge.com/linkout?remoteUrl={quote(quote(PLAIN, safe=''), safe='')}"
    answer, arrived = arrivals(url, {"b.org/wiki?a=1&b=2": page()})
    assert (answer.result, answer.target, arrived) == ("ok", PLAIN, ["b.org/wiki?a=1&b=2"])


@pytest.mark.parametrize(
    "value", ["", "javascript:alert(1)", "%6aavascript:x", "//a.org/", "file:///etc/passwd", "b.org"]
)
def test_what_holds_no_web_address_is_asked_like_any_page(value: str) -> None:
    url = f"http://link.zhihu.com/?target={value}"
    answer, arrived = arrivals(url, {f"link.zhihu.com/?target={value}": page("<title>知乎</title>")})
    assert (answer.result, answer.target, len(arrived)) == ("ok", None, 1)


@pytest.mark.parametrize(
    "url",
    [
        "https://weibo.cn/sinaurl", "https://link.zhihu.com/", "https://link.csdn.net/", "https://link.juejin.cn/",
        "https://www.jianshu.com/go-wild", "https://www.douban.com/link2/", "https://gitee.com/link", "https://sspai.com/link",
        "https://docs.qq.com/scenario/link.html", "https://c.pc.qq.com/middlem.html", "https://leetcode.cn/link/",
        "https://cloud.tencent.com/developer/tools/blog-entry", "https://xie.infoq.cn/link", "https://www.infoq.cn/link",
        "https://www.yuque.com/r/goto", "https://jump2.bdimg.com/safecheck/index", "https://link.ld246.com/forward",
        "https://www.oschina.net/action/GoToLink", "https://security.feishu.cn/link/safety", "https://www.kdocs.cn/office/link",
    ],
)  # fmt: skip
def test_every_wrapper_that_a_chinese_curator_meets_has_a_rule(url: str) -> None:
    names = ("target", "url", "u", "goto", "pfurl")
    opened = [
        reading.target
        for name in names
        if (reading := ShortLinks().address(f"{url}?{name}={quote(PLAIN, safe='')}", None))
    ]
    assert PLAIN in opened


@pytest.mark.parametrize("rule", rules(Address))
def test_a_redirect_to_a_wall_or_an_end_is_not_followed(rule: Address) -> None:
    start = f"http://{rule.from_[0]}/A6abcdef" if rule.from_ else "http://a.org/x"
    answer, arrived = arrivals(start, {start.removeprefix("http://"): moved(rule.example)})
    assert (answer.result, answer.error, answer.rule) == (rule.result, rule.error, rule.name)
    assert len(arrived) == 1


@pytest.mark.parametrize("rule", rules(Door))
def test_a_door_is_taken_at_its_word_and_only_where_it_leads(rule: Door) -> None:
    door = f"http://{host_of(rule)}/abc"
    for lead in rule.leads:
        inside = f"https://www.{lead}/video/1?p=1"
        answer, arrived = arrivals(door, {door.removeprefix("http://"): moved(inside)})
        assert (answer.result, answer.target, len(arrived)) == ("ok", inside, 1)
    answer, arrived = arrivals(door, {door.removeprefix("http://"): moved(PLAIN)})
    assert (answer.result, len(arrived)) == ("broken", 2)


@pytest.mark.parametrize("rule", rules(Layout))
def test_a_page_in_between_is_read_through(rule: Layout) -> None:
    start = f"http://{host_of(rule)}/A6abcdef"
    pages = {
        start.removeprefix("http://"): page(rule.example),
        "b.org/x?a=1&b=2": page("<title>河湖</title>"),
    }
    answer = asked(start, pages)
    assert (answer.result, answer.target, answer.target_title) == ("ok", "http://b.org/x?a=1&b=2", "河湖")


@pytest.mark.parametrize("rule", rules(Page))
def test_a_page_that_says_otherwise_is_heard(rule: Page) -> None:
    url = f"{host_of(rule)}/x"
    answer = asked(f"http://{url}", {url: page(rule.example)})
    assert (answer.result, answer.error, answer.rule) == (rule.result, rule.error, rule.name)
    assert answer.deleted == rule.deleted


@pytest.mark.parametrize("rule", rules(Page))
def test_a_long_article_that_quotes_it_is_a_page(rule: Page) -> None:
    """The words of every rule stand in an article about them: only short pages and whole titles are ends."""
    quoted = "".join(f"<p>他说：“{words}”。</p>" for words in rule.words)
    article = '<div id="js_content">' + quoted + "<p>" + "春天的河流与湖泊。" * 500 + "</p></div>"
    reading = ShortLinks().page(
        f"http://{host_of(rule)}/x", f"<title>谈谈“{rule.name}”</title>{article}", "谈谈"
    )
    if rule.least or rule.unless or not rule.words:
        assert reading.result is None


def test_every_rule_says_where_it_was_seen_and_shows_what_it_means() -> None:
    for rule in shipped_rules().all():
        assert rule.seen, rule.name
        if isinstance(rule, Address | Layout | Page):
            assert rule.example, rule.name


OWN = """
[[page]]
name = "my club"
hosts = ["club.example.org"]
words = ["此帖已沉"]
result = "broken"
error = "sunk"

[[wrapper]]
name = "my wrapper"
hosts = ["go.example.org"]
parameters = ["to"]
"""


def test_an_operators_rules_come_before_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN, "utf-8")
    mine = ShortLinks(load_rules(path))
    assert mine.page("http://club.example.org/1", "<p>此帖已沉</p>", "").rule == "my club"
    reading = mine.address("https://go.example.org/?to=https%3A%2F%2Fb.org", None)
    assert reading is not None
    assert reading.target == "https://b.org"
    assert mine.page("http://pan.baidu.com/s/1", "啊哦，你来晚了", "").rule == "baidu pan gone"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[page]]\nname='a'\nresult='gone'", "'gone' is no result"),
        ("[[page]]\nname='a'\nresult='ok'\ntitle='('", "missing )"),
        ("[[page]]\nname='a'\nresult='ok'\nword=['x']", "word: there is no such key"),
        ("[[wrapper]]\nname='a'", "parameters: is missing"),
        ("[[pages]]\nname='a'", "there is no such kind of rule"),
        ("[[door]]\nname='a'\nleads=[3]", "expected a list of texts"),
        ("[[door]]\nname='a'\nleads=['x']\n[[door]]\nname='a'\nleads=['y']", "the name is taken"),
        ("[[", "Invalid"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RulesError) as caught:
        read_rules(path)
    assert problem in str(caught.value)


# ---------------------------------------------------------------- more about some of them


def test_wrappers_within_wrappers_are_opened_to_the_core() -> None:
    inner = "http://t.cn/A6abcdef"
    url = f"https://weibo.cn/sinaurl?u={quote(f'https://link.zhihu.com/?target={quote(inner)}', safe='')}"
    answer, arrived = arrivals(url, {"t.cn/A6abcdef": moved(PLAIN), "b.org/wiki?a=1&b=2": page()})
    assert (answer.result, answer.target) == ("ok", PLAIN)
    assert arrived[0] == "t.cn/A6abcdef"


def test_a_door_of_a_closed_house_is_taken_at_its_word() -> None:
    video = "https://www.bilibili.com/video/BV1xx?p=1"
    answer, arrived = arrivals("https://b23.tv/abc".replace("https", "http"), {"b23.tv/abc": moved(video)})
    assert (answer.result, answer.target, arrived) == ("ok", video, ["b23.tv/abc"])


def test_a_door_that_leads_elsewhere_is_followed() -> None:
    answer, arrived = arrivals("http://b23.tv/abc", {"b23.tv/abc": moved(PLAIN)})
    assert (answer.result, arrived) == ("broken", ["b23.tv/abc", "b.org/wiki?a=1&b=2"])


@pytest.mark.parametrize(
    ("url", "body", "result"),
    [
        ("http://mp.weixin.qq.com/s/x", "<p>该内容已被发布者删除</p>", "broken"),
        ("http://mp.weixin.qq.com/s/x", "<h2>环境异常</h2>", "blocked"),
        ("http://mp.weixin.qq.com/s/x", '<div id="js_content">他说“该内容已被发布者删除”。</div>', "ok"),
        ("http://a.org/x", "<p>该内容已被发布者删除</p>", "ok"),
        ("http://pan.baidu.com/s/1", "啊哦，你来晚了，分享的文件已经被取消了", "broken"),
        ("http://weibo.com/1/A", "<title>Sina Visitor System</title>", "unknown"),
        ("http://a.org/x", "<title>404 Not Found</title>", "suspect"),
        ("http://a.org/x", "<title>您访问的页面不存在 - 某站</title>", "suspect"),
        ("http://a.org/x", "<title>404 days of summer: what a page not found taught us</title>", "ok"),
        ("http://a.org/x", "<title>Just a moment...</title>", "blocked"),
    ],
)
def test_a_page_that_answers_200_is_read_for_what_it_says(url: str, body: str, result: str) -> None:
    assert asked(url, {url.removeprefix("http://"): page(body)}).result == result


def test_a_wechat_article_gives_its_title_elsewhere() -> None:
    body = '<meta property="og:title" content="河湖的&nbsp;&quot;春天&quot;" /><title></title>'
    assert (
        asked("http://mp.weixin.qq.com/s/x", {"mp.weixin.qq.com/s/x": page(body)}).target_title
        == '河湖的 "春天"'
    )
