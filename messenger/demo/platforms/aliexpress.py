"""AliExpress as far as orders go: a list of them, and one in full."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.demo.platforms.serving import Call, Json

TOKEN: Final = "demo-aliexpress"  # noqa: S105  # of a platform that lives as long as the demo
LISTING: Final = "aliexpress.trade.seller.orderlist.get"
PACIFIC: Final = ZoneInfo("America/Los_Angeles")
UNFINISHED: Final = "FINISH"


@dataclass(slots=True)
class AliExpress:
    """The platform; ``clock`` tells its time."""

    clock: Callable[[], datetime]
    orders: dict[str, Json] = field(default_factory=dict)

    def place(self, number: str, *, name: str, country: str, title: str, amount: str) -> None:
        """Let a buyer place an order."""
        now = self._wall()
        self.orders[number] = {
            "order_id": int(number), "order_status": "PLACE_ORDER_SUCCESS", "gmt_create": now, "gmt_update": now,
            "buyer_login_id": f"buyer{number[-4:]}", "buyer_signer_fullname": name, "issue_status": "NO_ISSUE",
            "pay_amount": {"amount": amount, "currency_code": "USD"},
            "order_detail_url": f"https://trade.aliexpress.com/order_detail.htm?orderId={number}",
            "receipt_address": {"contact_person": name, "country": country},
            "product_list": {"order_product_dto": [{
                "product_name": title, "sku_code": "D-1", "product_count": 1, "logistics_service_name": "CAINIAO_STANDARD",
                "product_unit_price": {"amount": amount, "currency_code": "USD"},
            }]},
        }  # fmt: skip

    def pay(self, number: str) -> None:
        """Let the buyer pay."""
        self._change(number, "WAIT_SELLER_SEND_GOODS", gmt_pay_time=self._wall())

    def ship(self, number: str, parcel: str) -> None:
        """Let the seller send it."""
        sent = {"logistics_no": parcel, "gmt_send": self._wall(), "logistics_type_code": "CAINIAO_STANDARD"}
        more = {"logistic_info_list": {"aeop_tp_logistic_info_dto": [sent]}}
        self._change(number, "WAIT_BUYER_ACCEPT_GOODS", gmt_send_goods_time=self._wall(), **more)

    def finish(self, number: str) -> None:
        """Let the buyer confirm that it has come."""
        self._change(number, UNFINISHED, end_reason="buyer_confirm_goods")

    def _change(self, number: str, status: str, **more: object) -> None:
        self.orders[number] |= {"order_status": status, "gmt_update": self._wall()} | more

    def _wall(self) -> str:
        return self.clock().astimezone(PACIFIC).strftime("%Y-%m-%d %H:%M:%S")

    def answer(self, call: Call) -> tuple[int, object]:
        """Answer a call."""
        method = call.query.get("method", "")
        if call.query.get("session") != TOKEN or not call.query.get("sign"):
            return 200, {"error_response": {"code": 27, "msg": "Invalid session"}}
        if method == LISTING:
            told = self._listed(json.loads(call.query["param_aeop_order_query"]))
        else:
            told = {"target": self._in_full(str(json.loads(call.query["param1"])["order_id"]))}
        return 200, {f"{method.replace('.', '_')}_response": told}

    def _listed(self, asked: Json) -> Json:
        status, first, last = asked.get("order_status"), asked["create_date_start"], asked["create_date_end"]
        found = [one for one in self.orders.values() if first <= one["gmt_create"] <= last and _is_wanted(one, status)]
        since, until = asked.get("modified_date_start", ""), asked.get("modified_date_end", "9")
        found = [one for one in found if since <= one["gmt_update"] <= until]
        page, size = int(asked["current_page"]), int(asked["page_size"])
        mine = found[(page - 1) * size : page * size]
        return {
            "result": {
                "success": True, "total_count": len(found), "total_page": -(-len(found) // size),
                "target_list": {"aeop_order_item_dto": mine},
            }
        }  # fmt: skip

    def _in_full(self, number: str) -> Json:
        order = self.orders.get(number, {})
        return {name: value for name, value in order.items() if name != "order_id"} | {"id": order.get("order_id")}


def _is_wanted(order: Json, status: str | None) -> bool:
    return bool(order["order_status"] == status) if status else order["order_status"] != UNFINISHED


LASTS: Final = timedelta(days=200)
"""So long the demo's login lasts."""
