"""The options: their types, defaults and what a value must look like, as one frozen `Config`."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from publisher.core.calendar import Weekday
from publisher.core.site import Site

# ---------------------------------------------------------------- what a value must look like


def _fault(slug: str, **params: object) -> PydanticCustomError:
    """A fault of ours; `slug` names its sentence in _SENTENCES."""
    return PydanticCustomError(slug, slug, params or None)


def _one_line(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise _fault("one_line")
    return value.strip()


def _not_blank(value: str) -> str:
    if not value:
        raise _fault("blank")
    return value


def _address(value: str) -> str:
    """'' or 'name@host'. Only the shape: 'curator@localhost' is fine for a mailbox on this machine."""
    if value and not re.fullmatch(
        r"[^\s@<>(),:;\"\\\[\]]{1,64}@(?!-)[^\s@<>(),:;\"\\\[\]/]{1,253}(?<![.-])", value
    ):
        raise _fault("email")
    return value


def _site_url(value: str) -> str:
    """The site's root: http(s), a host in ASCII, no query, ending with '/'."""
    try:
        parts = urlsplit(value.strip())
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        raise _fault("url") from None
    bare = parts.scheme in {"http", "https"} and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not bare or not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", host):
        raise _fault("url")
    path = quote(parts.path.rstrip("/") + "/", safe="/%~:@!$&'()*+,;=-._")
    return urlunsplit((parts.scheme, host + port, path, "", ""))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        near = difflib.get_close_matches(value, available_timezones(), n=1)
        raise _fault("zone_near", near=near[0]) if near else _fault("zone") from None
    return value


def _language_tag(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", value):
        raise _fault("language")
    return value


def _clock_time(value: object) -> object:
    """'08:00', or TOML's own 08:00:00; a bare number would be read as seconds."""
    if isinstance(value, time):
        return value.replace(microsecond=0)
    if isinstance(value, str) and re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value.zfill(5))
    raise _fault("clock")


def _start(value: object) -> object:
    """'latest', a TOML date, or a date in quotes (as the environment gives it)."""
    if value == "latest" or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _fault("start") from None


def _web_addresses(value: object) -> object:
    """A list of web addresses; one text with commas, as the environment gives it."""
    listed = _list(value, "addresses")
    if not all(re.match(r"https?://[^\s/]", one) for one in listed):
        raise _fault("addresses")
    return tuple(listed)


def _list(value: object, fault: str) -> list[str]:
    """A list of texts; one text with commas, as the environment gives it. Anything else is that fault."""
    listed = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if isinstance(listed, list | tuple) and all(isinstance(one, str) for one in listed):
        return list(listed)
    raise _fault(fault)


