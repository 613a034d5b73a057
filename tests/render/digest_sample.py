"""A fixed digest with everything a digest may carry, and ways to look into messages as mail programs do."""

from __future__ import annotations

import email
import email.policy
from datetime import date
from email.message import EmailMessage

import html5lib
from msgspec.structs import replace

from publisher.core.issue import EntryLine, IssueName, PublishedEntry
from publisher.core.link import LinkState
from publisher.render.digest import (
    CorrectionLine,
    Digest,
    DigestSection,
    Frozen,
    Reader,
    Tokens,
    freeze,
    splice,
)
from publisher.render.environment import Templates
from tests.render.factories import AT, DAY, link, published, site

TOKENS = Tokens(unsubscribe="leave.1.0.aaaa", preferences="choose.1.0.bbbb", view="look.1.0.cccc")
READER = Reader(uid="rdr0000001", email="reader@example.com", since=date(2025, 1, 3), tokens=TOKENS)
MANAGE_URL = "https://daily.example.org/"

MARKET = """\
天还没亮，河堤上已经有了灯。卖菜的把担子一字排开，买菜的打着手电挑。

问他们为什么来得这样早，答案各不相同：有人说是怕城管，有人说是习惯，还有人说只是睡不着。

1. 五点：第一班渡船靠岸
2. 六点：人最多
3. 七点：散场，扫帚声 < 叫卖声

雾散的时候，桥上的灯先灭了。"""
LOOM = """\
我小时候住的镇子，家家都有一台织机。

后来织机进了博物馆，“咔嗒”声进了录音机。1 < 2 & 3 > 2。"""
SENTENCE = "清早的集市开在河堤上，有人问价，有人只看，雾还没有散，桥上的灯先灭了。"
SNOW = "昨夜下了今年最后一场雪。早上起来，屋顶白了一半，另一半是猫走过的路。"


def entries() -> tuple[PublishedEntry, ...]:
    """Three entries: one with everything, one English, one whose title repeats its first words."""
    market = published(
        MARKET,
        uid="mmmmmmmmmm",
        number=1,
        title="河堤上的集市，为什么越来越早？",
        title_rule="R5",
        title_in_body=False,
        topics=("城市更新", "早市"),
        byline=("作者：江上渔", "2025年1月20日"),
        words=1420,
        minutes=4,
        lang="zh",
        source_link=link("http://t.cn/A6RiVEr"),
        links=(
            LinkState(
                url="http://t.cn/A6RiVEr",
                verdict="alive",
                result="redirected",
                target="https://weibo.com/123/abc",
                target_title="早市笔记",
                checked_at=AT,
            ),
        ),
    )
    manual = published(
        "The manual outlived the machine. “Do not use in the rain,” it says.\n\nNobody remembers why.",
        uid="eeeeeeeeee",
        number=2,
        title="The manual outlived the machine",
        title_rule="R0",
        title_in_body=False,
        topics=(),
        words=13,
        minutes=1,
        lang="en",
    )
    snow = published(
        SNOW,
        uid="ssssssssss",
        number=3,
        title="昨夜下了今年最后一场雪",
        title_rule="R6",
        title_in_body=True,
        topics=(),
        words=36,
        minutes=1,
        lang="zh",
    )
    return market, manual, snow


def late_entry() -> PublishedEntry:
    return published(
        LOOM,
        uid="llllllllll",
        day=date(2025, 1, 27),
        number=4,
        title="织机进了博物馆",
        title_rule="R5",
        title_in_body=False,
        topics=(),
        words=52,
        minutes=1,
        lang="zh",
        late=True,
    )


def digest(*shown: PublishedEntry, language: str = "zh-CN", **overrides: object) -> Digest:
    """The given entries as one section, or the whole sample; any field may be given."""
    sections = (DigestSection(day=DAY, title="雪后初晴", preface="今天从河堤写到屋顶。", entries=entries()),)
    if shown:
        sections = (DigestSection(day=DAY, entries=shown),)
    title = "Daily Reading" if language.startswith("en") else "每日一读"
    facts: dict[str, object] = {
        "site": site(language=language, title=title, contact="curator@example.org"),
        "issue": IssueName(DAY),
        "sections": sections,
        "published_at": AT,
        "sender": "digest@example.org",
    }
    return Digest(**(facts | overrides))  # type: ignore[arg-type]


