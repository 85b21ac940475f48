"""What a sheet tells of one order, in our words, and the events it makes.

Reading the same sheet twice makes the same events with the same ids, so that the second time changes nothing. A newer export
makes new events only for what is new in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from messenger.intake.sheets.parcels import Parcel

FIELD_OF: Final[Mapping[str, str]] = {
    "order.placed": "placed_at", "order.paid": "paid_at", "order.partly_shipped": "shipped_at", "order.shipped": "shipped_at",
    "order.received": "received_at", "order.completed": "completed_at",
}  # fmt: skip
"""The field of an order that a moment with a time of its own fills."""
Document = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to an order.

    ``is_told``: the sheet has a time for it; else it only has a status, and ``at`` is the latest time that is known.
    """

    type: str
    at: datetime
    is_told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One order.

    Args:
        line: of the first row that tells of it.
        steps: by time; at least one.
        order: fields that are known from the beginning.
        buyer: likewise.
        method: how it is shipped, in the platform's words.
    """

    number: str
    line: int
    steps: Sequence[Step]
    order: Mapping[str, object] = field(default_factory=dict)
    buyer: Mapping[str, object] = field(default_factory=dict)
    parcels: Sequence[Parcel] = ()
    method: str = ""

    def documents(self, *, source: str, shop: str) -> Iterator[Document]:
        """Yield the order's events as CloudEvents.

        What is known from the beginning is told as of the first moment; its id names the latest one, so that of two
        exports the one from later is the one that counts (of equal times the greater id does).
        """
        first, latest = min(one.at for one in self.steps), max(one.at for one in self.steps)
        details = {"order": dict(self.order), "buyer": dict(self.buyer)}
        told = {name: section for name, section in details.items() if section}
        if told:
            id_ = f"order/{self.number}/details/{_stamp(latest)}/{_digest(told)}"
            yield self._document(source, shop, id_=id_, type_="order.updated", at=first, data=told)
        for step in self.steps:
            yield self._step(source, shop, step)
        sent_at = next((one.at for one in self.steps if one.type in {"order.shipped", "order.partly_shipped"}), latest)
        for parcel in self.parcels:
            yield self._parcel(source, shop, parcel, sent_at)

    def _step(self, source: str, shop: str, step: Step) -> Document:
        word = step.type.replace("order.", "").replace(".", "_")
        name = FIELD_OF.get(step.type) if step.is_told else None
        data: dict[str, object] = {"order": {name: step.at.isoformat()}} if name else {}
        if step.type == "dispute.opened":
            data = {"dispute": {"id": self.number}}
        id_ = f"order/{self.number}/{word}/{_stamp(step.at)}"
        return self._document(source, shop, id_=id_, type_=step.type, at=step.at, data=data)

    def _parcel(self, source: str, shop: str, parcel: Parcel, at: datetime) -> Document:
        told = {"number": parcel.number, "carrier": parcel.carrier, "method": self.method}
        data = {"shipment": {name: value for name, value in told.items() if value}}
        id_ = f"shipment/{self.number}/{parcel.number}/{_stamp(at)}/{_digest(data)}"
        return self._document(source, shop, id_=id_, type_="shipment.updated", at=at, data=data)

    def _document(
        self, source: str, shop: str, *, id_: str, type_: str, at: datetime, data: Mapping[str, object]
    ) -> Document:
        return {
            "specversion": "1.0", "id": id_, "source": source, "type": type_, "time": at.isoformat(), "subject": self.number,
            "data": {"shop": shop, **data},
        }  # fmt: skip


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _digest(data: object) -> str:
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
