"""17TRACK on this machine: a key, three calls a second, forty numbers a call, pages, quotas, and every code that is documented."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

KEY: Final = "TESTKEY0123456789"
AT_ONCE: Final = 40
BASE: Final = "/track/v2.2"
Json = dict[str, Any]  # Any: JSON


@dataclass
class Number:
    """A number that is registered."""

    number: str
    tag: str
    carrier: int = 3011
    looked_at: datetime | None = None
    info: Json = field(default_factory=dict)


class Track17:
    """What 17TRACK knows, and how it behaves."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.numbers: dict[str, Number] = {}
        self.refused: dict[str, int] = {}
        """By number: the code with which it is not taken."""
        self.fails: deque[tuple[int, int]] = deque()
        """For each of the next calls: HTTP status and code of the whole answer."""
        self.raw: deque[bytes] = deque()
        """For each of the next calls: what is answered instead."""
        self.quota_total, self.quota_used = 100, 0
        self.most_a_day: int | None = None
        self.calls: list[tuple[str, Any]] = []
        self.repeats_pages = False
        self.lock = threading.Lock()

    def move(self, number: str, info: Json, *, at: datetime | None = None) -> None:
        """Let a carrier say where a parcel is."""
        known = self.numbers[number]
        known.info, known.looked_at = info, at or self.clock()

    # --- calls ----------------------------------------------------------------------------------------------------

    def register(self, asked: list[Json]) -> Json:
        accepted, rejected = [], []
        for one in asked:
            number = str(one.get("number", ""))
            code = self._against(number)
            if code:
                rejected.append({"number": number, "error": {"code": code, "message": f"reason {code}"}})
                continue
            self.quota_used += 1
            self.numbers[number] = Number(number, str(one.get("tag", "")))
            accepted.append({"origin": 1, "number": number, "carrier": 3011, "tag": one.get("tag")})
        return {"accepted": accepted, "rejected": rejected}

    def _against(self, number: str) -> int:
        if number in self.refused:
            return self.refused[number]
        if not re.fullmatch(r"[A-Za-z0-9-]{5,50}", number):
            return -18010012
        if number in self.numbers:
            return -18019901
        if self.quota_used >= self.quota_total:
            return -18019908
        if self.most_a_day is not None and self.quota_used >= self.most_a_day:
            return -18019907
        return 0

    def listed(self, asked: Json) -> Json:
        first = "" if asked.get("order_by") == "TrackTimeDesc" else "9"
        rows = sorted(
            self.numbers.values(), key=lambda one: one.looked_at or datetime.min.replace(tzinfo=UTC), reverse=not first
        )
        page = 1 if self.repeats_pages else int(asked.get("page_no", 1))
        mine = rows[(page - 1) * AT_ONCE : page * AT_ONCE]
        accepted = [
            {
                "number": one.number, "carrier": one.carrier, "tag": one.tag,
                "track_time": one.looked_at.strftime("%Y-%m-%dT%H:%M:%SZ") if one.looked_at else None,
            }
            for one in mine
        ]  # fmt: skip
        return {"accepted": accepted, "rejected": []}

    def info(self, asked: list[Json]) -> Json:
        accepted, rejected = [], []
        for one in asked:
            known = self.numbers.get(str(one.get("number")))
            if known is None or not known.info:
                code = -18019902 if known is None else -18019909
                rejected.append({"number": one.get("number"), "error": {"code": code, "message": f"reason {code}"}})
            else:
                accepted.append(
                    {
                        "number": known.number,
                        "carrier": known.carrier,
                        "param": None,
                        "tag": known.tag,
                        "track_info": known.info,
                    }
                )
        return {"accepted": accepted, "rejected": rejected}

    def quota(self) -> Json:
        return {
            "quota_total": self.quota_total, "quota_used": self.quota_used, "quota_remain": self.quota_total - self.quota_used,
            "today_used": self.quota_used,
        }  # fmt: skip


@contextmanager
def seventeentrack_server(track: Track17) -> Iterator[str]:
    """Yield the URL at which this 17TRACK answers."""

    class Handler(_Handler):
        state = track

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
    state: Track17
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives it
        """Nothing is written."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.state.lock:
            status, told = self._told(raw)
            body = self.state.raw.popleft() if self.state.raw else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _told(self, raw: bytes) -> tuple[int, Json]:
        asked = json.loads(raw)
        self.state.calls.append((self.path.removeprefix(BASE), asked))
        if self.state.fails:
            status, code = self.state.fails.popleft()
            return status, _failure(code)
        if self.headers.get("17token") != KEY:
            return 401, _failure(-18010002)
        if isinstance(asked, list) and len(asked) > AT_ONCE:
            return 200, _failure(-18010014)
        works: dict[str, Callable[[], Json]] = {
            "/register": lambda: self.state.register(asked), "/gettracklist": lambda: self.state.listed(asked),
            "/gettrackinfo": lambda: self.state.info(asked), "/getquota": self.state.quota,
        }  # fmt: skip
        work = works.get(self.path.removeprefix(BASE))
        return (200, {"code": 0, "data": work()}) if work else (404, {})


def _failure(code: int) -> Json:
    return {"code": code, "data": {"errors": [{"code": code, "message": f"reason {code}"}]}} if code else {}
