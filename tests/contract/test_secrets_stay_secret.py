"""Canaries in the places of secrets: none is found in logs, in the database, in mails, or in what the program says.

A password for the mail server and a key for signatures; on both databases; while all goes well and while it does not.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import MetaData, create_engine

from messenger.bootstrap import open_app
from messenger.cli.logs import LineFormatter
from messenger.cli.main import cli
from messenger.config.settings import load_settings
from messenger.errors import ConfigurationError
from messenger.mail.dkim import ED25519, RSA, PrivateKey, new_key, pem_of
from messenger.ports import Line
from messenger.services.clocks import SetClock
from tests.builders import event, utc
from tests.homes import live_home
from tests.smtp_server import SmtpServer

USER: Final = "care@sunny-toys.example"
PASSWORD: Final = "Kanarienvogel-7391-correct-horse"  # the canary
AT: Final = utc("2026-03-03T10:00")
KEYS: Final[Mapping[str, PrivateKey]] = {"m1": new_key(RSA), "e1": new_key(ED25519)}
RULES: Final = 'version = 1\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nwindow = "always"\n'


def forms() -> Iterator[str]:
    """Every shape in which a secret could be written down."""
    yield PASSWORD
    for text in (PASSWORD, f"\0{USER}\0{PASSWORD}", f"{USER}:{PASSWORD}"):
        yield base64.b64encode(text.encode()).decode()
    yield PASSWORD.encode().hex()
    for key in KEYS.values():
        yield from (line for line in pem_of(key).decode().splitlines() if line and not line.startswith("-"))
        number = _number(key)
        yield from (number.hex(), base64.b64encode(number).decode(), str(int.from_bytes(number, "big")))


def _number(key: PrivateKey) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    assert isinstance(key, RSAPrivateKey)
    secret = key.private_numbers().d
    return secret.to_bytes((secret.bit_length() + 7) // 8, "big")


def leaks(text: str) -> list[str]:
    return [one[:12] for one in forms() if one in text]


@pytest.fixture
def environ(engine_name: str, store_url: str) -> dict[str, str]:
    return {"SMTP_PASSWORD": PASSWORD} | ({"MESSENGER_DATABASE_URL": store_url} if engine_name == "postgres" else {})


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Every line that is logged by anybody, down to the smallest, as our handler would write it."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keeping(logging.DEBUG)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    with caplog.at_level(logging.DEBUG):
        yield lines
    root.removeHandler(handler)


def home(folder: Path, port: int) -> Path:
    made = live_home(folder / "home", port=port)
    for locale in (made / "templates").iterdir():
        if locale.name not in {"_layout", "en"}:
            shutil.rmtree(locale)
    (made / "schedules.toml").write_text(RULES, encoding="utf-8")
    (made / "dkim").mkdir()
    text = (made / "messenger.toml").read_text(encoding="utf-8")
    text = text.replace("connections = 4", f'connections = 4\nusername = "{USER}"\npassword = "env:SMTP_PASSWORD"')
    for name, key in KEYS.items():
        path = made / "dkim" / f"{name}.pem"
        path.touch(0o600)
        path.write_bytes(pem_of(key))
        text += f'[[signing."sunny-toys.example"]]\nselector = "{name}"\nkey = "file:dkim/{name}.pem"\n'
    (made / "messenger.toml").write_text(text, encoding="utf-8")
    return made


def worked(folder: Path, environ: Mapping[str, str], script: dict[str, str | list[str]]) -> tuple[SmtpServer, Path]:
    """Take an order in and send what it asks for, to a server that behaves as it is told."""

    async def scenario() -> tuple[SmtpServer, Path]:
        async with SmtpServer(script, extensions=("PIPELINING", "AUTH PLAIN LOGIN")) as server:
            made = home(folder, server.port)
            with open_app(made, environ, clock=SetClock(AT)) as engine:
                told = event("order.shipped", at="2026-03-03T09:00", buyer={"email": "ana@example.com", "country": "ES"},
                             shipment={"number": "RR1CN"})  # fmt: skip
                engine.ingest.accept([Line(file="test", line=1, event=told)], kind="file", name="test")
                engine.ingest.take_in()
                for hours in (0, 1, 2):
                    assert isinstance(engine.clock, SetClock)
                    engine.clock.advance_to(AT + timedelta(hours=hours))
                    await engine.worker().run_until_idle()
        return server, made

    return asyncio.run(scenario())


def dumped(url: str) -> str:
    """Everything in a database as text; what is compressed is opened."""
    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for table in tables.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    return "\n".join(_shown(value) for row in rows for value in row)


def _shown(value: Any) -> str:  # Any: whatever a database holds
    if not isinstance(value, bytes | memoryview):
        return str(value)
    raw = bytes(value)
    with suppress(zlib.error):
        raw = zlib.decompress(raw)
    return f"{raw.hex()} {raw.decode('utf-8', 'replace')}"


def files_of(made: Path) -> str:
    """Every file of a home but the keys themselves, the database's own files as they lie on the disk."""
    paths = [path for path in made.rglob("*") if path.is_file() and path.suffix != ".pem"]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in paths)


