"""Calls in a shop's name: with a token that lasts, tried again where that helps, and turned into words that say who must act."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress.client import Client, midnight_in_beijing
from messenger.platforms.aliexpress.failures import UNKNOWN_METHOD, CallFailed, Trouble
from messenger.platforms.logins import Login
from messenger.platforms.reading import Fields

log = logging.getLogger(__name__)

TRIES: Final = 3
"""Of a call that reads, before its turn is given up for now."""
FIRST_PAUSE: Final = 1.0
"""Seconds; doubled each time, and half of each is chance."""
LONGEST_PAUSE: Final = 30.0
"""Seconds that a call is waited for; for longer the whole turn waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What can be asked in one shop's name.

    Args:
        wait: waits so many seconds.
        chance: returns a number from 0 to 1, for pauses.
    """

    client: Client
    login: Login
    wait: Callable[[float], None]
    chance: Callable[[], float]

    def read(self, method: str, parameters: Mapping[str, object], *, door: str) -> Fields:
        """Return the result of a call that changes nothing, tried again where that may help.

        Args:
            method: its name.
            parameters: what it asks for.
            door: the capability that it is; it is shut when the platform does not let us.

        Raises:
            SourceAway: not now.
            SourceShut: only a person can help.
            CallFailed: what was asked for is refused; asking for something else may work.
        """
        for tried in range(1, TRIES + 1):
            try:
                return self.once(method, parameters)
            except CallFailed as error:
                pause = self._pause(tried, error)
                if error.trouble not in PASSES or tried == TRIES or pause > LONGEST_PAUSE:
                    raise self.judged(error, door=door) from error
                log.info("call_again", extra={"method": method, "problem": str(error)})
                self.wait(pause)
        raise AssertionError("the last try returns or raises")

    def once(self, method: str, parameters: Mapping[str, object]) -> Fields:
        """Return the result of a call that is made once; a token that is not accepted is renewed once.

        Raises:
            CallFailed: it came back with a refusal, or not at all.
            SourceAway, SourceShut: there is no token that could be used.
        """
        token = self.login.access()
        try:
            return self.client.call(method, parameters, session=token)
        except CallFailed as error:
            if error.trouble is not Trouble.LOGIN:
                raise
        token = self.login.after_refusal(token)
        try:
            return self.client.call(method, parameters, session=token)
        except CallFailed as error:
            if error.trouble is Trouble.LOGIN:
                raise self.login.give_up(f"the platform does not accept the login: {error}") from error
            raise

    def judged(self, error: CallFailed, *, door: str) -> SourceAway | SourceShut | CallFailed:
        """Return what a failure means to whoever asked; a door that the platform has shut is noted."""
        match error.trouble:
            case Trouble.SPENT:
                return SourceAway(f"the day's calls are used up: {error}", again_at=self._tomorrow())
            case Trouble.THROTTLED | Trouble.PASSING:
                again_at = self.client.clock.now() + timedelta(seconds=error.again_after) if error.again_after else None
                return SourceAway(str(error), again_at=again_at)
            case Trouble.PERMISSION | Trouble.LOGIN:
                return self.shut(door, error)
            case Trouble.REQUEST:
                return self.shut(door, error) if error.code in UNKNOWN_METHOD else SourceShut(str(error))
            case Trouble.DATA:
                return error

    def shut(self, door: str, error: CallFailed) -> SourceShut:
        """Note that the platform does not let us do this, until a person logs in anew or opens the door."""
        problem = f"{door}: {error}"
        self.login.vault.shut_door(self.login.account, door, problem=str(error), at=self.client.clock.now())
        return SourceShut(f"{problem} ({self.login.remedy})")

    def shut_doors(self) -> Mapping[str, str]:
        """Return what must not be tried, and what the platform said."""
        return self.login.vault.shut_doors(self.login.account)

    def _tomorrow(self) -> datetime:
        return midnight_in_beijing(self.client.clock.now())

    def _pause(self, tried: int, error: CallFailed) -> float:
        if error.again_after is not None:
            return error.again_after
        return FIRST_PAUSE * float(1 << (tried - 1)) * (0.5 + 0.5 * self.chance())


PASSES: Final = frozenset({Trouble.THROTTLED, Trouble.PASSING})
