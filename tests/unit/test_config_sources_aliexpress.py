"""A shop that is read at AliExpress: what messenger.toml says about it, and every mistake in it with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.bootstrap.aliexpress import CALLS
from messenger.config.settings import Settings, read_settings
from messenger.config.sources_aliexpress import GATEWAYS, SELLERS, SIGNS, AliExpressSettings
from messenger.domain.pacing import Rate
from messenger.platforms.aliexpress.client import Gateway
from messenger.platforms.aliexpress.signing import Scheme

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n'
SOURCE = '[sources.ae]\nkind = "aliexpress"\nshop = "toys"\napp_key = "env:KEY"\napp_secret = "env:SECRET"\n'
HOUR = timedelta(hours=1)


def read(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    settings, findings = read_settings(folder, {"KEY": "12345678", "SECRET": "helloworld"})
    lines = SHOP.count("\n")
    return settings, [f"{one.line - lines}:{one.column}: {one.key}: {one.problem}" for one in findings]


def found(folder: Path, more: str = "") -> AliExpressSettings:
    settings, findings = read(folder, SOURCE + more)
    assert findings == []
    one = settings.sources["ae"]
    assert isinstance(one, AliExpressSettings)
    return one


def test_what_is_usual(tmp_path: Path) -> None:
    one = found(tmp_path)

    assert (one.gateway, one.sign, one.seller, one.url, one.redirect) == ("new", "sha256", "china", "", "")
    assert (one.every, one.history, one.tracking, one.fresh) == (HOUR / 6, timedelta(days=30), 6 * HOUR, 12 * HOUR)
    assert (one.rate, one.tracking_zone, one.timeout) == (Rate(1, timedelta(seconds=1)), "Asia/Shanghai", 30.0)
    assert "helloworld" not in repr(one)


def test_everything_can_be_said(tmp_path: Path) -> None:
    one = found(tmp_path, (
        'gateway = "top"\nsign = "hmac"\nseller = "overseas"\nurl = "http://127.0.0.1:1/"\nevery = "1h"\nhistory = "7d"\n'
        'tracking = "off"\ntracking_zone = "UTC"\nrate = "5/s"\nredirect = "https://toys.example/back"\ntimeout = "5s"\n'
    ))  # fmt: skip

    assert (one.gateway, one.sign, one.seller, one.url) == ("top", "hmac", "overseas", "http://127.0.0.1:1")
    assert (one.every, one.history, one.tracking, one.tracking_zone) == (HOUR, timedelta(days=7), None, "UTC")
    assert (one.rate, one.redirect, one.timeout) == (Rate(5, timedelta(seconds=1)), "https://toys.example/back", 5.0)


def test_through_top_calls_are_signed_as_they_always_were(tmp_path: Path) -> None:
    assert found(tmp_path, 'gateway = "top"\n').sign == "md5"


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param('[sources.ae]\nkind = "aliexpress"\nshop = "toys"\n', [
        "1:10: sources.ae.app_key: is missing", "1:10: sources.ae.app_secret: is missing",
    ], id="nothing but its kind"),
    pytest.param(SOURCE.replace("env:SECRET", "helloworld"), ["5:14: sources.ae.app_secret: a secret does not stand in this file"],
                 id="a secret in the open"),
    pytest.param(f'{SOURCE}gateway = "old"\n', ["6:11: sources.ae.gateway: unknown word 'old'"], id="a gateway that is none"),
    pytest.param(f'{SOURCE}sign = "hmac"\n', ["6:8: sources.ae.sign: unknown word 'hmac'"], id="signed as the other gateway's"),
    pytest.param(f'{SOURCE}every = "10s"\n', ['6:9: sources.ae.every: must be from 1m to 24h, got "10s"'], id="too often"),
    pytest.param(f'{SOURCE}history = "1w"\nhistori = "1w"\n', ["7:1: sources.ae.histori: unknown key"], id="a key misspelt"),
    pytest.param(f'{SOURCE}history = "400d"\n', ['6:11: sources.ae.history: must be 180d at most, got "400d"'], id="too far back"),
    pytest.param(f'{SOURCE}tracking = "on"\n', ["6:12: sources.ae.tracking: cannot read"], id="tracking in words"),
    pytest.param(f'{SOURCE}tracking = "1m"\n', ['6:12: sources.ae.tracking: must be from 1h to 48h, or "off", got "1m"'],
                 id="parcels too often"),
    pytest.param(f'{SOURCE}tracking_zone = "China"\n', ["6:17: sources.ae.tracking_zone: unknown time zone"], id="a zone that is none"),
    pytest.param(f'{SOURCE}url = "http://example.com"\n', ["6:7: sources.ae.url: the token would travel unprotected"],
                 id="an address without protection"),
])  # fmt: skip
def test_every_mistake_is_told_with_its_place(tmp_path: Path, text: str, expected: list[str]) -> None:
    _, findings = read(tmp_path, text)

    assert len(findings) == len(expected)
    assert all(
        finding.replace("'", '"').startswith(start.replace("'", '"'))
        for finding, start in zip(findings, expected, strict=True)
    )


def test_what_can_be_written_is_what_can_be_done() -> None:
    assert set(GATEWAYS) == set(Gateway)
    assert {one for signs in SIGNS.values() for one in signs} == set(Scheme)
    assert set(SELLERS) == set(CALLS)
