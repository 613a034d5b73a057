"""config.toml: what works with two lines, what is refused and how it is said; secrets stay secret."""

from __future__ import annotations

import tomllib
from datetime import date, time
from pathlib import Path

import pytest

from publisher.config import Config, effective, is_trial, load_config, site_of
from publisher.config.options import all_options
from publisher.core.errors import ConfigError
from publisher.render.words import words

ROOT = Path(__file__).resolve().parent.parent
LEAST = '[site]\ntitle = "渡口"\nurl = "https://ferry.example.net/daily"\n'


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str | bytes) -> Path:
        path = tmp_path / "config.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return _write


def problems(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ or {})
    return caught.value.problems


def test_title_and_url_are_enough(write) -> None:
    config = load_config(write(LEAST), {})
    assert config.site.title == "渡口"
    assert config.site.url == "https://ferry.example.net/daily/"
    assert config.publish.at == time(8)
    assert config.mail.owner == "curator@localhost"
    assert config.sender == "publisher@ferry.example.net"


def test_every_problem_is_reported_at_once(write) -> None:
    path = write(
        '[site]\ntitel = "x"\nurl = "ferry"\ntimezone = "Asia/Shangai"\n'
        '[publish]\nmax_entries = 0\ncatch_up = "all"\nat = 8\nstart = "soon"\n'
        '[mail]\nsender = "foo"\ntransport = "pigeon"\n[publih]\n'
    )
    assert sorted(problems(path)) == sorted(
        [
            "config.toml: site.titel: no such option; did you mean 'title'?",
            "config.toml: publih: no such option; did you mean 'publish'?",
            "config.toml: site.title: missing; every site needs it",
            "config.toml: site.url: expected an address like https://example.org/, got 'ferry'",
            "config.toml: site.timezone: unknown time zone 'Asia/Shangai'; did you mean 'Asia/Shanghai'?",
            "config.toml: publish.max_entries: must be at least 1, got 0",
            "config.toml: publish.catch_up: expected 'one' | 'skip', got 'all'",
            "config.toml: publish.at: expected a time like '08:00', got 8",
            "config.toml: publish.start: expected 'latest' or a date like 2025-01-01, got 'soon'",
            "config.toml: mail.sender: expected an email address, got 'foo'",
            "config.toml: mail.transport: expected 'maildir' | 'smtp', got 'pigeon'",
        ]
    )


def test_an_option_in_the_wrong_table_is_pointed_to_the_right_one(write) -> None:
    assert problems(write('title = "x"\n' + LEAST)) == [
        "config.toml: title: no such option; did you mean 'site.title'?"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[site]\ntitle = \n", "config.toml:2:9: not valid TOML: Invalid value"),
        (b"[site\n", "config.toml:1:6: not valid TOML: Expected ']' at the end of a table declaration"),
        (b"[site]\ntitle = '\xff'", "config.toml: is not UTF-8 (byte 17)"),
        ("mail = 3\n" + LEAST, "config.toml: mail: expected a table: [mail]"),
        (LEAST + 'author = "a\\nb"', "config.toml: site.author: must be one line without control characters"),
        (
            LEAST + "[publish]\nmax_entries = true",
            "config.toml: publish.max_entries: expected a whole number, got true",
        ),
        (LEAST + "remote_images = 3", "config.toml: site.remote_images: expected true or false, got 3"),
        (
            LEAST + "[output]\nfolder = '.'",
            "config.toml: output.folder: is public and must not contain config.toml",
        ),
        (
            LEAST + "[output]\nfolder = 'seeds/site'",
            "config.toml: output.folder: must not lie inside documents.folder",
        ),
        (
            LEAST + "[mail]\nmaildir = 'public/mail'",
            "config.toml: output.folder: is public and must not contain mail.maildir",
        ),
    ],
)
def test_a_problem_says_where_and_what(write, text: str | bytes, said: str) -> None:
    assert said in problems(write(text))


def test_a_missing_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    assert "publisher init" in problems(tmp_path / "config.toml")[0]


def test_problems_are_said_in_the_language_of_the_operator(write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(LEAST + '[mail]\nsender = "foo"'), {}, words("zh"))
    assert caught.value.problems == ["config.toml: mail.sender: 应为邮件地址，现在是 'foo'"]


def test_a_windows_editor_may_add_a_mark_and_carriage_returns(write) -> None:
    assert load_config(write(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode()), {}).site.title == "渡口"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://Ferry.example.net", "https://ferry.example.net/"),
        ("http://渡口.cn/日/", "http://xn--6orp42d.cn/%E6%97%A5/"),
        ("http://[::1]:8000", "http://[::1]:8000/"),
    ],
)
def test_the_address_is_kept_in_one_form(write, written: str, kept: str) -> None:
    config = load_config(write(f'[site]\ntitle = "x"\nurl = "{written}"'), {})
    assert config.site.url == kept
    assert site_of(config, uuid="u", tag_host="old.example").tag_host == "old.example"


@pytest.mark.parametrize(
    "url", ["ftp://a.cn/", "https://u:p@a.cn/", "https://a.cn/?q", "https://a b/", "https:///x", ""]
)
def test_an_address_that_cannot_be_a_site_is_refused(write, url: str) -> None:
    assert "site.url" in problems(write(f'[site]\ntitle = "x"\nurl = "{url}"'))[0]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://example.org/",
        "https://www.example.com/",
        "https://ferry.test/",
        "https://ferry.example/",
        "https://ferry.invalid/",
    ],
)
def test_reserved_hosts_are_a_trial(url: str) -> None:
    assert is_trial(url)