def full_sample(language: str) -> Digest:
    """The sample with late additions, a correction, past years, a curator to reply to, and a site that answers."""
    plain = digest(language=language)
    late = DigestSection(day=date(2025, 1, 27), late=True, entries=(late_entry(),))
    return digest(
        language=language,
        sections=(*plain.sections, late),
        reply_to="curator@example.org",
        unsubscribe_to="curator@example.org",
        manage_url=MANAGE_URL,
        corrections=(
            CorrectionLine(
                title="桥的年代",
                permalink="2025/01/20/cccccccccc/",
                day=date(2025, 1, 20),
                note="建成于 1958 年，不是 1985 年。",
            ),
        ),
        on_this_day=tuple(past_line(year) for year in (2024, 2023, 2022, 2021)),
    )


def week_sample() -> Digest:
    """Two days of a week, each with a title and a preface, and an addition to a day of the week before."""
    market, manual, snow = entries()
    days = (
        DigestSection(day=date(2025, 1, 28), title="雪前", preface="风从北边来。", entries=(market, manual)),
        DigestSection(day=DAY, title="雪后初晴", preface="今天从河堤写到屋顶。", entries=(snow,)),
        DigestSection(day=date(2025, 1, 20), late=True, entries=(late_entry(),)),
    )
    return digest(kind="weekly", issue=IssueName(date(2025, 2, 2)), sections=days, manage_url=MANAGE_URL)


def essay(number: int, sentences: int) -> PublishedEntry:
    """A long entry of several paragraphs."""
    paragraphs = "\n\n".join(f"第{n}段。" + SENTENCE for n in range(1, sentences + 1))
    return published(
        paragraphs,
        uid=f"e{number:09}",
        number=number,
        title=f"第{number}篇长文",
        title_rule="R5",
        title_in_body=False,
        topics=(),
        words=40 * sentences,
        minutes=max(1, sentences // 10),
        lang="zh",
    )


def big_digest() -> Digest:
    """One entry far too long, one long, seven short."""
    return digest(essay(1, 20), essay(2, 700), essay(3, 200), *(essay(n, 12) for n in range(4, 10)))


def golden_leads() -> Digest:
    """A long entry beside short ones."""
    return replace(digest(essay(4, 9), *entries()), manage_url=MANAGE_URL)


def past_line(year: int) -> EntryLine:
    day = date(year, 1, 29)
    return EntryLine(
        uid="pppppppppp",
        permalink=f"{day:%Y/%m/%d}/pppppppppp/",
        day=day,
        position=0,
        number=1,
        label="1",
        title=f"{year}年的雪",
        words=100,
        minutes=1,
    )


def frozen(of: Digest, *, words: str = "", **options: object) -> Frozen:
    """`words`: the language of our words, when it is not the site's."""
    shown = replace(of.site, language=words) if words else of.site
    return freeze(of, Templates(shown), **options)  # type: ignore[arg-type]


def raw(of: Digest, reader: Reader = READER, **options: object) -> bytes:
    return b"".join(splice(frozen(of, **options), reader))


def opened(data: bytes) -> EmailMessage:
    """The message as a mail program reads it; a defect anywhere in it is a failure."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects, part.defects
        for value in part.values():
            assert not getattr(value, "defects", ()), (value, value.defects)
    return message


def text_of(data: bytes) -> str:
    return body_of(data, "plain")


def html_of(data: bytes) -> str:
    return body_of(data, "html")


def body_of(data: bytes, kind: str) -> str:
    part = opened(data).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def parsed(html: str):
    parser = html5lib.HTMLParser(
        tree=html5lib.getTreeBuilder("lxml"), strict=True, namespaceHTMLElements=False
    )
    return parser.parse(html)
