"""Reading messenger.toml: where things are, which shops there are, how messages leave."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.databases import DEFAULT_URL, OVERRIDE, database_url, override_finding
from messenger.config.reader import Document
from messenger.config.tables import UNAVAILABLE, Table, Wrong, a_text, nearest, one_of, shown, whole
from messenger.config.transports import TransportSettings, elapsed, read_transport
from messenger.config.values import ID_PATTERN, address_or_nothing, language, link, sender, zone
from messenger.domain.shops import Mode, Shop
from messenger.errors import ConfigurationError, Finding

__all__ = ["Settings", "TransportSettings", "WebSettings", "WorkerSettings", "load_settings", "read_settings"]

FILE: Final = "messenger.toml"
PLATFORMS: Final = ("none", "aliexpress", "ebay", "amazon", "shopify", "woocommerce")
CHANNELS: Final = ("email",)
LATER_CHANNELS: Final = ("platform",)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works: how long it may hold a message without a sign of life, and how many it takes at once."""

    lease: timedelta = timedelta(seconds=60)
    batch: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How the program is reached from outside; empty when it is not."""

    public_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole of messenger.toml, checked. ``database_url`` is absolute and may hold a password: it is not shown."""

    home: Path
    database_url: str = field(repr=False)
    shops: Mapping[str, Shop]
    transports: Mapping[str, TransportSettings]
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    web: WebSettings = field(default_factory=WebSettings)


def load_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a home.

    Args:
        home: the folder that holds messenger.toml.
        environ: the environment: ``MESSENGER_DATABASE_URL`` and the variables that secrets name.

    Raises:
        ConfigurationError: with every mistake in the file.
    """
    settings, findings = read_settings(home, environ)
    if findings:
        raise ConfigurationError(findings)
    return settings


def read_settings(home: Path, environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Return the settings as far as they can be read, and every mistake in them, in the order of the file."""
    home = home.absolute()
    document = Document(home / FILE)
    root = Table(document, (), document.values)
    url = _database(root.table("database"), home, environ)
    named = _named(root, "transports")
    transports = {name: read_transport(name, table, home=home, environ=environ) for name, table in named}
    shops = {name: _shop(name, table, transports) for name, table in _named(root, "shops")}
    settings = Settings(
        home=home,
        database_url=url,
        shops=shops,
        transports={name: transport for name, transport in transports.items() if transport},
        worker=_worker(root.table("worker")),
        web=_web(root.table("web")),
    )
    _refuse_sources(root)
    if document.is_readable and not shops:
        root.wrong("", "has no shop", "write [shops.toys] with name and sender")
    root.close()
    unset = override_finding(environ)
    findings = sorted(document.findings, key=lambda one: (one.line, one.column))
    return settings, [*([unset] if unset else []), *findings]


def _named(root: Table, key: str) -> list[tuple[str, Table]]:
    found = list(root.tables(key))
    for name, table in found:
        if not re.fullmatch(ID_PATTERN, name):
            table.wrong("", "is not a name", "small letters, digits, - and _ only", at_key=True)
    return found


def _database(table: Table, home: Path, environ: Mapping[str, str]) -> str:
    written = table.take("url", lambda value: database_url(value, home), database_url(DEFAULT_URL, home))
    table.close()
    override = environ.get(OVERRIDE)
    if not override:
        return written
    try:
        return database_url(override, home, may_hold_password=True)
    except Wrong:
        return written  # told by override_finding


def _shop(name: str, table: Table, transports: Mapping[str, object]) -> Shop:
    shop = Shop(
        id=name,
        name=table.need("name", a_text, name, remedy='write name = "Sunny Toys"'),
        sender=table.need("sender", sender, "", remedy='write sender = "Sunny Toys <care@sunny-toys.example>"'),
        mode=table.take("mode", one_of(Mode), Mode.REHEARSE),
        platform=table.take("platform", one_of(PLATFORMS), "none"),
        default_language=table.take("default_language", language, "en"),
        staff_language=table.take("staff_language", language, "en"),
        zone=table.take("zone", zone, "UTC"),
        channels=_channels(table.table("channels"), transports),
        reply_to=table.take("reply_to", address_or_nothing, ""),
        url=table.take("url", link, ""),
    )
    table.close()
    return shop


def _channels(table: Table, transports: Collection[str]) -> Mapping[str, str]:
    def transport(value: object) -> str:
        text = a_text(value)
        if text not in transports:
            raise Wrong(f"unknown transport {shown(text)}", nearest(text, transports) or f"write [transports.{text}]")
        return text

    found = {channel: table.take(channel, transport, "") for channel in CHANNELS if channel in table}
    for channel in LATER_CHANNELS:
        if channel in table:
            table.take(channel, a_text, "")
            table.wrong(channel, f"the channel {shown(channel)} {UNAVAILABLE}", "remove it", at_key=True)
    table.take(CHANNELS[0], lambda _: "", "")
    table.close()
    return found


def _worker(table: Table) -> WorkerSettings:
    def lease(value: object) -> timedelta:
        span = elapsed(value)
        if span > timedelta(hours=1):
            raise Wrong(f"must be an hour at most, got {shown(value)}", "write 60s")
        return span

    default = WorkerSettings()
    found = WorkerSettings(
        lease=table.take("lease", lease, default.lease), batch=table.take("batch", whole(1, 10_000), default.batch)
    )
    table.close()
    return found


def _web(table: Table) -> WebSettings:
    found = WebSettings(public_url=table.take("public_url", link, ""))
    table.close()
    return found


def _refuse_sources(root: Table) -> None:
    for name, table in root.tables("sources"):
        remedy = "remove it; 'messenger ingest' reads events from files"
        table.wrong("", f"the source {shown(name)} {UNAVAILABLE}", remedy, at_key=True)
