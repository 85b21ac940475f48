"""Write messenger/demo/orders.jsonl: the sample shop's events, the same to the byte at every run.

usage: python tools/make_demo.py [--check]     (--check writes nothing; exit 1 when the file is not current)

Everything is invented: the shop, its buyers, their addresses (all in domains reserved for examples) and the parcels.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

FILE: Final = Path(__file__).parent.parent / "messenger" / "demo" / "orders.jsonl"
SEED: Final = 20260301
START: Final = datetime(2026, 3, 1, tzinfo=UTC)
END: Final = START + timedelta(days=40)
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
PAY_WINDOW: Final = timedelta(days=20)
HANDLING: Final = timedelta(days=5)

Data = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Lane:
    """How parcels travel to one country. Days are counted from the parcel before."""

    carrier: str
    method: str
    flight: float
    customs: float
    last_leg: float
    promised: int
    zone: str
    airport: str
    last_mile: str


LANES: Final[Mapping[str, Lane]] = {
    "AR": Lane("China Post", "registered", 8, 3, 4, 30, "America/Argentina/Buenos_Aires", "Ezeiza, AR", "Correo"),
    "AU": Lane("China Post", "epacket", 6, 1.5, 3, 26, "Australia/Sydney", "Sydney, AU", "Australia Post"),
    "BR": Lane("Cainiao", "standard", 7, 3, 5, 30, "America/Sao_Paulo", "Curitiba, BR", "Correios"),
    "CA": Lane("China Post", "epacket", 6, 1.5, 3, 26, "America/Toronto", "Mississauga, CA", "Canada Post"),
    "CL": Lane("China Post", "registered", 8, 2, 4, 30, "America/Santiago", "Santiago, CL", "CorreosChile"),
    "DE": Lane("Cainiao", "standard", 5, 1, 2, 24, "Europe/Berlin", "Leipzig, DE", "DHL"),
    "ES": Lane("Cainiao", "standard", 5, 1, 2, 24, "Europe/Madrid", "Madrid-Barajas, ES", "Correos"),
    "FR": Lane("China Post", "epacket", 6, 1, 2, 24, "Europe/Paris", "Roissy, FR", "Colissimo"),
    "GB": Lane("China Post", "epacket", 6, 1, 2, 24, "Europe/London", "Langley, GB", "Royal Mail"),
    "IL": Lane("China Post", "epacket", 6, 2, 3, 26, "Asia/Jerusalem", "Ben Gurion, IL", "Israel Post"),
    "IT": Lane("Cainiao", "standard", 5, 1.5, 3, 24, "Europe/Rome", "Milano Malpensa, IT", "Poste Italiane"),
    "JP": Lane("China Post", "ems", 2, 1, 1, 14, "Asia/Tokyo", "Kawasaki, JP", "Japan Post"),
    "KZ": Lane("China Post", "registered", 5, 2, 4, 26, "Asia/Almaty", "Алматы, KZ", "Казпочта"),
    "MX": Lane("Cainiao", "standard", 7, 2, 4, 28, "America/Mexico_City", "Ciudad de México, MX", "Correos de México"),
    "PL": Lane("Cainiao", "standard", 5, 1, 2, 24, "Europe/Warsaw", "Warszawa, PL", "Poczta Polska"),
    "RU": Lane("Cainiao", "standard", 5, 1.5, 4, 26, "Europe/Moscow", "Внуково, RU", "Почта России"),
    "UA": Lane("China Post", "registered", 7, 2, 3, 28, "Europe/Kyiv", "Київ, UA", "Укрпошта"),
    "US": Lane("China Post", "epacket", 6, 1, 3, 24, "America/New_York", "Chicago, US", "USPS"),
}  # fmt: skip

BUYERS: Final = """
smooth          ES es    Lucía Fernández      | lucia@example.com         | Madrid       | Europe/Madrid
smooth          MX es    José Ángel Ramírez   | joseangel@correo.example  |              |
smooth          RU ru    Анна Кузнецова       | anna.k@pochta.example     | Москва       | Europe/Moscow
customs-9       KZ ru    Айгүл Сейітқали      | aigul@pochta.example      | Алматы       |
smooth          US en    Emily Carter         | emily.carter@mail.test    | Sacramento   | America/Los_Angeles
smooth          BR pt-BR João Gonçalves       | joao@correio.example      | São Paulo    | America/Sao_Paulo
smooth          DE de    Jürgen Müller        | jmueller@example.com      | Köln         | Europe/Berlin
unpaid          FR -     Amélie Lefèvre       | amelie@courriel.example   |              |
two-parcels     PL -     Małgorzata Wiśniewska | gosia@poczta.example      | Łódź         | Europe/Warsaw
customs-7       GB en    Oliver Hughes        | oliver.hughes@mail.test   | Leeds        | Europe/London
smooth          IL he    נועה לוי             | noa@doar.example          | חיפה         | Asia/Jerusalem
silent          AU en    Charlotte Nguyen     | charlotte@mail.test       |              |
smooth          CL es    Matías Rojas         | matias.rojas@correo.example | Valparaíso   |
forgotten       UA uk    Олена Шевченко       | olena@poshta.example      | Львів        | Europe/Kyiv
smooth          IT -     Niccolò D’Angelo     | niccolo@posta.example     |              |
paid-late       ES es    Íñigo Etxeberria     | inigo@example.com         | Bilbao       | Europe/Madrid
customs-14      BR pt-BR Conceição Araújo     | conceicao@correio.example | Recife       | America/Recife
smooth          RU ru    Сергей Волков        | s.volkov@pochta.example   | Владивосток  | Asia/Vladivostok
dispute-closed  ES es    Begoña Núñez         | begona@example.com        | Sevilla      | Europe/Madrid
smooth          US en    WILLIAM JOHNSON      | WJOHNSON@MAIL.TEST        | HOUSTON      | America/Chicago
early-review    MX es    Xóchitl Hernández    | xochitl@correo.example    | Guadalajara  | America/Mexico_City
smooth          GB en    <script>alert(1)</script> | script@mail.test          |              |
renumbered      DE de    Anneliese Groß       | anneliese@example.com     | München      | Europe/Berlin
forgotten-never RU ru    Дмитрий Ёлкин        | elkin@pochta.example      | Казань       | Europe/Moscow
smooth          US en    =?utf-8?q?a=0D=0ABcc:_x@y?= | encoded@mail.test         |              |
cancelled-shipped CL es    Ñusta Huamán         | nusta@correo.example      | Santiago     | America/Santiago
silent-dispute  BR -     Antônio Magalhães    | antonio@correio.example   |              |
smooth          PL pl    Paweł Żółkiewski     | pawel@poczta.example      | Kraków       | Europe/Warsaw
refund          FR fr    Zoé Béranger         | zoe@courriel.example      | Lyon         | Europe/Paris
smooth          KZ -     Ерлан Жұмабаев       | erlan@pochta.example      |              |
paid-late       AR es    Agustina Pérez       | agustina@correo.example   | Córdoba      | America/Argentina/Cordoba
smooth          ES es    Òscar Puigdomènech   | oscar@example.com         |              |
customs-11      RU ru    Ольга Щербакова      | olga.sh@pochta.example    | Екатеринбург | Asia/Yekaterinburg
unpaid          US en    Tyler Brooks         | tyler@mail.test           | Denver       | America/Denver
early-review    IT it    Chiara Però          | chiara@posta.example      | Torino       | Europe/Rome
smooth          UA ru    -                    | buyer37@poshta.example    | Одеса        | Europe/Kyiv
two-parcels     US en    Aaliyah Washington   | aaliyah@mail.test         | Atlanta      | America/New_York
dispute-review  DE -     Şükrü Yıldız         | suekrue@example.com       | Berlin       |
cancelled-unpaid MX es    Ximena Ordóñez       | ximena@correo.example     |              |
silent          RU ru    Мария Цветкова       | tsvetkova@pochta.example  | Омск         | Asia/Omsk
smooth          JP en    山田 花子                | hanako@yubin.example      | 横浜           |
customs-6       IL en    דוד כהן              | david@doar.example        | תל אביב      |
delivery-failed GB -     Siân Llewellyn       | sian@mail.test            | Caernarfon   | Europe/London
forgotten       ES es    Nuria Güell          | nuria@example.com         | Girona       | Europe/Madrid
smooth          CA fr-CA Étienne Côté         | etienne@courriel.example  | Québec       | America/Toronto
refund          AU en    Jack O'Brien         | jack.obrien@mail.test     | Perth        | Australia/Perth
silent          US en    Nguyễn Thị Hồng      | hong@mail.test            | Honolulu     | Pacific/Honolulu
cancelled-paid  RU ru    Виктор Объедков      | viktor@pochta.example     |              |
customs-8       MX es    Iñaki Peña           | inaki@correo.example      | Tijuana      | America/Tijuana
pickup          RU ru    Юлия Подъячева       | yulia@pochta.example      | Новосибирск  | Asia/Novosibirsk
forgotten-cancelled BR pt-BR Thaís Brandão        | thais@correio.example     | Manaus       | America/Manaus
dispute-shipped ES es    Joaquín Ibáñez       | joaquin@example.com       | Las Palmas   | Atlantic/Canary
renumbered      KZ ru    Нұрлан Әбдіров       | nurlan@pochta.example     | Астана       | Asia/Almaty
paid-late       GB en    Fatima al-Rashid     | fatima@mail.test          | Birmingham   | Europe/London
early-review    RU ru    Пётр Ильич           | petr@pochta.example       | Самара       | Europe/Samara
smooth          FR fr    Anaïs Œuvrard        | anais@courriel.example    |              |
unpaid          RU ru    Ксения Ъ             | ksenia@pochta.example     |              |
returned        US en    Grace Kim            | grace@mail.test           | Anchorage    | America/Anchorage
silent-refund   CL -     Martín Yáñez         | martin@correo.example     |              |
unpaid          AU en    Liam Walker          | liam@mail.test            | Brisbane     | Australia/Brisbane
"""
"""One order a line: its story, country, language (- untold), name (- untold), address, city and zone (where told)."""

TOYS: Final = (
    ("RC-CAR-RED", "Remote control car, red", "24.90"),
    ("PUZZLE-1000", "Puzzle, 1000 pieces, “Night train”", "12.50"),
    ("BEAR-40", "Plush bear, 40 cm", "18.00"),
    ("BLOCKS-220", "Building blocks, 220 pieces", "21.40"),
    ("KITE-DRAGON", "Kite, dragon & phoenix", "9.80"),
    ("ROBOT-KIT", "Robot kit for beginners", "39.00"),
    ("TEA-SET", "Wooden tea set", "16.75"),
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """One line of ``BUYERS``."""

    story: str
    country: str
    language: str | None
    name: str | None
    email: str
    city: str | None
    zone: str | None

    @property
    def lane(self) -> Lane:
        """How parcels travel to this buyer."""
        return LANES[self.country]

    @property
    def clock(self) -> ZoneInfo:
        """Where the buyer's clock stands, told or not."""
        return ZoneInfo(self.zone or self.lane.zone)


