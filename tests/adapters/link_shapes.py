"""What the web answers, as a table: every shape with what is true of it and where it was seen.

`truth`: "alive" (a reader finds what was meant), "dead" (nobody does), "unsure" (nobody can tell from one answer).
Rows of `OURS` were found by searching public threads and code, apart from the notes that the rules came from.
"""

# ruff: noqa: E501 - a table reads best in rows

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from tests.adapters.stand_in import Handler, Headers, Web, moved, page

T = "http://t.cn/"
NEWS = "http://news.example.org/2025/春天"
NEWS_AT = "news.example.org/2025/%E6%98%A5%E5%A4%A9"
ARTICLE = page("<title>春天的河湖</title><p>" + "春天的河流与湖泊。" * 300 + "</p>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A link and the web around it."""

    name: str
    url: str
    pages: dict[str, bytes | Handler]
    truth: str
    result: str
    source: str
    target: str | None = None  # where it leads, when that must be known


def at(url: str) -> str:
    return url.partition("://")[2]


def shape(
    name: str, truth: str, result: str, source: str, url: str, said: bytes | Handler, **more: object
) -> Shape:
    """A shape of one page; `more` may hold `pages` beside it and a `target`."""
    pages: dict[str, bytes | Handler] = {at(url): said, **more.pop("pages", {})}  # type: ignore[dict-item]
    return Shape(name=name, url=url, pages=pages, truth=truth, result=result, source=source, **more)  # type: ignore[arg-type]


def html(title: str, text: str = "", *, status: int = 200, **headers: str) -> bytes:
    return page(
        f"<html><head><title>{title}</title></head><body>{text}</body></html>", status=status, **headers
    )


async def _hang(web: Web, _writer: asyncio.StreamWriter, _headers: Headers) -> None:
    await web.over.wait()


async def _door(_web: Web, writer: asyncio.StreamWriter, headers: Headers) -> None:
    """The same address answers once a cookie was taken."""
    writer.write(ARTICLE if "seen=1" in headers.get("cookie", "") else moved("/aviation", cookie="seen=1"))


async def _accepting(_web: Web, writer: asyncio.StreamWriter, headers: Headers) -> None:
    writer.write(ARTICLE if "text/html" in headers.get("accept", "") else page("{}", status=404))


async def _no_head(_web: Web, writer: asyncio.StreamWriter, headers: Headers) -> None:
    writer.write(ARTICLE if headers[":method"] == "GET" else page("", status=405))


WALL = (
    "https://passport.weibo.com/visitor/visitor?entry=miniblog&a=enter&url={}&domain=.weibo.com"
    "&ua=php-sso_sdk_client-0.6.36&_rand=1735689600.1234"
)
_N = "reference notes"

KNOWN: tuple[Shape, ...] = (
    shape("t.cn 302", "alive", "ok", _N, T + "A6ok0001", moved(NEWS.encode()), pages={NEWS_AT: ARTICLE}, target="http://" + NEWS_AT),
    shape("t.cn double question mark", "alive", "ok", _N, T + "A6dq0001", moved("http://a.org/index.html??spm=1.2"),
          pages={"a.org/index.html??spm=1.2": ARTICLE}, target="http://a.org/index.html??spm=1.2"),
    shape("t.cn interstitial, newest", "alive", "ok", _N, T + "A6in0001",
          page('<div class="text">将要访问</div><div class="open-url"><a href="http://a.org/1">继续</a></div>'),
          pages={"a.org/1": ARTICLE}, target="http://a.org/1"),
    shape("t.cn interstitial, desc", "alive", "ok", _N, T + "A6in0002",
          page('<p class="text">将要访问</p><p class="desc">http://a.org/2</p><p class="desc">此网页未在微博完成域名备案</p>'),
          pages={"a.org/2": ARTICLE}, target="http://a.org/2"),
    shape("t.cn interstitial, 2018", "alive", "ok", _N, T + "A6in0003",
          page('<div class="wrap"><p class="desc">如需浏览，请长按网址</p><p class="link">http://a.org/3</p></div>'),
          pages={"a.org/3": ARTICLE}, target="http://a.org/3"),
    shape("t.cn interstitial, risky", "alive", "ok", _N, T + "A6in0004",
          page('<p class="link_quality_note">警告</p><p class="url_view_code">http://a.org/4</p>'),
          pages={"a.org/4": ARTICLE}, target="http://a.org/4"),
    shape("t.cn interstitial, wrong charset", "alive", "ok", _N, T + "A6in0005",
          page('<p class="desc">' + "http://a.org/春".encode().decode("latin-1") + "</p>"),
          pages={"a.org/%E6%98%A5": ARTICLE}, target="http://a.org/%E6%98%A5"),
    shape("t.cn interstitial to a dead page", "dead", "broken", _N, T + "A6in0006", page('<p class="desc">http://a.org/gone</p>')),
    shape("t.cn raw utf-8 Location", "alive", "ok", _N, T + "A6utf801", moved("http://a.org/春天".encode()),
          pages={"a.org/%E6%98%A5%E5%A4%A9": ARTICLE}),
    shape("t.cn stopped", "unsure", "blocked", _N, T + "A6ban001", page("<p>网页存在安全风险，为维护绿色上网环境，已停止访问</p>")),
    shape("t.cn unknown layout", "unsure", "unknown", _N, T + "A6new001", page("<div class=x>新的页面</div>")),
    shape("t.cn unknown code", "dead", "broken", _N, T + "nosuch01", moved("http://weibo.com/sorry"),
          pages={"weibo.com/sorry": html("微博", "抱歉，你访问的页面地址有误")}),
    shape("t.cn to a 404", "dead", "broken", _N, T + "A6gone01", moved("http://a.org/404")),
    shape("t.cn to the visitor wall", "unsure", "unknown", _N, T + "A6wall01", moved("http://weibo.com/1/Abc"),
          pages={"weibo.com/1/Abc": moved(WALL.format(quote("https://weibo.com/1/Abc?from=x", safe=""))),
                 "passport.weibo.com/visitor/visitor": html("Sina Visitor System")},
          target="https://weibo.com/1/Abc?from=x"),
    shape("weibo visitor page", "unsure", "unknown", _N, "http://weibo.com/2/Abc", html("Sina Visitor System")),
    shape("weibo script to sorry", "unsure", "unknown", _N, "http://weibo.com/3/Abc",
          page('<script>parent.window.location="https://weibo.com/sorry?pagenotfound"</script>')),
    shape("weibo user gone", "dead", "broken", _N, "http://weibo.com/u/404", moved("http://weibo.com/sorry?usernotexists&code=100001"),
          pages={"weibo.com/sorry?usernotexists&code=100001": html("微博")}),
    shape("weibo user blocked", "dead", "broken", _N, "http://weibo.com/u/405", moved("http://weibo.com/sorry?userblock&code=20003"),
          pages={"weibo.com/sorry?userblock&code=20003": html("微博")}),
    shape("m.weibo.cn gone", "dead", "suspect", _N, "http://m.weibo.cn/status/1", html("微博", "<p>微博不存在或暂无查看权限!</p>")),
    shape("m.weibo.cn without a cookie", "unsure", "blocked", _N, "http://m.weibo.cn/status/2", page("", status=432)),
    shape("sinaurl wrapper", "alive", "ok", _N, "http://weibo.cn/sinaurl?u=http%3A%2F%2Fa.org%2Fw", page("将要访问"),
          pages={"a.org/w": ARTICLE}, target="http://a.org/w"),
    shape("zhihu wrapper", "alive", "ok", _N, "http://link.zhihu.com/?target=http%3A%2F%2Fa.org%2Fw", page("即将离开知乎"),
          pages={"a.org/w": ARTICLE}, target="http://a.org/w"),
    shape("wrapper to a dead page", "dead", "broken", _N, "http://link.csdn.net/?target=http%3A%2F%2Fa.org%2F404", html("安全中心")),
    shape("wechat deleted", "dead", "broken", _N, "http://mp.weixin.qq.com/s/deleted",
          page('<div class="weui-msg__title">该内容已被发布者删除</div>')),
    shape("wechat violation", "dead", "broken", _N, "http://mp.weixin.qq.com/s/law", page("<p>此内容因违规无法查看</p>")),
    shape("wechat robot wall", "unsure", "blocked", _N, "http://mp.weixin.qq.com/s/wall", page("<h2>环境异常</h2>完成验证后即可继续访问")),
    shape("wechat article quoting it", "alive", "ok", _N, "http://mp.weixin.qq.com/s/quote",
          page('<title></title><meta property="og:title" content="“该内容已被发布者删除”"><div id="js_content">该内容已被发布者删除</div>')),
    shape("b23.tv", "alive", "ok", _N, "http://b23.tv/abc", moved("http://www.bilibili.com/video/BV1?p=1"),
          pages={"www.bilibili.com/video/BV1?p=1": page("", status=412)}, target="http://www.bilibili.com/video/BV1?p=1"),
    shape("b23.tv to another site", "alive", "ok", _N, "http://b23.tv/qr", moved("http://qr.example.org/x"), pages={"qr.example.org/x": ARTICLE}),
    shape("bilibili to a server", "unsure", "blocked", _N, "http://www.bilibili.com/video/BV2", page("", status=412)),
    shape("v.douyin.com", "alive", "ok", _N, "http://v.douyin.com/abc", moved("http://www.iesdouyin.com/share/video/1/"),
          pages={"www.iesdouyin.com/share/video/1/": page("", status=403)}),
    shape("pan.baidu cancelled", "dead", "broken", _N, "http://pan.baidu.com/s/1", page("啊哦，你来晚了，分享的文件已经被取消了")),
    shape("521 challenge", "unsure", "blocked", _N, "http://gov.example.org/x", page("<script>__jsl_clearance</script>", status=521)),
    shape("cookie, then redirect", "alive", "ok", _N, "http://cookie.example.org/aviation", _door),
    shape("410", "dead", "broken", _N, "http://a.org/410", page("", status=410)),
    shape("no Location", "dead", "suspect", _N, "http://a.org/nowhere", page("", status=302)),
    shape("a circle", "dead", "broken", _N, "http://loop.example.org/1", moved("/2"), pages={"loop.example.org/2": moved("/1")}),
    shape("a hanging server", "unsure", "timeout", _N, "http://hang.example.org/", _hang),
    shape("a busy server", "unsure", "unreachable", _N, "http://busy.example.org/", page("", status=503)),
    shape("429", "unsure", "deferred", _N, "http://limit.example.org/", page("", status=429)),
    shape("not only chinese: 200", "alive", "ok", _N, "http://en.example.org/a", ARTICLE),
)  # fmt: skip

_G = "github.com/"
OURS: tuple[Shape, ...] = (
    shape("linkedin 999", "unsure", "blocked", _G + "manuzhang/mkdocs-htmlproofer-plugin/pull/7", "http://www.linkedin.com/in/a",
          page("", status=999)),
    shape("linkedin authwall", "unsure", "unknown", _G + "stevenvachon/broken-link-checker/issues/231", "http://www.linkedin.com/in/b",
          moved("http://www.linkedin.com/authwall?trk=gf&sessionRedirect=https%3A%2F%2Fwww.linkedin.com%2Fin%2Fb"),
          pages={"www.linkedin.com/authwall?trk=gf&sessionRedirect=https%3A%2F%2Fwww.linkedin.com%2Fin%2Fb": html("Sign Up | LinkedIn")}),
    shape("documentation's 404 page with 200", "dead", "suspect", _G + "mintlify/docs/issues/3759", "http://docs.example.org/nope",
          html("Page Not Found", "Page not found!")),
    shape("a standard whose changes say 'has been removed'", "alive", "ok", _G + "SteveHedden/open-knowledge-graphs/pull/48",
          "http://www.w3.org/TR/owl2-overview/", html("OWL 2", "This page has been removed from the list. " + "Ontologies. " * 400)),
    shape("an unknown path of a shop shows its front page", "dead", "suspect", _G + "renevoorburg/robustify.js/issues/4",
          "http://hotel.example.org/aaakdkjdkdeee", moved("/"), pages={"hotel.example.org/": html("Hotel")}),
    shape("a site that says not found without a redirect", "dead", "suspect", _G + "renevoorburg/robustify.js/issues/8",
          "http://sites.example.org/tawern.htm", html("Fehler", "The page you are looking for does not exist.")),
    shape("front page is meant", "alive", "ok", _G + "renevoorburg/robustify.js/issues/4", "http://hotel.example.org/",
          html("Hotel")),
    shape("redirect to a 'not found' page with 200", "dead", "suspect", _G + "unitedstates/inspectors-general/pull/227",
          "http://gao.example.org/report.pdf", moved("/404error.html"), pages={"gao.example.org/404error.html": html("404 Error")}),
    shape("missing page of a club, 200", "dead", "suspect", _G + "girldevelopit/gdi-website/issues/402", "http://club.example.org/brokenlinkcheck",
          html("The page you were looking for doesn't exist (404)", "The page you were looking for doesn't exist.")),
    shape("codepen behind a captcha", "unsure", "blocked", _G + "liferay/liferay-frontend-guidelines/pull/134",
          "http://codepen.example.org/x", html("Attention Required! | Cloudflare", "Please complete the captcha", status=403)),
    shape("a site behind cloudflare, 403", "unsure", "blocked", _G + "gaurav-nelson/github-action-markdown-link-check/issues/185",
          "http://opensource.example.org/license", page("", status=403)),
    shape("challenge told in a header, 200", "unsure", "blocked", _G + "linkchecker/linkchecker/issues/738",
          "http://shield.example.org/x", html("Just a moment...", cf_mitigated="challenge")),
    shape("npmjs 403 whatever one says", "unsure", "blocked", _G + "coder/coder/pull/26996", "http://www.npmjs.com/package/a", page("", status=403)),
    shape("crates.io wants text/html", "alive", "ok", _G + "rust-lang/crates.io/issues/788", "http://crates.io/crates/tokio", _accepting),
    shape("a form that answers no HEAD", "alive", "ok", _G + "JustinBeckwith/linkinator-action/issues/182", "http://form.example.org/", _no_head),
    shape("the same address with a cookie", "alive", "ok", _G + "wummel/linkchecker/issues/419", "http://www.sanantonio.example.org/aviation", _door),
    shape("nytimes bounces to its login", "unsure", "unknown", _G + "luin/readability/issues/76", "http://www.nytimes.com/2016/07/12/x.html",
          moved("http://myaccount.nytimes.com/auth/login?URI=http%3A%2F%2Fwww.nytimes.com%2F2016%2F07%2F12%2Fx.html%3F_r%3D5", status=303),
          pages={"myaccount.nytimes.com/auth/login?URI=http%3A%2F%2Fwww.nytimes.com%2F2016%2F07%2F12%2Fx.html%3F_r%3D5": html("Log In")}),
    shape("a page for members, behind a login", "unsure", "unknown", _G + "linkchecker/linkchecker/issues/738", "http://docs.google.com/document/d/1",
          moved("http://accounts.google.com/ServiceLogin?continue=http%3A%2F%2Fdocs.google.com%2Fdocument%2Fd%2F1"),
          pages={"accounts.google.com/ServiceLogin?continue=http%3A%2F%2Fdocs.google.com%2Fdocument%2Fd%2F1": html("Sign in")}),
    shape("a private video of youtube", "dead", "suspect", _G + "stevenvachon/broken-link-checker/issues/237", "http://www.youtube.com/watch?v=gone",
          html(" - YouTube", '<script>var p={"playabilityStatus":{"status":"ERROR","reason":"Video unavailable"}}</script>')),
    shape("a living video whose script says 'video unavailable'", "alive", "ok", _G + "bellingcat/auto-archiver/pull/434",
          "http://www.youtube.com/watch?v=ok",
          html("Song - YouTube", '<script>{"playabilityStatus":{"status":"OK"},"download_unplayable":"video unavailable offline"}</script>')),
    shape("a tweet that does not exist, 200", "unsure", "unknown", _G + "lycheeverse/lychee/pull/1147", "http://twitter.com/a/status/1",
          html("X", "<h1>JavaScript is not available.</h1>We’ve detected that JavaScript is disabled in this browser.")),
    shape("twitter limits robots", "unsure", "deferred", _G + "lycheeverse/lychee/issues/448", "http://twitter.com/a/status/2", page("", status=429)),
    shape("catboost 403 from a datacentre", "unsure", "blocked", _G + "lycheeverse/lychee/issues/733", "http://catboost.example.org/", page("", status=403)),
    shape("zhihu unhuman", "unsure", "blocked", _G + "njzjz/zhihubackup/issues/22", "http://www.zhihu.com/question/1/answer/2",
          moved("http://www.zhihu.com/account/unhuman?type=S6E3V1&need_login=true"),
          pages={"www.zhihu.com/account/unhuman?type=S6E3V1&need_login=true": html("安全验证 - 知乎")}),
    shape("zhihu 40362", "unsure", "blocked", _G + "NanmiCoder/MediaCrawler/issues/435", "http://zhuanlan.zhihu.com/p/1",
          page('{"error":{"message":"您当前请求存在异常，暂时限制本次访问","code":40362}}')),
    shape("baidu captcha", "unsure", "blocked", _G + "longxiaofei/spider-BaiduIndex/issues/95", "http://baike.baidu.com/item/1",
          html("百度安全验证", "网络不给力，请稍后重试")),
    shape("douban asks to log in", "unsure", "blocked", _G + "dropod/issues/issues/7230", "http://www.douban.com/people/1/status/2",
          html("豆瓣 - 登录跳转页", "有异常请求从你的 IP 发出，请 登录 使用豆瓣")),
    shape("sogou antispider", "unsure", "blocked", _G + "zhanghe06/news_spider/issues/4", "http://weixin.sogou.com/link?url=1",
          moved("http://weixin.sogou.com/antispider/?from=x"), pages={"weixin.sogou.com/antispider/?from=x": html("搜狗搜索", "请输入验证码")}),
    shape("xiaohongshu hides a living note", "unsure", "unknown", _G + "xpzouying/xiaohongshu-mcp/issues/627", "http://www.xiaohongshu.com/explore/1",
          moved("/404?source=/404/sec&errorCode=300031"),
          pages={"www.xiaohongshu.com/404?source=/404/sec&errorCode=300031": html("小红书", "当前笔记暂时无法浏览")}),
    shape("wechat stops a foreign page", "unsure", "blocked", _G + "yunshangcms/yunshangcms/blob/HEAD/err.php", "http://short.example.org/w",
          moved("http://weixin110.qq.com/cgi-bin/mmspamsupport-bin/newredirectconfirmcgi?main_type=2"),
          pages={"weixin110.qq.com/cgi-bin/mmspamsupport-bin/newredirectconfirmcgi?main_type=2": html("", "已停止访问该网页")}),
    shape("jianshu's second wrapper", "alive", "ok", _G + "Polaris-tl/chorme-plugin-forceJump", "http://links.jianshu.com/go?to=http%3A%2F%2Fa.org%2Fw",
          html("简书", "即将离开"), pages={"a.org/w": ARTICLE}, target="http://a.org/w"),
    shape("a domain for sale", "dead", "suspect", _G + "funilrys/PyFunceble/issues/255", "http://old-blog.example.org/2012/post",
          html("old-blog.example.org is for sale!", "This domain is for sale! Buy this domain.")),
    shape("parked at dan.com", "dead", "suspect", _G + "cadeyrn/bookmarks-organizer/issues/130", "http://parked.example.org/a",
          moved("http://dan.example.org/buy"), pages={"dan.example.org/buy": html("Buy and Sell Domain Names | Dan.com")}),
    shape("a server without its site", "dead", "suspect", _G + "cadeyrn/bookmarks-organizer/issues/130", "http://nginx.example.org/post/1",
          html("Welcome to nginx!", "If you see this page, the nginx web server is successfully installed")),
    shape("a blog that tells how to sell a domain", "alive", "ok", _G + "ooni/probe/issues/1826", "http://blog.example.org/sell",
          html("How I sold a domain", "They wrote: this domain is for sale. " + "And so it went. " * 200)),
    shape("bilibili 412", "unsure", "blocked", _G + "DIYgod/RSSHub/issues/5671", "http://space.bilibili.com/1/video", page("", status=412)),
    shape("linkinator: 403 is no error", "unsure", "blocked", _G + "JustinBeckwith/linkinator-action/issues/182", "http://www.li.example.org/", page("", status=403)),
    shape("a moved site", "alive", "redirected", _G + "justindhillon/link-inspector/issues/4", "http://nodejs.example.org/api",
          moved("http://nodejs.example.net/en/api", status=301), pages={"nodejs.example.net/en/api": ARTICLE}),
    shape("meta refresh to the new place", "alive", "redirected", _G + "linkchecker/linkchecker/issues/199", "http://oldsite.example.org/x",
          page('<meta http-equiv="refresh" content="0; url=http://newsite.example.org/x">'), pages={"newsite.example.org/x": ARTICLE}),
)  # fmt: skip

SHAPES = KNOWN + OURS
