"""News over PostgreSQL's NOTIFY: told within the transaction that makes it, heard over a connection of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, func, select, true

from messenger.storage.engine import LINE, Database
from messenger.storage.sql import is_sqlite

log = logging.getLogger(__name__)

CHANNEL: Final = "messenger_news"
LISTENS: Final = 0.5
"""Seconds that a listener waits for news before it looks whether it is still wanted."""
STILL_THERE: Final = 60
"""So many times it waits for nothing before it asks whether the line is still there."""
PATIENCE: Final = 10
"""Seconds that connecting may take."""
LONGEST_WAIT: Final = 30.0
"""Seconds before a lost line is tried again, at most."""


def tell(connection: Connection, condition: ColumnElement[bool] | None = None) -> None:
    """Let everybody hear, once this transaction has committed, that there is something to do; however often it is told.

    Args:
        connection: in a write transaction.
        condition: asked of the database; nothing is told when it does not hold.
    """
    if not is_sqlite(connection):
        connection.execute(select(func.pg_notify(CHANNEL, "")).where(true() if condition is None else condition))


class SqlNews:
    """The part of the store that tells of work; see ``ports.News``."""

    _database: Database

    @contextmanager
    def news(self, heard: Callable[[], None]) -> Iterator[None]:
        """Call ``heard`` when there may be something to do."""
        if self._database.is_sqlite:
            yield
            return
        over = threading.Event()
        listener = threading.Thread(target=_Listener(self._database.engine, heard, over).run, name="news", daemon=True)
        listener.start()
        try:
            yield
        finally:
            over.set()
            listener.join(timeout=4 * LISTENS)  # one that hangs on a dead line ends with the process


class _Listener:
    def __init__(self, engine: Engine, heard: Callable[[], None], over: threading.Event) -> None:
        self._engine = engine
        self._heard = heard
        self._over = over
        self._failures = 0

    def run(self) -> None:
        """Listen, and connect again when the line is lost, until it is over."""
        while not self._over.is_set():
            try:
                with closing(self._line()) as line:
                    self._listen(line)
            except Exception as error:  # noqa: BLE001  # the worker looks every second anyway: only the haste is lost
                self._failures += 1
                log.info("news_lost", extra={"problem": type(error).__name__, "times": self._failures})
                self._over.wait(min(LONGEST_WAIT, 2.0**self._failures / 2))

    def _line(self) -> Any:  # Any: a connection of psycopg, which only storage's engine knows how to make
        """A connection that belongs to no pool."""
        dialect = self._engine.dialect
        places, names = dialect.create_connect_args(self._engine.url)
        line: Any = dialect.connect(*places, **{**LINE, "connect_timeout": PATIENCE} | dict(names))  # Any: see above
        line.autocommit = True
        return line

    def _listen(self, line: Any) -> None:  # Any: see _line
        line.execute(f"LISTEN {CHANNEL}")
        self._heard()  # whatever was told while nobody listened
        quiet = 0
        while not self._over.is_set():
            told = [*line.notifies(timeout=LISTENS, stop_after=1)]
            self._failures = 0
            quiet = 0 if told else quiet + 1
            if told:
                self._heard()
            elif quiet % STILL_THERE == 0:
                line.execute("SELECT 1")
