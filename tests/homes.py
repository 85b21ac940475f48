"""Homes for tests: the shipped rules and texts, live, with a transport on this machine."""

from __future__ import annotations

from pathlib import Path

from messenger.bootstrap import make_home

CONFIGURATION = """\
[database]
url = "{url}"

[shops.toys]
name = "Sunny Toys"
mode = "{mode}"
platform = "none"
default_language = "en"
zone = "Europe/Madrid"
sender = "Sunny Toys <care@sunny-toys.example>"
channels = {{ email = "main" }}

[transports.main]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
uncertain = "{uncertain}"
resend_after = "1s"

[worker]
lease = "{lease}"
"""


def live_home(
    folder: Path,
    *,
    port: int,
    url: str = "sqlite:///data/messenger.db",
    mode: str = "live",
    uncertain: str = "resend",
    lease: str = "60s",
) -> Path:
    """Make a home in ``folder`` and return it."""
    make_home(folder)
    text = CONFIGURATION.format(port=port, url=url, mode=mode, uncertain=uncertain, lease=lease)
    (folder / "messenger.toml").write_text(text, encoding="utf-8")
    return folder


def open_valve(home: Path) -> None:
    """Let one intake bring as many messages as it likes: for tests that bring everything at once, and mean it."""
    path = home / "schedules.toml"
    rules = path.read_text(encoding="utf-8")
    path.write_text(rules.replace('max_new_messages = "auto"', "max_new_messages = 100000"), encoding="utf-8")