def buyers() -> Iterator[Buyer]:
    """Yield every buyer, in the order of ``BUYERS``."""
    for line in BUYERS.strip().splitlines():
        first, email, city, zone = (part.strip() or None for part in line.split("|"))
        story, country, language, name = str(first).split(maxsplit=3)
        yield Buyer(story, country, _told(language), _told(name), str(email), city, zone)


def _told(text: str) -> str | None:
    return None if text == "-" else text


@dataclass(slots=True)
class Tale:
    """One order while its story is told; ``now`` moves forward with every event."""

    number: str
    buyer: Buyer
    chance: random.Random
    now: datetime
    parcels: int = 0
    events: list[tuple[datetime, str, Data]] = field(default_factory=list)
    items: list[dict[str, object]] = field(default_factory=list)
    total: str = ""

    def tell(self, type_: str, **data: dict[str, object]) -> None:
        """Something happened now."""
        self.events.append((self.now, type_, data))

    def wait(self, *, days: float = 0, hours: float = 0) -> None:
        """Let about this much time pass: give or take a tenth."""
        span = timedelta(days=days, hours=hours) * self.chance.uniform(0.9, 1.1)
        self.now += timedelta(seconds=round(span.total_seconds()))

    def wait_until_staff_work(self) -> None:
        """Let time pass until somebody packs parcels: 09:00 to 18:00 in Shanghai."""
        local = self.now.astimezone(SHANGHAI)
        if not 9 <= local.hour < 18:
            morning = local.replace(hour=9, minute=self.chance.randrange(60))
            self.now = (morning + timedelta(days=local.hour >= 18)).astimezone(UTC)

    def placed(self) -> None:
        """The buyer places the order, between 8 and 23 local time."""
        local = self.now.astimezone(self.buyer.clock)
        hour, minute, second = (self.chance.randrange(first, last) for first, last in ((8, 23), (0, 60), (0, 60)))
        self.now = max(local.replace(hour=hour, minute=minute, second=second).astimezone(UTC), START)
        two_parcels = self.buyer.story == "two-parcels"
        picked = self.chance.sample(TOYS, 2 if two_parcels else self.chance.choice((1, 1, 1, 2)))
        self.items = [{"sku": sku, "title": title, "quantity": 1, "price": price} for sku, title, price in picked]
        cents = sum(round(float(price) * 100) for _, _, price in picked)
        self.total = f"{cents // 100}.{cents % 100:02}"
        buyer = {
            "id": f"b-{self.number}",
            "name": self.buyer.name,
            "email": self.buyer.email,
            "language": self.buyer.language,
            "country": self.buyer.country,
            "city": self.buyer.city,
            "timezone": self.buyer.zone,
        }
        order: dict[str, object] = {
            "placed_at": stamp(self.now),
            "pay_by": stamp(self.now + PAY_WINDOW),
            "total": self.total,
            "currency": "USD",
            "items": self.items,
            "shipping_method": self.buyer.lane.method,
        }
        self.tell("order.placed", order=order, buyer={key: value for key, value in buyer.items() if value is not None})

    def paid(self) -> None:
        """The buyer pays; from here the seller's clock runs."""
        order: dict[str, object] = {
            "paid_at": stamp(self.now),
            "ship_by": stamp(self.now + HANDLING),
            "deliver_by": stamp(self.now + timedelta(days=self.buyer.lane.promised)),
            "payment_method": self.chance.choice(("card", "card", "wallet")),
        }
        self.tell("order.paid", order=order)

    def shipped(self, type_: str = "order.shipped", items: list[dict[str, object]] | None = None) -> str:
        """The seller hands a parcel over; returns its number."""
        self.wait_until_staff_work()
        number = self.tracking_number()
        parcel: dict[str, object] = {
            "number": number,
            "carrier": self.buyer.lane.carrier,
            "method": self.buyer.lane.method,
            "tracking_url": f"https://tracking.example/{number}",
        }
        if items is not None:
            parcel["items"] = items
        self.tell(type_, order={"shipped_at": stamp(self.now)} if type_ == "order.shipped" else {}, shipment=parcel)
        return number

    def tracking_number(self) -> str:
        """Return the next parcel's number; the ninth digit checks the eight before it (UPU S10)."""
        self.parcels += 1
        serial = f"{int(self.number) * 1013 + self.parcels * 7 + 41_000_000:08}"
        weighed = sum(int(digit) * weight for digit, weight in zip(serial, (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
        rest = 11 - weighed % 11
        return f"L{'KXTZ'[self.parcels % 4]}{serial}{ {10: 0, 11: 5}.get(rest, rest) }CN"

    def seen(self, parcel: str, state: str, place: str = "", **more: object) -> None:
        """A carrier sees the parcel."""
        where = {"place": place} if place else {}
        self.tell(f"shipment.{state}", shipment={"number": parcel, "at": stamp(self.now), **where, **more})

    def leaves_china(self, parcel: str) -> None:
        """From the first scan to the flight."""
        origin = self.chance.choice(("Shenzhen, CN", "Guangzhou, CN", "Yiwu, CN"))
        self.wait(hours=3)
        self.seen(parcel, "info_received")
        self.wait(hours=16)
        self.seen(parcel, "picked_up", origin)
        self.wait(days=1)
        self.seen(parcel, "export_customs", origin)
        self.wait(days=1)
        self.seen(parcel, "departed_origin", origin)

    def flies(self, parcel: str) -> None:
        """From the flight to the customs of the buyer's country."""
        self.wait(days=self.buyer.lane.flight)
        self.seen(parcel, "arrived_destination", self.buyer.lane.airport)
        self.wait(hours=9)
        self.seen(parcel, "import_customs", self.buyer.lane.airport)

    def clears(self, parcel: str, days: float | None = None) -> None:
        """Through the customs, in the usual time or in so many days."""
        self.wait(days=days or self.buyer.lane.customs)
        last_mile = {"number": f"{self.buyer.country}{int(self.number) * 7919}", "carrier": self.buyer.lane.last_mile}
        self.seen(parcel, "customs_released", self.buyer.lane.airport, last_mile=last_mile)

    def goes_out(self, parcel: str) -> None:
        """On the last leg, in somebody's van."""
        self.wait(days=self.buyer.lane.last_leg)
        local = self.now.astimezone(self.buyer.clock)
        self.now = local.replace(hour=8, minute=self.chance.randrange(60)).astimezone(UTC)
        self.seen(parcel, "out_for_delivery", self.buyer.city or "")

    def arrives(self, parcel: str) -> None:
        """In the buyer's hands."""
        self.wait(hours=7)
        self.seen(parcel, "delivered", self.buyer.city or "")

    def travels(self, parcel: str) -> None:
        """The whole smooth way."""
        self.leaves_china(parcel)
        self.flies(parcel)
        self.clears(parcel)
        self.goes_out(parcel)
        self.arrives(parcel)

    def bought(self) -> None:
        """Placed, and paid soon after."""
        self.placed()
        self.wait(hours=0.4)
        self.paid()

    def bought_and_shipped(self) -> str:
        """Placed, paid, and shipped in time; returns the parcel's number."""
        self.bought()
        self.wait(days=1.2)
        return self.shipped()

    def opens_dispute(self, reason: str) -> dict[str, object]:
        """The buyer complains to the platform; returns how the dispute is called."""
        name: dict[str, object] = {"id": f"d-{self.number}"}
        answer_by = stamp(self.now + timedelta(days=5))
        self.tell("dispute.opened", dispute={**name, "reason": reason, "answer_by": answer_by})
        return name

    def writes(self, text: str) -> None:
        """The buyer writes."""
        self.tell("message.received", message={"id": f"m-{self.number}-{len(self.events)}", "text": text})

    def reviews(self, stars: int, text: str) -> None:
        """The buyer reviews."""
        self.tell("review.posted", review={"stars": stars, "text": text})


def smooth(tale: Tale) -> None:
    """Nothing goes wrong; some buyers confirm, and some of those review."""
    tale.travels(tale.bought_and_shipped())
    if tale.chance.random() < 0.6:
        tale.wait(days=2)
        review_by = stamp(tale.now + timedelta(days=30))
        tale.tell("order.received", order={"received_at": stamp(tale.now), "review_by": review_by})
        if tale.chance.random() < 0.4:
            tale.wait(days=7)
            tale.reviews(5, "OK")


def unpaid(tale: Tale) -> None:
    """Placed, and nothing more."""
    tale.placed()


def paid_late(tale: Tale) -> None:
    """Paid after days, not minutes."""
    tale.placed()
    tale.wait(days=tale.chance.choice((3, 5, 8)))
    tale.paid()
    tale.wait(days=1)
    tale.travels(tale.shipped())


def forgotten(tale: Tale) -> None:
    """Paid, and shipped days after the promised date."""
    tale.bought()
    tale.wait(days=HANDLING.days + 3.5)
    tale.travels(tale.shipped())


def forgotten_cancelled(tale: Tale) -> None:
    """Paid and forgotten, until the buyer gave up."""
    tale.bought()
    tale.wait(days=HANDLING.days + 2)
    tale.writes("Cadê meu pedido?")
    tale.wait(days=2)
    tale.tell("order.cancelled", order={"end_reason": "seller_send_goods_timeout"})


def customs(days: int) -> Callable[[Tale], None]:
    """Stuck in the customs for so many days."""

    def stuck(tale: Tale) -> None:
        parcel = tale.bought_and_shipped()
        tale.leaves_china(parcel)
        tale.flies(parcel)
        tale.now += timedelta(days=days)
        tale.seen(parcel, "customs_released", tale.buyer.lane.airport)
        tale.goes_out(parcel)
        tale.arrives(parcel)

    return stuck


def silent(tale: Tale) -> None:
    """No news on the way for two weeks; arrives after the promised date."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.wait(days=2)
    tale.seen(parcel, "in_transit")
    tale.wait(days=16)
    tale.flies(parcel)
    tale.clears(parcel)
    tale.goes_out(parcel)
    tale.arrives(parcel)


def silent_dispute(tale: Tale) -> None:
    """No news for a week, then a dispute that stays open."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.wait(days=2)
    tale.seen(parcel, "in_transit")
    tale.now += timedelta(days=6, hours=20)
    tale.opens_dispute("not_received")


def silent_refund(tale: Tale) -> None:
    """Lost on the way and refunded."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.wait(days=12)
    tale.writes("¿Dónde está mi paquete?")
    tale.wait(hours=20)
    tale.tell("message.answered", message={"id": f"m-{tale.number}-answer"})
    tale.wait(days=2)
    tale.seen(parcel, "exception", reason="lost")
    tale.wait(hours=4)
    tale.tell("refund.issued", refund={"amount": tale.total, "currency": "USD", "method": "card"})


def dispute_closed(tale: Tale) -> None:
    """Stuck in the customs; a dispute opens before we write about it, and closes two days later."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.flies(parcel)
    tale.now += timedelta(days=4, hours=14)
    dispute = tale.opens_dispute("not_received")
    tale.wait(days=1.6)
    tale.tell("dispute.closed", dispute={**dispute, "state": "withdrawn"})
    tale.clears(parcel, days=3)
    tale.goes_out(parcel)
    tale.arrives(parcel)


def dispute_review(tale: Tale) -> None:
    """Delivered; a dispute opens while the request for a review waits."""
    tale.travels(tale.bought_and_shipped())
    tale.wait(days=3)
    tale.opens_dispute("not_as_described")


def dispute_shipped(tale: Tale) -> None:
    """Shipped late; a dispute opens before we tell of the shipping, and closes when the buyer has seen the number."""
    tale.bought()
    tale.wait(days=HANDLING.days + 1)
    parcel = tale.shipped()
    start = tale.now
    tale.wait(hours=5)
    dispute = tale.opens_dispute("not_shipped")
    tale.wait(days=1.7)
    tale.tell("dispute.closed", dispute={**dispute, "state": "withdrawn"})
    tale.now = start
    tale.travels(parcel)


def cancelled_unpaid(tale: Tale) -> None:
    """Placed, and cancelled before any reminder."""
    tale.placed()
    tale.wait(hours=9)
    tale.tell("order.cancelled", order={"end_reason": "buyer_cancel_notpay_order"})


def cancelled_paid(tale: Tale) -> None:
    """Paid, and cancelled before shipping."""
    tale.bought()
    tale.wait(hours=20)
    tale.tell("order.cancel_requested")
    tale.wait(hours=8)
    tale.tell("order.cancelled", order={"end_reason": "buyer_cancel_order"})
    tale.wait(hours=2)
    tale.tell("refund.issued", refund={"amount": tale.total, "currency": "USD", "method": "card"})


def cancelled_shipped(tale: Tale) -> None:
    """Shipped, and cancelled a few hours later, before we tell of the shipping."""
    tale.bought_and_shipped()
    tale.wait(hours=6)
    tale.tell("order.cancelled", order={"end_reason": "buyer_cancel_order"})


def refund(tale: Tale) -> None:
    """Delivered broken; refunded while the request for a review waits."""
    tale.travels(tale.bought_and_shipped())
    tale.wait(hours=20)
    tale.writes("It came broken.")
    tale.wait(hours=15)
    tale.tell("message.answered", message={"id": f"m-{tale.number}-answer"})
    tale.wait(days=1)
    tale.tell("refund.issued", refund={"amount": tale.total, "currency": "USD", "method": "card"})


def early_review(tale: Tale) -> None:
    """Reviewed before we ask for it."""
    tale.travels(tale.bought_and_shipped())
    tale.wait(days=2)
    tale.reviews(tale.chance.choice((4, 5)), "👍")


def two_parcels(tale: Tale) -> None:
    """Two items, two parcels, three days apart."""
    tale.bought()
    tale.wait(days=1)
    first = tale.shipped("order.partly_shipped", tale.items[:1])
    start = tale.now
    tale.travels(first)
    tale.now = start + timedelta(days=3)
    tale.travels(tale.shipped(items=tale.items[1:]))


def renumbered(tale: Tale) -> None:
    """The carrier gives the parcel a new number on the way."""
    old = tale.bought_and_shipped()
    tale.leaves_china(old)
    tale.wait(hours=12)
    new = tale.tracking_number()
    tale.tell(
        "shipment.updated",
        shipment={"number": new, "previous_number": old, "tracking_url": f"https://tracking.example/{new}"},
    )
    tale.flies(new)
    tale.clears(new)
    tale.goes_out(new)
    tale.arrives(new)


def delivery_failed(tale: Tale) -> None:
    """Nobody at home; the second try succeeds."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.flies(parcel)
    tale.clears(parcel)
    tale.goes_out(parcel)
    tale.wait(hours=5)
    tale.seen(parcel, "delivery_failed", tale.buyer.city or "", reason="nobody at home")
    tale.wait(days=1.6)
    tale.goes_out(parcel)
    tale.arrives(parcel)


def pickup(tale: Tale) -> None:
    """Waits at the post office, and is fetched."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.flies(parcel)
    tale.clears(parcel)
    tale.wait(days=tale.buyer.lane.last_leg)
    tale.seen(parcel, "available_for_pickup", "Новосибирск 630099", hold_until=stamp(tale.now + timedelta(days=15)))
    tale.wait(days=4)
    tale.arrives(parcel)


def returned(tale: Tale) -> None:
    """Could not be delivered and goes back."""
    parcel = tale.bought_and_shipped()
    tale.leaves_china(parcel)
    tale.flies(parcel)
    tale.clears(parcel)
    tale.goes_out(parcel)
    tale.wait(hours=6)
    tale.seen(parcel, "delivery_failed", tale.buyer.city or "", reason="address not found")
    tale.wait(days=3)
    tale.seen(parcel, "returning", tale.buyer.city or "")


STORIES: Final[Mapping[str, Callable[[Tale], None]]] = {
    "smooth": smooth, "unpaid": unpaid, "paid-late": paid_late, "forgotten": forgotten, "forgotten-never": Tale.bought,
    "forgotten-cancelled": forgotten_cancelled, **{f"customs-{days}": customs(days) for days in (6, 7, 8, 9, 11, 14)},
    "silent": silent, "silent-dispute": silent_dispute,
    "silent-refund": silent_refund, "dispute-closed": dispute_closed,
    "dispute-review": dispute_review,
    "dispute-shipped": dispute_shipped, "cancelled-unpaid": cancelled_unpaid, "cancelled-paid": cancelled_paid,
    "cancelled-shipped": cancelled_shipped,
    "refund": refund, "early-review": early_review, "two-parcels": two_parcels,
    "renumbered": renumbered, "delivery-failed": delivery_failed, "pickup": pickup, "returned": returned,
}  # fmt: skip


def stamp(at: datetime) -> str:
    """Return the instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tales() -> Iterator[Tale]:
    """Yield every order's story, told to its end. Troubled ones begin early, so that forty days hold them."""
    for index, buyer in enumerate(buyers()):
        chance = random.Random(SEED * 1000 + index)  # noqa: S311  # a sample shop, not a secret
        latest = 20 if buyer.story in {"smooth", "unpaid", "cancelled-paid", "cancelled-unpaid"} else 9
        tale = Tale(str(1001 + index), buyer, chance, START + timedelta(days=chance.uniform(0, latest)))
        STORIES[buyer.story](tale)
        yield tale


def documents() -> list[dict[str, object]]:
    """Return every event of the forty days, by time."""
    found: list[tuple[datetime, str, dict[str, object]]] = []
    for tale in tales():
        ordered = sorted(tale.events, key=lambda event: event[0])
        for count, (at, type_, data) in enumerate(ordered, start=1):
            name = f"{tale.number}-{count:02}"
            document: dict[str, object] = {
                "specversion": "1.0",
                "id": name,
                "source": "demo/toys",
                "type": type_,
                "time": stamp(at),
                "subject": tale.number,
                "data": {"shop": "toys", **{key: value for key, value in data.items() if value}},
            }
            if at < END:
                found.append((at, name, document))
    return [document for _, _, document in sorted(found, key=lambda one: one[:2])]


def content() -> str:
    """Return the whole file."""
    return "".join(json.dumps(document, ensure_ascii=False, separators=(", ", ": ")) + "\n" for document in documents())


def main() -> int:
    """Write the file, or with --check say whether it is current."""
    if "--check" in sys.argv[1:]:
        return int(not FILE.exists() or FILE.read_text(encoding="utf-8") != content())
    FILE.write_text(content(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
