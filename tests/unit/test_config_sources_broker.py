"""A stream of a broker: what messenger.toml says about it, and every mistake in it with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from messenger.config.settings import Settings, read_settings
from messenger.config.sources import BrokerSettings

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\nchannels = { email = "main" }\n[transports.main]\nkind = "smtp"\nhost = "127.0.0.1"\nsecurity = "none"\n'  # noqa: E501
ERP = '[sources.erp]\nkind = "broker"\nurl = "nats://127.0.0.1:4222"\nstream = "ORDERS"\nsubject = "orders.>"\nshop = "toys"\n'


def read(folder: Path, text: str) -> tuple[Settings, list[str]]:
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    settings, findings = read_settings(folder, {"NATS": "tls://erp:s3cret@nats.example:4222"})
    lines = SHOP.count("\n")
    return settings, [f"{one.line - lines}:{one.column}: {one.key}: {one.problem}" for one in findings]


def test_a_broker_is_read(tmp_path: Path) -> None:
    settings, findings = read(tmp_path, ERP)

    assert findings == []
    found = settings.sources["erp"]
    assert isinstance(found, BrokerSettings)
    assert (found.address(), found.stream, found.subject, found.durable) == (
        "nats://127.0.0.1:4222", "ORDERS", "orders.>", "messenger",
    )  # fmt: skip


def test_an_address_with_a_password_is_a_secret(tmp_path: Path) -> None:
    settings, findings = read(tmp_path, ERP.replace('"nats://127.0.0.1:4222"', '"env:NATS"') + 'durable = "care"\n')

    found = settings.sources["erp"]
    assert isinstance(found, BrokerSettings)
    assert (findings, found.address(), found.durable) == ([], "tls://erp:s3cret@nats.example:4222", "care")
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(("old", "new", "expected"), [
    ('url = "nats://127.0.0.1:4222"\n', "", ["1:10: sources.erp.url: is missing"]),
    ("nats://127.0.0.1:4222", "kafka://127.0.0.1", ["3:7: sources.erp.url: kafka is not available in this version"]),
    ("nats://127.0.0.1:4222", "127.0.0.1:4222", ["3:7: sources.erp.url: cannot read '127.0.0.1:4222'"]),
    ("nats://127.0.0.1:4222", "nats://erp:s3cret@127.0.0.1", ["3:7: sources.erp.url: a secret does not stand in this file"]),
    ("127.0.0.1:4222", "nats.example:4222",
     ["3:7: sources.erp.url: what buyers are called would travel unprotected to nats.example"]),
    ('"ORDERS"', '"all orders"', ["4:10: sources.erp.stream: cannot be a name: 'all orders'"]),
    ('"orders.>"', '"orders..paid"', ["5:11: sources.erp.subject: cannot read 'orders..paid'"]),
    ('shop = "toys"\n', 'shop = "toys"\ntopic = "x"\n', ["7:1: sources.erp.topic: unknown key"]),
])  # fmt: skip
def test_a_mistake_says_where(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in ERP
    assert read(tmp_path, ERP.replace(old, new))[1] == expected


def test_a_broker_elsewhere_is_reached_over_tls_or_on_ones_own_word(tmp_path: Path) -> None:
    assert read(tmp_path, ERP.replace("nats://127.0.0.1", "tls://nats.example"))[1] == []
    assert read(tmp_path, ERP.replace("127.0.0.1", "nats.example") + "insecure = true\n")[1] == []
