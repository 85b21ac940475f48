"""Where mail goes, as whom, how protected, and how long to wait."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from messenger.mail.replies import Stage

END_OF_DATA: Final = 600.0
"""Seconds after the last dot. Cutting this short makes duplicates. Source: RFC 5321, 4.5.3.2.6."""


class Security(StrEnum):
    """How the line is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Mechanism(StrEnum):
    """How we log in; ``auto`` takes the best that the server offers."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    XOAUTH2 = "xoauth2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who we are to the server.

    Args:
        username: at the server.
        secret: returns the password, or the token for ``xoauth2``; asked anew at each login, so that both can change.
        mechanism: ``auto`` never takes ``xoauth2``: a password is no token.
    """

    username: str
    secret: Callable[[], str] = field(repr=False)
    mechanism: Mechanism = Mechanism.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that a whole reply may take at each stage; ``block`` is for 64 KiB of the message to leave.

    Source: RFC 5321, 4.5.3.2.
    """

    connect: float = 30.0
    greeting: float = 300.0
    ehlo: float = 300.0
    tls: float = 60.0
    auth: float = 120.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    end_of_data: float = END_OF_DATA

    def at(self, stage: Stage) -> float:
        """Return the seconds for this stage."""
        found: float = getattr(self, stage.value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Where mail goes and as whom.

    Args:
        name: of the transport, as rules and records call it.
        host: name or address of the server; its certificate must be for this name.
        port: usually 587 with STARTTLS, 465 with TLS.
        security: with ``starttls`` nothing is sent to a server that does not offer it.
        insecure: with ``none`` mail may leave this machine unprotected; a login never does.
        login: None for no login.
        connections: most connections at a time, idle and parting ones included.
        messages_per_connection: after that many a fresh connection is opened.
        idle: seconds after which an unused connection is closed rather than trusted.
        is_dsn_wanted: ask a server that lists DSN to tell of failures and delays.
        timeouts: seconds per stage.
        tls_context: for certificates of one's own; otherwise the system's and those of ``ca_file``.
        ca_file: path of a PEM file with further authorities to trust; empty for none.
        redirect_to: when set, every message goes to this address instead; headers stay.
        local_hostname: what we call ourselves in EHLO; empty for the machine's name.
    """

    name: str
    host: str
    port: int
    security: Security = Security.STARTTLS
    insecure: bool = False
    login: Login | None = None
    connections: int = 4
    messages_per_connection: int = 100
    idle: float = 30.0
    is_dsn_wanted: bool = True
    timeouts: Timeouts = Timeouts()
    tls_context: ssl.SSLContext | None = None
    ca_file: str = ""
    redirect_to: str = ""
    local_hostname: str = ""

    def __post_init__(self) -> None:
        if self.connections < 1 or self.messages_per_connection < 1:
            raise ValueError(f"connections and messages_per_connection must be at least 1, got {self.connections} and "
                             f"{self.messages_per_connection}")  # fmt: skip

    def context(self) -> ssl.SSLContext:
        """Return a new TLS context, or the one that was given.

        Raises:
            OSError: ``ca_file`` cannot be read or holds no certificate.
        """
        if self.tls_context is not None:
            return self.tls_context
        made = ssl.create_default_context()
        if self.ca_file:
            made.load_verify_locations(self.ca_file)
        return made
