"""Who is told when something is the matter: what messenger.toml says, and every mistake in it with its place."""

from __future__ import annotations

import sys
from datetime import time
from pathlib import Path

import pytest

from messenger.config.alerts import AlertSettings
from messenger.config.settings import Settings, read_settings

SHOP = """[shops.toys]
name = "Toys"
sender = "Toys <care@toys.example>"
staff_language = "zh-CN"
zone = "Asia/Shanghai"
channels = { email = "spare" }
[transports.main]
kind = "smtp"
host = "127.0.0.1"
security = "none"
[transports.spare]
kind = "smtp"
host = "127.0.0.1"
security = "none"
[transports.desk]
kind = "assisted"
"""


def read(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    settings, findings = read_settings(folder, {"ALERT_URL": "tgram://s3cret/1"})
    lines = SHOP.count("\n")
    return settings, [
        str(one).split("messenger.toml:")[-1].replace(f"{one.line}:", f"{one.line - lines}:", 1) for one in findings
    ]


def found(folder: Path, text: str) -> AlertSettings:
    settings, findings = read(folder, text)
    assert findings == []
    return settings.alerts


def test_nobody_is_told_where_nothing_is_said(tmp_path: Path) -> None:
    alerts = found(tmp_path, "")

    assert (alerts.mail, alerts.urls) == ((), ())


def test_what_is_left_out_is_as_for_the_first_shop(tmp_path: Path) -> None:
    alerts = found(tmp_path, '[alerts]\nmail = "owner@example.com"\n')

    assert (alerts.mail, alerts.transport, alerts.sender) == (
        ("owner@example.com",),
        "spare",
        "Toys <care@toys.example>",
    )
    assert (alerts.manner.zone.key, alerts.manner.digest_at, alerts.manner.quiet) == ("Asia/Shanghai", time(9), None)
    assert alerts.language == "zh"


def test_everything_can_be_said(tmp_path: Path) -> None:
    alerts = found(
        tmp_path,
        '[alerts]\nmail = ["a@example.com", "b@example.com"]\ntransport = "main"\nsender = "Watch <watch@toys.example>"\n'
        'urls = ["env:ALERT_URL", "file:alert.url"]\ndigest = "08:30"\nquiet = "22:00-07:00"\nzone = "Europe/Madrid"\n'
        'language = "ru"\n',
    )

    assert (alerts.mail, alerts.transport) == (("a@example.com", "b@example.com"), "main")
    assert alerts.sender == "Watch <watch@toys.example>"
    assert [str(one) for one in alerts.urls] == ["<env:ALERT_URL>", "<file:alert.url>"]
    assert alerts.urls[0].reveal() == "tgram://s3cret/1"
    assert "s3cret" not in repr(alerts)
    assert (alerts.manner.zone.key, alerts.manner.digest_at) == ("Europe/Madrid", time(8, 30))
    assert (alerts.manner.quiet, alerts.language) == ((time(22), time(7)), "ru")


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ('mail = "owner"', "2:8: alerts.mail: is not an e-mail address: 'owner' (write care@shop.example)"),
        ('mail = ["a@b.example", "a@b.example"]', "2:24: alerts.mail: names 'a@b.example' twice"),
        ('mail = "a@b.example"\ntransport = "mian"', "3:13: alerts.transport: unknown transport 'mian' (did you mean 'main'?)"),
        (
            'mail = "a@b.example"\ntransport = "desk"',
            "3:13: alerts.transport: 'desk' carries no mail (name a transport with kind = \"smtp\")",
        ),
        (
            'mail = "a@b.example"\nsender = "me"',
            "3:10: alerts.sender: must be a name and an address, got 'me' (write Sunny Toys <care@sunny-toys.example>)",
        ),
        (
            'urls = ["tgram://s3cret/1"]',
            "2:9: alerts.urls: a secret does not stand in this file (write env:NAME or file:PATH)",
        ),
        (
            'mail = "a@b.example"\ndigest = "9"',
            "3:10: alerts.digest: cannot read '9' (write the time of the daily mail, for example \"09:00\")",
        ),
        (
            'mail = "a@b.example"\nquiet = "night"',
            "3:9: alerts.quiet: cannot read 'night' (write \"22:00-07:00\")",
        ),
        (
            'mail = "a@b.example"\nquiet = "always"',
            "3:9: alerts.quiet: 'always' would leave no hour to tell anything (write \"22:00-07:00\")",
        ),
        (
            'mail = "a@b.example"\nzone = "Shanghai"',
            "3:8: alerts.zone: unknown time zone 'Shanghai' (did you mean 'Asia/Shanghai'?)",
        ),
        ('mail = "a@b.example"\nlanguage = "de"', "3:12: alerts.language: unknown word 'de' (known: en, ru, zh)"),
        ('mial = "a@b.example"', "2:1: alerts.mial: unknown key (did you mean 'mail'?)"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_remedy(tmp_path: Path, line: str, finding: str) -> None:
    _, findings = read(tmp_path, f"[alerts]\n{line}\n")

    assert finding in findings
    assert not any("s3cret" in one for one in findings)


def test_alerts_that_tell_nobody_are_no_more_than_a_slip(tmp_path: Path) -> None:
    settings, findings = read(tmp_path, "[alerts]\n")

    assert findings == ['1:2: alerts: tells nobody (write mail = "owner@example.com", or urls = ["env:ALERT_URL"])']
    assert not settings.alerts.mail


def test_mail_needs_a_mail_server(tmp_path: Path) -> None:
    text = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n[alerts]\nmail = "a@b.example"\n'
    (tmp_path / "messenger.toml").write_text(text, encoding="utf-8")

    _, findings = read_settings(tmp_path, {})

    assert "no mail server carries it" in " ".join(map(str, findings))


def test_that_apprise_is_not_there_is_told_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == "apprise"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])

    _, findings = read(tmp_path, '[alerts]\nurls = ["env:ALERT_URL"]\n')

    assert findings == [
        "2:8: alerts.urls: apprise, which carries them, is not installed (pip install 'marketplace-messenger[alerts]')"
    ]