def _hosts(value: object) -> tuple[str, ...]:
    """Names of hosts as a browser sends them, without a port: in ASCII and lower case."""
    listed = _list(value, "hosts")
    try:
        names = tuple(one.encode("idna").decode("ascii").lower().rstrip(".") for one in listed)
    except UnicodeError:
        raise _fault("hosts") from None
    if not all(re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", name) for name in names):
        raise _fault("hosts")
    return names


def _networks(value: object) -> tuple[str, ...]:
    """Addresses and networks: '127.0.0.1', '10.0.0.0/8'."""
    listed = _list(value, "networks")
    try:
        return tuple(str(ipaddress.ip_network(one, strict=False)) for one in listed)
    except ValueError:
        raise _fault("networks") from None


def _web_address(value: str) -> str:
    """'' or one web address."""
    if value and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
        raise _fault("address")
    return value


def _store_url(value: str) -> str:
    """A database that outlives the run: one in memory would forget who was mailed."""
    if not re.match(r"postgresql(\+\w+)?://|sqlite(\+\w+)?:///(?!/*(:memory:)?$)", value):
        raise _fault("store")
    return value


def _manage_url(value: str) -> str:
    """'auto', '' or the root of a site."""
    return value if value in {"auto", ""} else _site_url(value)


Line = Annotated[str, AfterValidator(_one_line)]
Text = Annotated[Line, AfterValidator(_not_blank)]
Address = Annotated[Line, AfterValidator(_address)]
WebAddress = Annotated[Line, AfterValidator(_web_address)]


# ---------------------------------------------------------------- the options


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        """Python counts True as 1; `max_entries = true` is a mistake."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise _fault("int_type")
        return value


class SiteConfig(_Section):
    title: Text
    url: Annotated[str, AfterValidator(_site_url)]
    description: Line = ""
    language: Annotated[str, AfterValidator(_language_tag)] = "zh-CN"  # the readers'
    interface: Literal["auto", "zh", "en"] = "auto"  # the operator's
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    author: Line = ""
    contact: Line = ""
    remote_images: bool = False


class DocumentsConfig(_Section):
    folder: Text = "seeds"
    settle_s: int = Field(default=120, ge=0, le=86_400)
    entry_level: int = Field(default=2, ge=1, le=6)
    heal_lists: bool = True
    soft_breaks: Literal["br", "join"] = "br"


class PublishConfig(_Section):
    at: Annotated[time, BeforeValidator(_clock_time)] = time(8)
    start: Annotated[date | Literal["latest"], BeforeValidator(_start)] = "latest"
    max_entries: int = Field(default=20, ge=1, le=1000)
    catch_up: Literal["one", "skip"] = "one"


class FeedConfig(_Section):
    window_entries: int = Field(default=50, ge=1, le=300)
    window_bytes: int = Field(default=512_000, ge=10_000, le=2_000_000)
    hub: WebAddress = ""  # of WebSub; '': none


class MailConfig(_Section):
    """host … timeout_s belong to the SMTP transport and are not used by the Maildir one."""

    transport: Literal["maildir", "smtp"] = "maildir"
    maildir: Text = "var/mail"
    sender: Address = ""  # '': publisher@ the site's host
    owner: Address = "curator@localhost"  # '': nobody
    reply_to: Address = ""
    unsubscribe_mailbox: Address = ""  # takes "unsubscribe"; "": reply_to, else a sender that was set
    manage_url: Annotated[str, AfterValidator(_manage_url)] = "auto"  # '': no site answers readers' links
    weekly_day: Weekday = "sunday"
    html_budget_bytes: int = Field(default=73_000, ge=5_000, le=1_000_000)
    late_after_h: int = Field(default=36, ge=1, le=8_760)
    hold_gap_days: int = Field(default=7, ge=1, le=3_650)
    host: Line = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line = ""
    password: SecretStr = SecretStr("")
    password_file: Line = ""
    allow_plain: bool = False
    timeout_s: float = Field(default=300, gt=0, le=3_600)


class LinksConfig(_Section):
    """`short_…` hold for t.cn alone, which shuts an address out for hours that asks it faster."""

    budget_s: float = Field(default=60, ge=0, le=3_600)
    timeout_s: float = Field(default=15, gt=0, le=120)
    recheck_budget_s: float = Field(default=20, ge=0, le=600)
    retry_wait_s: float = Field(default=30, ge=0, le=600)
    in_flight: int = Field(default=20, ge=1, le=200)
    per_host: int = Field(default=2, ge=1, le=20)
    gap_s: float = Field(default=1, ge=0, le=60)
    short_gap_s: float = Field(default=2, ge=0, le=60)
    short_jitter_s: float = Field(default=1, ge=0, le=60)
    canaries: Annotated[tuple[str, ...], BeforeValidator(_web_addresses)] = (
        "https://www.baidu.com/",
        "https://www.bing.com/",
    )
    rules: Line = ""  # '': ours alone
    show: Literal["original", "resolved", "both"] = "both"
    on_broken: Literal["annotate", "hold-entry", "hold-issue"] = "annotate"
    report: Literal["weekly", "never"] = "weekly"


class ReadingConfig(_Section):
    han_per_minute: int = Field(default=400, ge=50, le=5_000)
    words_per_minute: int = Field(default=220, ge=50, le=5_000)


class ServeConfig(_Section):
    """The web server of `publisher serve`."""

    host: Text = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = ()
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_networks)] = ("127.0.0.0/8", "::1/128")
    metrics_token: SecretStr = SecretStr("")


class AlertsConfig(_Section):
    """What the owner, and a monitor, are told of by themselves."""

    mail: bool = True
    material_days: int = Field(default=0, ge=0, le=365)  # 0: never
    report: Literal["weekly", "never"] = "weekly"
    ping_url: WebAddress = Field(default="", repr=False)  # who knows it can keep a monitor quiet


class StoreConfig(_Section):
    url: Annotated[str, AfterValidator(_store_url)] = Field(default="sqlite:///var/publisher.db", repr=False)
    backups: int = Field(default=7, ge=0, le=1000)  # 0: none


class OutputConfig(_Section):
    folder: Text = "public"


class TemplatesConfig(_Section):
    folder: Line = ""


class Config(_Section):
    """Everything the operator decides. Paths are as written; `path` and the properties resolve them."""

    site: SiteConfig
    documents: DocumentsConfig = DocumentsConfig()
    publish: PublishConfig = PublishConfig()
    feed: FeedConfig = FeedConfig()
    mail: MailConfig = MailConfig()
    links: LinksConfig = LinksConfig()
    reading: ReadingConfig = ReadingConfig()
    serve: ServeConfig = ServeConfig()
    alerts: AlertsConfig = AlertsConfig()
    store: StoreConfig = StoreConfig()
    output: OutputConfig = OutputConfig()
    templates: TemplatesConfig = TemplatesConfig()
    _file: Path = PrivateAttr(default_factory=lambda: Path("config.toml").absolute())
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> Path:
        """The absolute path of config.toml."""
        return self._file

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._file.parent

    def path(self, written: str) -> Path:
        """A path of the file as an absolute one: relative to config.toml's folder, '~' is the home."""
        return self.folder / Path(written).expanduser()

    @property
    def documents_folder(self) -> Path:
        return self.path(self.documents.folder)

    @property
    def output_folder(self) -> Path:
        return self.path(self.output.folder)

    @property
    def templates_folder(self) -> Path | None:
        """The user's own templates; None when only ours are used."""
        return self.path(self.templates.folder) if self.templates.folder else None

    @property
    def maildir(self) -> Path:
        return self.path(self.mail.maildir)

    @property
    def state_folder(self) -> Path:
        """Where the database and the lock live."""
        return database.parent if (database := self.database_file) else self.folder / "var"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None for another database."""
        scheme, _, written = self.store.url.partition(":///")
        return self.path(written) if scheme.startswith("sqlite") else None

    @property
    def store_at(self) -> Path | str:
        """Where the database is: SQLite's file with its path made absolute, another one's address."""
        return self.database_file or self.store.url

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.site.timezone)

    @property
    def sender(self) -> str:
        """The address in From: as configured, else publisher@ the site's host."""
        return self.mail.sender or f"publisher@{_mail_host(self.site.url)}"

    @property
    def manage_url(self) -> str:
        """Where readers unsubscribe and choose, with a '/' at its end; '' when no site answers."""
        return self.site.url if self.mail.manage_url == "auto" else self.mail.manage_url

    @property
    def trial(self) -> bool:
        return is_trial(self.site.url)


def site_of(config: Config, *, uuid: str = "", tag_host: str = "") -> Site:
    """The facts renderings need; `uuid` and `tag_host` are those the publication stored at its first run."""
    shared = config.site.model_dump(exclude={"interface"})
    return Site(
        **shared, publisher_uuid=uuid, tag_host=tag_host or urlsplit(config.site.url).hostname or "localhost",
        show_links=config.links.show,
    )  # fmt: skip


def is_trial(url: str) -> bool:
    """True while the host is an IP address, localhost or a name reserved for examples (RFC 2606, 6761)."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if not host or _is_ip(host):
        return True
    labels = host.split(".")
    reserved = labels[-1] in {"localhost", "test", "example", "invalid"}
    return reserved or (labels[-2:-1] == ["example"] and labels[-1] in {"com", "org", "net"})


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _mail_host(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    return "localhost" if _is_ip(host) else host


def options_of(section: str) -> Mapping[str, Any]:
    model = Config.model_fields[section].annotation
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}


def all_options() -> Iterator[tuple[str, str]]:
    return ((section, key) for section in Config.model_fields for key in options_of(section))
