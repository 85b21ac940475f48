"""The open sessions of one transport: a few places, each empty or with a session that may be used again."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from typing import NamedTuple, Self

from messenger.mail.opening import open_session
from messenger.mail.replies import Stage, Trouble, visible
from messenger.mail.session import Session
from messenger.mail.settings import Security, SmtpSettings


class _Place(NamedTuple):
    """Sessions come before empty places, the last one used first: so the fewest are kept busy."""

    is_empty: bool
    rank: int
    session: Session | None


class Pool:
    """At most ``connections`` sessions, those that are parting included."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._numbers = itertools.count()
        self._places: asyncio.PriorityQueue[_Place] = asyncio.PriorityQueue()
        for _ in range(settings.connections):
            self._places.put_nowait(_Place(True, next(self._numbers), None))  # noqa: FBT003  # a tuple that sorts
        self._parting: set[asyncio.Task[None]] = set()
        self._open = 0
        self._aside = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._generation = 0
        self._context: ssl.SSLContext | None = None
        self.is_quick = False
        """Whether the server has answered the last message soon."""
        self.is_plain = False
        """Whether the server cannot be told of the next message together with the last one, whatever it lists."""

    def hold(self) -> Hold:
        """Return a place for one message, to be used with ``async with``."""
        return Hold(self)

    async def close(self) -> None:
        """Part from every session; those in use part when they are given back."""
        self._generation += 1
        self._part_from_idle(self._now() + self._settings.idle)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._parting:
            await asyncio.wait(set(self._parting))

    async def take(self) -> Session | None:
        """Wait for a place; returns the session in it, or None when one has to be opened."""
        while True:
            session = (await self._places.get()).session
            if session is None or self._is_trusted(session):
                return session
            self._part(session)

    def _is_trusted(self, session: Session) -> bool:
        is_young = self._now() - session.idle_since < self._settings.idle
        return session.is_fresh and is_young and session.carried < self._settings.messages_per_connection

    @property
    def has_sessions(self) -> bool:
        """Whether any session is open or being opened, in use or not."""
        return self._open > 0

    async def open(self) -> Session:
        """Open a session for a place that was taken.

        Raises:
            Trouble: as ``open_session``.
        """
        self._open += 1
        try:
            session = await open_session(self._settings, self._tls())
        except BaseException:
            self._open -= 1
            raise
        session.generation = self._generation
        return session

    def abort(self, session: Session) -> None:
        """Hang up; the place stays with whoever has it."""
        session.abort()
        self._open -= 1

    def put_aside(self) -> None:
        """Do without a place that was taken, until ``bring_back``: the server does not want so many connections."""
        self._aside += 1

    def bring_back(self) -> None:
        """Use again what was put aside."""
        for _ in range(self._aside):
            self.give_back(None)
        self._aside = 0

    def _tls(self) -> ssl.SSLContext | None:
        if self._context is None and self._settings.security is not Security.NONE:
            try:
                self._context = self._settings.context()
            except (OSError, ValueError) as error:
                raise Trouble(Stage.TLS, None, words=f"TLS: {self._settings.ca_file}: {visible(str(error))}") from error
        return self._context

    def give_back(self, session: Session | None) -> None:
        """Give a place back, with a session that may be used again, or empty."""
        if session is None:
            self._places.put_nowait(_Place(True, next(self._numbers), None))  # noqa: FBT003  # a tuple that sorts
        elif session.generation != self._generation or session.carried >= self._settings.messages_per_connection:
            self._part(session)
        else:
            session.idle_since = self._now()
            self._places.put_nowait(_Place(False, -next(self._numbers), session))  # noqa: FBT003  # the same
            self._watch(self._settings.idle)

    def _part(self, session: Session) -> None:
        """Say goodbye beside all other work; the place is empty when it is said."""
        task = asyncio.get_running_loop().create_task(session.close())
        self._parting.add(task)
        task.add_done_callback(self._parted)

    def _parted(self, task: asyncio.Task[None]) -> None:
        self._parting.discard(task)
        self._open -= 1
        self.give_back(None)

    def _watch(self, seconds: float) -> None:
        """See to it that no session stays longer than it is trusted."""
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._alarm = None
        self._part_from_idle(self._now())

    def _part_from_idle(self, now: float) -> None:
        """Part from what was last used ``idle`` or more before ``now``."""
        places = [self._places.get_nowait() for _ in range(self._places.qsize())]
        for place in reversed(places):  # longest unused first
            left = self._settings.idle - (now - place.session.idle_since) if place.session else 0.0
            if place.session is not None and left <= 0:
                self._part(place.session)
                continue
            self._places.put_nowait(place)
            if place.session is not None:
                self._watch(left)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Hold:
    """One place of the pool for the time of one message. However that ends, the place is given back."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._has_place = False
        self.session: Session | None = None

    async def __aenter__(self) -> Self:
        await self._take()
        return self

    async def _take(self) -> None:
        self.session = await self._pool.take()
        self._has_place = True

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_usable = False
        try:
            is_usable = kind is None and self.session is not None and await self.session.recover()
        finally:
            if not is_usable:
                self.hang_up()
            if self._has_place:
                self._pool.give_back(self.session)

    def hang_up(self) -> None:
        """Give up the session, not the place."""
        if self.session is not None:
            self._pool.abort(self.session)
            self.session = None

    async def open(self) -> Session:
        """Return a new session, in place of one that broke."""
        self.hang_up()
        self.session = await self._pool.open()
        return self.session

    async def wait(self) -> None:
        """Exchange the place, in which no session can be opened, for the next one that is given back."""
        self._has_place = False
        self._pool.put_aside()
        await self._take()
