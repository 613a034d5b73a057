"""Whatever Unicode the curator writes, the digest is mail that programs can read."""

from __future__ import annotations

import html5lib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from publisher.render.digest import CorrectionLine, DigestSection, Frozen, splice
from publisher.render.digest_fit import FORMS, Fit, Form
from publisher.render.digest_mime import encoded, make_part
from tests.render.digest_sample import READER, digest, entries, frozen, html_of, opened, text_of
from tests.render.factories import DAY, published, site

ANY = st.text(max_size=60)
MODEST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MODEST
@given(title=ANY, body=st.text(max_size=300), site_title=ANY, day_title=ANY, note=ANY, topic=ANY)
def test_any_unicode_gives_mail_that_opens(
    title: str, body: str, site_title: str, day_title: str, note: str, topic: str
) -> None:
    entry = published(
        body, title=title or "x", title_rule="R5", title_in_body=False, topics=(topic,), byline=(note,)
    )
    correction = CorrectionLine(title=title, permalink=entry.permalink, day=DAY, note=note)
    one = frozen(
        digest(
            site=site(title=site_title),
            sections=(DigestSection(day=DAY, title=day_title, preface=note, entries=(entry,)),),
            corrections=(correction,),
        )
    )
    data = b"".join(splice(one, READER))
    message = opened(data)
    assert message["Subject"] == one.subject
    assert max(map(len, data.split(b"\r\n"))) <= 998
    html5lib.HTMLParser(strict=True).parse(html_of(data))
    assert READER.email in text_of(data)
    assert b"".join(splice(Frozen.from_bytes(one.to_bytes()), READER)) == data


@MODEST
@given(st.text(max_size=400))
def test_an_encoded_header_says_what_was_meant(value: str) -> None:
    folded = encoded(value)
    assert all(len(line) <= 76 for line in folded.split("\r\n"))
    message = opened(b"Subject: " + folded.encode("ascii") + b"\r\nX: y\r\n\r\n")
    assert " ".join(str(message["Subject"]).split()) == " ".join(encoded_plain(value).split())


def encoded_plain(value: str) -> str:
    from publisher.render.digest_headings import one_line

    return one_line(value)


@MODEST
@given(before=st.text(max_size=200), between=st.text(max_size=120), after=st.text(max_size=120))
def test_a_part_keeps_its_text_wherever_the_marks_stand(before: str, between: str, after: str) -> None:
    body = f"{before}<<E>>{between}<<S>>{after}"
    part = make_part(body, {"email": "<<E>>", "since": "<<S>>"})
    import base64

    whole = base64.b64decode(part.rows) + b"".join(part.tail)
    expected = f"{before}email{between}since{after}"
    assert whole.decode().replace("\r\n", "\n") == expected.replace("\r\n", "\n").replace("\r", "\n")
    assert len(base64.b64decode(part.rows)) % 57 == 0


@MODEST
@given(
    sizes=st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 900), st.integers(1, 300)), max_size=40),
    budget=st.integers(0, 20_000),
)
def test_the_fit_rule_ends_within_the_budget_and_shortens_no_more_than_it_must(
    sizes: list[tuple[int, int, int]], budget: int
) -> None:
    def size(i: int, form: Form) -> int:
        full, lead, title = sizes[i]
        return {
            "full": full,
            "lead": min(full, lead),
            "title": min(full, lead, title),
            "listed": 1,
            "left out": 0,
        }[form]

    fit = Fit([full for full, _, _ in sizes], size=size, floor=lambda i, form: size(i, form) * 4 // 5)
    fit.fit_into(budget)
    assert sum(size(i, form) for i, form in enumerate(fit.forms)) <= budget
    if sum(full for full, _, _ in sizes) <= budget:
        assert set(fit.forms) <= {"full"}
    ranks = [FORMS.index(form) for form in fit.forms]
    assert not ranks or max(ranks) - min(ranks) <= 1


def test_the_shared_part_of_a_message_is_nearly_all_of_it() -> None:
    one = frozen(digest(*(replace(entry, uid=f"u{i}") for i, entry in enumerate(entries()))))
    segments = splice(one, READER)
    assert sum(map(len, segments)) > 5000
