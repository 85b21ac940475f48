"""Where mail comes back to: what messenger.toml says, and every mistake in it with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from messenger.config.mailboxes import MailboxSettings, MailHookSettings
from messenger.config.settings import Settings, read_settings
from messenger.config.transports import Security

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\nchannels = { email = "main" }\n[transports.main]\nkind = "smtp"\nhost = "127.0.0.1"\nsecurity = "none"\n'  # noqa: E501


def read(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    settings, findings = read_settings(folder, {"IMAP": "s3cret"})
    lines = SHOP.count("\n")
    return settings, [f"{one.line - lines}:{one.column}: {one.key}: {one.problem}" for one in findings]


def test_a_mailbox_is_read_with_its_usual_port(tmp_path: Path) -> None:
    settings, findings = read(
        tmp_path,
        '[sources.b]\nkind = "imap"\nhost = "imap.example"\nusername = "u"\npassword = "env:IMAP"\ndone = "Done"\n',
    )

    assert findings == []
    found = settings.returns["b"]
    assert isinstance(found, MailboxSettings)
    assert (found.port, found.security, found.folder, found.done, found.every) == (
        993,
        Security.TLS,
        "INBOX",
        "Done",
        timedelta(minutes=2),
    )
    assert found.password is not None
    assert found.password.reveal() == "s3cret"
    assert "s3cret" not in repr(settings)
    assert settings.sources == {}


def test_a_hook_needs_its_secret(tmp_path: Path) -> None:
    settings, findings = read(tmp_path, '[sources.h]\nkind = "mail"\n')

    assert findings == ["1:10: sources.h.secret: is missing"]
    assert isinstance(settings.returns["h"], MailHookSettings)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    _, findings = read(
        tmp_path,
        '[sources.b]\nkind = "imap"\nhost = "imap.example:993"\nport = 0\nsecurity = "ssl"\nevery = "48h"\nshop = "toys"\n',
    )

    assert findings == [
        "1:10: sources.b.username: is missing",
        "1:10: sources.b.password: is missing",
        "3:8: sources.b.host: must be a host without a port, got 'imap.example:993'",
        "4:8: sources.b.port: must be a whole number from 1 to 65535, got 0",
        "5:12: sources.b.security: unknown word 'ssl'",
        "6:9: sources.b.every: must be 24h at most, got '48h'",
        "7:1: sources.b.shop: unknown key",
    ]


def test_a_password_does_not_travel_unprotected(tmp_path: Path) -> None:
    text = '[sources.b]\nkind = "imap"\nhost = "{}"\nusername = "u"\npassword = "env:IMAP"\nsecurity = "none"\n'

    assert read(tmp_path, text.format("imap.example"))[1] == [
        "6:12: sources.b.security: the password for imap.example would travel unprotected"
    ]
    assert read(tmp_path, text.format("127.0.0.1"))[1] == []
    assert read(tmp_path, text.format("imap.example") + "insecure = true\n")[1] == []


def test_an_unknown_kind_names_those_there_are(tmp_path: Path) -> None:
    _, findings = read(tmp_path, '[sources.b]\nkind = "imapp"\nshop = "toys"\n')

    assert findings == ["2:8: sources.b.kind: unknown word 'imapp'"]
