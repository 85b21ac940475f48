"""An open platform on this machine: verifies signatures and tokens, lists orders page by page, and fails in each documented way.

What is signed is worked out here once more, from the documents alone.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import json
import math
import socket
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

KEY, SECRET = "12345678", "helloworld"  # of an app that lives for one test
WALL = "%Y-%m-%d %H:%M:%S"
LISTS = {
    "aliexpress.trade.seller.orderlist.get": "param_aeop_order_query",
    "aliexpress.solution.order.get": "param0",
}
DETAILS = {"aliexpress.trade.new.redefining.findorderbyid", "aliexpress.solution.order.info.get"}
TRACKING = "aliexpress.logistics.redefining.querytrackingresult"
REPLY = "aliexpress.evaluation.evaluation.reply"
FEEDBACK = "aliexpress.appraise.redefining.savesellerfeedback"
SEND = "aliexpress.message.redefining.versiontwo.addmsg"
HISTORY = "aliexpress.message.redefining.versiontwo.querymsgdetaillist"
Document = dict[str, Any]  # Any: JSON of a test
Broken = Callable[[bytes], tuple[bytes, dict[str, str]]]


def pacific(at: datetime) -> str:
    """Return an instant as orders tell it."""
    return at.astimezone(ZoneInfo("America/Los_Angeles")).strftime(WALL)


def an_order(number: str, *, status: str = "WAIT_SELLER_SEND_GOODS", at: datetime, **more: object) -> Document:
    """Return an order as a list holds it, changed at that instant."""
    return {
        "order_id": int(number), "order_status": status, "gmt_create": pacific(at - timedelta(hours=2)),
        "gmt_pay_time": pacific(at - timedelta(hours=1)), "gmt_update": pacific(at), "buyer_login_id": f"b{number}",
        "buyer_signer_fullname": "Ana Souza", "pay_amount": {"amount": "12.90", "currency_code": "USD"},
        "payment_type": "ebanx101", "fund_status": "PAY_SUCCESS", "frozen_status": "NO_FROZEN", "issue_status": "NO_ISSUE",
        "order_detail_url": f"http://trade.aliexpress.com/order_detail.htm?orderId={number}",
        "product_list": {"order_product_dto": [{
            "product_name": "Puzzle", "sku_code": "P-1", "product_count": 1, "logistics_service_name": "CAINIAO_STANDARD",
            "product_unit_price": {"amount": "12.90", "currency_code": "USD"},
        }]},
    } | more  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """How a call is refused instead of being answered."""

    body: Document
    status: int = 200


def refused(code: object, words: str = "no", *, sub_code: str = "", sub_msg: str = "", status: int = 200) -> Refusal:
    """Return the refusal of a business call."""
    told = {"code": code, "msg": words, "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "r1"}
    return Refusal({"error_response": {name: one for name, one in told.items() if one != ""}}, status)


@dataclass
class Platform:
    """What the platform knows, and how it behaves."""

    now: Callable[[], datetime]
    port: int = 0
    orders: dict[str, Document] = field(default_factory=dict)
    details: dict[str, Document] = field(default_factory=dict)
    """What a detail call adds to an order."""
    parcels: dict[str, list[Document]] = field(default_factory=dict)
    tokens: dict[str, datetime] = field(default_factory=dict)
    """Tokens that are accepted, and until when."""
    refresh: dict[str, datetime] = field(default_factory=dict)
    issued: int = 0
    codes: set[str] = field(default_factory=set)
    lives: timedelta = timedelta(days=30)
    gives_refresh: bool = True
    """Whether an answer to a renewal holds a new token to renew with."""
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    """By call, the next first; ``*`` for any."""
    wrapped: bool = True
    """Whether answers stand in the name of their call."""
    broken: Broken | None = None
    """What becomes of a finished answer."""
    repeats: bool = False
    """Every page of a list is the first one."""
    before_page: Callable[[int], None] = lambda _: None
    said: list[tuple[str, Document]] = field(default_factory=list)
    sent: list[Document] = field(default_factory=list)
    """Messages and answers to reviews."""
    answers: bool = True
    """Whether anything is answered once it was done."""
    cuts: list[bool] = field(default_factory=list)
    """At the next messages the line is cut: after they were taken, or before."""
    strangers: set[str] = field(default_factory=set)
    """Buyers to whom nothing may be written."""
    connections: set[socket.socket] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, *orders: Document) -> None:
        """Let orders be there, or be as they are now."""
        self.orders |= {str(one["order_id"]): one for one in orders}

    def log_in(self) -> None:
        """Let the seller be logged in with ``at-1`` and ``rt-1``; what is given out later counts on from there."""
        self.issued += 1
        self.tokens[f"at-{self.issued}"] = self.now() + self.lives
        self.refresh[f"rt-{self.issued}"] = self.now() + 2 * self.lives

    def texts(self) -> list[str]:
        """Return the messages that buyers have."""
        return [one["content"] for one in self.sent if "content" in one]

    def hang_up(self) -> None:
        """Break every line."""
        for one in list(self.connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def calls(self) -> Counter[str]:
        """Return how often each call was made."""
        return Counter(name for name, _ in self.said)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: lines are broken on purpose."""