def commands(made: Path, environ: Mapping[str, str]) -> str:
    """What the commands say that show things to people."""
    asked = (
        ["check", "--json"],
        ["outbox", "list", "--json"],
        ["explain", "toys/8134", "--json"],
        ["dkim", "show"],
        ["db", "status"],
    )
    runner = CliRunner(env=dict(environ))
    return "\n".join(runner.invoke(cli, ["--home", str(made), *one]).output for one in asked)


def test_nothing_is_told_while_all_goes_well(
    tmp_path: Path, environ: dict[str, str], said: list[str], store_url: str, engine_name: str
) -> None:
    server, made = worked(tmp_path, environ, {})
    settings = load_settings(made, environ)
    found = commands(made, environ)

    assert len(server.taken) == 1
    assert server.taken[0].content.count(b"DKIM-Signature:") == 2
    assert "8134" in found
    assert leaks(server.taken[0].content.decode("ascii")) == []
    assert leaks("\n".join(said)) == []
    assert leaks(dumped(settings.database_url)) == []
    assert leaks(files_of(made)) == []
    assert leaks(found + repr(settings) + str(settings) + json.dumps(settings.signing, default=str)) == []


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"auth": "535 5.7.8 authentication failed"}, id="login refused"),
        pytest.param({"auth": "nonsense"}, id="login answered with nonsense"),
        pytest.param({"auth": "<drop>"}, id="line broken at the login"),
        pytest.param({"end_of_data": "550 5.7.1 refused"}, id="message refused"),
        pytest.param({"end_of_data": "<drop>"}, id="line broken at the end"),
    ],
)
def test_nothing_is_told_when_the_server_is_in_trouble(
    tmp_path: Path, environ: dict[str, str], said: list[str], script: dict[str, str | list[str]]
) -> None:
    _, made = worked(tmp_path, environ, script)
    settings = load_settings(made, environ)

    assert leaks("\n".join(said) + commands(made, environ)) == []
    assert leaks(dumped(settings.database_url) + files_of(made)) == []


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    ("mode", "content"),
    [(0o644, None), (0o600, b"-----BEGIN PRIVATE KEY-----\n" + pem_of(KEYS["m1"])[40:]), (0o600, b"")],
)
def test_nothing_is_told_about_a_key_that_cannot_be_used(
    tmp_path: Path, environ: dict[str, str], said: list[str], mode: int, content: bytes | None
) -> None:
    made = home(tmp_path, 9)
    path = made / "dkim" / "m1.pem"
    path.write_bytes(pem_of(KEYS["m1"]) if content is None else content)
    path.chmod(mode)
    with open_app(made, environ, clock=SetClock(AT)) as engine, pytest.raises(ConfigurationError) as refused:
        engine.worker()

    assert "m1.pem" in str(refused.value) or 'signing."sunny-toys.example"' in str(refused.value)
    assert leaks(f"{refused.value} {refused.value!r} {said} {commands(made, environ)}") == []


def test_the_canaries_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"logged in with {PASSWORD}\n{pem_of(KEYS['e1']).decode()}", encoding="utf-8")

    assert len(leaks(files_of(tmp_path))) >= 2
    assert PASSWORD[:12] in leaks(_shown(zlib.compress(PASSWORD.encode())))
