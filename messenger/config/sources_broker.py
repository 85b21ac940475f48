"""Reading ``[sources.<name>]`` of the kind ``broker``: events that lie in a stream of a broker."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from messenger.config.secrets import Secret, secret
from messenger.config.sources_base import SourceSettings, read_common
from messenger.config.tables import Table, Wrong, a_text, shown, yes_or_no
from messenger.domain.addresses import is_loopback

BROKER_KIND: Final = "broker"
SCHEMES: Final = ("nats", "tls")
"""Of NATS: plain, and over TLS."""
LATER_SCHEMES: Final = ("kafka", "amqp", "amqps", "redis", "rediss")
NAME_PATTERN: Final = r"[A-Za-z0-9_-]{1,64}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings(SourceSettings):
    """A stream of NATS JetStream.

    Args:
        url: where the broker is; a secret when it holds a password.
        stream: its name.
        subject: which of its messages.
        durable: the name under which the broker remembers how far we are; processes with the same one share the messages.
    """

    url: str | Secret
    stream: str
    subject: str
    durable: str = "messenger"

    def address(self) -> str:
        """Return where the broker is, with the password if there is one.

        Raises:
            ConfigurationError: the secret cannot be looked up.
        """
        return self.url.reveal() if isinstance(self.url, Secret) else self.url


def read_broker(
    name: str, table: Table, shops: Collection[str], *, home: Path, environ: Mapping[str, str]
) -> BrokerSettings:
    """Return the settings as far as they can be read."""
    shop, fresh = read_common(table, shops)
    hidden = secret(home, environ)

    def url(value: object) -> str | Secret:
        text = a_text(value)
        return hidden(text) if text.startswith(("env:", "file:")) else _plain(text)

    nowhere: str | Secret = ""
    where = table.need("url", url, nowhere, remedy='write url = "nats://127.0.0.1:4222"')
    found = BrokerSettings(
        name=name,
        shop=shop,
        fresh=fresh,
        url=where,
        stream=table.need("stream", _name, "", remedy='write stream = "ORDERS"'),
        subject=table.need("subject", _subject, "", remedy='write subject = "orders.>"'),
        durable=table.take("durable", _name, "messenger"),
    )
    insecure = table.take("insecure", yes_or_no, default=False)
    host = urlsplit(found.url).hostname if isinstance(found.url, str) and found.url.startswith("nats:") else ""
    if host and not (insecure or is_loopback(host)):
        table.wrong(
            "url", f"what buyers are called would travel unprotected to {host}", "write tls://…, or insecure = true"
        )
    if find_spec("faststream") is None:
        table.wrong(
            "kind", "FastStream, which listens, is not installed", "pip install 'marketplace-messenger[broker]'"
        )
    return found


def _plain(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in LATER_SCHEMES:
        raise Wrong(f"{parts.scheme} is not available in this version", "available: nats, tls")
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise Wrong(f"cannot read {shown(text)}", "write nats://127.0.0.1:4222, or tls://… over TLS")
    if parts.password or parts.username:
        raise Wrong("a secret does not stand in this file", "write the whole address as env:NAME or file:PATH")
    return text


def _name(value: object) -> str:
    text = a_text(value)
    if not re.fullmatch(NAME_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot be a name: {shown(text)}", "letters, digits, - and _")
    return text


def _subject(value: object) -> str:
    text = a_text(value)
    if not re.fullmatch(r"[^\s.]+(\.[^\s.]+)*", text):
        raise Wrong(f"cannot read {shown(text)}", "write orders.paid, orders.* or orders.>")
    return text
