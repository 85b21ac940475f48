"""What happens to five orders of three shops, hour by hour: on AliExpress, on eBay and in a shop of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from messenger.demo.platforms.aliexpress import AliExpress
from messenger.demo.platforms.serving import Json
from messenger.demo.platforms.seventeentrack import SeventeenTrack

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
END: Final = START + timedelta(days=32)
ANA, IVAN = "8134567890120001", "8134567890120002"
JOHN, MARIE = "12-34567-89001", "12-34567-89002"
CARLOS = "A-1001"
CHAPTERS: Final = (("toys", ANA), ("games", MARIE), ("atelier", CARLOS))
"""The orders whose stories are told."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens at an instant."""

    at: datetime
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class World:
    """The platforms, and how a shop without one tells what happens: ``tell`` posts an event."""

    aliexpress: AliExpress
    track: SeventeenTrack
    tell: Callable[[Json], None]

    def acts(self) -> list[Act]:
        """Return everything that happens, in its order."""
        found = [*self._ana(), *self._ivan(), *self._john(), *self._marie(), *self._carlos()]
        return sorted(found, key=lambda one: one.at)

    def _ana(self) -> Iterator[Act]:
        """A smooth order, but for some days in customs."""
        place = self.aliexpress
        yield _at(0, 1, lambda: place.place(ANA, name="Ana López", country="ES", title="Wooden puzzle", amount="24.90"))
        yield _at(0, 2, lambda: place.pay(ANA))
        yield _at(1, 3, lambda: place.ship(ANA, "LP00100001CN"))
        yield from self._parcel("LP00100001CN", 1, (
            (5, "InTransit_PickedUp", "Yiwu"), (48, "InTransit_Departure", "Shanghai"), (190, "InTransit_Arrival", "Madrid"),
            (200, "InTransit_CustomsProcessing", "Madrid"), (340, "InTransit_CustomsReleased", "Madrid"),
            (390, "OutForDelivery_Other", "Valencia"), (397, "Delivered_Other", "Valencia"),
        ), local="PK0001ES")  # fmt: skip
        yield _at(19, 2, lambda: place.finish(ANA))

    def _ivan(self) -> Iterator[Act]:
        """Customs want to know something."""
        place = self.aliexpress
        yield _at(
            0, 3, lambda: place.place(IVAN, name="Иван Петров", country="KZ", title="Model train", amount="89.00")
        )
        yield _at(0, 4, lambda: place.pay(IVAN))
        yield _at(2, 3, lambda: place.ship(IVAN, "LP00100002CN"))
        yield from self._parcel("LP00100002CN", 2, (
            (6, "InTransit_PickedUp", "Yiwu"), (60, "InTransit_Departure", "Ürümqi"), (150, "InTransit_Arrival", "Almaty"),
            (170, "InTransit_CustomsProcessing", "Almaty"), (220, "InTransit_CustomsRequiringInformation", "Almaty"),
            (420, "InTransit_CustomsReleased", "Almaty"), (480, "Delivered_Other", "Astana"),
        ))  # fmt: skip

    def _john(self) -> Iterator[Act]:
        buyer = {"id": "john_88", "name": "John Miller", "country": "US", "region": "CA", "language": "en"}
        yield from self._order("games", JOHN, buyer, "Chess set", "USD", "LP00200001CN", day=1)
        yield from self._parcel("LP00200001CN", 2, (
            (4, "InTransit_PickedUp", "Shenzhen"), (50, "InTransit_Departure", "Shenzhen"), (180, "InTransit_Arrival", "Los Angeles"),
            (260, "OutForDelivery_Other", "San Diego"), (266, "Delivered_Other", "San Diego"),
        ))  # fmt: skip

    def _marie(self) -> Iterator[Act]:
        """Nobody was at home; the parcel waits at the post office."""
        buyer = {"id": "marie.fr", "name": "Marie Dubois", "country": "FR", "language": "en"}
        yield from self._order("games", MARIE, buyer, "Card game", "EUR", "LP00200002CN", day=1)
        yield from self._parcel("LP00200002CN", 2, (
            (4, "InTransit_PickedUp", "Shenzhen"), (50, "InTransit_Departure", "Shenzhen"), (200, "InTransit_Arrival", "Paris"),
            (250, "DeliveryFailure_NoBody", "Lyon"), (275, "AvailableForPickup_Other", "Lyon"), (330, "Delivered_Other", "Lyon"),
        ))  # fmt: skip

    def _carlos(self) -> Iterator[Act]:
        buyer = {
            "id": "c-7",
            "name": "Carlos Souza",
            "email": "carlos@example.com",
            "country": "BR",
            "language": "pt-BR",
        }
        yield from self._order("atelier", CARLOS, buyer, "Painted box", "USD", "LP00300001CN", day=0)
        yield from self._parcel("LP00300001CN", 1, (
            (7, "InTransit_PickedUp", "Guangzhou"), (60, "InTransit_Departure", "Guangzhou"), (210, "InTransit_Arrival", "Curitiba"),
            (240, "InTransit_CustomsProcessing", "Curitiba"), (420, "InTransit_CustomsReleased", "Curitiba"),
            (470, "Delivered_Other", "São Paulo"),
        ))  # fmt: skip

    # --- how it is told -------------------------------------------------------------------------------------------

    def _parcel(
        self, number: str, day: int, moves: tuple[tuple[int, str, str], ...], *, local: str = ""
    ) -> Iterator[Act]:
        """A parcel that was sent on this day moves, so many hours later each time."""
        for hours, state, place in moves:
            has_arrived = "Arrival" in state or hours > 150

            def move(state: str = state, place: str = place, local: str = local if has_arrived else "") -> None:
                self.track.move(number, state, place, local=local)

            yield _at(day, 3 + hours, move)

    def _order(
        self, shop: str, number: str, buyer: Json, title: str, currency: str, parcel: str, *, day: int
    ) -> Iterator[Act]:
        """An order of a shop that tells by itself: paid on this day, sent on the next."""
        about = {"items": [{"title": title, "quantity": 1}], "total": "31.50", "currency": currency}
        yield _at(day, 1, lambda: self._tell(shop, number, "order.paid", _at(day, 1).at, order=about, buyer=buyer))
        sent = {"number": parcel, "carrier": "China Post"}
        yield _at(day + 1, 3, lambda: self._tell(shop, number, "order.shipped", _at(day + 1, 3).at, shipment=sent))

    def _tell(self, shop: str, number: str, type_: str, at: datetime, **data: Json) -> None:
        self.tell({
            "specversion": "1.0", "id": f"{number}/{type_}", "source": f"demo/{shop}", "type": type_, "subject": number,
            "time": at.isoformat().replace("+00:00", "Z"), "data": {"shop": shop, **data},
        })  # fmt: skip


def _at(day: int, hours: int, do: Callable[[], None] = lambda: None) -> Act:
    return Act(START + timedelta(days=day, hours=hours), do)
