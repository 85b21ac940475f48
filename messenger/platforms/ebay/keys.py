"""The public keys that eBay signs notifications with: asked for when one is new, and kept for an hour. Source: docs/sources.md, S50."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from messenger.errors import SourceAway
from messenger.platforms.ebay.failures import CallFailed, told
from messenger.platforms.ebay.tokens import API, TokenDesk
from messenger.platforms.fetching import ACCEPTS, NoAnswer, asked
from messenger.platforms.reading import text
from messenger.ports import Credentials

KEYS: Final = "/commerce/notification/v1/public_key/"
KEPT: Final = timedelta(hours=1)
PAUSE: Final = timedelta(seconds=2)
"""Between questions that were answered with nothing: whoever makes up names of keys does not use up our calls."""
EARLY: Final = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class PublicKeys:
    """Keys by their name, asked for in the name of the program itself."""

    desk: TokenDesk
    _known: dict[str, tuple[str, datetime]] = field(default_factory=dict, repr=False)
    _login: Credentials | None = field(default=None, repr=False)
    _asked_in_vain: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def key(self, name: str) -> str:
        """Return a public key.

        Raises:
            SourceAway: it cannot be had now, or there is none of this name.
            SourceShut: eBay does not let the program in.
        """
        with self._lock:
            now = self.desk.clock.now()
            found, at = self._known.get(name, ("", now))
            if found and now - at < KEPT:
                return found
            if self._asked_in_vain is not None and now - self._asked_in_vain < PAUSE:
                raise SourceAway("eBay was just asked for a key that it does not have")
            self._asked_in_vain = now
            found = self._ask(name)
            self._known = {
                **{one: kept for one, kept in self._known.items() if now - kept[1] < KEPT},
                name: (found, now),
            }
            self._asked_in_vain = None
            return found

    def _ask(self, name: str) -> str:
        url = f"{self.desk.url or API}{KEYS}{quote(name, safe='')}"
        headers = {**ACCEPTS, "authorization": f"Bearer {self._token()}"}
        try:
            answer = told(asked(lambda: self.desk.http().stream("GET", url, headers=headers)))
        except NoAnswer as error:
            raise SourceAway(f"eBay {error}") from error
        except CallFailed as error:
            raise SourceAway(f"eBay gave no key: {error}") from error
        finally:
            self.desk.http.close()  # the next question is an hour away
        found = text(answer, "key")
        if not found:
            raise SourceAway("eBay's answer holds no key")
        return found

    def _token(self) -> str:
        now = self.desk.clock.now()
        kept = self._login
        if kept is None or kept.ends_at is None or kept.ends_at - now < EARLY:
            kept = self._login = self.desk.application()
        return kept.access
