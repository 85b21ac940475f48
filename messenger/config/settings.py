"""Reading messenger.toml: where things are, which shops there are, how messages leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.alerts import AlertSettings, read_alerts
from messenger.config.databases import DEFAULT_URL, OVERRIDE, database_url, override_finding
from messenger.config.mailboxes import Return, is_return, read_return
from messenger.config.platform_aliexpress import check_takers
from messenger.config.reader import ERROR, Document
from messenger.config.retention import read_retention
from messenger.config.secrets import Secret, secret
from messenger.config.shops import Ways, read_shop
from messenger.config.signing import SigningKey, read_signing
from messenger.config.sources import SourceSettings, read_source
from messenger.config.spans import elapsed
from messenger.config.tables import Table, Wrong, list_of, shown, whole
from messenger.config.transports import PlatformSettings, TransportSettings, read_transport
from messenger.config.values import ID_PATTERN, NAME_RULE, link
from messenger.domain.retention import Retention
from messenger.domain.shops import Desk, Shop
from messenger.errors import ConfigurationError, Finding

__all__ = [
    "Settings", "SourceSettings", "TransportSettings", "WebSettings", "WorkerSettings", "load_settings", "read_settings",
]  # fmt: skip

FILE: Final = "messenger.toml"
SHORTEST_LEASE: Final = timedelta(seconds=1)
LONGEST_LEASE: Final = timedelta(minutes=5)
"""What a heartbeat can keep, and what ends well before ``domain.retry.LONGEST_CLAIM``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works: how long it may hold a message without a sign of life, and how many it takes at once."""

    lease: timedelta = timedelta(seconds=60)
    batch: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How the program is reached from outside; empty when it is not.

    Args:
        tokens: those that let programs post events of any shop to ``/api/v1/events``.
    """

    public_url: str = ""
    tokens: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole of messenger.toml, checked. ``database_url`` is absolute and may hold a password: it is not shown.

    Args:
        transports: those that are a mail server, by name.
        platforms: those that are a platform's message calls, by name.
        desks: those that are a person, by name.
        sources: where events come from, by name.
        returns: where mail comes back to, by name.
        signing: the keys that mail is signed with.
        alerts: who is told when something is the matter.
    """

    home: Path
    database_url: str = field(repr=False)
    shops: Mapping[str, Shop]
    transports: Mapping[str, TransportSettings]
    platforms: Mapping[str, PlatformSettings] = field(default_factory=dict)
    desks: Mapping[str, Desk] = field(default_factory=dict)
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    returns: Mapping[str, Return] = field(default_factory=dict)
    signing: tuple[SigningKey, ...] = ()
    retention: Retention = field(default_factory=Retention)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    web: WebSettings = field(default_factory=WebSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)

    @property
    def ways(self) -> Mapping[str, TransportSettings | PlatformSettings]:
        """Every transport that carries by itself, by name."""
        return {**self.transports, **self.platforms}


def load_settings(home: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a home.

    Args:
        home: the folder that holds messenger.toml.
        environ: the environment: ``MESSENGER_DATABASE_URL`` and the variables that secrets name.

    Raises:
        ConfigurationError: with every mistake in the file.
    """
    settings, findings = read_settings(home, environ)
    if any(finding.severity == ERROR for finding in findings):
        raise ConfigurationError(findings)
    return settings


def read_settings(home: Path, environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Return the settings as far as they can be read, and every mistake and slip in them, in the order of the file."""
    home = home.absolute()
    document = Document(home / FILE)
    root = Table(document, (), document.values)
    settings = _read(root, home, environ)
    if document.is_readable and not settings.shops:
        root.wrong("", "has no shop", "write [shops.toys] with name and sender")
    root.close()
    unset = override_finding(environ)
    findings = sorted(document.findings, key=lambda one: (one.line, one.column))
    return settings, [*([unset] if unset else []), *findings]


def _read(root: Table, home: Path, environ: Mapping[str, str]) -> Settings:
    tables = _named(root, "transports")
    shops = _named(root, "shops")
    known = [name for name, _ in shops]
    ways: Ways = {name: read_transport(name, table, shops=known, home=home, environ=environ) for name, table in tables}
    check_takers(tables, ways)
    named = _named(root, "sources")
    returns = {name: read_return(name, table, home=home, environ=environ) for name, table in named if is_return(table)}
    sources = [
        read_source(name, table, known, home=home, environ=environ) for name, table in named if name not in returns
    ]
    readable = [one for one in sources if one]
    read = {name: read_shop(name, table, ways, readable) for name, table in shops}
    return Settings(
        home=home,
        database_url=_database(root.table("database"), home, environ),
        shops=read,
        transports={name: way for name, way in ways.items() if isinstance(way, TransportSettings)},
        platforms={name: way for name, way in ways.items() if isinstance(way, PlatformSettings)},
        desks={name: way for name, way in ways.items() if isinstance(way, Desk)},
        sources={one.name: one for one in readable},
        returns=returns,
        signing=read_signing(root, home=home, environ=environ, shops=read.values()),
        retention=read_retention(root.table("retention")),
        worker=_worker(root.table("worker")),
        web=_web(root.table("web"), home, environ),
        alerts=read_alerts(root, home=home, environ=environ, shops=read, ways=ways),
    )


def _named(root: Table, key: str) -> list[tuple[str, Table]]:
    found = list(root.tables(key))
    for name, table in found:
        if not re.fullmatch(ID_PATTERN, name):
            table.wrong("", "is not a name", NAME_RULE, at_key=True)
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


def _worker(table: Table) -> WorkerSettings:
    def lease(value: object) -> timedelta:
        span = elapsed(value)
        if not SHORTEST_LEASE <= span <= LONGEST_LEASE:
            remedy = "write 60s: a sign of life comes three times as often, and no message is held for longer than 15m"
            raise Wrong(f"must be from 1s to 5m, got {shown(value)}", remedy)
        return span

    default = WorkerSettings()
    found = WorkerSettings(
        lease=table.take("lease", lease, default.lease), batch=table.take("batch", whole(1, 10_000), default.batch)
    )
    table.close()
    return found


def _web(table: Table, home: Path, environ: Mapping[str, str]) -> WebSettings:
    tokens: tuple[Secret, ...] = table.take("tokens", list_of(secret(home, environ), alone=True), ())
    found = WebSettings(public_url=table.take("public_url", link, ""), tokens=tokens)
    table.close()
    return found
