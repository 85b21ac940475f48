"""Telling people of alerts by whatever apprise can reach: DingTalk, WeCom, Feishu, Telegram, Slack and a hundred more.

Its addresses hold secrets: they are looked up when they are used, and nothing of them is shown or logged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from messenger.errors import NotTold
from messenger.ports import Bulletin

MISSING: Final = "apprise is not installed: pip install 'marketplace-messenger[alerts]'"
TALKATIVE: Final = ("apprise", "urllib3")
_PIECES: Final = re.compile(r"[^A-Za-z0-9_.~%+-]+")
_SHORTEST_SECRET: Final = 4


@dataclass(slots=True, kw_only=True)
class AppriseNotifier:
    """Tells one address of apprise.

    Args:
        name: as it may be shown, such as ``<env:ALERT_URL>``.
        reveal: returns the address.
    """

    name: str
    reveal: Callable[[], str]
    transport: str = ""

    def notify(self, bulletin: Bulletin, *, at: datetime) -> None:  # noqa: ARG002  # the port's signature
        """Hand a bulletin over.

        Raises:
            NotTold: apprise is not there, does not know such an address, or did not get through.
            ConfigurationError: the secret is not set.
        """
        try:
            import apprise  # noqa: PLC0415  # an extra, and slow to load
        except ImportError:
            raise NotTold(MISSING) from None
        url = self.reveal()
        with _listening() as said:
            bell = apprise.Apprise(asset=apprise.AppriseAsset(app_id="messenger", async_mode=False))
            if not bell.add(url):
                raise NotTold(f"{self.name} holds no address that apprise knows{_why(said, url)}")
            if not bell.notify(body=bulletin.text, title=bulletin.subject, body_format=apprise.NotifyFormat.TEXT):
                raise NotTold(f"{self.name} could not be reached{_why(said, url)}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Keep what apprise, and what it sends with, say from the log: it may quote what is secret."""
    said: list[str] = []
    handler = _Ear(said)
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    were = [one.propagate for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.propagate = False
    try:
        yield said
    finally:
        for one, was in zip(loggers, were, strict=True):
            one.propagate = was
            one.removeHandler(handler)


class _Ear(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


def _why(said: list[str], url: str) -> str:
    """What apprise said first, without any piece of the address."""
    if not said:
        return ""
    told = said[0].splitlines()[0] if said[0] else ""
    for piece in sorted(_PIECES.split(url), key=len, reverse=True):
        if len(piece) >= _SHORTEST_SECRET:
            told = told.replace(piece, "…")
    return f": {told[:200]}"
