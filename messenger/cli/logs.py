"""Logs: one line an event, its name first, then its fields. No addresses, no line that data could break in two."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Final

import orjson

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """``2026-03-02T10:15:00.123Z warning valve_closed intake=12 messages=312``; a traceback follows on one line too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as one line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        told = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
        return f"{at} {record.levelname.lower()} {_plain(record.getMessage())}{told}"


def _shown(value: object) -> str:
    """A value without spaces as it is, any other as a JSON string, in which nothing can end the line."""
    text = str(value)
    is_plain = text.isprintable() and text and not any(one in text for one in ' "=')
    return text if is_plain else _quoted(text)


def _quoted(text: str) -> str:
    """A JSON string in which everything that is not plainly visible is written as its number."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in orjson.dumps(text).decode())


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def set_up_logs() -> None:
    """Write our events to standard error, from ``info`` on, and other libraries' from ``warning`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("messenger").setLevel(logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that is still at work is no news
    logging.getLogger("apscheduler.executors.default").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is more than a tick that was still at work when the process was asked to stop."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
