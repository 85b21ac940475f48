from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.logins import STAGES
from messenger.config.secrets import Secret
from messenger.config.settings import load_settings, read_settings
from messenger.config.transports import USUAL_PORT, Auth, Security, TransportSettings, is_loopback
from messenger.domain.rules import Uncertain
from messenger.mail.settings import Mechanism, Timeouts

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
        messages_per_connection=100, idle=30.0, hello="", dsn=True, auth=Auth.AUTO, token=None, timeouts={},
    )  # fmt: skip


def test_a_token_instead_of_a_password(tmp_path: Path) -> None:
    found = transport(tmp_path, 'host = "mail.example"\nusername = "me"\ntoken = "file:token"')

    assert (found.token, found.password) == (Secret("file:token", tmp_path), None)


def test_the_stages_that_are_waited_for_are_those_of_the_conversation() -> None:
    assert [*STAGES] == [one.name for one in fields(Timeouts) if one.name != "connect"]


def test_the_ways_to_log_in_are_those_of_the_conversation() -> None:
    assert [*Auth] == [*Mechanism]


def test_everything_a_mail_server_can_say(tmp_path: Path) -> None:
    text = (
        'host = "10.0.0.5"\nport = 65535\nsecurity = "tls"\nusername = "me"\npassword = "env:PW"\nconnections = 100\n'
        'timeout = "5s"\nuncertain = "ask"\nresend_after = "1h"\nredirect_to = "me@example.com"\ninsecure = true\nca_file = "ca.pem"\n'
        'bounces = "Bounce.Example.com"\nmessages_per_connection = 7\nidle = "10s"\nhello = "Mail.Example.com"\ndsn = false\n'
        'auth = "cram-md5"\ntimeouts = { greeting = "1m", end_of_data = "15m" }'
    )

    assert transport(tmp_path, text) == TransportSettings(
        name="main", host="10.0.0.5", port=65535, security=Security.TLS, username="me", password=Secret("env:PW", tmp_path),
        connections=100, timeout=5.0, uncertain=Uncertain.ASK, resend_after=timedelta(hours=1), redirect_to="me@example.com",
        insecure=True, ca_file=tmp_path / "ca.pem", bounces="bounce.example.com", messages_per_connection=7, idle=10.0,
        hello="mail.example.com", dsn=False, auth=Auth.CRAM_MD5, timeouts={"greeting": 60.0, "end_of_data": 900.0},
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
            "5:8: transports.main.kind: 'webhook' is not available in this version (available: smtp, assisted, aliexpress, ebay)",
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
        (f"{SMTP}per_day = 3", "7:1: transports.main.per_day: unknown key"),
        (f"{SMTP}messages_per_connection = 0", "7:27: transports.main.messages_per_connection: must be a whole number from 1 to 100000, got 0"),
        (f'{SMTP}idle = "2h"', "7:8: transports.main.idle: must be 1h at most, got '2h'"),
        (f'{SMTP}timeout = "61m"', "7:11: transports.main.timeout: must be 1h at most, got '61m'"),
        (f"{SMTP}dsn = 1", "7:7: transports.main.dsn: must be true or false, got 1"),
        (f'{SMTP}hello = "my mail"', "7:9: transports.main.hello: is not a domain: 'my mail' (for example sunny-toys.example)"),
        (f'{SMTP}timeouts = "1m"', "7:12: transports.main.timeouts: must be a table, got '1m' (tables stand in { }, or below a [heading])"),
        (f'{SMTP}timeouts = {{ reply = "1m" }}', ("7:14: transports.main.timeouts.reply: unknown key (known: auth, block, data, ehlo, end_of_data,"
                                                " greeting, mail, rcpt, tls)")),
        (f'{SMTP}timeouts = {{ mail = "2h" }}', "7:21: transports.main.timeouts.mail: must be 1h at most, got '2h'"),
        (f'{SMTP}timeouts = {{ end_of_data = "9m" }}', ("7:28: transports.main.timeouts.end_of_data: must be 10m or more, got '9m'"
                                                      " (a server that is not waited for may get the message twice)")),
        (f'{SMTP}username = "me"\npassword = "env:X"\nauth = "gssapi"',
         "9:8: transports.main.auth: unknown word 'gssapi' (known: auto, cram-md5, login, plain, xoauth2)"),
        (f'{SMTP}auth = "plain"', "4:13: transports.main.username: is missing (a way to log in goes with a username)"),
        (f'{SMTP}token = "env:X"', "4:13: transports.main.username: is missing (a token goes with a username)"),
        (f'{SMTP}username = "me"\ntoken = "secret"',
         "8:9: transports.main.token: a secret does not stand in this file (write env:NAME or file:PATH)"),
        (f'{SMTP}username = "me"\npassword = "env:X"\ntoken = "env:Y"',
         "9:1: transports.main.token: cannot stand beside a password (keep the one that the server asks for)"),
        (f'{SMTP}username = "me"\npassword = "env:X"\nauth = "xoauth2"', ("4:13: transports.main.token: is missing (write token = \"file:PATH\":"
                                                                        " xoauth2 takes a token, not a password)")),
        (f'{SMTP}username = "me"\ntoken = "env:X"\nauth = "plain"', ("9:8: transports.main.auth: 'plain' does not take a token"
                                                                   ' (write auth = "xoauth2", or password instead of token)')),
        ('kind = "smtp"\nhost = "x.example"\nsecurity = "none"\ninsecure = true\nusername = "me"\npassword = "env:X"',
         '7:12: transports.main.security: the login at x.example would travel unprotected (write "starttls" or "tls")'),
        ('kind = "assisted"\nper_day = "many"', "6:11: transports.main.per_day: must be a whole number from 1 to 100000, got 'many'"),
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
