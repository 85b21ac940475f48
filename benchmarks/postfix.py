"""Postfix's own load programs, ``smtp-source`` and ``smtp-sink``, without a mail server: taken out of Debian's package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

KEPT: Final = Path(".bench/postfix")
"""Where the package is unpacked when the programs are not installed."""
USUAL: Final = "/usr/sbin:/usr/lib/postfix/sbin"


class Missing(Exception):
    """The programs are not here, and cannot be had here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """How one of the programs is started."""

    path: str
    environ: Mapping[str, str]


@cache
def program(name: str) -> Program:
    """Return ``smtp-source`` or ``smtp-sink``, installed or unpacked from the package.

    Raises:
        Missing: it is neither.
    """
    installed = shutil.which(name) or shutil.which(name, path=USUAL)
    if installed:
        return Program(installed, os.environ)
    root = KEPT.absolute() / "root"
    if not (root / "usr/sbin" / name).exists():
        _unpack(root)
    return Program(str(root / "usr/sbin" / name), os.environ | {"LD_LIBRARY_PATH": str(root / "usr/lib/postfix")})


def _unpack(root: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Missing(
            "smtp-sink and smtp-source are not here: install Postfix, or bench on Debian, where they are fetched"
        )
    root.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["apt-get", "download", "postfix"], cwd=root.parent, capture_output=True, text=True, check=False
    )
    packages = sorted(root.parent.glob("postfix_*.deb"))
    if done.returncode or not packages:
        raise Missing(f"Debian's package postfix cannot be fetched: {done.stderr.strip()[-200:]}")
    subprocess.run(["dpkg-deb", "-x", packages[-1], root], check=True)


@contextmanager
def sink(*, delay: float = 0.0) -> Iterator[int]:
    """Yield the port of a running ``smtp-sink``, which takes everything.

    Args:
        delay: seconds that its answer to a message takes.
    """
    found = program("smtp-sink")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    late = ["-W", f".:{round(delay)}"] if delay >= 1 else []
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    words = [found.path, *user, *late, f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(words, env=found.environ)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("smtp-sink does not answer")


def source(port: int, messages: int, *, sessions: int = 10, octets: int = 4000) -> float:
    """Let ``smtp-source`` send so many messages over kept connections; returns messages a second."""
    found = program("smtp-source")
    words = [
        found.path, "-s", str(sessions), "-d", "-m", str(messages), "-l", str(octets), "-f", "a@x.example", "-t", "b@x.example",
        f"127.0.0.1:{port}",
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(words, check=True, env=found.environ)
    return messages / (time.perf_counter() - started)
