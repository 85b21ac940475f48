"""Reading how a mail server knows us (``username``, ``password`` or ``token``, ``auth``), and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from messenger.config.secrets import Secret, secret
from messenger.config.spans import elapsed
from messenger.config.tables import Reader, Table, Wrong, a_text, one_of, shown


class Auth(StrEnum):
    """How to log in to a mail server."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    XOAUTH2 = "xoauth2"


STAGES: Final = ("greeting", "ehlo", "tls", "auth", "mail", "rcpt", "data", "block", "end_of_data")
"""What a mail server is waited for, besides the connection itself (``timeout``)."""
LEAST_AT_THE_END: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(hours=1)


def up_to(longest: timedelta, written: str, least: timedelta = timedelta(0)) -> Reader[timedelta]:
    """Return a reader of times between two bounds; ``written`` is the upper one as a person writes it."""

    def read(value: object) -> timedelta:
        found = elapsed(value)
        if found > longest:
            raise Wrong(f"must be {written} at most, got {shown(value)}")
        if found < least:
            raise Wrong(
                f"must be 10m or more, got {shown(value)}", "a server that is not waited for may get the message twice"
            )
        return found

    return read


def read_timeouts(table: Table) -> dict[str, float]:
    """Return the seconds for each stage that was named."""
    inner = table.table("timeouts")
    found: dict[str, float] = {}
    for stage in STAGES:
        least = LEAST_AT_THE_END if stage == "end_of_data" else timedelta(0)
        span = inner.take(stage, up_to(LONGEST, "1h", least), None)
        if span is not None:
            found[stage] = span.total_seconds()
    inner.close()
    return found


def read_login(table: Table, home: Path, environ: Mapping[str, str]) -> tuple[str, Auth, Secret | None, Secret | None]:
    """Return user name, way to log in, password and token; what does not go together is noted."""
    name = table.take("username", a_text, "")
    auth = table.take("auth", one_of(Auth), Auth.AUTO)
    password = table.take("password", secret(home, environ), None)
    token = table.take("token", secret(home, environ), None)
    _check(table, auth)
    return name, auth, password, token


def _check(table: Table, auth: Auth) -> None:
    if "password" in table and "token" in table:
        table.wrong("token", "cannot stand beside a password", "keep the one that the server asks for", at_key=True)
    elif auth is Auth.XOAUTH2 and "token" not in table:
        table.wrong(
            "token", "is missing", 'write token = "file:PATH": xoauth2 takes a token, not a password', at_key=True
        )
    elif "token" in table and auth not in {Auth.AUTO, Auth.XOAUTH2}:
        table.wrong(
            "auth", f"{shown(str(auth))} does not take a token", 'write auth = "xoauth2", or password instead of token'
        )
    elif "username" in table and not {"password", "token"} & set(table.values):
        table.wrong("password", "is missing", 'write password = "env:SMTP_PASSWORD"', at_key=True)
    for key in ("password", "token", "auth"):
        if key in table and "username" not in table:
            what = "a way to log in" if key == "auth" else f"a {key}"
            table.wrong("username", "is missing", f"{what} goes with a username", at_key=True)
            return
