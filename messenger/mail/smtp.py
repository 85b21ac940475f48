"""The SMTP transport: a few connections that share one stream of messages. Translates, decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.errors import MessageRefused
from messenger.mail.ahead import Ahead, Passage
from messenger.mail.envelope import envelope_of
from messenger.mail.pool import Hold, Pool
from messenger.mail.replies import Reply, Stage, Trouble, outcome, receipt
from messenger.mail.session import Session
from messenger.mail.settings import Login, Mechanism, Security, SmtpSettings, Timeouts
from messenger.ports import Committing, Done, Feed

__all__ = ["Login", "Mechanism", "Security", "SmtpSettings", "SmtpTransport", "Timeouts"]

log = logging.getLogger(__name__)

QUICK: Final = 2.0
"""Seconds within which a quick server answers; with a slow one no message passes its commit point before its turn."""
TOO_LATE: Final = 120.0
"""Seconds after its commit point in which a message has to be given to the server: later it may not be true any more."""
TRIES_TO_CONNECT: Final = 3
"""Failures in a row after which the rest of a stream is answered without trying: the next stream may fare better."""


class SmtpTransport:
    """Carries frozen messages to one mail server; implements ``ports.Transport``."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._pool = Pool(settings)

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        feed = Feed(messages)
        carrier = _Carrier(self._settings, self._pool, committing=committing, done=done)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.connections):
                    group.create_task(carrier.run(feed))
        finally:
            self._pool.bring_back()

    async def close(self) -> None:
        """Say goodbye on idle connections, all at once; they are gone within a second."""
        await self._pool.close()


@dataclass(slots=True)
class _OnWay:
    """A message in the hands of a connection, and the one that was announced behind it."""

    passage: Passage
    hold: Hold
    ahead: Ahead
    follower: Passage | None = None


