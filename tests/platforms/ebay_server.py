"""eBay as far as messages go, on this machine: tokens, conversations in pages, limits, and every failure that is documented."""

from __future__ import annotations

import base64
import itertools
import json
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

BASE: Final = "/commerce/message/v1"
KEYS: Final = "/commerce/notification/v1/public_key/"
KEY, SECRET = "Toys-1", "cert-1"
SELLER: Final = "sunny_toys"
TOKEN_LIVES: Final = timedelta(hours=2)
REFRESH_LIVES: Final = timedelta(days=547)
PER_MINUTE: Final = 75
BLOCK: Final = timedelta(seconds=100)


@dataclass(frozen=True)
class Fault:
    """A documented way to fail, at the next call of a kind.

    Args:
        status: of HTTP; 0 hangs up without an answer.
        code: eBay's number.
        words: eBay's words.
        takes: whether what was asked is done all the same.
        raw: the body instead of eBay's own form of one.
    """

    status: int
    code: int = 0
    words: str = ""
    takes: bool = False
    raw: bytes | None = None


FAULTS: Final[Mapping[str, Fault]] = {
    "expired token": Fault(401, 1001, "Invalid access token. Check the value of the Authorization HTTP request header."),
    "no permission": Fault(403, 1100, "Access denied. Insufficient permissions to fulfill the request."),
    "too many calls": Fault(429, 2001, "Too many requests. The request limit has been reached for the resource."),
    "message cap": Fault(400, 20957, "Service is not available."),
    "message failure": Fault(400, 20951, "The message could not be sent."),
    "unknown resource": Fault(404, 2002, "Resource not resolved. Check the value of the URI."),
    "internal error, not taken": Fault(500, 2003, "Internal error. A problem occurred in the server."),
    "internal error, taken": Fault(500, 2003, "Internal error. A problem occurred in the server.", takes=True),
    "unavailable": Fault(503, 0, "", raw=b"<html>try later</html>"),
    "line cut, not taken": Fault(0),
    "line cut, taken": Fault(0, takes=True),
    "an answer that is none": Fault(200, raw=b"<html>hello</html>", takes=True),
    "an answer cut short": Fault(200, raw=b'{"messageId": "m', takes=True),
}  # fmt: skip


@dataclass
class Chat:
    """A conversation as the seller sees it."""

    id: str
    other: str
    status: str = "ACTIVE"
    messages: list[dict[str, str]] = field(default_factory=list)

    @property
    def latest(self) -> dict[str, str]:
        return self.messages[-1]


class Ebay:
    """What eBay knows, and how it behaves. ``clock`` is its own; ``buyers`` are members with an order young enough.

    ``now_fails`` and ``now_token_fails`` are ways to fail, one for each of the next calls.
    """

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.buyers: set[str] | None = None
        """None: everybody is."""
        self.chats: list[Chat] = []
        self.sends_fail: deque[str] = deque()
        self.reads_fail: deque[str] = deque()
        self.tokens_fail: deque[str] = deque()
        self.refused: dict[str, str] = {}
        """By username: a way to fail that stays."""
        self.access: dict[str, datetime] = {}
        self.refresh: dict[str, datetime] = {"refresh-1": clock() + REFRESH_LIVES}
        self.codes: set[str] = {"code-1"}
        self.redirect = "Sunny_Toys-SunnyToy-Toys-1"
        self.scope = "https://api.ebay.com/oauth/api_scope/commerce.message"
        self.calls: list[tuple[datetime, str, str]] = []
        self.blocked_until: datetime | None = None
        self.per_minute = PER_MINUTE
        self.knows_names = True
        """False: it does not know the name in the filter, and gives everybody's conversations."""
        self.shows: Callable[[str], str] = lambda text: text
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()
        self.public_keys: dict[str, str] = {}
        self.sockets: set[Any] = set()  # Any: the connections of the server's own kind

    def arrived(self, username: str = "") -> list[str]:
        """What the seller has sent, or has sent to one buyer, as it was sent."""
        return [
            one["raw"]
            for chat in self.chats
            for one in chat.messages
            if one["senderUserName"] == SELLER and username in {"", chat.other}
        ]

    def hang_up(self) -> None:
        """Close every connection that is open."""
        for one in list(self.sockets):
            with suppress(OSError):  # it is being closed already
                one.shutdown(socket.SHUT_RDWR)

    def talk(self, other: str, text: str, *, ours: bool = False, at: datetime | None = None) -> Chat:
        """Say something in the (newest) conversation with a member, or begin one."""
        with self.lock:
            chat = next((one for one in reversed(self.chats) if one.other == other), None)
            if chat is None:
                chat = Chat(f"c-{next(self.numbers)}", other)
                self.chats.append(chat)
            self.say(chat, text, ours=ours, at=at)
            return chat

    def say(self, chat: Chat, text: str, *, ours: bool, at: datetime | None = None) -> dict[str, str]:
        """Add a message to a conversation."""
        sender, recipient = (SELLER, chat.other) if ours else (chat.other, SELLER)
        at_text = (at or self.clock()).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {
            "messageId": f"m-{next(self.numbers)}", "createdDate": at_text, "messageBody": self.shows(text), "readStatus": "UNREAD",
            "senderUserName": sender, "recipientUserName": recipient, "subject": "", "raw": text,
        }  # fmt: skip
        chat.messages.append(message)
        return message

    def give_tokens(self, *, with_refresh: bool) -> dict[str, object]:
        """A new access token, and a refresh token with the first one."""
        token = f"access-{next(self.numbers)}"
        self.access[token] = self.clock() + TOKEN_LIVES
        told: dict[str, object] = {
            "access_token": token,
            "expires_in": int(TOKEN_LIVES.total_seconds()),
            "token_type": "User Access Token",
        }
        if with_refresh:
            refresh = f"refresh-{next(self.numbers)}"
            self.refresh[refresh] = self.clock() + REFRESH_LIVES
            told |= {"refresh_token": refresh, "refresh_token_expires_in": int(REFRESH_LIVES.total_seconds())}
        return told


