"""Reading ``[transports.<name>]``: how messages leave, through a mail server, a platform, or by the hands of a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from messenger.config.logins import LONGEST, Auth, read_login, read_timeouts, up_to
from messenger.config.platform_aliexpress import ALIEXPRESS, read_messages
from messenger.config.platform_transports import PLATFORM_KINDS, PlatformSettings, read_platform
from messenger.config.rates import rate, read_domain_rates
from messenger.config.secrets import Secret
from messenger.config.signing import mail_domain
from messenger.config.spans import elapsed
from messenger.config.tables import Table, Wrong, a_text, one_of, shown, whole, yes_or_no
from messenger.config.values import address_or_nothing, days, uncertain_unread, window
from messenger.domain.addresses import is_loopback
from messenger.domain.pacing import Rate
from messenger.domain.rules import Uncertain
from messenger.domain.shops import Desk
from messenger.domain.timing import EVERY_DAY, Hours

__all__ = ["Auth", "PlatformSettings", "Security", "TransportSettings", "Way", "is_loopback", "read_transport"]


class Security(StrEnum):
    """How a connection to a mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


USUAL_PORT: Final[Mapping[str, int]] = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
SMTP: Final = "smtp"
ASSISTED: Final = "assisted"
KINDS: Final = (SMTP, ASSISTED, *PLATFORM_KINDS)
LATER_KINDS: Final = tuple(
    one for one in ("aliexpress", "ebay", "amazon", "shopify", "woocommerce", "webhook") if one not in PLATFORM_KINDS
)
ALL_DAY: Final = (time(0), time(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """A mail server. ``timeout`` is in seconds, for making a connection; later steps take as long as RFC 5321 allows.

    Args:
        bounces: the domain that receives what comes back, each message at an address of its own; empty: the shop's address.
        ca_file: certificates to trust besides the system's, for a server with a certificate of one's own.
        connections: at most so many at the same time.
        dsn: a server that can is asked to report failures and delays.
        hello: what we call ourselves; empty: the machine's name.
        idle: seconds after which an unused connection is closed.
        messages_per_connection: after that many a new connection is opened.
        rate: at most so many messages in any such span of time; None for as many as it takes.
        domain_rates: the same for messages to single domains.
        redirect_to: every mail goes to this address instead; empty in earnest.
        timeouts: seconds to wait at the stages of the conversation that are named.
        token: instead of a password, for ``xoauth2``.
        insecure: the owner accepts an unprotected connection to another machine.
    """

    name: str
    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = ""
    password: Secret | None = None
    token: Secret | None = None
    auth: Auth = Auth.AUTO
    connections: int = 4
    messages_per_connection: int = 100
    idle: float = 30.0
    timeout: float = 30.0
    timeouts: Mapping[str, float] = field(default_factory=dict)
    hello: str = ""
    dsn: bool = True
    uncertain: Uncertain = Uncertain.RESEND
    resend_after: timedelta = timedelta(minutes=10)
    redirect_to: str = ""
    insecure: bool = False
    ca_file: Path | None = None
    bounces: str = ""
    rate: Rate | None = None
    domain_rates: Mapping[str, Rate] = field(default_factory=dict)


Way = TransportSettings | PlatformSettings | Desk
"""One way out: a mail server, a platform's message calls, or a desk at which people copy, send and confirm."""


def read_transport(
    name: str, table: Table, *, shops: Collection[str], home: Path, environ: Mapping[str, str]
) -> Way | None:
    """Return the settings of a transport as far as they can be read; ``None`` for a kind that is not available."""
    kind = table.need("kind", one_of(KINDS, later=LATER_KINDS), "", remedy='write kind = "smtp" or kind = "assisted"')
    if "kind" in table and not kind:
        return None
    if kind == ALIEXPRESS:
        return read_messages(name, table, shops=shops, home=home, environ=environ)
    if kind in PLATFORM_KINDS:
        return read_platform(name, kind, table, shops=shops, home=home, environ=environ)
    return read_desk(table) if kind == ASSISTED else _read_server(name, table, home, environ)


def read_desk(table: Table) -> Desk:
    """Return when a desk is manned, in the shop's zone, and how much it can send in a day."""
    opens, closes = table.take("hours", window, ALL_DAY)
    desk = Desk(
        hours=Hours(opens=opens, closes=closes, days=table.take("days", days, EVERY_DAY)),
        per_day=table.take("per_day", whole(1, 100_000), None),
    )
    table.close()
    return desk


def _read_server(name: str, table: Table, home: Path, environ: Mapping[str, str]) -> TransportSettings:
    security = table.take("security", one_of(Security), Security.STARTTLS)
    ca_file = table.take("ca_file", a_text, "")
    username, auth, password, token = read_login(table, home, environ)
    settings = TransportSettings(
        name=name,
        host=table.need("host", _host, "", remedy='write host = "127.0.0.1"'),
        port=table.take("port", whole(1, 65535), USUAL_PORT[security]),
        security=security,
        username=username,
        password=password,
        token=token,
        auth=auth,
        connections=table.take("connections", whole(1, 100), 4),
        messages_per_connection=table.take("messages_per_connection", whole(1, 100_000), 100),
        idle=table.take("idle", up_to(LONGEST, "1h"), timedelta(seconds=30)).total_seconds(),
        timeout=table.take("timeout", up_to(LONGEST, "1h"), timedelta(seconds=30)).total_seconds(),
        timeouts=read_timeouts(table),
        hello=table.take("hello", mail_domain, ""),
        dsn=table.take("dsn", yes_or_no, default=True),
        uncertain=table.take("uncertain", uncertain_unread, Uncertain.RESEND),
        resend_after=table.take("resend_after", elapsed, timedelta(minutes=10)),
        redirect_to=table.take("redirect_to", address_or_nothing, ""),
        insecure=table.take("insecure", yes_or_no, default=False),
        ca_file=(home / ca_file).expanduser() if ca_file else None,
        bounces=table.take("bounces", mail_domain, ""),
        rate=table.take("rate", rate, None),
        domain_rates=read_domain_rates(table),
    )
    _check_together(table, settings)
    table.close()
    return settings


def _check_together(table: Table, settings: TransportSettings) -> None:
    if settings.security is not Security.NONE or not settings.host or is_loopback(settings.host):
        return
    key = "security" if "security" in table else ""
    if settings.username:  # insecure = true does not help: a password that was overheard is no longer one
        table.wrong(key, f"the login at {settings.host} would travel unprotected", 'write "starttls" or "tls"')
    elif not settings.insecure:
        problem = f"mail to {settings.host} would travel unprotected"
        table.wrong(key, problem, 'write "starttls" or "tls", or insecure = true')


def _host(value: object) -> str:
    host = a_text(value)
    if any(letter.isspace() or letter in "/@," for letter in host):
        raise Wrong(f"must be the name or address of one machine, got {shown(host)}", "for example smtp.example.com")
    if ":" in host and host.count(":") == 1:
        raise Wrong(f"must be a host without a port, got {shown(host)}", f"write port = {host.partition(':')[2]}")
    return host