class _Carrier:
    """Carries the messages of one stream, each over whichever session is free."""

    def __init__(self, settings: SmtpSettings, pool: Pool, *, committing: Committing, done: Done) -> None:
        self._settings = settings
        self._pool = pool
        self._committing = committing
        self._done = done
        self._failures = 0
        self._refusal: Trouble | None = None
        """Why nobody can connect: found out once, not once per message."""

    async def run(self, feed: Feed) -> None:
        ahead = Ahead(lambda commits: self._fetched(feed, commits=commits))
        try:
            while (passage := await ahead.next()) is not None:
                async with self._pool.hold() as hold:
                    await self._carry(passage, hold, ahead)
                await ahead.told()
        finally:
            await ahead.close()

    async def _fetched(self, feed: Feed, *, commits: bool) -> Passage | None:
        """Return the next message that can be sent, past its commit point if that is asked for."""
        while (message := await feed.next()) is not None:
            try:
                passage = Passage(message, envelope_of(message, self._settings.redirect_to))
            except MessageRefused as problem:
                await self._tell(message.key, Receipt(outcome=Outcome.PERMANENT, reply=f"not sent: {problem}"))
                continue
            if not commits or await self._commits(passage):
                return passage
        return None

    async def _carry(self, passage: Passage, hold: Hold, ahead: Ahead) -> None:
        """Carry a message, and all that are announced behind it."""
        following: Passage | None = passage
        while following is not None:
            passage, following = following, None
            if self._pool.is_quick and passage.is_committed:
                ahead.begin()
            on_way = _OnWay(passage, hold, ahead)
            answer = await self._answer(on_way)
            await ahead.told()
            if answer is not None:
                ahead.tell(self._tell(passage.message.key, answer))
            following = on_way.follower

    async def _answer(self, way: _OnWay) -> Receipt | None:
        """Return how it ended, or None when the caller no longer wants it sent."""
        hidden = way.passage.envelope.hidden
        try:
            reply = await self._try(way)
        except Trouble as trouble:
            return receipt(
                stage=trouble.stage, result=trouble.outcome(), words=trouble.words, reply=trouble.reply, hidden=hidden
            )
        except Exception as error:  # noqa: BLE001 - one answer per message, whatever happens
            return self._broken(way, error)
        if reply is None:
            return None
        return receipt(stage=Stage.END_OF_DATA, result=Outcome.ACCEPTED, words="", reply=reply, hidden=hidden)

    def _broken(self, way: _OnWay, error: Exception) -> Receipt:
        stage = way.hold.session.stage if way.hold.session else Stage.CONNECT
        name = type(error).__name__
        log.warning(
            "smtp_broken", extra={"transport": self._settings.name, "key": str(way.passage.message.key), "error": name}
        )
        way.hold.hang_up()
        return Receipt(outcome=outcome(stage, None), reply=f"{stage}: {name}", stage=stage)

    async def _try(self, way: _OnWay) -> Reply | None:
        """Use the session at hand; one gone stale meanwhile is replaced once, as long as the server has not been given it all."""
        session = way.hold.session or await self._found(way.hold)
        is_new = session.carried == 0
        try:
            return await self._pass(way, session)
        except Trouble as trouble:
            self._pool.is_plain = self._pool.is_plain or session.is_out_of_step
            if is_new or not trouble.is_lost_line or trouble.stage is Stage.END_OF_DATA:
                raise
        way.hold.hang_up()
        if way.follower is not None:  # it was to be announced on the line that broke
            way.ahead.put_back(way.follower)
            way.follower = None
        return await self._pass(way, await self._found(way.hold))

    async def _pass(self, way: _OnWay, session: Session) -> Reply | None:
        passage = way.passage
        if passage.announced_on is session:
            await session.follow()
        else:
            await session.offer(passage.envelope)
            if not await self._commits(passage):
                return None
            if self._pool.is_quick:
                way.ahead.begin()
            await session.begin()
        await way.ahead.told()
        if now() - passage.committed_at > TOO_LATE:
            raise Trouble(Stage.DATA, None, words="not sent: it had to wait too long for its turn")
        may_announce = not self._pool.is_plain and session.carried < self._settings.messages_per_connection
        way.follower = way.ahead.take(session) if may_announce else None
        begun = now()
        try:
            return await session.hand_over(
                passage.message.content, follower=way.follower.envelope if way.follower else None
            )
        finally:
            self._pool.is_quick = now() - begun < QUICK

    async def _commits(self, passage: Passage) -> bool:
        if passage.is_committed is None:
            passage.is_committed = await self._may_commit(passage.message.key)
            passage.committed_at = now()
        return passage.is_committed

    async def _found(self, hold: Hold) -> Session:
        """Open a session; where the server takes no more of them, wait for one of those that are open."""
        while True:
            try:
                return await self._opened(hold)
            except Trouble:
                if not self._pool.has_sessions:
                    raise
            await hold.wait()
            if hold.session is not None:
                return hold.session

    async def _opened(self, hold: Hold) -> Session:
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        try:
            session = await hold.open()
        except Trouble as trouble:
            self._note(trouble)
            raise
        self._failures = 0
        return session

    def _note(self, trouble: Trouble) -> None:
        """Remember why nobody can connect, unless somebody is connected."""
        self._failures += 1
        if not self._pool.has_sessions and (trouble.is_settled or self._failures >= TRIES_TO_CONNECT):
            self._refusal = trouble

    async def _may_commit(self, key: Key) -> bool:
        try:
            return await self._committing(key)
        except Exception as error:  # noqa: BLE001 - without a durable mark nothing may be sent; the claim's lease runs out
            log.warning("commit_point_broken", extra={"key": str(key), "error": type(error).__name__})
            return False

    async def _tell(self, key: Key, answer: Receipt) -> None:
        try:
            await self._done(key, answer)
        except Exception as error:  # noqa: BLE001 - one answer that cannot be written must not stop the others
            extra = {"key": str(key), "outcome": answer.outcome, "error": type(error).__name__}
            log.warning("answer_not_recorded", extra=extra)


def now() -> float:
    """Return the time by the loop's clock, in seconds."""
    return asyncio.get_running_loop().time()
