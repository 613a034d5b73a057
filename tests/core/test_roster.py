"""Lists of readers as CSV: ours come back whole, those of other programs are understood, a bad row says where."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.core.errors import UsageError
from publisher.core.roster import COLUMNS, LONGEST_CELL, BadRow, Row, decoded, rows, written
from publisher.core.subscriber import STATES


def read(text: str) -> list[Row | BadRow]:
    return list(rows(text))


def one(text: str) -> Row:
    (row,) = read(text)
    assert isinstance(row, Row), row
    return row


moments = st.datetimes(datetime(2000, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC))
people = st.fixed_dictionaries(
    {
        "uid": st.text("abcdefghij0123456789-", min_size=8, max_size=20),
        "email": st.from_regex(r"[a-z0-9+'_=-]{1,10}@example\.org", fullmatch=True),
        "state": st.sampled_from(STATES),
        "cadence": st.sampled_from(["daily", "weekly"]),
        "body": st.sampled_from(["full", "lead", "titles"]),
        "language": st.sampled_from(["zh-Hans", "en"]),
        "paused_until": st.none() | st.dates(),
        "created_at": moments,
        "state_at": moments,
        "key_version": st.integers(1, 99),
        "asked_at": st.none() | moments,
        "asked_n": st.integers(0, 99),
        "soft_bounces": st.integers(0, 99),
        "consents": st.lists(
            st.fixed_dictionaries(
                {
                    "at": moments,
                    "kind": st.sampled_from(["asked", "confirmed", "imported"]),
                    "source": st.text(max_size=20),
                    "text": st.text(max_size=30),
                }
            ),
            max_size=3,
        ),
    }
)


@given(st.lists(people, max_size=5))
def test_what_is_written_is_read_again_without_loss(listed: list[dict[str, object]]) -> None:
    text = written(listed)
    assert text.isascii()
    found = read(text)
    assert len(found) == len(listed)
    for person, row in zip(listed, found, strict=True):
        assert isinstance(row, Row), row
        facts = {name: person[name] for name in COLUMNS if name not in ("email", "state", "consents")}
        assert {name: row.facts.get(name) for name in facts} == facts
        assert (row.address.email, row.state) == (person["email"], person["state"])
        consents = [{"at": c.at, "kind": c.kind, "source": c.source, "text": c.text} for c in row.consents]
        assert consents == person["consents"]


@given(st.text())
def test_any_text_is_a_list_or_refused_with_words(text: str) -> None:
    try:
        found = read(text)
    except UsageError:
        found = []  # with words: a file without a column of addresses
    assert all(isinstance(row, Row | BadRow) for row in found)


@given(st.text(alphabet='@a.,;\t"\n\r ', max_size=60))
def test_any_rows_under_a_good_header_are_read_or_named(text: str) -> None:
    for row in read("email,state,consents\n" + text):
        assert row.line >= 2


MAILCHIMP = (
    '"Email Address","First Name","Address",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LAST_CHANGED,TAGS\r\n'
    'a@example.org,甲,"1 Long Road\r\nTown",2,"2024-01-02 03:04:05","2024-01-02 04:00:00","2024-03-01 00:00:00",\r\n'
)
LISTMONK = (
    "uuid,email,name,attributes,status,created_at\n1-2,a@example.org,甲,{},blocklisted,2024-01-02T03:04:05Z\n"
)
BUTTONDOWN = (
    "email_address,notes,tags,subscriber_type,creation_date\na@example.org,,,regular,2024-01-02T03:04:05Z\n"
)
JOINED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "state"), [(MAILCHIMP, None), (LISTMONK, "unsubscribed"), (BUTTONDOWN, "active")]
)
def test_lists_of_other_programs_are_understood(text: str, state: str | None) -> None:
    row = one(text)
    assert (row.address.email, row.state, row.facts["created_at"]) == ("a@example.org", state, JOINED)


@pytest.mark.parametrize(
    "header",
    [
        "email",
        "Email",
        "E-Mail",
        "EMAIL ADDRESS",
        "email_address",
        " Email Address ",
        "邮箱",
        "\u7535\u5b50\u90ae\u4ef6",
    ],
)
def test_the_column_of_addresses_goes_by_many_names(header: str) -> None:
    assert one(f"{header}\na@example.org\n").address.email == "a@example.org"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_cells_may_be_parted_by_any_of_three_marks(mark: str) -> None:
    assert one(f"name{mark}email{mark}status\n甲{mark}a@example.org{mark}paused\n").state == "paused"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(end: str) -> None:
    assert [row.line for row in read(f"email{end}a@b.cn{end}{end}c@d.cn{end}")] == [2, 4]


def test_a_bad_row_is_named_with_its_first_line_and_the_others_are_read() -> None:
    text = 'note,email\n"two\nlines",a@b.cn\nx,nonsense\n"three\nmore\nlines",also bad\ny,c@d.cn\n'
    found = read(text)
    assert [(type(row).__name__, row.line) for row in found] == [
        ("Row", 2), ("BadRow", 4), ("BadRow", 5), ("Row", 8),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("state", "on holiday"), ("cadence", "hourly"), ("body", "half"), ("paused_until", "soon"),
        ("created_at", "1/2/24"), ("asked_n", "-1"), ("uid", "UPPER CASE"), ("consents", "{"), ("consents", "[1]"),
        ("consents", '[{"at":"2025-01-01","kind":"wished","source":"","text":""}]'), ("consents", "[" * 5000),
        ("created_at", "0001-01-01T00:00:00+08:00"), ("state_at", "9999-12-31T23:59:59-08:00"),
        ("asked_at", "0001-01-01"),
        ("consents", '[{"at":"0001-01-01T00:00:00+08:00","kind":"asked","source":"","text":""}]'),
        ("consents", '[{"at":"2025-01-01","kind":"asked","source":"","text":"\\ud800"}]'),
        ("consents", '[{"at":"2025-01-01","kind":"asked","source":"\\udfff","text":""}]'),
    ],
)  # fmt: skip
def test_a_cell_that_nobody_can_read_is_refused_with_a_way_out(header: str, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    (row,) = read(f"email,{header}\na@b.cn,{quoted}\n")
    assert isinstance(row, BadRow)
    assert row.error.fix or "none of" in row.error.sentence


def test_a_cell_that_goes_on_behind_its_quotes_costs_its_row_alone() -> None:
    found = read('email,state\na@b.cn,active\n"o""quote"@b.cn,active\ne@b.cn,active\n')
    assert [row.line for row in found] == [2, 3, 4]
    assert [row.address.norm if isinstance(row, Row) else "bad" for row in found] == [
        "a@b.cn",
        "bad",
        "e@b.cn",
    ]


def test_the_inside_of_a_bad_cell_is_never_taken_for_a_reader() -> None:
    found = read('email,note\na@b.cn,"many\nlines "quoted\nvictim@b.cn, tail"\ne@b.cn,ok\n')
    assert [(row.line, type(row)) for row in found] == [(2, BadRow)]


def test_quotes_that_never_close_end_the_reading_with_their_line() -> None:
    found = read('email\na@b.cn\n"c@d.cn\ne@f.cn\n')
    assert [type(row).__name__ for row in found] == ["Row", "BadRow"]
    assert found[1].line == 3


@pytest.mark.parametrize("text", ["", "\n\n", "name,age\n甲,3\n", "a@b.cn\n"])
def test_a_file_without_addresses_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no column of addresses"):
        read(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_files_of_old_and_new_spreadsheets_are_read(encoding: str) -> None:
    data = "邮箱,状态,备注\na@b.cn,active,读者\n".encode(encoding)
    assert one(decoded(data)).state == "active"


def test_a_pause_keeps_its_day() -> None:
    assert one("email,state,paused_until\na@b.cn,paused,2025-02-01\n").facts["paused_until"] == date(
        2025, 2, 1
    )


# ---------------------------------------------------------------- large cells, and spreadsheets


def test_consents_of_any_sensible_length_are_read_again() -> None:
    at = datetime(2025, 1, 29, tzinfo=UTC)
    consents = [{"at": at, "kind": "asked", "source": "form", "text": "请" * 500} for _ in range(1000)]
    text = written([{"email": "a@b.cn", "consents": consents}])
    assert len(text) > 3_000_000
    assert len(one(text).consents) == 1000


def test_a_cell_without_measure_is_told_as_such_and_not_as_quotes() -> None:
    found = read(f'email,note\na@b.cn,x\nc@d.cn,"{"x" * (LONGEST_CELL + 1)}"\ne@f.cn,x\n')
    assert [(type(row).__name__, row.line) for row in found] == [("Row", 2), ("BadRow", 3)]
    assert isinstance(found[1], BadRow)
    assert "more than {n} characters" in found[1].error.sentence


@pytest.mark.parametrize("email", ["=cmd@b.cn", "+1@b.cn", "-1@b.cn", "'=cmd@b.cn", "''+1@b.cn"])
def test_no_cell_of_an_export_is_a_formula_and_it_comes_back_as_it_was(email: str) -> None:
    text = written([{"email": email, "uid": "-abcdefgh"}])
    cells = text.splitlines()[1].split(",")
    assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@\t\r"]
    row = one(text)
    assert (row.address.email, row.facts["uid"]) == (email, "-abcdefgh")


def test_a_quote_that_hides_no_formula_is_part_of_the_address() -> None:
    assert one(written([{"email": "'li@b.cn"}])).address.email == "'li@b.cn"
    assert one("Email Address\n'+li@b.cn\n").address.email == "'+li@b.cn"  # no list of ours
