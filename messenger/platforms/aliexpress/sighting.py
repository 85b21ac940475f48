"""An order as it was read: its times, what it says of itself and of its buyer. Source: docs/sources.md, S41."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from messenger.platforms.aliexpress.answers import list_of
from messenger.platforms.aliexpress.areas import country_of
from messenger.platforms.aliexpress.times import pacific
from messenger.platforms.reading import Fields, amount, inner, text

LEFT_TO: Final[Mapping[str, str]] = {
    "PLACE_ORDER_SUCCESS": "pay_by",
    "WAIT_SELLER_SEND_GOODS": "ship_by",
    "SELLER_PART_SEND_GOODS": "ship_by",
    "WAIT_BUYER_ACCEPT_GOODS": "deliver_by",
}
"""What the time left is left for."""
STEP: Final = timedelta(minutes=10)
"""Deadlines are told as time left when asked; to this they are rounded, so that asking again tells the same."""
LONGEST_LEFT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Sighting:
    """An order as it was read, and when."""

    order: Fields
    seen_at: datetime

    @property
    def number(self) -> str:
        """Its number: always text."""
        return text(self.order, "order_id", "id")

    @property
    def status(self) -> str:
        """How the platform says it stands."""
        return text(self.order, "order_status")

    def at(self, *names: str, not_before: datetime | None = None) -> datetime | None:
        """Return the first of these times that is told."""
        return next((at for name in names if (at := pacific(text(self.order, name), not_before=not_before))), None)

    @property
    def placed_at(self) -> datetime | None:
        """When it was placed."""
        return self.at("gmt_create")

    @property
    def changed_at(self) -> datetime:
        """When anything changed last; when it was seen, if nothing says so."""
        earlier = self.at("gmt_send_goods_time", "gmt_pay_time", "gmt_create")
        return self.at("gmt_update", "gmt_modified", "gmt_trade_end", not_before=earlier) or earlier or self.seen_at


def end_reason(order: Fields) -> str:
    """Return why an order ended, in the platform's word; empty when it does not say."""
    return text(order, "end_reason", "order_end_reason").lower()


def order_fields(seen: Sighting) -> Fields:
    """Return what is to be said of the order itself."""
    order, paid = seen.order, inner(seen.order, "pay_amount", "order_amount", "init_oder_amount")
    lines = _lines(order)
    return {
        "platform_status": seen.status,
        "end_reason": end_reason(order),
        "total": amount(text(paid, "amount")),
        "currency": text(paid, "currency_code"),
        "payment_method": text(order, "payment_type", "payment_method"),
        "shipping_method": next((method for one in lines if (method := _method(one))), ""),
        "items": [_item(one) for one in lines],
        "url": text(order, "order_detail_url").replace("http://", "https://", 1),
        **_deadline(seen),
    }


def _lines(order: Fields) -> list[Fields]:
    return list(list_of(order, "product_list", "child_order_list", "child_order_ext_info_list"))


def _item(line: Fields) -> Fields:
    price = inner(line, "product_unit_price", "product_price", "init_order_amt")
    told = {
        "title": text(line, "product_name") or "?",
        "sku": text(line, "sku_code"),
        "quantity": _whole(text(line, "product_count", "quantity")),
        "price": amount(text(price, "amount")),
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


def _whole(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) < MOST_DIGITS else None


MOST_DIGITS: Final = 7


def _method(line: Fields) -> str:
    return text(line, "logistics_service_name", "logistics_type", "logistics_type_code")


def _deadline(seen: Sighting) -> Fields:
    """What the time left leads to: nothing that tells how much is left is ever the same twice."""
    name, left = LEFT_TO.get(seen.status), text(seen.order, "timeout_left_time", "over_time_left")
    if name is None or not left.lstrip("-").isdecimal() or len(left) > MOST_DIGITS_OF_TIME:
        return {}
    span = timedelta(milliseconds=int(left))
    if abs(span) > LONGEST_LEFT:
        return {}
    whole = round((seen.seen_at + span).timestamp() / STEP.total_seconds()) * STEP.total_seconds()
    return {name: moment(datetime.fromtimestamp(whole, UTC))}


MOST_DIGITS_OF_TIME: Final = 14


def buyer_fields(order: Fields) -> Fields:
    """Return what is to be said of its buyer."""
    info, address = inner(order, "buyer_info"), inner(order, "receipt_address")
    full = f"{text(info, 'first_name')} {text(info, 'last_name')}".strip()
    return {
        "id": text(order, "buyer_login_id", "buyerloginid", "buyer_login") or text(info, "login_id"),
        "name": text(address, "contact_person") or text(order, "buyer_signer_fullname") or full,
        "country": country_of(text(address, "country") or text(info, "country")),
        "region": text(address, "province"),
        "city": text(address, "city"),
        "postcode": text(address, "zip"),
        "phone": _phone(address),
    }


def _phone(address: Fields) -> str:
    number, code = text(address, "mobile_no", "phone_number"), text(address, "phone_country").lstrip("+")
    return f"+{code}{number}" if number and code and not number.startswith("+") else number


def moment(at: datetime) -> str:
    """Return an instant as events tell it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
