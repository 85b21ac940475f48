"""What is posted to us: what messenger.toml says about it, and every mistake in it with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.settings import Settings, read_settings
from messenger.config.sources import WebhookSettings
from messenger.config.sources_webhook import SCHEMES
from messenger.domain.pacing import Rate
from messenger.intake.signatures import Scheme

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\nchannels = { email = "main" }\n[transports.main]\nkind = "smtp"\nhost = "127.0.0.1"\nsecurity = "none"\n'  # noqa: E501
HOOK = '[sources.erp]\nkind = "webhook"\nscheme = "standard"\nsecrets = ["env:NEW", "env:OLD"]\nshop = "toys"\n'


def read(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    settings, findings = read_settings(folder, {"NEW": "s3cret", "OLD": "0ld"})
    lines = SHOP.count("\n")
    return settings, [f"{one.line - lines}:{one.column}: {one.key}: {one.problem}" for one in findings]


def test_a_webhook_is_read_with_what_is_usual(tmp_path: Path) -> None:
    settings, findings = read(tmp_path, HOOK)

    assert findings == []
    found = settings.sources["erp"]
    assert isinstance(found, WebhookSettings)
    assert [one.reveal() for one in found.secrets] == ["s3cret", "0ld"]
    assert (found.shop, found.scheme, found.fresh) == ("toys", "standard", timedelta(hours=12))
    assert found.rate == Rate(6000, timedelta(minutes=1))
    assert [one.name for one in settings.shops["toys"].sources] == ["erp"]
    assert "s3cret" not in repr(settings)


def test_everything_can_be_said(tmp_path: Path) -> None:
    settings, findings = read(
        tmp_path,
        '[sources.shop]\nkind = "webhook"\nscheme = "shopify"\nsecrets = "env:NEW"\nshop = "toys"\nfresh = "3d"\nrate = "20/s"\n'
        '[web]\ntokens = ["env:OLD"]\n',
    )

    assert findings == []
    found = settings.sources["shop"]
    assert isinstance(found, WebhookSettings)
    assert (found.fresh, found.rate, len(found.secrets)) == (timedelta(days=3), Rate(20, timedelta(seconds=1)), 1)
    assert [one.reveal() for one in settings.web.tokens] == ["0ld"]


@pytest.mark.parametrize(("scheme", "fresh", "expected"), [
    pytest.param("17track", "", timedelta.max, id="what moves is read as well"),
    pytest.param("ebay", "", timedelta.max, id="who leaves is no news of orders"),
    pytest.param("17track", 'fresh = "2d"\n', timedelta(days=2), id="unless it is told"),
    pytest.param("shopify", "", timedelta(hours=12), id="an order's own source"),
])  # fmt: skip
def test_what_is_told_elsewhere_too_may_be_silent(tmp_path: Path, scheme: str, fresh: str, expected: timedelta) -> None:
    settings, findings = read(tmp_path, HOOK.replace("standard", scheme) + fresh)

    assert findings == []
    assert settings.sources["erp"].fresh == expected


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param(
        '[sources.erp]\nkind = "webhook"\n',
        ["1:10: sources.erp.shop: is missing", "1:10: sources.erp.scheme: is missing", "1:10: sources.erp.secrets: is missing"],
        id="nothing but its kind"),
    pytest.param(
        HOOK.replace('"standard"', '"standart"'), ["3:10: sources.erp.scheme: unknown word 'standart'"], id="a scheme misspelt"),
    pytest.param(
        HOOK.replace('"env:OLD"', '"s3cret"'), ["4:23: sources.erp.secrets: a secret does not stand in this file"],
        id="a secret in the open"),
    pytest.param(HOOK.replace('["env:NEW", "env:OLD"]', "[]"), ["4:11: sources.erp.secrets: must not be an empty list"], id="none"),
    pytest.param(
        HOOK.replace('"toys"', '"cars"'), ["5:8: sources.erp.shop: unknown word 'cars'"], id="a shop that is not there"),
    pytest.param(HOOK + 'rate = "fast"\n', ["6:8: sources.erp.rate: cannot read 'fast'"], id="a rate in words"),
    pytest.param(HOOK + 'secret = "env:NEW"\n', ["6:1: sources.erp.secret: unknown key"], id="a key misspelt"),
    pytest.param('[web]\ntokens = ["t0ken"]\n', ["2:11: web.tokens: a secret does not stand in this file"], id="a token in the open"),
])  # fmt: skip
def test_a_mistake_says_where(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert read(tmp_path, text)[1] == expected


def test_every_scheme_can_be_verified() -> None:
    assert set(SCHEMES) == set(Scheme)
