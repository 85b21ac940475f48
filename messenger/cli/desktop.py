"""What a person works at: the clipboard, by a tool of the desktop or by the terminal, which works over SSH as well; the browser."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

TOOLS: Final[Sequence[tuple[str, str, tuple[str, ...]]]] = (
    ("WAYLAND_DISPLAY", "wl-copy", ()),
    ("DISPLAY", "xclip", ("-selection", "clipboard")),
    ("DISPLAY", "xsel", ("--input", "--clipboard")),
    ("", "pbcopy", ()),
    ("TERMUX_VERSION", "termux-clipboard-set", ()),
)
"""What has to be in the environment, the tool, and how it is called; the first that is there is used."""
PATIENCE: Final = 5.0
"""Seconds that a tool may take."""
TERMINAL: Final = "OSC 52"
_TTY: Final = Path("/dev/tty")


def copy(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Put a text into the clipboard; returns by what, empty when there is no way to it."""
    for needed, name, options in TOOLS:
        tool = shutil.which(name, path=environ.get("PATH")) if not needed or environ.get(needed) else None
        if tool and _takes([tool, *options], text, environ):
            return name
    return TERMINAL if _by_terminal(text) else ""


def open_link(link: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Open a link in the person's browser; returns False where there is no desktop to show it on."""
    has_a_screen = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")) or sys.platform in {"darwin", "win32"}
    return has_a_screen and click.launch(link) == 0


def _takes(command: Sequence[str], text: str, environ: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  # a tool of ours to choose, found in the person's own path
            command, input=text.encode(), env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _by_terminal(text: str) -> bool:
    """Ask the terminal to do it (OSC 52); whether it does cannot be known."""
    if not sys.stdout.isatty():
        return False
    content = base64.b64encode(text.encode()).decode()
    try:
        with _TTY.open("w", encoding="ascii") as terminal:
            terminal.write(f"\x1b]52;c;{content}\x07")
    except OSError:
        return False
    return True