class Refused(Exception):
    """A call ends with this failure."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.words)
        self.fault = fault


@contextmanager
def ebay_server(ebay: Ebay) -> Iterator[str]:
    """Yield the URL at which this eBay answers."""

    class Handler(_Handler):
        state = ebay

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Ebay
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.state.sockets.add(self.connection)

    def finish(self) -> None:
        self.state.sockets.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives it
        """Nothing is written."""

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path == "/identity/v1/oauth2/token":
            self._answer(lambda: self._token(body), is_call=False)
        elif urlsplit(self.path).path == f"{BASE}/send_message":
            self._answer(lambda: self._send(body))
        else:
            self._answer(_nothing_here)

    def _answer(self, work: Callable[[], object], *, is_call: bool = True) -> None:
        with self.state.lock:
            try:
                if is_call:
                    self._throttle()
                    self._authorise()
                status, body = 200, json.dumps(work()).encode()
            except Refused as refused:
                status, body = refused.fault.status, _body_of(refused.fault)
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _throttle(self) -> None:
        now = self.state.clock()
        self.state.calls.append((now, self.command, self.path))
        if self.state.blocked_until is not None and now < self.state.blocked_until:
            raise Refused(FAULTS["too many calls"])
        if sum(at > now - timedelta(minutes=1) for at, _, _ in self.state.calls) > self.state.per_minute:
            self.state.blocked_until = now + BLOCK
            raise Refused(FAULTS["too many calls"])

    def _authorise(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.state.access.get(token, self.state.clock()) <= self.state.clock():
            raise Refused(FAULTS["expired token"])

    # --- conversations --------------------------------------------------------------------------------------------

    def _read(self) -> object:
        if self.state.reads_fail:
            _fail(self.state.reads_fail.popleft(), lambda: None)
        url = urlsplit(self.path)
        if url.path.startswith(KEYS):
            return self._key(unquote(url.path.removeprefix(KEYS)))
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        limit, offset = int(asked.get("limit", 25)), int(asked.get("offset", 0))
        if asked.get("conversation_type") != "FROM_MEMBERS" or not 1 <= limit <= 50 or offset % limit:
            raise Refused(Fault(400, 2004, "Invalid request has errors. conversation_type, limit or offset"))
        if url.path == f"{BASE}/conversation":
            return self._conversations(asked.get("other_party_username", ""), limit, offset)
        found = re.fullmatch(rf"{BASE}/conversation/([^/]+)", url.path)
        chat = next((one for one in self.state.chats if found and one.id == unquote(found[1])), None)
        if chat is None:
            raise Refused(FAULTS["unknown resource"])
        return _page("messages", [_shown(one) for one in reversed(chat.messages)], limit, offset)

    def _key(self, name: str) -> object:
        if name not in self.state.public_keys:
            raise Refused(FAULTS["unknown resource"])
        return {"algorithm": "ECDSA", "digest": "SHA1", "key": self.state.public_keys[name]}

    def _conversations(self, username: str, limit: int, offset: int) -> object:
        chats = sorted(self.state.chats, key=lambda one: one.latest["createdDate"], reverse=True)
        if username and self.state.knows_names:
            chats = [one for one in chats if one.other == username]
        rows = [
            {"conversationId": one.id, "conversationStatus": one.status, "conversationType": "FROM_MEMBERS", "latestMessage": _shown(one.latest)}
            for one in chats
        ]  # fmt: skip
        return _page("conversations", rows, limit, offset)

    # --- sending --------------------------------------------------------------------------------------------------

    def _send(self, body: bytes) -> object:
        asked = json.loads(body)
        other, chat = str(asked.get("otherPartyUsername", "")), None
        if "conversationId" in asked:
            chat = next((one for one in self.state.chats if one.id == asked["conversationId"]), None)
            if chat is None:
                raise Refused(FAULTS["unknown resource"])
            other = chat.other
        text = str(asked.get("messageText", ""))
        if not other or not text or len(text) > 2000 or re.search(r"<[a-z/]", text):
            raise Refused(
                Fault(400, 2004, "Invalid request has errors. messageText, conversationId or otherPartyUsername")
            )
        if self.state.buyers is not None and other not in self.state.buyers:
            raise Refused(Fault(400, 20951, "There is no order of the last 90 days between you and this member."))
        if other in self.state.refused:
            _fail(self.state.refused[other], lambda: None)
        if self.state.sends_fail:
            _fail(self.state.sends_fail.popleft(), lambda: self._take(chat, other, text))
        return _shown(self._take(chat, other, text))

    def _take(self, chat: Chat | None, other: str, text: str) -> dict[str, str]:
        if chat is None:
            chat = Chat(f"c-{next(self.state.numbers)}", other)
            self.state.chats.append(chat)
        return self.state.say(chat, text, ours=True)

    # --- tokens ---------------------------------------------------------------------------------------------------

    def _token(self, body: bytes) -> object:
        if self.state.tokens_fail:
            _fail(self.state.tokens_fail.popleft(), lambda: None)
        expected = "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            raise Refused(
                Fault(401, raw=b'{"error": "invalid_client", "error_description": "client authentication failed"}')
            )
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if asked.get("grant_type") == "client_credentials":
            return self.state.give_tokens(with_refresh=False)
        is_new = asked.get("grant_type") == "authorization_code"
        if is_new and (asked.get("code") not in self.state.codes or asked.get("redirect_uri") != self.state.redirect):
            raise Refused(_invalid_grant())
        if is_new:
            self.state.codes.discard(asked["code"])  # it is good once
        elif self.state.refresh.get(asked.get("refresh_token", ""), self.state.clock()) <= self.state.clock():
            raise Refused(_invalid_grant())
        return self.state.give_tokens(with_refresh=is_new)


def _nothing_here() -> object:
    raise Refused(FAULTS["unknown resource"])


def _invalid_grant() -> Fault:
    words = b"the provided authorization refresh token is invalid or was issued to another client"
    return Fault(400, raw=b'{"error": "invalid_grant", "error_description": "' + words + b'"}')


def _fail(name: str, take: Callable[[], object]) -> None:
    if name:
        fault = FAULTS[name]
        if fault.takes:
            take()
        raise Refused(fault)


def _body_of(fault: Fault) -> bytes:
    if fault.raw is not None:
        return fault.raw
    error = {
        "errorId": fault.code,
        "domain": "API_M2M",
        "category": "REQUEST",
        "message": fault.words,
        "longMessage": fault.words,
    }
    return json.dumps({"errors": [error]}).encode()


def _shown(message: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in message.items() if name != "raw"}


def _page(name: str, rows: list[dict[str, Any]], limit: int, offset: int) -> dict[str, object]:  # Any: JSON
    return {name: rows[offset : offset + limit], "limit": limit, "offset": offset, "total": len(rows), "href": ""}
