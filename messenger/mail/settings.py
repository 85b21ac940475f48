"""Where mail goes, as whom, how protected, and how long to wait."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from messenger.mail.replies import Stage


class Security(StrEnum):
    """How the line is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait at each stage. Cutting ``end_of_data`` short makes duplicates.

    Source: RFC 5321, 4.5.3.2.
    """

    connect: float = 30.0
    ehlo: float = 60.0
    auth: float = 60.0
    mail: float = 120.0
    rcpt: float = 120.0
    data: float = 120.0
    end_of_data: float = 600.0

    def at(self, stage: Stage) -> float:
        """Return the seconds for this stage; connecting covers connection, greeting and TLS, each."""
        found: float = getattr(self, stage.value, self.connect)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Where mail goes and as whom.

    Args:
        name: of the transport, as rules and records call it.
        host: name or address of the server; its certificate must be for this name.
        port: usually 587 with STARTTLS, 465 with TLS.
        security: with ``starttls`` nothing is sent to a server that does not offer it.
        username: empty for no login.
        password: never shown.
        connections: most connections at a time.
        messages_per_connection: after that many a fresh connection is opened.
        timeouts: seconds per stage.
        tls_context: for certificates of one's own; otherwise the system's, or ``ca_file``.
        ca_file: path of a PEM file with the authorities to trust; empty for the system's.
        redirect_to: when set, every message goes to this address instead; headers stay.
        local_hostname: what we call ourselves in EHLO; empty for the machine's name.
    """

    name: str
    host: str
    port: int
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    connections: int = 4
    messages_per_connection: int = 100
    timeouts: Timeouts = Timeouts()
    tls_context: ssl.SSLContext | None = None
    ca_file: str = ""
    redirect_to: str = ""
    local_hostname: str = ""

    def __post_init__(self) -> None:
        if self.connections < 1 or self.messages_per_connection < 1:
            raise ValueError(f"connections and messages_per_connection must be at least 1, got {self.connections} and "
                             f"{self.messages_per_connection}")  # fmt: skip

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context to use, None for a line without TLS."""
        if self.security is Security.NONE:
            return None
        return self.tls_context or ssl.create_default_context(cafile=self.ca_file or None)
