"""Room on the disks that a database needs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from messenger.ports.alarms import Space
from messenger.storage.engine import parsed


def spaces(url: str) -> list[Space]:
    """Return the room where SQLite's file and temporary files are; nothing for a server, which looks after its own."""
    where = parsed(url)
    if where.get_backend_name() != "sqlite" or not where.database:
        return []
    found = []
    for folder in (Path(where.database).parent, Path(tempfile.gettempdir())):
        try:
            usage = shutil.disk_usage(folder)
        except OSError:  # no such folder: whoever needs it says so
            continue
        found.append(Space(folder=str(folder), free=usage.free, total=usage.total))
    return found