@contextmanager
def aliexpress_server(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Platform]:
    """Yield a platform that is being served."""
    platform = Platform(now)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            platform.connections.add(self.connection)

        def finish(self) -> None:
            platform.connections.discard(self.connection)
            super().finish()

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            with platform.lock:
                found = _answered(platform, self.path, dict(parse_qsl(form, keep_blank_values=True)))
            if found is None:
                self.close_connection = True
                return
            body, headers = json.dumps(found.body).encode(), {"content-type": "application/json"}
            if platform.broken is not None:
                body, more = platform.broken(body)
                headers |= more
            self.send_response(found.status)
            for name, value in ({"content-length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if int(headers.get("content-length", len(body))) != len(body):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        platform.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield platform
        finally:
            server.shutdown()
            thread.join()


def cut_short(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Half of an answer, told as the whole of it."""
    return body[: len(body) // 2], {}


def cut_off(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Half of an answer; then the line breaks."""
    return body[: len(body) // 2], {"content-length": str(len(body))}


def bomb(_: bytes) -> tuple[bytes, dict[str, str]]:
    """Some hundred thousand bytes that unpack to 256 MiB."""
    box, piece = zlib.compressobj(9, wbits=31), b"0" * 2**20
    packed_pieces = [
        box.compress(b'{"a":"'),
        *(box.compress(piece) for _ in range(256)),
        box.compress(b'"}'),
        box.flush(),
    ]
    return b"".join(packed_pieces), {"content-encoding": "gzip"}


def packed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The same, packed."""
    return gzip.compress(body), {"content-encoding": "gzip"}


def deep(_: bytes) -> tuple[bytes, dict[str, str]]:
    """A hundred levels."""
    return b'{"a":' * 100 + b"1" + b"}" * 100, {}


def no_json(_: bytes) -> tuple[bytes, dict[str, str]]:
    """A page for people."""
    return b"<html>Bad gateway</html>", {}


# --- the way in -----------------------------------------------------------------------------------------------------


def _answered(platform: Platform, path: str, form: Document) -> Refusal | None:
    if path == "/token":
        return Refusal(_tokens(platform, form))
    if path.startswith("/rest"):
        return _system(platform, path.removeprefix("/rest"), form)
    method = form.get("method", "")
    platform.said.append((method, form))
    problem = _signature_problem(form, "") or _common_problem(platform, path, form)
    if problem is not None:
        return problem
    if (refusal := _next_refusal(platform, method)) is not None:
        return refusal
    is_cut = platform.cuts.pop(0) if method == SEND and platform.cuts else None
    if is_cut is False:
        return None
    result = _business(platform, method, form)
    if isinstance(result, Refusal):
        return result
    if is_cut or not platform.answers:
        return None
    name = method.replace(".", "_") + "_response"
    return Refusal({name: result | {"request_id": "r1"}} if platform.wrapped else result)


def _next_refusal(platform: Platform, method: str) -> Refusal | None:
    for name in (method, "*"):
        waiting = platform.refusals.get(name)
        if waiting:
            return waiting.pop(0)
    return None


def _chain(form: Mapping[str, str]) -> str:
    names = sorted((name for name in form if name != "sign" and form[name] != ""), key=lambda one: one.encode("ascii"))
    return "".join(name + form[name] for name in names)


def _signature_problem(form: Mapping[str, str], path: str) -> Refusal | None:
    text, key, scheme = (path + _chain(form)).encode("utf-8"), SECRET.encode(), form.get("sign_method", "")
    digests = {"hmac": "md5", "hmac-sha256": "sha256", "sha256": "sha256"}
    if scheme == "md5":
        right = hashlib.md5(key + text + key, usedforsecurity=False).hexdigest()
    else:
        right = hmac.new(key, text, digests.get(scheme, "sha512")).hexdigest()
    if form.get("sign") == right.upper():
        return None
    return refused(25, "Invalid signature") if not path else Refusal(_system_refusal("IncompleteSignature"))


def _common_problem(platform: Platform, path: str, form: Mapping[str, str]) -> Refusal | None:
    if form.get("app_key") != KEY:
        return refused(29, "Invalid app Key")
    if not _is_fresh(platform, path, form.get("timestamp", "")):
        return refused(31, "Invalid timestamp")
    if path == "/router/rest" and form.get("v") != "2.0":
        return refused(33, "Invalid version")
    if "session" not in form:
        return refused(26, "Missing session")
    if platform.tokens.get(form["session"], platform.now()) <= platform.now():
        return refused(27, "Invalid session", sub_code="sessionkey-not-generated-by-server")
    return None


def _is_fresh(platform: Platform, path: str, timestamp: str) -> bool:
    if path == "/router/rest":
        at = datetime.strptime(timestamp, WALL).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    else:
        at = datetime.fromtimestamp(int(timestamp) / 1000, UTC)
    return abs(platform.now() - at) <= timedelta(seconds=7200)


# --- tokens ---------------------------------------------------------------------------------------------------------


def _system_refusal(code: str, words: str = "no", type_: str = "ISV") -> Document:
    return {"code": code, "type": type_, "message": words, "request_id": "r1"}


def _system(platform: Platform, path: str, form: Document) -> Refusal:
    platform.said.append((path, form))
    problem = _signature_problem(form, path)
    if problem is not None:
        return problem
    if (refusal := _next_refusal(platform, path)) is not None:
        return refusal
    if path == "/auth/token/create":
        return Refusal(_created(platform, form) or _system_refusal("InvalidCode"))
    if path == "/auth/token/refresh":
        return Refusal(_refreshed(platform, form) or _system_refusal("IllegalRefreshToken"))
    return Refusal(_system_refusal("InvalidApiPath"))


def _tokens(platform: Platform, form: Document) -> Document:
    kind = form.get("grant_type", "")
    platform.said.append((kind, form))
    if (form.get("client_id"), form.get("client_secret")) != (KEY, SECRET):
        return {"error_response": {"code": 28, "msg": "Missing app key"}}
    made = _created(platform, form) if kind == "authorization_code" else _refreshed(platform, form)
    return made or {"error_response": {"code": 27, "msg": "Invalid session"}}


def _created(platform: Platform, form: Document) -> Document | None:
    if form.get("code") not in platform.codes:
        return None
    platform.codes.discard(form["code"])
    return _granted(platform, has_refresh=True)


def _refreshed(platform: Platform, form: Document) -> Document | None:
    token = form.get("refresh_token", "")
    if platform.refresh.get(token, platform.now()) <= platform.now():
        return None
    if platform.gives_refresh:
        del platform.refresh[token]  # each can be used once
    return _granted(platform, has_refresh=platform.gives_refresh)


def _granted(platform: Platform, *, has_refresh: bool) -> Document:
    platform.issued += 1
    name = platform.issued
    platform.tokens[f"at-{name}"] = platform.now() + platform.lives
    told: Document = {
        "code": "0", "access_token": f"at-{name}", "expire_time": round((platform.now() + platform.lives).timestamp() * 1000),
        "user_nick": "toys-seller", "account_platform": "seller_center", "request_id": "r1",
    }  # fmt: skip
    if has_refresh:
        platform.refresh[f"rt-{name}"] = platform.now() + 2 * platform.lives
        told |= {"refresh_token": f"rt-{name}", "refresh_expires_in": round(2 * platform.lives.total_seconds())}
    return told


# --- business calls -------------------------------------------------------------------------------------------------


def _business(platform: Platform, method: str, form: Document) -> Document | Refusal:
    if method in LISTS:
        return _listed(platform, json.loads(form[LISTS[method]]), simplify=form.get("simplify") == "true")
    if method in DETAILS:
        return _in_full(platform, json.loads(form["param1"]))
    if method == TRACKING:
        return _tracked(platform, form)
    if method in {REPLY, FEEDBACK}:
        platform.sent.append(form)
        return {"result": {"success": True}}
    if method == SEND:
        return _take_message(platform, json.loads(form["create_param"]))
    if method == HISTORY:
        return _messages(platform, form)
    return refused(22, "Invalid method")


def _listed(platform: Platform, query: Document, *, simplify: bool) -> Document | Refusal:
    if int(query["page_size"]) > 50:
        return refused(41, "Invalid arguments:page_size")
    platform.before_page(int(query["current_page"]))
    found = [one for one in platform.orders.values() if _fits(one, query)]
    found.sort(key=lambda one: (one["gmt_create"], one["order_id"]), reverse=True)
    first = 0 if platform.repeats else (int(query["current_page"]) - 1) * int(query["page_size"])
    page = found[first : first + int(query["page_size"])]
    told: object = page if simplify else {"aeop_order_item_dto": page}
    if simplify:
        told = [one | {"product_list": one["product_list"]["order_product_dto"]} for one in page]
    return {
        "result": {
            "success": True, "total_count": len(found), "current_page": int(query["current_page"]),
            "page_size": int(query["page_size"]), "total_page": math.ceil(len(found) / int(query["page_size"])), "target_list": told,
        }
    }  # fmt: skip


def _fits(order: Document, query: Document) -> bool:
    status = query.get("order_status")
    is_wanted = order["order_status"] == status if status else order["order_status"] not in {"FINISH", "ARCHIVE"}
    return is_wanted and all(
        query.get(f"{name}_date_start", "") <= order[key] <= query.get(f"{name}_date_end", "9")
        for name, key in (("create", "gmt_create"), ("modified", "gmt_update"))
    )


def _in_full(platform: Platform, asked: Document) -> Document | Refusal:
    number = str(asked["order_id"])
    order = platform.orders.get(number)
    if order is None:
        return refused(15, "Remote service error", sub_code="isv.order-not-exist", sub_msg="the order does not exist")
    told = {name: value for name, value in order.items() if name not in {"order_id", "product_list"}}
    return {"target": told | {"id": order["order_id"]} | platform.details.get(number, {})}


def _tracked(platform: Platform, form: Document) -> Document | Refusal:
    missing = [one for one in ("logistics_no", "origin", "out_ref", "service_name", "to_area") if not form.get(one)]
    if missing:
        return refused(40, f"Missing required arguments:{missing[0]}")
    lines = platform.parcels.get(form["logistics_no"])
    if lines is None:
        return {"result_success": False, "error_desc": "no such parcel", "error_code": "isv.no-tracking"}
    return {"result_success": True, "official_website": "track.example.com", "details": {"details": lines}}


def _take_message(platform: Platform, asked: Document) -> Document | Refusal:
    if asked.get("buyer_id") in platform.strangers:
        return {"result": {"is_success": False, "error_code": "isv.buyer-not-exist", "error_msg": "no such buyer"}}
    platform.sent.append(asked)
    return {"result": {"is_success": True, "error_code": 0, "error_msg": ""}}


def _messages(platform: Platform, form: Document) -> Document | Refusal:
    found = [one for one in platform.sent if one.get("channel_id") == form.get("channel_id")]
    rows = [
        {"id": number, "content": one["content"], "sender_name": "toys-seller", "message_type": one["message_type"]}
        for number, one in enumerate(found, start=1)
    ]  # fmt: skip
    return {"result": {"is_success": True, "message_detail_list": {"message_detail": rows}}}
