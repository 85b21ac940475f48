from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.secrets import Secret
from messenger.config.settings import load_settings, read_settings
from messenger.config.transports import USUAL_PORT, Security, TransportSettings, is_loopback
from messenger.domain.rules import Uncertain

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n'


def transport(folder: Path, text: str) -> TransportSettings:
    (folder / "messenger.toml").write_text(f'{SHOP}[transports.main]\nkind = "smtp"\n{text}\n', encoding="utf-8")
    return load_settings(folder, {}).transports["main"]


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is found in a transport whose keys begin on line 5."""
    (folder / "messenger.toml").write_text(f"{SHOP}[transports.main]\n{text}\n", encoding="utf-8")
    return [str(one).removeprefix(f"{folder}/messenger.toml:") for one in read_settings(folder, {})[1]]


def test_what_a_mail_server_leaves_out(tmp_path: Path) -> None:
    assert transport(tmp_path, 'host = "mail.example"') == TransportSettings(
        name="main", host="mail.example", port=587, security=Security.STARTTLS, username="", password=None, connections=4,
        timeout=30.0, uncertain=Uncertain.RESEND, resend_after=timedelta(minutes=10), redirect_to="", insecure=False, ca_file=None,
    )  # fmt: skip


def test_everything_a_mail_server_can_say(tmp_path: Path) -> None:
    text = (
        'host = "10.0.0.5"\nport = 65535\nsecurity = "none"\nusername = "me"\npassword = "env:PW"\nconnections = 100\n'
        'timeout = "5s"\nuncertain = "ask"\nresend_after = "1h"\nredirect_to = "me@example.com"\ninsecure = true\nca_file = "ca.pem"\n'
        'bounces = "Bounce.Example.com"'
    )

    assert transport(tmp_path, text) == TransportSettings(
        name="main", host="10.0.0.5", port=65535, security=Security.NONE, username="me", password=Secret("env:PW", tmp_path),
        connections=100, timeout=5.0, uncertain=Uncertain.ASK, resend_after=timedelta(hours=1), redirect_to="me@example.com",
        insecure=True, ca_file=tmp_path / "ca.pem", bounces="bounce.example.com",
    )  # fmt: skip


@pytest.mark.parametrize("security", Security)
def test_each_protection_has_its_usual_port(tmp_path: Path, security: Security) -> None:
    assert transport(tmp_path, f'host = "localhost"\nsecurity = "{security}"').port == USUAL_PORT[security]


SMTP = 'kind = "smtp"\nhost = "localhost"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('host = "x.example"', '4:13: transports.main.kind: is missing (write kind = "smtp" or kind = "assisted")'),
        ('kind = "smtp"', '4:13: transports.main.host: is missing (write host = "127.0.0.1")'),
        (
            'kind = "webhook"\nurl = "x"',
            "5:8: transports.main.kind: 'webhook' is not available in this version (available: smtp, assisted)",
        ),
        (
            'kind = "smtp"\nhost = "a b"',
            ("6:8: transports.main.host: must be the name or address of one machine, got 'a b'"
            " (for example smtp.example.com)"),
        ),
        (
            'kind = "smtp"\nhost = "smtp://x.example"',
            ("6:8: transports.main.host: must be the name or address of one machine, got 'smtp://x.example'"
            " (for example smtp.example.com)"),
        ),
        (
            'kind = "smtp"\nhost = "a.example,b.example"',
            ("6:8: transports.main.host: must be the name or address of one machine, got 'a.example,b.example'"
            " (for example smtp.example.com)"),
        ),
        (
            'kind = "smtp"\nhost = "me@x.example"',
            ("6:8: transports.main.host: must be the name or address of one machine, got 'me@x.example'"
            " (for example smtp.example.com)"),
        ),
        (
            'kind = "smtp"\nhost = "x.example:25"',
            "6:8: transports.main.host: must be a host without a port, got 'x.example:25' (write port = 25)",
        ),
        ('kind = "smtp"\nhost = ""', "6:8: transports.main.host: must not be empty"),
        (
            'kind = "smtp"\nhost = "x.example"\nsecurity = "none"',
            ("7:12: transports.main.security: mail to x.example would travel unprotected"
            ' (write "starttls" or "tls", or insecure = true)'),
        ),
        (f"{SMTP}port = 0", "7:8: transports.main.port: must be a whole number from 1 to 65535, got 0"),
        (f"{SMTP}port = 65536", "7:8: transports.main.port: must be a whole number from 1 to 65535, got 65536"),
        (f"{SMTP}connections = 0", "7:15: transports.main.connections: must be a whole number from 1 to 100, got 0"),
        (f"{SMTP}connections = 101", "7:15: transports.main.connections: must be a whole number from 1 to 100, got 101"),
        (f'{SMTP}security = "ssl"', "7:12: transports.main.security: unknown word 'ssl' (known: none, starttls, tls)"),
        (f'{SMTP}username = "me"', '4:13: transports.main.password: is missing (write password = "env:SMTP_PASSWORD")'),
        (f'{SMTP}password = "env:X"', "4:13: transports.main.username: is missing (a password goes with a username)"),
        (f'{SMTP}timeout = "1d"', "7:11: transports.main.timeout: must be seconds, minutes or hours, got '1d' (write 90s, 30m or 36h)"),
        (f'{SMTP}resend_after = "0s"', "7:16: transports.main.resend_after: must be longer than nothing, got '0s'"),
        (f'{SMTP}redirect_to = "me"', "7:15: transports.main.redirect_to: is not an e-mail address: 'me' (write care@shop.example)"),
        (f'{SMTP}ca_file = ""', "7:11: transports.main.ca_file: must not be empty"),
        (f'{SMTP}insecure = "yes"', "7:12: transports.main.insecure: must be true or false, got 'yes' (without quotes)"),
        (f"{SMTP}per_day = 3", ("7:1: transports.main.per_day: unknown key (known: bounces, ca_file, connections, host, insecure, kind, password,"
                               " port, redirect_to, resend_after, security, timeout, uncertain, username)")),
        ('kind = "assisted"\nper_day = 300', "6:1: transports.main.per_day: is not available in this version (remove it)"),
        ('kind = "assisted"\nhours = "09:00-09:00"', ("6:9: transports.main.hours: '09:00-09:00' is never open"
                                                     ' (write "always" for the whole day)')),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(tmp_path, text) == [expected]


def test_an_unprotected_connection_is_told_once_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'kind = "smtp"\nhost = "a b"\nsecurity = "none"') == [
        "6:8: transports.main.host: must be the name or address of one machine, got 'a b' (for example smtp.example.com)"
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LocalHost", True),
        ("10.0.0.1", False),
        ("::2", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_addresses_of_this_machine_need_no_protection(tmp_path: Path) -> None:
    for host in ("::1", "localhost", "127.0.0.1"):
        assert mistakes(tmp_path, f'kind = "smtp"\nhost = "{host}"\nsecurity = "none"') == []
