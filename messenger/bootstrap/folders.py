"""Wiring of folders that are watched."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from messenger.config.sources_folder import FolderSettings
from messenger.intake.folder import Folder
from messenger.intake.formats import Manner
from messenger.ports.folders import WatchedFolder
from messenger.services.folders import Folders

if TYPE_CHECKING:
    from messenger.bootstrap.engine import Engine


def folders_of(engine: Engine) -> Folders:
    """Return what looks into the folders of an engine, by its settings at each look."""
    return Folders(
        store=engine.store, clock=engine.clock, ingest=engine.ingest, owner=uuid.uuid4().hex, folders=lambda: _watched(engine)
    )  # fmt: skip


def _watched(engine: Engine) -> Sequence[WatchedFolder]:
    found = (one for one in engine.settings.sources.values() if isinstance(one, FolderSettings))
    return [
        Folder(
            name=one.name,
            path=one.path,
            every=one.every,
            manner=Manner(format=one.format, shop=one.shop, zone=one.zone),
        )
        for one in found
    ]
