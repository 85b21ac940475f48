"""A flow of messages, each due at a moment of its own, and when the mail server saw them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

LATER: Final = timedelta(hours=1)
"""So long after its event a message of ``RULES`` is due: events of the past make messages of the future."""
RULES: Final = """\
version = 1
[safety]
max_new_messages = 1000000
[rules.shipped]
template = "shipped"
on = "order.shipped"
delay = "1h"
window = "always"
expiry = "20d"
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One copy that the server accepted."""

    message_id: str
    digest: str
    recipient: str
    at: datetime


def mails(ledger: Path) -> list[Mail]:
    """Return what the server accepted, in the order in which it did."""
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    parts = [line.split(" ") for line in lines]
    return [Mail(name, digest, to, datetime.fromtimestamp(float(at), UTC)) for name, digest, to, at in parts]


def tries(path: Path) -> int:
    """Return how often a server of ours counted somebody."""
    return len(path.read_text(encoding="ascii").splitlines()) if path.exists() else 0


def flow(
    path: Path, numbers: range, *, first: datetime, each: timedelta = timedelta(0), shop: str = "toys",
    domain: str = "example.com", language: str = "es",
) -> Path:  # fmt: skip
    """Write a file of events whose messages are due one after another, from ``first`` on; their ids are the numbers."""
    lines = [
        json.dumps(
            {
                "specversion": "1.0", "id": f"{number}", "source": "erp", "type": "order.shipped", "subject": f"{number}",
                "time": (first - LATER + place * each).isoformat(),
                "data": {
                    "shop": shop, "buyer": {"email": f"b{number}@{domain}", "country": "ES", "language": language},
                    "shipment": {"number": f"RR{number}"}, "order": {"items": [{"title": "Puzzle"}]},
                },
            }
        )
        for place, number in enumerate(numbers)
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
