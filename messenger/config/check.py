"""Checking both files of a home at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from messenger.config.retention import retention_findings
from messenger.config.schedules import read_schedule
from messenger.config.settings import FILE, read_settings
from messenger.errors import Finding

SCHEDULES: Final = "schedules.toml"


def check_home(home: Path, environ: Mapping[str, str], templates: Collection[str] | None = None) -> list[Finding]:
    """Return every mistake in messenger.toml and schedules.toml; an empty list when the home can be used.

    Args:
        home: the folder that holds both files.
        environ: the environment, for ``MESSENGER_DATABASE_URL``; secrets are not looked up.
        templates: names of the templates that exist; ``None`` leaves templates unchecked.
    """
    settings, findings = read_settings(home, environ)
    shops = settings.shops or None  # without any shop every name would be unknown; the cause is told already
    schedule, more = read_schedule(home / SCHEDULES, shops=shops, templates=templates)
    return [*findings, *more, *retention_findings(settings.retention, schedule, home / FILE)]
