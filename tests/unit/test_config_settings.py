from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

import pytest

from messenger.config.check import check_home
from messenger.config.policies import policies
from messenger.config.settings import SourceSettings, load_settings, read_settings
from messenger.config.transports import Security
from messenger.config.values import PLATFORMS
from messenger.domain.rules import Uncertain
from messenger.domain.shops import Desk, Mode, Source
from messenger.domain.timing import Hours
from messenger.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
GOOD = """[shops.toys]
name = "Sunny Toys"
sender = "Sunny Toys <care@sunny-toys.example>"
channels = { email = "main" }
[transports.main]
kind = "smtp"
host = "127.0.0.1"
security = "none"
"""


def a_home(tmp_path: Path, text: str) -> Path:
    (tmp_path / "messenger.toml").write_text(text, encoding="utf-8")
    return tmp_path


def findings_of(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    _, findings = read_settings(a_home(tmp_path, text), environ or {})
    return [str(finding).removeprefix(f"{tmp_path}/messenger.toml:") for finding in findings]


def test_the_default_home_is_accepted_and_rehearses() -> None:
    settings = load_settings(ROOT, {})

    assert settings.shops["toys"].mode is Mode.REHEARSE
    assert settings.shops["toys"].channels == {"email": "main"}
    assert settings.transports["main"].port == 1025
    assert settings.database_url == f"sqlite:///{ROOT}/data/messenger.db"
    assert check_home(ROOT, {}) == []


def test_what_is_left_out_has_a_calm_default(tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path, GOOD), {})
    shop, transport = settings.shops["toys"], settings.transports["main"]

    assert (shop.mode, shop.platform, shop.zone, shop.default_language) == (Mode.REHEARSE, "none", "UTC", "en")
    assert (transport.port, transport.connections, transport.timeout) == (25, 4, 30.0)
    assert (transport.uncertain, transport.resend_after) == (Uncertain.RESEND, timedelta(minutes=10))
    assert (settings.worker.lease, settings.worker.batch) == (timedelta(seconds=60), 200)
    assert settings.database_url == f"sqlite:///{tmp_path}/data/messenger.db"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    text = GOOD.replace('"none"', '"tls"\nuncertain = "ask"\nresend_after = "1h"\nca_file = "ca.pem"\ntimeout = "5s"')
    settings = load_settings(
        a_home(tmp_path, f'{text}[worker]\nlease = "1s"\n[web]\npublic_url = "https://x.example"'), {}
    )
    transport = settings.transports["main"]

    assert (transport.security, transport.port, transport.uncertain) == (Security.TLS, 465, Uncertain.ASK)
    assert (transport.resend_after, transport.ca_file, transport.timeout) == (
        timedelta(hours=1),
        tmp_path / "ca.pem",
        5.0,
    )
    assert (settings.worker.lease, settings.web.public_url) == (timedelta(seconds=1), "https://x.example")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('sender = "Sunny Toys <care@', 'sender = "<care@', "3:10: shops.toys.sender: must be a name and an address"),
        ("care@sunny-toys.example", "care@sunny", "3:10: shops.toys.sender: 'care@sunny' is not an e-mail address"),
        ('Toys"\n', 'Toys\\nBcc: x"\n', "2:8: shops.toys.name: must be one line of visible text"),
        ('"main" }', '"mian" }', "4:22: shops.toys.channels.email: unknown transport 'mian' (did you mean 'main'?)"),
        ("email =", "sms =", "4:14: shops.toys.channels.sms: unknown key (known: email, platform)"),
        (
            "email =",
            "platform =",
            (
                "4:25: shops.toys.channels.platform: 'main' is smtp and cannot carry platform"
                ' (platform goes through a transport with kind = "assisted", or that of the platform)'
            ),
        ),
        (
            '"smtp"',
            '"amazon"',
            "6:8: transports.main.kind: 'amazon' is not available in this version (available: smtp, assisted, aliexpress, ebay)",
        ),
        ('"smtp"', '"stmp"', "6:8: transports.main.kind: unknown word 'stmp' (did you mean 'smtp'?)"),
        (
            '"127.0.0.1"',
            '"mail.example"',
            "8:12: transports.main.security: mail to mail.example would travel unprotected",
        ),
        ('"127.0.0.1"', '"127.0.0.1:25"', "7:8: transports.main.host: must be a host without a port"),
        (
            '"none"',
            '"none"\nport = 70000',
            "9:8: transports.main.port: must be a whole number from 1 to 65535, got 70000",
        ),
        (
            '"none"',
            '"none"\nresend_after = "1d"',
            "9:16: transports.main.resend_after: must be seconds, minutes or hours",
        ),
        ('"none"', '"none"\nusername = "x"', "5:13: transports.main.password: is missing"),
        ('"none"', '"none"\nredirect_to = "me"', "9:15: transports.main.redirect_to: is not an e-mail address: 'me'"),
        (
            '"none"',
            '"none"\nuncertain = "verify"',
            "9:13: transports.main.uncertain: 'verify' is not possible: such a transport cannot be asked",
        ),
        ("[shops.toys]", "[shops.Toys]", "1:8: shops.Toys: is not a name (small letters, digits, - and _ only)"),
        ('name = "Sunny', 'zone = "Mars/Base"\nname = "Sunny', "2:8: shops.toys.zone: unknown time zone 'Mars/Base'"),
        ('name = "Sunny', 'mode = "dry"\nname = "Sunny', "2:8: shops.toys.mode: unknown word 'dry'"),
        ("[shops.toys]", '[worker]\nlease = "500ms"\n[shops.toys]', "2:9: worker.lease: cannot read '500ms'"),
        ("[shops.toys]", '[worker]\nlease = "0s"\n[shops.toys]', "2:9: worker.lease: must be longer than nothing"),
        ("[shops.toys]", '[database]\nurl = "mysql://x"\n[shops.toys]', "2:7: database.url: cannot use 'mysql://x'"),
        ("[shops.toys]", '[database]\nurl = "sqlite://"\n[shops.toys]', "2:7: database.url: cannot use 'sqlite://'"),
        (
            "[shops.toys]",
            '[sources.erp]\nkind = "amazon"\n[shops.toys]',
            (
                "2:8: sources.erp.kind: 'amazon' is not available in this version "
                "(available: file, folder, webhook, aliexpress, 17track, broker, imap, mail)"
            ),
        ),
        ("[shops.toys]", "[shop.x]\n[shops.toys]", "1:2: shop: unknown key (did you mean 'shops'?)"),
    ],
)
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, old: str, new: str, expected: str) -> None:
    (finding,) = findings_of(tmp_path, GOOD.replace(old, new, 1))

    assert finding.startswith(expected)


