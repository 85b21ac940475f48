"""Parcels: what the platform knows of their way. Source: docs/sources.md, S41 and S42."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from messenger.platforms.aliexpress.actions import states_of
from messenger.platforms.aliexpress.answers import list_of, result_of
from messenger.platforms.aliexpress.areas import area_of
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.aliexpress.times import WRITTEN
from messenger.platforms.reading import Fields, sections, short_digest, text

METHOD: Final = "aliexpress.logistics.redefining.querytrackingresult"
DOOR: Final = "tracking"
ORIGIN: Final = "ESCROW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A parcel that has not arrived yet.

    Args:
        order: the order's number.
        method: what the platform calls the way it is sent.
        country: where it goes, as ISO calls it.
    """

    order: str
    number: str
    method: str
    country: str

    @property
    def can_be_asked(self) -> bool:
        """Whether everything is known that the platform wants to hear."""
        return bool(self.order and self.number and self.method)


def history(session: Session, parcel: Parcel) -> Fields:
    """Return what the platform knows of a parcel.

    Raises:
        SourceAway, SourceShut, CallFailed: as ``Session.read``; a number that is not known is refused.
    """
    asked = {
        "logistics_no": parcel.number, "origin": ORIGIN, "out_ref": parcel.order, "service_name": parcel.method,
        "to_area": area_of(parcel.country),
    }  # fmt: skip
    return result_of(session.read(METHOD, asked, door=DOOR))


def events_of(answer: Fields, parcel: Parcel, *, zone: ZoneInfo) -> Iterator[Mapping[str, object]]:
    """Yield an event for each line that says where the parcel is.

    Args:
        answer: of ``history``.
        parcel: whose it is.
        zone: whose clock the lines are written by; the platform does not say.
    """
    lines = [one for one in list_of(answer, "details") if _at(one, zone) is not None]
    url = text(answer, "official_website")
    for index, state in states_of({index: text(one, "status") for index, one in enumerate(lines)}):
        line = lines[index]
        at = _at(line, zone)
        if at is None:
            continue
        told = sections(shipment=_shipment(line, parcel, url))
        name = f"{text(line, 'status')}/{at:%Y-%m-%dT%H:%M:%SZ}/{short_digest(told)}"
        yield {
            "id": f"parcel/{parcel.number}/{name}",
            "type": f"shipment.{state}",
            "time": at.isoformat().replace("+00:00", "Z"),
            "subject": parcel.order,
            "data": told,
        }


def _shipment(line: Fields, parcel: Parcel, url: str) -> Fields:
    link = url if url.startswith(("http://", "https://")) else f"https://{url}" if "." in url else ""
    return {
        "number": parcel.number,
        "place": text(line, "address"),
        "reason": text(line, "event_desc") if _is_trouble(text(line, "status")) else "",
        "tracking_url": link,
    }


def _is_trouble(code: str) -> bool:
    return code.endswith(("_FAILURE", "_FAIL", "_TAX")) or code in {"FAILED", "REJECT", "GWMS_EXCEPTION", "GWMS_CANCEL"}


def _at(line: Fields, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.strptime(text(line, "event_date"), WRITTEN).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None
