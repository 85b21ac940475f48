"""Homes: the folder a person edits, and the generation of it that everybody works by."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from messenger.config.places import country_zones
from messenger.config.retention import retention_findings
from messenger.config.schedules import load_schedule
from messenger.config.settings import FILE, Settings, load_settings
from messenger.config.transports import PlatformSettings
from messenger.domain.mailing import Mailing
from messenger.domain.messages import PLATFORM
from messenger.domain.shops import Desk, Shop, UncertainPolicy
from messenger.errors import ConfigurationError, Finding, UsageError
from messenger.ports import Edition, Store
from messenger.ports.credentials import MESSAGES
from messenger.rendering.catalogue import load
from messenger.services.enveloping import plain_url
from messenger.services.home import Home
from messenger.services.publishing import digest_of, edition_of, files_of, unpack

log = logging.getLogger(__name__)

HOME_FILES: Final = ("messenger.toml", "schedules.toml", "schedules.schema.json")


@contextmanager
def default_home() -> Iterator[Path]:
    """Yield the folder that ``init`` starts from: carried by the wheel, or the repository's root in a checkout."""
    packaged = files("messenger").joinpath("_home")
    if packaged.is_dir():
        with as_file(packaged) as folder:
            yield folder
        return
    yield Path(__file__).resolve().parent.parent


def make_home(target: Path) -> list[str]:
    """Fill ``target`` with a working home; returns the names that were written.

    Raises:
        UsageError: there is a home already; nothing is overwritten.
    """
    there = [name for name in (*HOME_FILES, "templates") if (target / name).exists()]
    if there:
        raise UsageError(f"{target} has {', '.join(there)} already; nothing was changed")
    target.mkdir(parents=True, exist_ok=True)
    with default_home() as source:
        for name in HOME_FILES:
            shutil.copyfile(source / name, target / name)
        shutil.copytree(source / "templates", target / "templates")
    return [*HOME_FILES, "templates/"]


def load_settings_only(home: Path, environ: Mapping[str, str]) -> Settings:
    """Return messenger.toml, checked.

    Raises:
        ConfigurationError: with every mistake found.
    """
    return load_settings(home, environ)


def load_home(folder: Path, settings: Settings, *, known_good: bool = False) -> Home:
    """Return rules and templates of a home together with its shops.

    Args:
        folder: with schedules.toml and templates/.
        settings: of messenger.toml.
        known_good: these very files were checked before.

    Raises:
        ConfigurationError: schedules.toml cannot be used; every mistake is named. Templates that do not compile are
            left out and reported by ``check``; messages that need them wait.
    """
    catalogue = load(folder / "templates", known_good=known_good)
    schedule = load_schedule(folder / "schedules.toml", shops=settings.shops, templates=template_names(folder))
    if too_short := retention_findings(settings.retention, schedule, settings.home / FILE):
        raise ConfigurationError(too_short)
    return Home(
        shops=settings.shops,
        schedule=schedule,
        catalogue=catalogue,
        zones=country_zones(),
        uncertain={
            name: UncertainPolicy(
                then=one.uncertain,
                resend_after=one.resend_after,
                can_verify=isinstance(one, PlatformSettings) and one.can_verify,
            )
            for name, one in settings.ways.items()
        },
        mailing=Mailing(
            public_url=plain_url(settings.web.public_url),
            bounces={name: one.bounces for name, one in settings.transports.items() if one.bounces},
        ),
        retention=settings.retention,
    )


def template_names(folder: Path) -> frozenset[str]:
    """Return the templates for which a file exists in any locale, whether it compiles or not."""
    return frozenset(
        path.stem.partition("@")[0] for path in (folder / "templates").glob("[!_]*/*.md") if path.stem != "STYLE"
    )


