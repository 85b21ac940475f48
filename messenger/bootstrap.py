"""Puts the parts together: the one place that knows every adapter."""

from __future__ import annotations

import getpass
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from messenger.config.settings import Settings
from messenger.config.transports import TransportSettings, is_loopback
from messenger.errors import ConfigurationError, UsageError
from messenger.homes import (
    Present,
    Watch,
    default_home,
    load_home,
    load_settings_only,
    make_home,
    present_home,
    simulated_home,
    template_names,
)
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Login, Mechanism, Security, SmtpSettings, SmtpTransport, Timeouts
from messenger.ports import Clock, Store, Transport
from messenger.services.clocks import SystemClock
from messenger.services.dispatching import Dispatcher
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.working import Reloaded, Worker
from messenger.storage import migrate, open_store

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Engine:
    """Everything put together for one process."""

    folder: Path
    environ: Mapping[str, str]
    settings: Settings
    present: Present
    store: Store
    clock: Clock
    ingest: Ingest

    @property
    def home(self) -> Home:
        """The generation that is worked by."""
        return self.present.home

    def worker(self) -> Worker:
        """Return a worker with transports of its own."""
        owner = uuid.uuid4().hex
        dispatcher = Dispatcher(
            store=self.store,
            home=self.home,
            clock=self.clock,
            composer=_composer(self.settings),
            transports=_transports(self.settings),
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
            reload=self._reloading(),
        )

    def far_transports(self) -> list[str]:
        """Return the names of transports that lead off this machine."""
        return [name for name, one in self.settings.transports.items() if not is_loopback(one.host)]

    def _reloading(self) -> Callable[[], Reloaded | None]:
        """A function that looks whether files or generations have changed, and returns what they are now."""
        watch = Watch(self.folder, self.store, self.home)

        def reload() -> Reloaded | None:
            if not watch.has_changed():
                return None
            try:
                settings = load_settings_only(self.folder, self.environ)
                present = present_home(self.folder, settings, self.store, at=self.clock.now(), by=_person())
                composer = _composer(settings)
            except (ConfigurationError, OSError) as error:  # the present generation stays; the mistake is told
                log.error("generation_rejected", extra={"problem": str(error)})  # noqa: TRY400  # a person's mistake, no trace
                return None
            for finding in present.findings:
                log.error("generation_rejected", extra={"problem": str(finding)})
            self.settings, self.present = settings, present
            return Reloaded(present.home, _transports(settings), composer)

        return reload


@contextmanager
def open_app(folder: Path, environ: Mapping[str, str], *, clock: Clock | None = None) -> Iterator[Engine]:
    """Yield everything put together, with a database that fits this version; closes it afterwards.

    Raises:
        ConfigurationError: the home cannot be used, and there is no earlier generation to work by.
        StorageError: the database cannot be used.
    """
    if not (folder / "messenger.toml").exists():
        raise UsageError(
            f"there is no messenger.toml in {folder.resolve()}: make a home with messenger init, or name one with --home"
        )
    settings = load_settings_only(folder, environ)
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    chosen = clock or SystemClock()
    try:
        present = present_home(folder, settings, store, at=chosen.now(), by=_person())
        ingest = Ingest(store, present.home, chosen)
        yield Engine(
            folder=folder, environ=environ, settings=settings, present=present, store=store, clock=chosen, ingest=ingest
        )
    finally:
        store.close()


def _person() -> str:
    """Who runs the program, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "somebody"


def _composer(settings: Settings) -> MimeComposer:
    """What makes the finished messages, with the keys that sign them.

    Raises:
        ConfigurationError: a key cannot be used; every such key is named.
    """
    if not settings.signing:
        return MimeComposer()
    from messenger.config.keys import key_findings, private_key  # noqa: PLC0415  # only where mail is signed
    from messenger.mail.dkim import Signer  # noqa: PLC0415  # the same

    if mistakes := key_findings(settings.signing):
        raise ConfigurationError(mistakes)
    signers: defaultdict[str, list[Signer]] = defaultdict(list)
    for one in settings.signing:
        signers[one.domain].append(Signer(one.domain, one.selector, private_key(one)))
    return MimeComposer(signers)


def _transports(settings: Settings) -> dict[str, Transport]:
    return {name: _transport(name, one) for name, one in settings.transports.items()}


def _transport(name: str, one: TransportSettings) -> Transport:
    return SmtpTransport(
        SmtpSettings(
            name=name, host=one.host, port=one.port, security=Security(one.security), insecure=one.insecure, login=_login(one),
            connections=one.connections, messages_per_connection=one.messages_per_connection, idle=one.idle, is_dsn_wanted=one.dsn,
            timeouts=Timeouts(connect=one.timeout, **one.timeouts), redirect_to=one.redirect_to, ca_file=str(one.ca_file or ""),
            local_hostname=one.hello,
        )
    )  # fmt: skip


def _login(one: TransportSettings) -> Login | None:
    mechanism = Mechanism.XOAUTH2 if one.token else Mechanism(one.auth)
    secret = one.token or one.password
    return Login(username=one.username, secret=secret.reveal, mechanism=mechanism) if secret else None


__all__ = [
    "ConfigurationError",
    "Engine",
    "Present",
    "default_home",
    "load_home",
    "load_settings_only",
    "make_home",
    "open_app",
    "simulated_home",
    "template_names",
]