DESK = '[transports.desk]\nkind = "assisted"\n'
BOTH = GOOD.replace('{ email = "main" }', '{ email = "main", platform = "desk" }')


def test_a_desk_is_manned_at_its_hours(tmp_path: Path) -> None:
    text = f'{BOTH}{DESK}hours = "22:00-06:00"\ndays = "mon-sat"\nper_day = 300\n'
    settings = load_settings(a_home(tmp_path, text), {})
    desk = Desk(hours=Hours(opens=time(22), closes=time(6), days=frozenset(range(6))), per_day=300)

    assert settings.desks == settings.shops["toys"].desks == {"desk": desk}
    assert settings.shops["toys"].channels == {"email": "main", "platform": "desk"}
    assert list(settings.transports) == ["main"]


def test_a_desk_that_says_nothing_is_always_manned(tmp_path: Path) -> None:
    settings = load_settings(a_home(tmp_path, f'{BOTH}{DESK}hours = "always"\n'), {})

    assert settings.desks == {"desk": Desk()}
    assert load_settings(a_home(tmp_path, f"{GOOD}{DESK}"), {}).shops["toys"].desks == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{BOTH}{DESK}hours = "9-19"\n', "11:9: transports.desk.hours: cannot read '9-19'"),
        (f'{BOTH}{DESK}days = "work"\n', "11:8: transports.desk.days: cannot read 'work'"),
        (f"{BOTH}{DESK}per_day = 0\n", "11:11: transports.desk.per_day: must be a whole number from 1 to 100000, got 0"),
        (f'{BOTH}{DESK}host = "x"\n', "11:1: transports.desk.host: unknown key (did you mean 'hours'?)"),
        (f"{BOTH}[transports.desk]\n", "9:13: transports.desk.kind: is missing (write kind = "),
        (
            BOTH.replace('email = "main"', 'email = "desk"') + DESK,
            ("4:22: shops.toys.channels.email: 'desk' is assisted and cannot carry email"
            ' (email goes through a transport with kind = "smtp")'),
        ),
        (BOTH, "4:41: shops.toys.channels.platform: unknown transport 'desk' (known: main)"),
        (f'{GOOD}[sources.erp]\nkind = "files"\n', "10:8: sources.erp.kind: unknown word 'files' (did you mean 'file'?)"),
        (f'{GOOD}[sources.erp]\nkind = "file"\n', '9:10: sources.erp.shop: is missing (write shop = "toys")'),
        (f'{GOOD}[sources.erp]\nshop = "toys"\n', '9:10: sources.erp.kind: is missing (write kind = "file")'),
        (f'{GOOD}[sources.erp]\nkind = "file"\nshop = "toy"\n', "11:8: sources.erp.shop: unknown word 'toy' (did you mean"),
        (f'{GOOD}[sources.Erp]\nkind = "file"\nshop = "toys"\n', "9:10: sources.Erp: is not a name (small letters"),
        (
            f'{GOOD}[sources.erp]\nkind = "file"\nshop = "toys"\nfresh = "1bd"\n',
            "12:9: sources.erp.fresh: cannot count business days here, got '1bd'",
        ),
        (
            f'{GOOD}[sources.erp]\nkind = "file"\nshop = "toys"\npath = "x"\n',
            "12:1: sources.erp.path: unknown key (known: fresh, kind, shop)",
        ),
        (f'{GOOD}[sources]\nkind = "file"\n', "10:8: sources.kind: must be a table, got 'file' (write [sources.kind])"),
    ],
)  # fmt: skip
def test_a_mistake_about_desks_and_sources(tmp_path: Path, text: str, expected: str) -> None:
    found = [finding for finding in findings_of(tmp_path, text) if finding.startswith(expected)]

    assert len(found) == 1


