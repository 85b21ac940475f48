from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.platform_transports import PlatformSettings, read_platform
from messenger.config.reader import Document
from messenger.config.secrets import Secret
from messenger.config.tables import Table
from messenger.domain.pacing import Rate
from messenger.domain.rules import Uncertain

NEEDED = 'kind = "ebay"\nshop = "toys"\napp_key = "env:KEY"\napp_secret = "file:secret"\n'


def read(folder: Path, text: str) -> tuple[PlatformSettings, list[str]]:
    path = folder / "messenger.toml"
    path.write_text(text, encoding="utf-8")
    document = Document(path)
    table = Table(document, (), document.values)
    table.take("kind", str, "")
    found = read_platform("chat", "ebay", table, shops=["toys"], home=folder, environ={})
    return found, [str(one).removeprefix(f"{path}:") for one in document.findings]


def test_everything_a_platform_transport_can_say(tmp_path: Path) -> None:
    text = (
        f'{NEEDED}url = "http://127.0.0.1:8080/"\nconnections = 3\ntimeout = "5s"\nrate = "10/m"\nuncertain = "resend"\n'
        'resend_after = "1h"\n'
    )

    found, mistakes = read(tmp_path, text)

    assert mistakes == []
    assert found == PlatformSettings(
        name="chat", kind="ebay", shop="toys", app_key=Secret("env:KEY", tmp_path), app_secret=Secret("file:secret", tmp_path),
        url="http://127.0.0.1:8080", connections=3, timeout=5.0, rate=Rate(10, timedelta(minutes=1)), uncertain=Uncertain.RESEND,
        resend_after=timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NEEDED.replace('"toys"', '"toy"'), "2:8: shop: unknown word 'toy' (did you mean 'toys'?)"),
        (NEEDED.replace('shop = "toys"\n', ""), ' shop: is missing (write shop = "toys")'),
        (
            NEEDED.replace('app_key = "env:KEY"\n', ""),
            ' app_key: is missing (write app_key = "env:EBAY_APP_KEY")',
        ),
        (
            NEEDED.replace("env:KEY", "12345"),
            "3:11: app_key: a secret does not stand in this file (write env:NAME or file:PATH)",
        ),
        (
            f'{NEEDED}url = "http://api.ebay.example"\n',
            "5:7: url: the token would travel unprotected to 'api.ebay.example' (links start with https://)",
        ),
        (f"{NEEDED}connections = 21\n", "5:15: connections: must be a whole number from 1 to 20, got 21"),
        (f"{NEEDED}conections = 2\n", "5:1: conections: unknown key (did you mean 'connections'?)"),
    ],
)
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert read(tmp_path, text)[1] == [expected]


@pytest.mark.parametrize(
    ("url", "is_far"),
    [("", True), ("https://api.ebay.example", True), ("http://127.0.0.1:80", False), ("https://localhost/x", False)],
)
def test_what_leads_off_this_machine(tmp_path: Path, url: str, *, is_far: bool) -> None:
    assert read(tmp_path, f'{NEEDED}url = "{url}"\n')[0].is_far is is_far