@pytest.mark.parametrize(
    "url", ["https://ferry.cn/", "https://example.cn/", "https://myexample.org/", "https://test.dev/"]
)
def test_other_hosts_are_real(url: str) -> None:
    assert not is_trial(url)


def test_the_environment_wins_over_the_file(write) -> None:
    path = write(LEAST + "[publish]\nmax_entries = 5\n")
    environ = {"PUBLISHER_PUBLISH__MAX_ENTRIES": "7", "PUBLISHER_PUBLISH__START": "2025-01-01"}
    config = load_config(path, {**environ, "PUBLISHER_NOW": "x", "PUBLISHER_SITE__AUTHOR": ""})
    assert config.publish.max_entries == 7
    assert config.publish.start == date(2025, 1, 1)
    origins = {setting.key: setting.origin for setting in effective(config)}
    assert origins["publish.max_entries"] == "environment"
    assert origins["site.title"] == "file"
    assert origins["feed.window_bytes"] == "default"


def test_a_wrong_variable_is_named(write) -> None:
    assert problems(write(LEAST), {"PUBLISHER_MAIL__PASWORD": "hush", "PUBLISHER_MAIL__SENDER": "foo"}) == [
        "PUBLISHER_MAIL__PASWORD: no such option; did you mean 'PUBLISHER_MAIL__PASSWORD'?",
        "PUBLISHER_MAIL__SENDER: expected an email address, got 'foo'",
    ]


def test_a_secret_is_read_from_its_file(write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    config = load_config(write(LEAST + '[mail]\npassword_file = "secret"'), {})
    assert config.mail.password.get_secret_value() == "hush"
    assert "mail.password_file" in problems(write(LEAST + '[mail]\npassword_file = "gone"'))[0]


def test_secrets_are_never_shown(write) -> None:
    environ = {"PUBLISHER_MAIL__PASSWORD": "hush", "PUBLISHER_STORE__URL": "postgresql://me:hush@db/daily"}
    config = load_config(write(LEAST), environ)
    shown = {setting.key: setting.value for setting in effective(config)}
    assert shown["mail.password"] == "***"
    assert shown["store.url"] == "postgresql://me:***@db/daily"
    assert "hush" not in repr(config) + str(config) + str(config.model_dump(exclude={"store"}))
    wrong = problems(
        write(LEAST + '[mail]\npassword = 12345\npasword = "hush"\n[store]\nurl = "mysql://me:hush@db"')
    )
    assert not any("hush" in line or "12345" in line for line in wrong)


def test_paths_start_at_the_file(write, tmp_path: Path) -> None:
    config = load_config(write(LEAST), {})
    assert config.documents_folder == tmp_path / "seeds"
    assert config.database_file == tmp_path / "var" / "publisher.db"
    assert config.store_at == tmp_path / "var" / "publisher.db"
    assert config.state_folder == tmp_path / "var"
    assert config.templates_folder is None


def test_the_shipped_file_names_every_option_with_its_default() -> None:
    written = tomllib.loads((ROOT / "config.toml").read_text("utf-8"))
    shipped = load_config(ROOT / "config.toml", {})
    least = Config.model_validate({"site": {"title": shipped.site.title, "url": shipped.site.url}})
    assert shipped.model_dump() == least.model_dump()
    assert {(section, key) for section, table in written.items() for key in table} == set(all_options())


def test_every_line_of_the_shipped_file_says_what_it_is() -> None:
    lines = [line for line in (ROOT / "config.toml").read_text("utf-8").splitlines() if " = " in line]
    assert all("  # " in line for line in lines if not line.startswith("#"))


@pytest.mark.parametrize(
    ("mail", "said"),
    [
        ("", "config.toml: mail.host: is needed by transport = 'smtp'"),
        (
            'host = "mx.example.net"\nsecurity = "none"\nowner = ""',
            "config.toml: mail.security: 'none' would send mail and password in the open; "
            "use 'starttls' or 'tls', or set allow_plain = true",
        ),
        (
            'host = "mx.example.net"\nowner = "me@example.net"\nusername = "me"',
            "config.toml: mail.username: needs PUBLISHER_MAIL__PASSWORD or password_file",
        ),
        (
            'host = "mx.example.net"',
            "config.toml: mail.owner: cannot be reached through mx.example.net; "
            "give your own address, or '' for none",
        ),
    ],
)
def test_smtp_says_what_it_needs(write, mail: str, said: str) -> None:
    path = write(LEAST + '[mail]\ntransport = "smtp"\n' + mail + "\n")
    assert problems(path) == [said]


def test_smtp_on_this_machine_needs_no_encryption(write) -> None:
    path = write(LEAST + '[mail]\ntransport = "smtp"\nhost = "127.0.0.1"\nport = 25\nsecurity = "none"\n')
    assert load_config(path, {}).mail.transport == "smtp"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://db/daily"])
def test_a_database_that_forgets_who_was_mailed_is_no_database(tmp_path: Path, url: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[site]\ntitle = "x"\nurl = "https://a.cn/"\n[store]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match="expected an address like sqlite:///var"):
        load_config(file, {})
