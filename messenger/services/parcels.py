"""Parcels: claimed messages with everything that is needed to carry them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from messenger.domain.clearing import Cleared
from messenger.domain.guarding import Go
from messenger.domain.messages import Doubt, FrozenMessage, Letter, PlannedMessage, Reason, State
from messenger.domain.retry import MOST_CLAIMS, backoff
from messenger.errors import MessageRefused, StorageError
from messenger.ports import Clock, Composer, Store
from messenger.services.clearing import Clearing, OrderDesk
from messenger.services.preparing import RETRY, Postman, Unwritable
from messenger.services.verifying import doubt_of

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Parcel:
    """A claimed message on its way.

    Args:
        message: the row as it was claimed, with what was chosen since.
        content: what is carried.
        letter: what is frozen at the commit point; None when an earlier try has done so.
        digest: of the finished bytes.
        version: of the text.
        go: how the guard let it pass.
        started_at: when this try began.
        mark: when its claim was made, as the heart counts.
    """

    message: PlannedMessage
    content: FrozenMessage
    letter: Letter | None
    digest: str
    version: str
    go: Go
    started_at: datetime
    mark: float = 0.0

    @property
    def domain(self) -> str:
        """Where it goes."""
        return domain_of(self.content.recipient)


@dataclass(slots=True)
class Tally:
    """What a pass did, by the state messages ended in; and how many due messages wait for which account in trouble."""

    counts: dict[str, int] = field(default_factory=dict)
    blocked: Mapping[str, int] = field(default_factory=dict)

    def add(self, state: State) -> None:
        """Count one message."""
        self.counts[state] = self.counts.get(state, 0) + 1

    @property
    def total(self) -> int:
        """How many messages were dealt with."""
        return sum(self.counts.values())


Make = Callable[[PlannedMessage], Parcel | PlannedMessage]
"""Returns the message ready to be carried, or the row as it shall be when it does not leave now."""


@dataclass(slots=True)
class Packing:
    """Writes and freezes letters, or takes those that were frozen before."""

    store: Store
    clock: Clock
    composer: Composer
    postman: Postman
    clearing: Clearing
    orders: OrderDesk

    def made(self, message: PlannedMessage, make: Make) -> Parcel | PlannedMessage:
        """Return what ``make`` returns; a message that cannot be put together safely has failed.

        One that the program itself stumbles over waits, and that counts as a try: again and again, it is poison.
        """
        try:
            return make(message)
        except MessageRefused as error:
            return replace(message, state=State.FAILED, reason=Reason.REFUSED, because=str(error)[:300])
        except StorageError:
            raise
        except Exception as error:
            log.exception("message_broken", extra={"key": str(message.key)})
            return self._stumbled(message, type(error).__name__)

    def _stumbled(self, message: PlannedMessage, name: str) -> PlannedMessage:
        again_at = self.clock.now() + backoff(max(1, message.attempts), str(message.key))
        if message.state is State.UNCERTAIN:
            return replace(message, resend_at=again_at)
        return replace(
            message, state=State.PLANNED, reason=Reason.RETRY, because=f"the program failed ({name})", not_before=again_at,
            due_at=again_at, queue=RETRY, cleared_at=None,
        )  # fmt: skip

    def first(self, cleared: Cleared, message: PlannedMessage) -> Parcel | PlannedMessage:
        """A message that may leave: with the bytes of an earlier try, if there was one."""
        now = self.clock.now()
        frozen = self.store.frozen(message.id) if message.message_id else None
        if frozen is not None and frozen.letter is not None:
            return self._parcel(
                message, frozen.letter, cleared.go, version=frozen.template_version, digest=frozen.digest
            )
        written = self.postman.write(message, cleared.go, cleared.order, now, cleared.riders)
        if isinstance(written, Unwritable):
            return written.applied_to(message, now)
        chosen = replace(
            message, locale=written.letter.locale, variant=written.variant, message_id=written.letter.message_id
        )
        return self._parcel(chosen, self.composer.seal(written.letter), cleared.go, version=written.version)

    def wanted_again(self, message: PlannedMessage) -> Go | PlannedMessage:
        """Return how a message that was perhaps sent may go once more, or its row when there is no reason for it any more."""
        if message.attempts > MOST_CLAIMS and message.reply is None:
            return poison(message)
        order = self.orders.find(message.key.shop, message.order)
        decision = self.clearing.still_wanted(message, order, self.clock.now()) if order else None
        if not isinstance(decision, Go):
            return left_to_staff(message)
        return replace(decision, transport=message.transport or decision.transport)

    def again(self, go: Go, message: PlannedMessage) -> Parcel | PlannedMessage:
        """The same bytes once more."""
        frozen = self.store.frozen(message.id)
        if frozen is None or frozen.letter is None:
            return left_to_staff(message)
        doubt = doubt_of(message, self.postman.home.policy_for(message), self.clock.now())
        again = replace(message, resent=True) if doubt is Doubt.NONE else message  # the commit point says when it was
        parcel = self._parcel(again, frozen.letter, go, version=frozen.template_version, digest=frozen.digest)
        parcel.content = replace(parcel.content, doubt=doubt)
        return parcel

    def _parcel(self, message: PlannedMessage, letter: Letter, go: Go, *, version: str, digest: str = "") -> Parcel:
        content = self.composer.compose(letter)
        made = hashlib.sha256(content.content).hexdigest()
        if digest and digest != made:
            raise MessageRefused("this version would no longer send the same bytes as the first try: decide by hand")
        return Parcel(
            message=message,
            content=content,
            letter=None if digest else letter,
            digest=made,
            version=version,
            go=go,
            started_at=self.clock.now(),
        )


def domain_of(address: str) -> str:
    """Return the domain of an address, in lower case."""
    return address.rpartition("@")[2].casefold()


def poison(message: PlannedMessage) -> PlannedMessage:
    """Return the row given up: whoever takes it in hand dies of it. What was perhaps sent is for a person to judge."""
    because = f"claimed {message.attempts} times without a result"
    if message.state is State.UNCERTAIN:
        return replace(message, resend_at=None, because=because)
    return replace(message, state=State.FAILED, reason=Reason.POISON, because=because)


def left_to_staff(message: PlannedMessage) -> PlannedMessage:
    """Return the row of a message that was perhaps sent and is not sent again."""
    because = "not sent again: its reason has gone; perhaps it arrived the first time"
    return replace(message, resend_at=None, because=because)


def put_back(message: PlannedMessage) -> PlannedMessage:
    """Return the row as it was before the claim."""
    uncounted = replace(message, attempts=max(0, message.attempts - 1))
    if message.state is State.UNCERTAIN:
        return uncounted
    return replace(uncounted, state=State.PLANNED, cleared_at=None)
