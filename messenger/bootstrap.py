"""Puts the parts together: the one place that knows every adapter."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from messenger.config.places import country_zones
from messenger.config.schedules import load_schedule
from messenger.config.settings import Settings, load_settings
from messenger.config.transports import TransportSettings, is_loopback
from messenger.domain.shops import Shop, UncertainPolicy
from messenger.errors import ConfigurationError, UsageError
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport, Timeouts
from messenger.ports import Clock, Store, Transport
from messenger.rendering.catalogue import Catalogue, load
from messenger.services.clocks import SystemClock
from messenger.services.dispatching import Dispatcher
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.working import Worker
from messenger.storage import migrate, open_store

HOME_FILES = ("messenger.toml", "schedules.toml", "schedules.schema.json")


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


def load_home(folder: Path, settings: Settings) -> Home:
    """Return rules and templates of a home together with its shops.

    Raises:
        ConfigurationError: schedules.toml cannot be used; every mistake is named. Templates that do not compile are
            left out and reported by ``check``; messages that need them wait.
    """
    catalogue = load(folder / "templates")
    schedule = load_schedule(folder / "schedules.toml", shops=settings.shops, templates=template_names(folder))
    return Home(
        shops=settings.shops,
        schedule=schedule,
        catalogue=catalogue,
        zones=country_zones(),
        uncertain={
            name: UncertainPolicy(then=one.uncertain, resend_after=one.resend_after)
            for name, one in settings.transports.items()
        },
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
        catalogue: Catalogue = load(base / "templates")
        schedule = load_schedule(base / "schedules.toml", shops=None, templates=template_names(base))
    return Home(shops=shops, schedule=schedule, catalogue=catalogue, zones=country_zones())


@dataclass(slots=True, kw_only=True)
class Engine:
    """Everything put together for one process."""

    settings: Settings
    home: Home
    store: Store
    clock: Clock
    ingest: Ingest

    def worker(self) -> Worker:
        """Return a worker with transports of its own."""
        owner = uuid.uuid4().hex
        dispatcher = Dispatcher(
            store=self.store,
            home=self.home,
            clock=self.clock,
            composer=MimeComposer(),
            transports={name: _transport(name, one) for name, one in self.settings.transports.items()},
            owner=owner,
            lease=self.settings.worker.lease,
            batch=self.settings.worker.batch,
        )
        return Worker(
            store=self.store,
            clock=self.clock,
            ingest=self.ingest,
            dispatcher=dispatcher,
            owner=owner,
            lease=self.settings.worker.lease,
        )

    def far_transports(self) -> list[str]:
        """Return the names of transports that lead off this machine."""
        return [name for name, one in self.settings.transports.items() if not is_loopback(one.host)]


@contextmanager
def open_app(folder: Path, environ: Mapping[str, str], *, clock: Clock | None = None) -> Iterator[Engine]:
    """Yield everything put together, with a database that fits this version; closes it afterwards.

    Raises:
        ConfigurationError: the home cannot be used.
        StorageError: the database cannot be used.
    """
    if not (folder / "messenger.toml").exists():
        raise UsageError(
            f"there is no messenger.toml in {folder.resolve()}: make a home with messenger init, or name one with --home"
        )
    settings = load_settings_only(folder, environ)
    home = load_home(folder, settings)
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    chosen = clock or SystemClock()
    try:
        yield Engine(settings=settings, home=home, store=store, clock=chosen, ingest=Ingest(store, home, chosen))
    finally:
        store.close()


def _transport(name: str, one: TransportSettings) -> Transport:
    return SmtpTransport(
        SmtpSettings(
            name=name, host=one.host, port=one.port, security=Security(one.security), username=one.username,
            password=one.password.reveal() if one.password else "", connections=one.connections, redirect_to=one.redirect_to,
            ca_file=str(one.ca_file or ""), timeouts=Timeouts(connect=one.timeout),
        )
    )  # fmt: skip


__all__ = [
    "ConfigurationError",
    "Engine",
    "default_home",
    "load_home",
    "load_settings_only",
    "make_home",
    "open_app",
    "simulated_home",
]
