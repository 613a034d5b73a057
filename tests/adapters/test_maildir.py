"""The Maildir mailer against a real folder, as mail programs find it."""

from __future__ import annotations

import errno
import mailbox
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from publisher.adapters.maildir import MaildirMailer
from publisher.core.errors import FolderError

ID = "<0123456789abcdef@daily.example.org>"
MESSAGE = [
    b"From: =?utf-8?b?5q+P5pel?= <d@example.org>\r\nTo: a@example.com\r\n",
    b"Date: Wed, 29 Jan 2025 08:00:09 +0800\r\n",
    b"Subject: one\r\nMessage-ID: " + ID.encode() + b"\r\n\r\n",
    b"body\r\n",
]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_message_lies_in_new_with_the_line_ends_of_this_system(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path / "var" / "mail")
    assert mailer.put(ID, MESSAGE) is True
    (name,) = files(tmp_path / "var" / "mail")
    assert name.startswith("new/")
    written = (tmp_path / "var" / "mail" / name).read_bytes()
    assert written == b"".join(MESSAGE).replace(b"\r\n", b"\n")
    assert (tmp_path / "var" / "mail" / name).stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in (tmp_path / "var" / "mail").iterdir()) == ["cur", "new", "tmp"]


def test_the_same_message_twice_is_one_file(tmp_path: Path) -> None:
    assert MaildirMailer(tmp_path).put(ID, MESSAGE) is True
    assert MaildirMailer(tmp_path).put(ID, MESSAGE) is False
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("flags", ["", ":2,", ":2,S", ":2,RS", "!2,S", ";2,S", ",S=120:2,S"])
def test_a_message_that_was_read_is_known_as_delivered(tmp_path: Path, flags: str) -> None:
    mailer = MaildirMailer(tmp_path)
    mailer.put(ID, MESSAGE)
    (name,) = files(tmp_path)
    (tmp_path / name).rename(tmp_path / "cur" / (Path(name).name + flags))
    assert mailer.was_delivered(ID)
    assert mailer.put(ID, MESSAGE) is False
    assert len(files(tmp_path)) == 1


def test_a_message_is_not_known_before_it_was_sent(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path / "mail")
    assert not mailer.was_delivered(ID)
    assert not (tmp_path / "mail").exists()
    mailer.put(ID, MESSAGE)
    assert mailer.was_delivered(ID)
    assert not mailer.was_delivered("<another@daily.example.org>")


def test_what_a_killed_run_left_in_tmp_is_not_a_delivery(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path)
    mailer.put(ID, MESSAGE)
    (name,) = files(tmp_path)
    (tmp_path / name).rename(tmp_path / "tmp" / Path(name).name)
    assert not mailer.was_delivered(ID)
    assert mailer.put(ID, MESSAGE) is True
    assert files(tmp_path) == [name]


def test_leftovers_older_than_a_day_and_a_half_are_swept_others_stay(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path)
    mailer.put("<first@x>", MESSAGE)
    for name, age_h in (("old.publisher", 37), ("young.publisher", 35), ("old.of-somebody-else", 99)):
        path = tmp_path / "tmp" / name
        path.write_bytes(b"half")
        then = path.stat().st_mtime - age_h * 3600
        os.utime(path, (then, then))
    mailer.put(ID, MESSAGE)
    assert sorted(p.name for p in (tmp_path / "tmp").iterdir()) == ["old.of-somebody-else", "young.publisher"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "permission denied"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_disk_that_refuses_is_told_in_one_sentence_with_a_way_on(
    tmp_path: Path, number: int, said: str
) -> None:
    def failing():
        yield b"From: a\r\n"
        raise OSError(number, os.strerror(number))

    mailer = MaildirMailer(tmp_path)
    with pytest.raises(FolderError, match=said) as caught:
        mailer.put(ID, failing())
    assert caught.value.fix
    assert files(tmp_path) == []
    assert mailer.put(ID, MESSAGE) is True


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("an mbox, perhaps")
    with pytest.raises(FolderError, match="is not a folder"):
        MaildirMailer(tmp_path / "mail").put(ID, MESSAGE)


def test_pythons_own_maildir_reads_what_we_wrote(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path)
    mailer.put(ID, MESSAGE)
    mailer.put("<two@daily.example.org>", [b"Subject: two\r\n\r\nbody\r\n"])
    box = mailbox.Maildir(str(tmp_path), create=False)
    assert sorted(message["Subject"] for message in box) == ["one", "two"]
    assert all(message.get_subdir() == "new" for message in box)


@pytest.mark.needs_mutt
def test_mutt_opens_the_folder_and_saves_a_message(tmp_path: Path) -> None:
    """Mutt copies the only message of the Maildir into an mbox: it could read both folder and message."""
    mutt = shutil.which("mutt")
    assert mutt is not None
    MaildirMailer(tmp_path / "mail").put(ID, MESSAGE)
    copy = tmp_path / "copy.mbox"
    rc = tmp_path / "muttrc"
    rc.write_text(
        f"set folder={tmp_path} mbox_type=mbox confirmcreate=no confirmappend=no move=no copy=no "
        "sleep_time=0 quit=yes delete=no\n"
        f'push "<copy-message>\\Ca\\Ck{copy}<enter><quit>"\n'  # the prompt proposes a folder: clear it'
    )
    subprocess.run(
        ["script", "-qec", f"{mutt} -n -F {rc} -f {tmp_path / 'mail'}", "/dev/null"],
        env={**os.environ, "TERM": "vt100", "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    with closing(mailbox.mbox(str(copy))) as box:
        (message,) = box
    assert message["Message-ID"] == ID
    assert "body" in str(message.get_payload())
