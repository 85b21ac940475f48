"""17TRACK: numbers that are registered, where they are, and telling us of each movement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.request import Request, urlopen

from messenger.demo.platforms.serving import Call, Json

KEY: Final = "demo-17track-key"
BASE: Final = "/track/v2.2"


@dataclass(slots=True)
class SeventeenTrack:
    """The service; ``hooks`` are the addresses at which it tells of movements, by shop."""

    clock: Callable[[], datetime]
    hooks: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """By number: the reference under which it was registered."""
    lines: dict[str, list[Json]] = field(default_factory=dict)
    """By number: what its carriers have told, the newest first."""
    looked_at: dict[str, datetime] = field(default_factory=dict)
    posted: int = 0

    def move(self, number: str, sub_status: str, place: str = "", *, stage: str | None = None, local: str = "") -> None:
        """Let a carrier tell where a parcel is; who registered it is told at once."""
        at = self.clock().isoformat().replace("+00:00", "Z")
        line = {"time_utc": at, "sub_status": sub_status, "stage": stage, "location": place, "local": local}
        self.lines.setdefault(number, []).insert(0, line)
        self.looked_at[number] = self.clock()
        shop = self.tags.get(number, "").partition("/")[0]
        if shop in self.hooks:
            self._post(self.hooks[shop], {"event": "TRACKING_UPDATED", "data": self._told(number)})

    def _post(self, url: str, document: Json) -> None:
        body = json.dumps(document).encode()
        sign = hashlib.sha256(body + f"/{KEY}".encode()).hexdigest()
        request = Request(url, body, {"content-type": "application/json", "sign": sign})  # noqa: S310  # our own address
        with urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            answer.read()
        self.posted += 1

    def answer(self, call: Call) -> tuple[int, object]:
        """Answer a call."""
        if call.headers.get("17token") != KEY:
            return 401, {"code": -18010002}
        path, asked = call.path.removeprefix(BASE), call.body
        match path:
            case "/register":
                return 200, {"code": 0, "data": self._register(asked)}
            case "/gettracklist":
                rows = (
                    sorted(self.looked_at, key=lambda one: self.looked_at[one], reverse=True)
                    if asked["page_no"] == 1
                    else []
                )
                return 200, {"code": 0, "data": {"accepted": [self._row(one) for one in rows if one in self.tags]}}
            case "/gettrackinfo":
                numbers = [one["number"] for one in asked if one["number"] in self.lines]
                return 200, {"code": 0, "data": {"accepted": [self._told(one) for one in numbers]}}
        return 200, {
            "code": 0,
            "data": {"quota_total": 1000, "quota_used": len(self.tags), "quota_remain": 1000 - len(self.tags)},
        }

    def _register(self, asked: list[Json]) -> Json:
        for one in asked:
            self.tags[one["number"]] = one["tag"]
        return {"accepted": asked, "rejected": []}

    def _row(self, number: str) -> Json:
        at = self.looked_at[number].isoformat().replace("+00:00", "Z")
        return {"number": number, "carrier": 3011, "tag": self.tags[number], "track_time": at}

    def _told(self, number: str) -> Json:
        lines = self.lines[number]
        local = next((one["local"] for one in lines if one["local"]), None)
        latest = lines[0]
        info = {
            "latest_status": {"status": latest["sub_status"].partition("_")[0], "sub_status": latest["sub_status"]},
            "latest_event": latest,
            "misc_info": {"local_number": local, "local_provider": "Correos" if local else None},
            "tracking": {"providers": [{"provider": {"name": "China Post"}, "events": lines}]},
        }
        return {"number": number, "carrier": 3011, "tag": self.tags.get(number), "track_info": info}
