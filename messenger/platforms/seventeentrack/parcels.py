"""What 17TRACK knows of one parcel, as events: where it was, and what else is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from messenger.domain.events import ShipmentState as State
from messenger.platforms.reading import Fields, inner, instant, listed, sections, short_digest, text
from messenger.platforms.seventeentrack.states import reason_of, state_of
from messenger.ports.deliveries import IfNew, Told

LEFT: Final = frozenset({"Departure", "Arrival"})
"""Milestones, and second parts of sub-statuses, by which a parcel has left its country."""
PAGE: Final = "https://t.17track.net/en#nums="


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One parcel, as 17TRACK tells it.

    Args:
        told: an entry of ``accepted``, or the ``data`` of a webhook.
        at: when it was told: nothing can have happened later.
    """

    told: Fields = field(repr=False)
    at: datetime

    @property
    def number(self) -> str:
        """Its tracking number; empty when none is told."""
        return text(self.told, "number")

    def events(self) -> Iterator[Told]:
        """Yield an event for each movement, and one for what else is told, unless it was told before."""
        moves = list(self._movements())
        seen = {(move["type"], move["time"]) for move in moves}
        latest = self._latest()
        if latest is not None and (latest["type"], latest["time"]) not in seen:
            moves.append(latest)
        yield from moves
        news = self._news()
        if news is not None:
            yield news

    # --- where it was ---------------------------------------------------------------------------------------------

    def _movements(self) -> Iterator[Mapping[str, object]]:
        for one in self._lines:
            at = _instant(one)
            state = self._state("", one, at)
            if at and state is not None:
                yield self._movement(state, at, one, text(one, "sub_status"))

    def _latest(self) -> Mapping[str, object] | None:
        """Where it is now: what no single line may say."""
        status, line = inner(self._info, "latest_status"), inner(self._info, "latest_event")
        at = _instant(line) or _written(self.at)
        sub_status = text(status, "sub_status")
        about = {**line, "sub_status": sub_status, "stage": ""}
        state = self._state(text(status, "status"), about, at)
        if state is None or (state is State.UNKNOWN and not reason_of(sub_status)):
            return None
        return self._movement(state, at, about, sub_status or text(status, "status"))

    def _movement(self, state: State, at: str, line: Fields, name: str) -> Mapping[str, object]:
        at = min(at, _written(self.at))
        place = text(line, "location") or _address(inner(line, "address"))
        fields = {"number": self.number, "state": str(state), "reason": reason_of(name), "at": at, "place": place}
        data = sections(shipment=fields)
        return self._document(f"{state}/{at}/{short_digest(data)}", f"shipment.{state}", at, data)

    def _state(self, status: str, line: Fields, at: str) -> State | None:
        has_left = self._left_at is None or self._left_at <= at
        return state_of(status, text(line, "sub_status"), text(line, "stage"), has_left=has_left)

    @cached_property
    def _left_at(self) -> str | None:
        """When it left its country; in the far future while it has not, and None when nothing is said about that."""
        steps = [(text(one, "key_stage"), _instant(one)) for one in listed(self._info, "milestone")]
        steps += [(text(one, "stage"), _instant(one)) for one in self._lines]
        steps += [(text(one, "sub_status").partition("_")[2], _instant(one)) for one in self._lines]
        times = [at for name, at in steps if name in LEFT and at]
        if times:
            return min(times)
        return _NEVER if steps else None

    # --- what else is told ----------------------------------------------------------------------------------------

    def _news(self) -> IfNew | None:
        info, misc = self._info, inner(self._info, "misc_info")
        local = text(misc, "local_number")
        eta = inner(inner(info, "time_metrics"), "estimated_delivery_date")
        provider = inner(next(iter(self._providers), {}), "provider")
        first, last = text(eta, "from")[:10], text(eta, "to")[:10]
        fields = {
            "number": self.number, "carrier": text(provider, "name"), "tracking_url": f"{PAGE}{self.number}",
            "eta_from": first or last, "eta_to": last or first,
            "last_mile": {"number": local, "carrier": text(misc, "local_provider")} if local and local != self.number else None,
        }  # fmt: skip
        data = sections(shipment=fields)
        if not fields["carrier"] and not local and not first and not last:
            return None
        checked = max(
            (at for one in self._providers if (at := _when(one, "latest_sync_time"))), default=_written(self.at)
        )
        at = min(checked, _written(self.at))
        return IfNew(document=self._document(f"news/{short_digest(data)}", "shipment.updated", at, data))

    # --- the frame ------------------------------------------------------------------------------------------------

    def _document(self, name: str, type_: str, time: str, data: dict[str, object]) -> dict[str, object]:
        shop, order = named(text(self.told, "tag"))
        found: dict[str, object] = {"id": f"parcel/{self.number}/{name}", "type": type_, "time": time, "data": data}
        if shop:
            data["shop"] = shop
        return found | {"subject": order} if order else found

    @property
    def _info(self) -> Fields:
        return inner(self.told, "track_info")

    @property
    def _providers(self) -> list[Fields]:
        return list(listed(inner(self._info, "tracking"), "providers"))

    @cached_property
    def _lines(self) -> list[Fields]:
        return [line for one in self._providers for line in listed(one, "events")]


_NEVER: Final = "9999"


def tag_of(shop: str, order: str) -> str:
    """Return how we name an order to 17TRACK."""
    return f"{shop}/{order}"


def named(tag: str) -> tuple[str, str]:
    """Return the shop and the order that a tag names; the shop is empty in a tag of somebody else's making."""
    shop, slash, order = tag.partition("/")
    return (shop, order) if slash else ("", tag)


def _instant(line: Fields) -> str:
    return _when(line, "time_utc") or _when(line, "time_iso")


def _when(fields: Fields, name: str) -> str:
    return instant(text(fields, name), naive_is_utc=name != "time_iso")


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _address(fields: Fields) -> str:
    return ", ".join(one for name in ("city", "state", "country") if (one := text(fields, name)))
