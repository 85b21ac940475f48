"""Reading ``[sources.<name>]`` of the kinds ``imap`` and ``mail``: where bounces, complaints and wishes come back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.logins import up_to
from messenger.config.secrets import Secret, secret
from messenger.config.tables import Table, a_text, one_of, whole, yes_or_no
from messenger.config.transports import Security
from messenger.config.values import a_host
from messenger.domain.addresses import is_loopback

IMAP_KIND: Final = "imap"
MAIL_KIND: Final = "mail"
KINDS: Final = (IMAP_KIND, MAIL_KIND)
PORTS: Final[Mapping[Security, int]] = {Security.NONE: 143, Security.STARTTLS: 143, Security.TLS: 993}
EVERY: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """A mailbox that is read for what came back.

    Args:
        folder: what is read.
        done: where mails go that were taken in; empty: they are only marked as seen.
        every: how often it is looked at.
    """

    name: str
    host: str
    port: int
    security: Security = Security.TLS
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    folder: str = "INBOX"
    done: str = ""
    every: timedelta = EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHookSettings:
    """Mails that a server posts to ``/hooks/<name>``, each as the body of one request with the secret as bearer token."""

    name: str
    secret: Secret | None = None


Return = MailboxSettings | MailHookSettings
"""One way on which mail comes back."""


def is_return(table: Table) -> bool:
    """Return whether a source is one on which mail comes back."""
    return table.values.get("kind") in KINDS


def read_return(name: str, table: Table, *, home: Path, environ: Mapping[str, str]) -> Return:
    """Return the settings as far as they can be read."""
    kind = table.need("kind", one_of(KINDS), "", remedy='write kind = "imap"')
    if kind == MAIL_KIND:
        hook = MailHookSettings(
            name=name, secret=table.need("secret", secret(home, environ), None, remedy='write secret = "env:NAME"')
        )
        table.close()
        return hook
    security = table.take("security", one_of(Security), Security.TLS)
    ca_file = table.take("ca_file", a_text, "")
    found = MailboxSettings(
        name=name,
        host=table.need("host", a_host, "", remedy='write host = "imap.example.com"'),
        port=table.take("port", whole(1, 65535), PORTS[security]),
        security=security,
        username=table.need("username", a_text, "", remedy="write the mailbox's user name"),
        password=table.need("password", secret(home, environ), None, remedy='write password = "env:IMAP_PASSWORD"'),
        ca_file=(home / ca_file).expanduser() if ca_file else None,
        folder=table.take("folder", a_text, "INBOX"),
        done=table.take("done", a_text, ""),
        every=table.take("every", up_to(timedelta(days=1), "24h"), EVERY),
    )
    insecure = table.take("insecure", yes_or_no, default=False)
    if security is Security.NONE and found.host and not (insecure or is_loopback(found.host)):
        problem = f"the password for {found.host} would travel unprotected"
        table.wrong("security", problem, 'write "starttls" or "tls", or insecure = true')
    table.close()
    return found