def simulated_home(folder: Path | None, shops: Mapping[str, Shop]) -> Home:
    """Return the default rules and templates for shops that have no home of their own."""
    with default_home() as source:
        base = folder or source
        catalogue = load(base / "templates", known_good=True)
        schedule = load_schedule(base / "schedules.toml", shops=None, templates=template_names(base))
    return Home(shops=shops, schedule=schedule, catalogue=catalogue, zones=country_zones())


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is worked by now.

    Args:
        home: the present generation.
        findings: mistakes that keep the folder's files from being it; empty when they are it.
        note: a sentence for whoever runs the program; empty when there is nothing to say.
    """

    home: Home
    findings: tuple[Finding, ...] = ()
    note: str = ""


def present_home(folder: Path, settings: Settings, store: Store, *, at: datetime, by: str) -> Present:
    """Return the generation to work by: the folder's files if they can be used, else the last good one.

    On a database of one machine a changed folder becomes a new generation by itself. On a shared one only
    ``messenger publish`` makes a new generation, so that nodes with older files do not take it back.

    Raises:
        ConfigurationError: the files cannot be used, and no generation was ever published.
    """
    found = _present(folder, settings, store, at=at, by=by)
    return replace(found, home=by_hand(found.home, settings, store.accounts_shut(MESSAGES)))


def by_hand(home: Home, settings: Settings, shut: Mapping[str, str]) -> Home:
    """Return the home with people in the place of each platform that does not let us write.

    Args:
        home: as the files say.
        settings: which transports and desks there are.
        shut: accounts that may not write, and why.
    """
    shops = {name: _shop_by_hand(shop, settings, shut) for name, shop in home.shops.items()}
    return replace(home, shops=shops, by_hand=shut)


def _shop_by_hand(shop: Shop, settings: Settings, shut: Mapping[str, str]) -> Shop:
    way = shop.channels.get(PLATFORM, "")
    one = settings.platforms.get(way)
    if one is None or f"{one.kind}/{one.shop}" not in shut:
        return shop
    wanted = getattr(one, "desk", "")
    taker = wanted if wanted in settings.desks else way
    desks = {**shop.desks, taker: settings.desks.get(taker, Desk())}
    return replace(shop, channels={**shop.channels, PLATFORM: taker}, desks=desks)


def _present(folder: Path, settings: Settings, store: Store, *, at: datetime, by: str) -> Present:
    edition = edition_of(folder, at=at, by=by)
    newest = store.newest_generation()
    kept = store.generation(newest) if newest else None
    if kept is not None and kept.digest == edition.digest:
        home = load_home(folder, settings, known_good=True)
        return Present(home=replace(home, generation=kept.number))
    texts_are_known = kept is not None and _texts(kept) == _texts(edition)
    try:
        home = load_home(folder, settings, known_good=texts_are_known)
    except ConfigurationError as error:
        if kept is None:
            raise
        return _last_good(folder, settings, kept, error.findings)
    broken = tuple(finding for finding in home.catalogue.findings if finding.severity == "error")
    if kept is not None and broken:
        return _last_good(folder, settings, kept, broken)
    if kept is not None and not settings.database_url.startswith("sqlite:"):
        note = f"these files are not generation {kept.number}, which is worked by: messenger publish makes them the next one"
        return replace(_last_good(folder, settings, kept, ()), note=note)
    return Present(home=replace(home, generation=store.publish(edition)))


def _texts(edition: Edition) -> dict[str, bytes]:
    return {name: content for name, content in edition.files.items() if name.startswith("templates/")}


def _last_good(folder: Path, settings: Settings, kept: Edition, findings: tuple[Finding, ...]) -> Present:
    unpacked = unpack(kept, folder / "data" / "generations")
    note = f"{len(findings)} mistakes in the files: generation {kept.number} of {kept.published_at:%Y-%m-%d %H:%M} UTC stays in use"
    home = replace(load_home(unpacked, settings, known_good=True), generation=kept.number)
    return Present(home=home, findings=findings, note=note)


class Watch:
    """Notices that a folder's files, the newest generation, or whom platforms let write, are no longer what is worked by."""

    def __init__(self, folder: Path, store: Store, present: Home) -> None:
        self._folder = folder
        self._store = store
        self._generation = present.generation
        signature = self._sign()  # before the look: what is saved after it is seen by the next
        self._signature = signature if self._is_worked_by() else ()
        self._shut = present.by_hand

    def _is_worked_by(self) -> bool:
        """Whether the files are still, and wholly, what was read; somebody may have saved one meanwhile."""
        kept = self._store.generation(self._generation)
        try:
            return kept is not None and kept.digest == digest_of(files_of(self._folder))
        except OSError:
            return False

    def has_changed(self) -> bool:
        """Return whether something is new since this was last asked."""
        signature, newest, shut = self._sign(), self._store.newest_generation(), self._store.accounts_shut(MESSAGES)
        changed = (signature, newest, shut) != (self._signature, self._generation, self._shut)
        self._signature, self._generation, self._shut = signature, newest, shut
        return changed

    def _sign(self) -> tuple[tuple[str, int, int], ...]:
        paths = [self._folder / name for name in HOME_FILES[:2]]
        paths += sorted((self._folder / "templates").rglob("*"))
        stats = [(str(path), path.stat()) for path in paths if path.is_file()]
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