def test_the_kind_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, f"{BOTH}{DESK}".replace("assisted", "asisted"))

    assert finding == "10:8: transports.desk.kind: unknown word 'asisted' (did you mean 'assisted'?)"


def test_a_source_belongs_to_its_shop(tmp_path: Path) -> None:
    other = '[shops.bay]\nname = "Bay"\nsender = "Bay <care@bay.example>"\nplatform = "ebay"\n'
    sources = (
        '[sources.erp]\nkind = "file"\nshop = "toys"\n[sources.sheet]\nkind = "file"\nshop = "toys"\nfresh = "2d"\n'
    )
    settings = load_settings(a_home(tmp_path, f"{GOOD}{other}{sources}"), {})

    assert settings.shops["toys"].sources == (
        Source(name="erp", fresh=timedelta(hours=12)),
        Source(name="sheet", fresh=timedelta(hours=48)),
    )
    assert settings.shops["bay"].sources == ()
    assert settings.sources["sheet"] == SourceSettings(name="sheet", shop="toys", fresh=timedelta(hours=48))
    assert list(settings.sources) == ["erp", "sheet"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_shop_knows_what_its_platform_does(tmp_path: Path, platform: str) -> None:
    text = GOOD.replace("[shops.toys]", f'[shops.toys]\nplatform = "{platform}"')
    shop = load_settings(a_home(tmp_path, text), {}).shops["toys"]

    assert shop.platform == shop.policy.platform == platform
    assert shop.policy == policies()[platform]


def test_a_live_shop_without_a_channel_is_a_slip(tmp_path: Path) -> None:
    text = GOOD.replace('channels = { email = "main" }\n', 'mode = "live"\n')
    _, (finding,) = read_settings(a_home(tmp_path, text), {})

    assert (finding.severity, finding.line, finding.column) == ("warning", 4, 8)
    assert finding.problem == "is live, but no channel carries anything"
    assert load_settings(tmp_path, {}).shops["toys"].mode is Mode.LIVE
    assert findings_of(tmp_path, GOOD.replace('channels = { email = "main" }\n', 'mode = "rehearse"\n')) == []
    assert findings_of(tmp_path, GOOD.replace("[shops.toys]", '[shops.toys]\nmode = "live"')) == []


def test_an_owner_may_accept_an_unprotected_connection(tmp_path: Path) -> None:
    text = GOOD.replace('"127.0.0.1"', '"mail.example"\ninsecure = true')

    assert findings_of(tmp_path, text) == []


def test_an_empty_file_has_no_shop(tmp_path: Path) -> None:
    assert findings_of(tmp_path, "") == [" has no shop (write [shops.toys] with name and sender)"]


def test_the_environment_overrides_the_database(tmp_path: Path) -> None:
    url = "postgresql+psycopg://me:secret@host/name"
    settings = load_settings(a_home(tmp_path, GOOD), {"MESSENGER_DATABASE_URL": url})

    assert settings.database_url == url
    assert "secret" not in repr(settings)


def test_a_wrong_override_is_told_without_its_password(tmp_path: Path) -> None:
    environ = {"MESSENGER_DATABASE_URL": "postgres://me:hunter2@host/name"}
    (finding,) = findings_of(tmp_path, GOOD, environ)

    assert finding.startswith("MESSENGER_DATABASE_URL: cannot use 'postgres://…@host/name'")


@pytest.mark.parametrize(
    "text",
    [
        GOOD + 'username = "x"\npassword = "hunter2"\n',
        GOOD + '[database]\nurl = "postgresql+psycopg://me:hunter2@host/name"\n',
        GOOD + '[database]\nurl = "postgresql+psycopg://host/name?password=hunter2"\n',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    (finding,) = findings_of(tmp_path, text)

    assert "does not stand in this file" in finding
    assert "hunter2" not in finding


def test_secrets_are_looked_up_only_when_used(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    text = GOOD + 'username = "x"\npassword = "env:SMTP_PASSWORD"\n'
    settings = load_settings(a_home(tmp_path, text), environ)
    password = settings.transports["main"].password
    assert password is not None

    with pytest.raises(ConfigurationError, match="env:SMTP_PASSWORD: is not set or empty"):
        password.reveal()
    environ["SMTP_PASSWORD"] = "hunter2"

    assert password.reveal() == "hunter2"
    assert "hunter2" not in f"{password!r} {password} {settings!r}"


def test_a_secret_file_is_read_from_the_home(tmp_path: Path) -> None:
    text = GOOD + 'username = "x"\npassword = "file:smtp.secret"\n'
    password = load_settings(a_home(tmp_path, text), {}).transports["main"].password
    assert password is not None

    with pytest.raises(ConfigurationError, match="cannot be read"):
        password.reveal()
    (tmp_path / "smtp.secret").write_text("hunter2\n", encoding="utf-8")

    assert password.reveal() == "hunter2"


def test_both_files_are_checked_at_once(tmp_path: Path) -> None:
    home = a_home(tmp_path, GOOD.replace('"smtp"', '"stmp"'))
    (home / "schedules.toml").write_text('version = 1\n[rules.x]\ntemplate = "y"\non = "order.paid"\nshops = ["toy"]\n')
    findings = check_home(home, {}, templates=["shipped"])

    assert [finding.key for finding in findings] == ["transports.main.kind", "rules.x.template", "rules.x.shops"]


def test_check_knows_the_deadlines_of_each_shop(tmp_path: Path) -> None:
    home = a_home(tmp_path, GOOD.replace("[shops.toys]", '[shops.toys]\nplatform = "amazon"'))
    (home / "schedules.toml").write_text('version = 1\n[rules.x]\ntemplate = "y"\nbefore = "pay_by"\nlead = "2d"\n')
    (finding,) = check_home(home, {})

    assert finding.problem == "amazon has no pay_by, and the shop toys sells there"
