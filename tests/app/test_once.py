"""The daily run, scenario by scenario: what is chosen, what waits, what is mailed, what is held (design §5)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from publisher.app.summary import exit_code
from publisher.core.errors import FolderError, UsageError
from publisher.core.issue import IssueName
from tests.house import House, day_file, essay, essays, held, titles


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def started(house: House) -> House:
    """Published on 28 January: one essay a day from now on."""
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.once("2025-01-28 08:00")
    return house


# ---------------------------------------------------------------- once a day


def test_the_first_run_publishes_the_newest_day_and_mails_the_owner(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 2))
    house.write("2025-01-29", essays("2025-01-29", 3))
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert titles(run) == [f"2025-01-29 第{n}篇的故事" for n in (1, 2, 3)]
    assert run.documents.archived == 2
    assert [mail["To"] for mail in house.mails()] == ["curator@localhost"]
    assert run.books == {"recipients": 1, "accepted": 1}
    assert exit_code(run) == 0


def test_older_days_of_the_first_run_have_pages_and_no_feed_and_no_mail(house: House) -> None:
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once()
    assert "2025-01-28 第1篇的故事" in house.page("2025/01/28/")
    assert "2025-01-28 第1篇" not in house.page("rss.xml")
    assert "2025-01-28 第1篇" not in house.text(house.mails()[0])


def test_a_second_run_the_same_day_changes_no_file_and_no_row(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    site, rows = house.site(), house.content_rows()
    run = house.once("2025-01-29 09:30")
    assert run.outcome == "already-published"
    assert exit_code(run) == 0
    assert house.site() == site
    assert house.content_rows() == rows
    assert len(house.mails()) == 1


def test_the_moment_when_bytes_changed_outlives_the_folder_they_lay_in(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    before = house.rows("SELECT path, changed_at FROM outputs ORDER BY path")
    shutil.rmtree(house.public)
    house.once("2025-01-29 09:30")
    assert house.rows("SELECT path, changed_at FROM outputs ORDER BY path") == before
    house.write("2025-01-29", essays("2025-01-29", 2).replace("第1篇的故事", "第1篇的往事"))
    house.once("2025-01-29 10:00")
    moved = {path for path, at in house.rows("SELECT path, changed_at FROM outputs") if "T02:00" in at}
    assert "rss.xml" in moved
    assert "style.css" not in moved


def test_what_waits_and_when_it_goes_is_said(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.write("2025-01-30", essays("2025-01-30", 2))
    run = house.once("2025-01-29 08:00")
    assert (run.waiting.entries, run.waiting.next_entries) == (2, 2)
    assert run.next_run is not None
    assert f"{run.next_run:%Y-%m-%d %H:%M}" == "2025-01-30 08:00"


def test_an_early_run_at_half_past_midnight_takes_the_slot_of_that_date(house: House) -> None:
    started(house).write("2025-01-29", essays("2025-01-29", 1))
    assert house.once("2025-01-29 00:30").outcome == "published"
    assert house.once("2025-01-29 08:00").outcome == "already-published"


def test_extra_makes_a_second_issue_of_what_waits(house: House) -> None:
    started(house).write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    house.write("2025-01-29", essays("2025-01-29", 2))
    run = house.once("2025-01-29 10:00", extra=True)
    assert run.outcome == "published"
    assert run.issue is not None
    assert run.issue.sequence == 2
    assert titles(run) == ["2025-01-29 第2篇的故事"]
    assert len(house.mails()) == 3


def test_extra_with_nothing_waiting_publishes_nothing(house: House) -> None:
    started(house)
    assert house.once("2025-01-28 09:00", extra=True).outcome == "already-published"


def test_an_empty_slot_stays_open_until_its_day_ends(house: House) -> None:
    started(house)
    assert house.once("2025-01-29 08:00").outcome == "empty"
    house.write("2025-01-29", essays("2025-01-29", 1))
    run = house.once("2025-01-29 09:10")
    assert run.outcome == "published"
    assert str(run.day) == "2025-01-29"


def test_later_dates_wait_and_have_no_page(house: House) -> None:
    started(house).write("2025-01-30", essays("2025-01-30", 1))
    assert house.once("2025-01-29 08:00").outcome == "empty"
    assert not house.exists("2025/01/30/")
    assert house.once("2025-01-30 08:00").outcome == "published"


def test_whole_days_go_while_there_is_room(house: House) -> None:
    started(house).configure(publish={"max_entries": 5})
    for day in ("2025-01-29", "2025-01-30", "2025-01-31"):
        house.write(day, essays(day, 2))
    run = house.once("2025-01-31 08:00")
    assert {entry.day.isoformat() for entry in run.issue.entries} == {"2025-01-29", "2025-01-30"}
    assert titles(house.once("2025-02-01 08:00")) == ["2025-01-31 第1篇的故事", "2025-01-31 第2篇的故事"]


def test_a_day_larger_than_an_issue_is_split_in_the_order_of_the_file(house: House) -> None:
    started(house).configure(publish={"max_entries": 2})
    house.write("2025-01-29", essays("2025-01-29", 3))
    assert titles(house.once("2025-01-29 08:00")) == ["2025-01-29 第1篇的故事", "2025-01-29 第2篇的故事"]
    run = house.once("2025-01-30 08:00")
    assert titles(run) == ["2025-01-29 第3篇的故事"]
    assert not run.issue.entries[0].late


def test_an_entry_added_to_a_published_day_goes_out_next_as_a_late_one(house: House) -> None:
    started(house)
    house.write("2025-01-28", essays("2025-01-28", 2))
    assert house.once("2025-01-28 12:00").outcome == "already-published"
    run = house.once("2025-01-29 08:00")
    assert titles(run) == ["2025-01-28 第2篇的故事"]
    assert run.issue.entries[0].late
    assert "补：1月28日" in house.mails()[-1]["Subject"]


# ---------------------------------------------------------------- the first start


def test_a_start_date_queues_everything_from_that_day_oldest_first(house: House) -> None:
    house.configure(publish={"start": "2025-01-27", "max_entries": 2})
    for day in ("2025-01-26", "2025-01-27", "2025-01-28"):
        house.write(day, essays(day, 2))
    run = house.once("2025-01-29 08:00")
    assert {entry.day.isoformat() for entry in run.issue.entries} == {"2025-01-27"}
    assert run.documents.archived == 2
    assert {e.day.isoformat() for e in house.once("2025-01-30 08:00").issue.entries} == {"2025-01-28"}


def test_an_older_document_that_turns_up_later_is_archived_with_a_warning(house: House) -> None:
    started(house).write("2024-12-01", essays("2024-12-01", 1))
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "empty"
    assert [found.slug for found in run.diagnostics if found.level == "warning"] == ["archived-late"]
    assert house.exists("2024/12/01/")


def test_allow_queues_an_archived_entry(house: House) -> None:
    started(house).write("2024-12-01", essays("2024-12-01", 1))
    run = house.once("2025-01-29 08:00")
    uid = next(d.params["uid"] for d in run.diagnostics if d.slug == "archived-late")
    house.app.allow(str(uid))
    assert titles(house.once("2025-01-29 09:00")) == ["2024-12-01 第1篇的故事"]
    with pytest.raises(UsageError):
        house.app.allow(str(uid))


def test_the_owner_receives_every_digest_unless_there_is_none(house: House) -> None:
    house.configure(mail={"owner": "li@example.cn"})
    started(house)
    assert [mail["To"] for mail in house.mails()] == ["li@example.cn"]
    house.app.remove_subscribers(("li@example.cn",))
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    assert len(house.mails()) == 1


# ---------------------------------------------------------------- after the machine was off


def test_one_issue_covers_the_missed_slots(house: House) -> None:
    started(house)
    for day in ("2025-01-29", "2025-01-30", "2025-01-31"):
        house.write(day, essays(day, 1))
    run = house.once("2025-01-31 10:00")
    assert len(run.issue.entries) == 3
    assert house.rows("SELECT day, covers FROM issues ORDER BY day") == [("2025-01-28", 1), ("2025-01-31", 3)]
    assert "1月29–31日" in house.mails()[-1]["Subject"]


def test_catch_up_skip_covers_only_today_and_loses_nothing(house: House) -> None:
    started(house).configure(publish={"catch_up": "skip"})
    for day in ("2025-01-29", "2025-01-31"):
        house.write(day, essays(day, 1))
    run = house.once("2025-01-31 10:00")
    assert len(run.issue.entries) == 2
    assert house.rows("SELECT covers FROM issues WHERE day='2025-01-31'") == [(1,)]


def test_a_gap_of_more_than_a_week_publishes_and_holds_the_mail(house: House) -> None:
    started(house).write("2025-02-06", essays("2025-02-06", 1))
    run = house.once("2025-02-06 08:00")
    assert run.outcome == "published"
    assert house.exists("2025/02/06/")
    assert list(held(run)) == [("mail", "the machine was off for more than a week")]
    assert exit_code(run) == 4
    assert run.books == {"recipients": 1, "waiting": 1}
    assert len(house.mails()) == 1


def test_a_held_mailing_goes_out_when_it_is_released_and_only_once(house: House) -> None:
    started(house).write("2025-02-06", essays("2025-02-06", 1))
    run = house.once("2025-02-06 08:00")
    name = IssueName(run.day)
    released = house.deliver(name, release=True)
    assert released.books == {"recipients": 1, "accepted": 1}
    house.deliver(name, release=True)
    assert len(house.mails()) == 2


def test_mail_older_than_a_day_and_a_half_is_held(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.adapters.maildir import MaildirMailer

    def broken(self: MaildirMailer, message_id: str, segments: object) -> bool:
        raise FolderError("cannot write the mail folder {path}: the disk is full", path="var/mail")

    house.write("2025-01-29", essays("2025-01-29", 1))
    with monkeypatch.context() as patch:
        patch.setattr(MaildirMailer, "put", broken)
        with pytest.raises(FolderError):
            house.once("2025-01-29 08:00")
    run = house.once("2025-01-30 21:00")
    assert [why for _, why in held(run)] == ["it is too old to be sent without asking"]
    assert house.mails() == []
    house.deliver(IssueName(run.day.replace(day=29)), release=True)
    assert len(house.mails()) == 1


# ---------------------------------------------------------------- the clock


@pytest.mark.parametrize("when", ["2025-01-26 08:00", "2025-04-01 08:00"])
def test_a_clock_that_jumped_publishes_nothing_until_it_is_accepted(house: House, when: str) -> None:
    started(house).write(when[:10], essays(when[:10], 1))
    run = house.once(when)
    assert run.outcome == "held"
    assert exit_code(run) == 1
    assert len(house.mails()) == 1
    assert not house.exists(f"{when[:10].replace('-', '/')}/")
    assert house.once(when, accept_clock=True).outcome != "held"


def test_a_clock_a_few_hours_back_is_believed(house: House) -> None:
    started(house)
    assert house.once("2025-01-28 02:00").outcome == "already-published"


# ---------------------------------------------------------------- withdrawing and the guard


def test_a_withdrawn_entry_leaves_a_page_that_says_so(house: House) -> None:
    started(house)
    house.write("2025-01-29", essays("2025-01-29", 2))
    gone = house.once("2025-01-29 08:00").issue.entries[1]
    house.write("2025-01-29", essays("2025-01-29", 1))
    run = house.once("2025-01-29 12:00")
    assert run.documents.withdrawn == 1
    page = house.page(f"2025/01/29/{gone.uid}/")
    assert gone.title not in page
    assert "data-withdrawn" in page
    assert gone.title not in house.page("atom.xml")


def test_a_withdrawn_entry_that_comes_back_is_the_one_it_was_and_is_not_mailed_again(house: House) -> None:
    started(house).write("2025-01-29", essays("2025-01-29", 2))
    first = house.once("2025-01-29 08:00").issue.entries[1]
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 12:00")
    house.write("2025-01-29", essays("2025-01-29", 2))
    assert house.once("2025-01-30 08:00").outcome == "empty"
    assert first.title in house.page(f"2025/01/29/{first.uid}/")
    assert len(house.mails()) == 2


def test_many_entries_vanishing_at_once_are_not_believed(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 8))
    house.once("2025-01-29 08:00")
    site = house.site()
    house.remove("2025-01-29")
    run = house.once("2025-01-30 08:00")
    assert (run.outcome, exit_code(run)) == ("held", 1)
    assert house.site() == site
    assert house.once("2025-01-30 09:00").outcome == "held"
    assert house.once("2025-01-30 10:00", accept_withdrawals=True).documents.withdrawn == 8


def test_files_that_come_back_end_the_hold(house: House) -> None:
    text = essays("2025-01-29", 8)
    house.write("2025-01-29", text)
    house.once("2025-01-29 08:00")
    site = house.site()
    house.remove("2025-01-29")
    house.once("2025-01-29 09:00")
    house.write("2025-01-29", text)
    run = house.once("2025-01-29 10:00")
    assert exit_code(run) == 0
    assert house.site() == site


def test_a_vanished_documents_folder_is_one_error_and_withdraws_nothing(house: House) -> None:
    started(house)
    site = house.site()
    house.seeds.rename(house.root / "elsewhere")
    with pytest.raises(FolderError):
        house.once("2025-01-29 08:00")
    assert house.site() == site
    (house.root / "elsewhere").rename(house.seeds)
    assert house.once("2025-01-29 09:00").documents.withdrawn == 0


# ---------------------------------------------------------------- documents with errors


def test_a_refused_file_does_not_block_the_others(house: House) -> None:
    started(house).write("2025-01-29", essays("2025-01-29", 1))
    house.write("broken.md", b"# 2025-01-29\n\n## 1\n\n\xff\xfe\xff text\n")
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert run.documents.refused == 1
    assert exit_code(run) == 3


@pytest.mark.parametrize("name", [b"bad\xff.md", b"folder\xff/a.md"])
def test_a_name_that_is_no_text_does_not_block_the_others(house: House, name: bytes) -> None:
    path = os.fsencode(started(house).seeds) + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(essays("2025-01-27", 1).encode())
    house.write("2025-01-29", essays("2025-01-29", 1))
    run = house.once("2025-01-29 08:00")
    assert (run.outcome, exit_code(run)) == ("published", 3)
    assert [found.slug for found in run.diagnostics] == ["file-name-unreadable"]
    assert house.once("2025-01-29 09:00").outcome == "already-published"


def test_a_link_that_leads_nowhere_good_does_not_block_the_others(house: House) -> None:
    started(house).write("2025-01-29", essays("2025-01-29", 1))
    (house.seeds / "self.md").symlink_to("self.md")
    run = house.once("2025-01-29 08:00")
    assert (run.outcome, exit_code(run)) == ("published", 3)
    assert [(found.file, found.slug) for found in run.diagnostics] == [("self.md", "file-unreadable")]
    assert run.documents.withdrawn == 0


def test_a_run_whose_only_document_is_refused_says_so(house: House) -> None:
    house.write("notes.md", "nothing with a date\n")
    run = house.once("2025-01-29 08:00")
    assert (run.outcome, exit_code(run)) == ("empty", 3)
    assert exit_code(house.once("2025-01-29 09:00")) == 3


def test_the_last_good_version_of_a_file_that_broke_stays_published(house: House) -> None:
    path = house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    site = house.site()
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\n")
    run = house.once("2025-01-29 12:00")
    assert exit_code(run) == 3
    assert house.site() == site
    assert run.documents.withdrawn == 0


# ---------------------------------------------------------------- edits and identity


def test_a_typo_moves_one_updated_and_nothing_else(house: House) -> None:
    text = essays("2025-01-29", 3)
    house.write("2025-01-29", text)
    house.once("2025-01-29 08:00")
    before = house.rows("SELECT uid, guid, permalink, published_at, updated_at FROM entries ORDER BY number")
    house.write("2025-01-29", text.replace("第2篇的故事", "第二篇的故事"))
    run = house.once("2025-01-29 15:00")
    after = house.rows("SELECT uid, guid, permalink, published_at, updated_at FROM entries ORDER BY number")
    assert run.documents.edited == 1
    assert [a[:4] for a in after] == [b[:4] for b in before]
    assert [a[4] == b[4] for a, b in zip(after, before, strict=True)] == [True, False, True]
    assert len(house.mails()) == 1


@pytest.mark.parametrize("change", ["crlf", "touch", "another file", "spaces at line ends"])
def test_what_readers_cannot_see_changes_nothing(house: House, change: str) -> None:
    text = essays("2025-01-29", 3)
    path = house.write("2025-01-29", text)
    house.once("2025-01-29 08:00")
    site = house.site()
    if change == "crlf":
        path.write_bytes(text.replace("\n", "\r\n").encode())
    elif change == "touch":
        path.touch()
    elif change == "another file":
        path.rename(house.seeds / "january.md")
    else:
        path.write_text(text.replace("。\n", "。  \n"), "utf-8")
    run = house.once("2025-01-29 12:00")
    assert house.site() == site
    assert (run.documents.new, run.documents.edited, run.documents.withdrawn) == (0, 0, 0)


def test_a_moved_entry_keeps_its_address_and_is_not_mailed_again(house: House) -> None:
    started(house).write("2025-01-29", day_file("2025-01-29", essay("甲"), essay("乙")))
    first = house.once("2025-01-29 08:00").issue.entries[1]
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.write("2025-01-30", day_file("2025-01-30", essay("乙"), essay("丙")))
    run = house.once("2025-01-30 08:00")
    assert titles(run) == ["丙的故事"]
    assert run.documents.moved == 1
    assert first.url is not None
    assert house.exists(f"2025/01/29/{first.uid}/")
    assert f"/2025/01/29/{first.uid}/" in house.page("2025/01/30/")


def test_renumbering_moves_the_number_and_nothing_else(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲"), essay("乙")))
    run = house.once("2025-01-29 08:00")
    uids = [entry.uid for entry in run.issue.entries]
    house.write("2025-01-29", day_file("2025-01-29", essay("乙"), essay("甲")))
    house.once("2025-01-29 12:00")
    assert house.rows("SELECT uid FROM entries ORDER BY number") == [(uids[1],), (uids[0],)]
    assert uids[1] in house.page("2025/01/29/1/")


def test_a_near_duplicate_waits_until_it_is_allowed(house: House) -> None:
    house.write("2025-01-28", day_file("2025-01-28", essay("甲", paragraphs=6)))
    house.once("2025-01-28 08:00")
    house.write("2025-01-29", day_file("2025-01-29", essay("甲", paragraphs=6) + "\n\n又一句。", essay("乙")))
    run = house.once("2025-01-29 08:00")
    assert titles(run) == ["乙的故事"]
    warned = next(found for found in run.diagnostics if found.slug == "near-duplicate")
    assert (warned.params["other"], warned.params["day"]) == ("2025-01-28.md", "2025-01-28")
    house.app.allow(str(warned.params["uid"]))
    assert titles(house.once("2025-01-30 08:00")) == ["甲的故事"]


def test_an_entry_pasted_twice_is_published_once(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲"), essay("乙"), essay("甲")))
    run = house.once("2025-01-29 08:00")
    assert titles(run) == ["甲的故事", "乙的故事"]
    assert "entry-repeated" in [found.slug for found in run.diagnostics]


def test_a_draft_waits(house: House) -> None:
    started(house)
    house.write("2025-01-29", day_file("2025-01-29", f"<!-- draft -->\n\n{essay('甲')}", essay("乙")))
    assert titles(house.once("2025-01-29 08:00")) == ["乙的故事"]
    house.write("2025-01-29", day_file("2025-01-29", essay("甲"), essay("乙")))
    assert titles(house.once("2025-01-30 08:00")) == ["甲的故事"]


def test_two_files_may_not_give_the_same_id(house: House) -> None:
    started(house)
    house.write("2025-01-29", f"# 2025-01-29\n\n## 1 {{#same}}\n\n{essay('甲')}\n")
    house.write("2025-01-30", f"# 2025-01-30\n\n## 1 {{#same}}\n\n{essay('乙')}\n")
    run = house.once("2025-01-30 08:00")
    assert run.documents.refused == 2
    assert [d.slug for d in run.diagnostics if d.level == "error"] == ["duplicate-id", "duplicate-id"]


def test_every_wording_is_kept(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲")))
    house.once("2025-01-29 08:00")
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n改过。"))
    house.once("2025-01-29 09:00")
    house.write("2025-01-29", "# 2025-01-29\n\n## 1\n\n" + essay("乙"))
    house.once("2025-01-29 10:00")
    kept = " ".join(str(text) for (text,) in house.rows("SELECT markdown FROM revisions"))
    assert essay("甲") in kept
    assert "改过。" in kept
    assert essay("乙") in kept


# ---------------------------------------------------------------- corrections


def test_a_correction_stands_on_the_page_and_in_the_next_digest_once(house: House) -> None:
    started(house)
    uid = house.rows("SELECT uid FROM entries")[0][0]
    house.at("2025-01-28 10:00")
    house.app.correct(str(uid), "年份写错了，应为一九八四年。")
    house.app.correct(str(uid), "年份写错了，应为一九八四年。")
    for day in ("2025-01-29", "2025-01-30"):
        house.write(day, essays(day, 1))
        house.once(f"{day} 08:00")
    assert "年份写错了" in house.page(f"2025/01/28/{uid}/")
    said = [house.text(mail).count("年份写错了") for mail in house.mails()]
    assert said == [0, 1, 0]


def test_an_entry_that_is_not_published_cannot_be_corrected(house: House) -> None:
    started(house).write("2025-02-10", essays("2025-02-10", 1))
    house.once("2025-01-29 08:00")
    uid = house.rows("SELECT uid FROM entries WHERE permalink IS NULL")[0][0]
    with pytest.raises(UsageError):
        house.app.correct(str(uid), "不对")
    with pytest.raises(UsageError):
        house.app.correct("nosuchuid0", "不对")


# ---------------------------------------------------------------- trial and real address


def test_a_trial_ends_with_the_first_run_at_a_real_address(tmp_path: Path) -> None:
    house = House(tmp_path, url="http://localhost:8000/")
    house.write("2025-01-28", essays("2025-01-28", 1))
    house.write("2025-01-29", essays("2025-01-29", 1))
    assert house.once("2025-01-29 08:00").trial
    house.app.add_subscribers(("reader@example.cn",))
    house.configure(site={"url": "https://daily.example.cn/"})
    assert house.plan("2025-01-29 10:00").would == "publish"
    run = house.once("2025-01-29 10:00")
    assert run.outcome == "published"
    assert not run.trial
    assert [entry.guid.split(",")[0] for entry in run.issue.entries] == ["tag:daily.example.cn"]
    assert run.books["recipients"] == 2
    assert "localhost" not in house.page("atom.xml")


def test_another_address_later_keeps_every_identity(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    before = house.once("2025-01-29 08:00").issue.entries[0]
    house.configure(site={"url": "https://other.example.cn/daily/"})
    run = house.once("2025-01-29 10:00")
    assert run.outcome == "already-published"
    assert run.issue.entries[0].guid == before.guid
    assert run.issue.entries[0].url == f"https://other.example.cn/daily/2025/01/29/{before.uid}/"


# ---------------------------------------------------------------- plan


def test_plan_says_what_once_would_do_and_leaves_no_trace(house: House) -> None:
    started(house).write("2025-01-29", day_file("2025-01-29", essay("甲") + " http://t.cn/A6abcdEF"))
    site, rows = house.site(), house.content_rows()
    planned = house.plan("2025-01-29 08:00")
    assert (planned.outcome, planned.would) == ("planned", "publish")
    assert house.web.asked == []
    assert house.site() == site
    assert house.content_rows() == rows
    done = house.once()
    assert titles(planned) == titles(done)
    assert planned.mail == done.mail
    assert planned.feed_items == done.feed_items
    assert planned.recipients == done.recipients
    assert house.plan().would == "already-published"


def test_plan_in_a_new_folder_makes_no_file(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    assert house.plan("2025-01-29 08:00").would == "publish"
    assert sorted(path.name for path in house.root.iterdir()) == ["config.toml", "seeds"]


# ---------------------------------------------------------------- links


def test_links_are_asked_once_and_shown_with_where_they_lead(house: House) -> None:
    url = "http://t.cn/A6abcdEF"
    house.web.leads(url, "https://weibo.com/1/abc", "早市笔记")
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')} {url}"))
    run = house.once("2025-01-29 08:00")
    assert run.issue.entries[0].links[0].target == "https://weibo.com/1/abc"
    assert "weibo.com" in house.page("2025/01/29/")
    assert "weibo.com" in house.page("rss.xml")
    house.once("2025-01-29 09:00")
    assert house.web.asked == [url]


def test_without_a_network_publishing_goes_on_and_nothing_is_called_dead(house: House) -> None:
    links = [f"http://t.cn/A6abcd{n}" for n in range(3)]
    body = essay("甲") + "\n\n" + "\n\n".join(f"看 {link} 。" for link in links)
    house.write("2025-01-29", day_file("2025-01-29", body))
    run = house.once("2025-01-29 08:00")
    assert run.outcome == "published"
    assert {link.verdict for link in run.issue.entries[0].links} == {"unchecked"}
    assert "打不开" not in house.page("2025/01/29/")


def test_the_next_run_with_a_network_fills_the_destinations_in(house: House) -> None:
    url = "http://t.cn/A6abcdEF"
    house.write("2025-01-29", day_file("2025-01-29", f"{essay('甲')} {url}"))
    house.once("2025-01-29 08:00")
    before = house.rows("SELECT guid, updated_at FROM entries")
    house.web.leads(url, "https://weibo.com/1/abc")
    house.once("2025-01-29 09:00")
    assert "weibo.com" in house.page("2025/01/29/")
    assert "weibo.com" in house.page("rss.xml")
    assert house.rows("SELECT guid, updated_at FROM entries") == before


# ---------------------------------------------------------------- outputs


def test_deleting_the_public_folder_rebuilds_the_same_bytes_and_mails_nothing(house: House) -> None:
    import shutil

    house.write("2025-01-28", essays("2025-01-28", 1))
    house.write("2025-01-29", essays("2025-01-29", 2))
    house.once("2025-01-29 08:00")
    site = house.site()
    shutil.rmtree(house.public)
    house.once("2025-01-29 12:00")
    assert house.site() == site
    assert len(house.mails()) == 1


def test_a_damaged_page_is_written_again(house: House) -> None:
    house.write("2025-01-29", essays("2025-01-29", 1))
    house.once("2025-01-29 08:00")
    site = house.site()
    (house.public / "2025/01/29/index.html").write_text("oops", "utf-8")
    house.once("2025-01-29 12:00")
    assert house.site() == site


def test_a_new_day_rewrites_no_older_entry(house: House) -> None:
    for day in ("2025-01-27", "2025-01-28", "2025-01-29"):
        house.write(day, essays(day, 2))
        house.once(f"{day} 08:00")
    times = {p: p.stat().st_mtime_ns for p in house.public.rglob("*") if p.is_file()}
    house.write("2025-01-30", essays("2025-01-30", 2))
    house.once("2025-01-30 08:00")
    rewritten = {
        p.relative_to(house.public).as_posix() for p, t in times.items() if p.stat().st_mtime_ns != t
    }
    assert rewritten == {
        "2025/01/29/index.html", ".publisher.json", "archive/index.html", "archive/2025/index.html", "atom.xml",
        "daily.xml", "feed.json", "index.html", "rss.xml", "sitemap.xml",
    }  # fmt: skip


def test_a_picture_beside_the_document_is_published_under_its_content(house: House) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"x" * 40
    house.write("pic.png", picture)
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n![一条河](pic.png)"))
    house.once("2025-01-29 08:00")
    [media] = list((house.public / "media").iterdir())
    assert media.read_bytes() == picture
    assert f"media/{media.name}" in house.page("2025/01/29/")
    house.write("pic.png", picture + b"y")
    house.once("2025-01-29 09:00")
    [changed] = list((house.public / "media").iterdir())
    assert changed.name != media.name


def test_a_picture_that_is_missing_is_shown_once_it_is_there(house: House) -> None:
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n![一条河](pic.png)"))
    assert "media-missing" in [found.slug for found in house.once("2025-01-29 08:00").diagnostics]
    house.write("pic.png", b"\x89PNG\r\n\x1a\n")
    house.once("2025-01-29 09:00")
    assert "<img" in house.page("2025/01/29/")


def test_a_file_outside_the_documents_folder_is_not_published(house: House) -> None:
    (house.root / "secret.png").write_bytes(b"\x89PNG")
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n![秘密](../secret.png)"))
    run = house.once("2025-01-29 08:00")
    assert "media-outside" in [found.slug for found in run.diagnostics]
    assert not (house.public / "media").exists()


# ---------------------------------------------------------------- broken off in the middle


def break_off(house: House, patch: pytest.MonkeyPatch, where: str) -> None:
    """A run that fails between plan and commit ("build"), or while it mails ("mail")."""
    from publisher.adapters.maildir import MaildirMailer
    from publisher.adapters.output import OutputFolder

    def full(*args: object, **options: object) -> None:
        raise FolderError("cannot write {path}: {why}", path="public", why="No space left on device")

    with patch.context() as broken:
        broken.setattr(*((OutputFolder, "write") if where == "build" else (MaildirMailer, "put")), full)
        with pytest.raises(FolderError):
            house.once("2025-01-29 08:00")


def test_an_issue_broken_off_after_the_plan_goes_out_as_its_text_is_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(house).write("2025-01-29", day_file("2025-01-29", essay("甲"), essay("乙"), essay("丙")))
    break_off(house, monkeypatch, "build")
    assert house.rows("SELECT state FROM issues WHERE day = '2025-01-29'") == [("planned",)]
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n又改了一句。", essay("丙")))
    run = house.once("2025-01-29 09:00")
    assert titles(run) == ["甲的故事", "丙的故事"]
    text = house.text(house.mails()[-1])
    assert "又改了一句" in text
    assert "乙的故事" not in text
    assert "乙的故事" not in house.page("2025/01/29/")
    assert "broken off before" in " ".join(note.message for note in run.recovered)


def test_a_planned_issue_whose_entries_all_went_leaves_its_slot_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(house).write("2025-01-29", day_file("2025-01-29", essay("甲")))
    break_off(house, monkeypatch, "build")
    house.write("2025-01-29", day_file("2025-01-29", essay("乙")))
    run = house.once("2025-01-29 09:00")
    assert titles(run) == ["乙的故事"]
    assert len(house.mails()) == 2


def test_from_publication_on_the_mail_is_frozen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    started(house).write("2025-01-29", day_file("2025-01-29", essay("甲")))
    break_off(house, monkeypatch, "mail")
    house.write("2025-01-29", day_file("2025-01-29", essay("甲") + "\n\n又改了一句。"))
    house.once("2025-01-29 09:00")
    assert "又改了一句" in house.page("2025/01/29/")
    assert "又改了一句" not in house.text(house.mails()[-1])
