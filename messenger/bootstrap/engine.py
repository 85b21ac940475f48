"""Everything put together for one process."""

from __future__ import annotations

import getpass
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from messenger.bootstrap.aside import Aside
from messenger.bootstrap.making import access_to, composer_of, limits_of, transport_of, transports_of
from messenger.bootstrap.platforms import Means, tell_of_doors
from messenger.bootstrap.posted import receive
from messenger.config.mailboxes import MailboxSettings
from messenger.config.settings import Settings
from messenger.config.transports import is_loopback
from messenger.domain.alerts import AlertKind
from messenger.domain.messages import FrozenMessage, PlannedMessage, Receipt
from messenger.errors import ConfigurationError, MailboxError, StorageError, UsageError
from messenger.homes import Present, Watch, load_settings_only, present_home
from messenger.intake.mailbox import visit
from messenger.mail.bounces import read_reports
from messenger.mail.notify import MailNotifier
from messenger.mail.notify_apprise import AppriseNotifier
from messenger.ports import Clock, Notifier, Store
from messenger.services.alerting import Alerting, Crier
from messenger.services.bulletins import Speaker
from messenger.services.clocks import SharedClock, SystemClock
from messenger.services.dispatching import Dispatcher
from messenger.services.feedback import Feedback
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.lookout import Lookout
from messenger.services.polling import Polling
from messenger.services.speaking.words import words_of
from messenger.services.working import Reloaded, Worker
from messenger.storage import migrate, open_store
from messenger.storage.space import spaces
from messenger.storage.spool import SqlSpool, open_spool

log = logging.getLogger(__name__)


