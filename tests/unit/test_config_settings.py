from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.check import check_home
from messenger.config.settings import load_settings, read_settings
from messenger.config.transports import Security
from messenger.domain.rules import Uncertain
from messenger.domain.shops import Mode
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
        ("email =", "sms =", "4:14: shops.toys.channels.sms: unknown key (known: email)"),
        (
            "email =",
            "platform =",
            "4:14: shops.toys.channels.platform: the channel 'platform' is not available in this",
        ),
        ('"smtp"', '"assisted"', "6:8: transports.main.kind: 'assisted' is not available in this version"),
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
            "9:13: transports.main.uncertain: 'verify' is not available in this",
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
            '[sources.erp]\nkind = "webhook"\n[shops.toys]',
            "1:10: sources.erp: the source 'erp' is not av",
        ),
        ("[shops.toys]", "[shop.x]\n[shops.toys]", "1:2: shop: unknown key (did you mean 'shops'?)"),
    ],
)
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, old: str, new: str, expected: str) -> None:
    (finding,) = findings_of(tmp_path, GOOD.replace(old, new, 1))

    assert finding.startswith(expected)


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