PATIENCE: Final = 3
"""Visits in vain to a mailbox before people are told: servers are restarted now and then."""


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
    _shut: Counter[str] = field(default_factory=Counter)
    """How often in a row each mailbox was visited in vain."""
    _spool: SqlSpool | None = None
    _aside: Aside | None = None

    @property
    def home(self) -> Home:
        """The generation that is worked by."""
        return self.present.home

    @property
    def spool(self) -> SqlSpool:
        """Where deliveries are kept; opened when it is first asked for."""
        if self._spool is None:
            self._spool = open_spool(self.settings.database_url)
        return self._spool

    @property
    def aside(self) -> Aside:
        """What is done aside: folders, pollers, brokers."""
        if self._aside is None:
            self._aside = Aside(self)
        return self._aside

    @property
    def polling(self) -> Polling:
        """What asks sources for news."""
        return self.aside.polling

    def close(self) -> None:
        """Release what was opened besides the store."""
        if self._aside is not None:
            self._aside.stop()
        if self._spool is not None:
            self._spool.close()

    def receive(self) -> int:
        """Read what was posted to us; returns how many deliveries that were."""
        return receive(self)

    def worker(self) -> Worker:
        """Return a worker with transports of its own."""
        owner = uuid.uuid4().hex
        self._judge_files("\n".join(map(str, self.present.findings)))
        dispatcher = Dispatcher(
            store=self.store,
            home=self.home,
            clock=self.clock,
            composer=composer_of(self.settings),
            transports=transports_of(self.settings, self._means(owner)),
            owner=owner,
            lease=self.settings.worker.lease,
            batch=self.settings.worker.batch,
            limits=limits_of(self.settings),
            on_refusal=self._refused,
        )
        return Worker(
            store=self.store,
            clock=self.clock,
            ingest=self.ingest,
            dispatcher=dispatcher,
            owner=owner,
            lease=self.settings.worker.lease,
            reload=self.reloading(owner),
            receive=self.receive,
            chores=self._chores,
            watch=self.alerting().run_aside if isinstance(self.clock, SystemClock | SharedClock) else lambda _: None,
        )

    def lookout(self) -> Lookout:
        """Return what looks for trouble."""
        room = partial(spaces, self.settings.database_url)
        return Lookout(store=self.store, clock=self.clock, home=lambda: self.home, spaces=room)

    def alerting(self) -> Alerting:
        """Return what looks for trouble and tells people."""
        return Alerting(
            store=self.store, clock=self.clock, owner=uuid.uuid4().hex, lookout=self.lookout(), crier=self.crier
        )

    def crier(self) -> Crier:
        """Return how people are told, by the present settings."""
        wanted = self.settings.alerts
        notifiers: list[Notifier] = [AppriseNotifier(name=str(one), reveal=one.reveal) for one in wanted.urls]
        if wanted.mail:
            way = partial(transport_of, wanted.transport, self.settings.transports[wanted.transport])
            notifiers.insert(0, MailNotifier(
                recipients=wanted.mail, sender=wanted.sender, transport=wanted.transport, open_transport=way,
                find_composer=partial(composer_of, self.settings),
            ))  # fmt: skip
        return Crier(notifiers=notifiers, manner=wanted.manner, speaker=self.speaker())

    def speaker(self, language: str = "") -> Speaker:
        """Return who says what is the matter, in this language or the one that is set."""
        wanted = self.settings.alerts
        words = words_of(language or wanted.language)
        return Speaker(words=words, shops=self.home.shops, zone=wanted.manner.zone)

    def feedback(self) -> Feedback:
        """Return what takes in mails that came back."""
        diverted = [name for name, one in self.settings.transports.items() if one.redirect_to]
        return Feedback(self.store, self.home, self.clock, read=read_reports, alarm=self._alarm, diverted=diverted)

    def _chores(self) -> None:
        """What a worker looks at now and then, each whatever becomes of the others."""
        doors, mailboxes = partial(tell_of_doors, self), partial(self.visit_mailboxes, only_due=True)
        chores: list[Callable[[], object]] = [*self.aside.chores(), doors, mailboxes]
        for chore in chores:
            try:
                chore()
            except StorageError as error:
                log.warning("database_away", extra={"problem": str(error)})
            except Exception:  # the next time may do; the others are looked at all the same
                log.exception("chore_failed")

    def visit_mailboxes(self, *, only_due: bool = False) -> int:
        """Take in what lies in the mailboxes for bounces; returns how many mails that were.

        A mailbox that cannot be read is told, and the next one is visited.

        Args:
            only_due: leave out those that any process has visited within their time.
        """
        desk, taken = self.feedback(), 0
        for one in self.settings.returns.values():
            if isinstance(one, MailboxSettings) and not (only_due and not self._is_turn(one)):
                taken += self._visit(one, desk)
        return taken

    def _is_turn(self, one: MailboxSettings) -> bool:
        """Whether nobody has visited this mailbox in the present slot of time; then this process does."""
        slot = int(self.clock.now().timestamp() // one.every.total_seconds())
        return self.store.buys_tick(f"mailbox {one.name}", str(slot))

    def _visit(self, one: MailboxSettings, desk: Feedback) -> int:
        now = self.clock.now()
        try:
            found = visit(access_to(one), lambda raw: desk.take(raw, source=one.name))
        except (MailboxError, ConfigurationError) as error:
            log.error("mailbox_not_read", extra={"source": one.name, "problem": str(error)})  # noqa: TRY400  # told in full
            self._shut[one.name] += 1
            if self._shut[one.name] >= PATIENCE:
                self.store.raise_alert(kind=AlertKind.SOURCE_SILENT, subject=one.name, at=now, detail=str(error)[:300])
            return 0
        self._shut[one.name] = 0
        self.store.end_alert(kind=AlertKind.SOURCE_SILENT, subject=one.name, at=now)
        return found

    def _alarm(self, *, kind: str, subject: str, shop: str, detail: str) -> None:
        self.store.raise_alert(
            kind=AlertKind(kind), subject=subject, at=self.clock.now(), shop=shop, detail=detail[:300]
        )

    def _refused(self, message: PlannedMessage, content: FrozenMessage, receipt: Receipt) -> None:
        self.feedback().refused(message, content, receipt)

    def far_transports(self) -> list[str]:
        """Return the names of transports that lead off this machine."""
        servers = [name for name, one in self.settings.transports.items() if not is_loopback(one.host)]
        return servers + [name for name, one in self.settings.platforms.items() if one.is_far]

    def _judge_files(self, mistakes: str) -> None:
        """Tell staff of mistakes in edited files, until there are none."""
        now = self.clock.now()
        if mistakes:
            self.store.raise_alert(kind=AlertKind.FILES, subject="", at=now, detail=mistakes)
        else:
            self.store.end_alert(kind=AlertKind.FILES, subject="", at=now)

    def _means(self, owner: str) -> Means:
        return Means(vault=self.store, clock=self.clock, owner=owner)

    def reloading(self, owner: str = "") -> Callable[[], Reloaded | None]:
        """Return a function that looks whether files or generations have changed, and returns what they are now for ``owner``."""
        watch = Watch(self.folder, self.store, self.home)

        def reload() -> Reloaded | None:
            if not watch.has_changed():
                return None
            try:
                settings = load_settings_only(self.folder, self.environ)
                present = present_home(self.folder, settings, self.store, at=self.clock.now(), by=_person())
                composer = composer_of(settings)
            except (ConfigurationError, OSError) as error:  # the present generation stays; the mistake is told
                log.error("generation_rejected", extra={"problem": str(error)})  # noqa: TRY400  # a person's mistake, no trace
                self._judge_files(str(error))
                return None
            for finding in present.findings:
                log.error("generation_rejected", extra={"problem": str(finding)})
            self._judge_files("\n".join(map(str, present.findings)))
            self.settings, self.present = settings, present
            return Reloaded(present.home, transports_of(settings, self._means(owner)), composer, limits_of(settings))

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
    chosen = clock or (SystemClock() if settings.database_url.startswith("sqlite") else SharedClock())
    try:
        present = present_home(folder, settings, store, at=chosen.now(), by=_person())
        ingest = Ingest(store, present.home, chosen)
        engine = Engine(
            folder=folder, environ=environ, settings=settings, present=present, store=store, clock=chosen, ingest=ingest
        )
        with closing(engine):
            yield engine
    finally:
        store.close()


def _person() -> str:
    """Who runs the program, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "somebody"
