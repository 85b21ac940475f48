"""A home with an AliExpress shop, from the outside: the login, a poll, a worker that reads by itself, a push."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from messenger.bootstrap import open_app
from messenger.cli.main import cli
from messenger.domain.alerts import AlertKind
from messenger.ports.deliveries import Delivery
from tests.platforms.aliexpress_server import KEY, SECRET, Platform, aliexpress_server, an_order, pacific, refused
from tests.stage import HEAD, stage

ONE, TWO = "8134000000000001", "8134000000000002"
MINUTE = timedelta(minutes=1)
SOURCES = """
[sources.ae]
kind = "aliexpress"
shop = "toys"
app_key = "env:AE_KEY"
app_secret = "env:AE_SECRET"
url = "{url}"
redirect = "https://toys.example/back"
rate = "1000/s"
tracking = "1h"

[sources.push]
kind = "webhook"
scheme = "aliexpress"
secrets = "env:AE_APP"
shop = "toys"
"""


@dataclass
class Home:
    """A home, and the platform that its shop sells on."""

    folder: Path
    platform: Platform
    environ: dict[str, str]

    def say(self, *options: str) -> Result:
        """Run a command."""
        return CliRunner(env=self.environ).invoke(cli, ["--home", str(self.folder), *options], standalone_mode=False)

    def told(self, *options: str) -> dict[str, object]:
        """Run a command that prints one JSON document."""
        found: dict[str, object] = orjson.loads(self.say(*options, "--json").stdout)
        return found

    def log_in(self) -> None:
        """Log in as the seller would."""
        self.platform.codes = {"0_abc"}
        assert (
            self.say(
                "aliexpress", "login", "toys", "--code", "https://toys.example/back?code=0_abc&state=x"
            ).return_value
            == 0
        )

    def types(self, number: str) -> set[str]:
        """What is known to have happened to an order."""
        with open_app(self.folder, self.environ) as engine:
            found = engine.store.events_of([key for key in engine.store.find_orders() if key.number == number])
        return {event.type for events in found.values() for event in events}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with aliexpress_server() as platform:
        folder = stage(tmp_path).folder
        (folder / "schedules.toml").write_text(HEAD, encoding="utf-8")
        path = folder / "messenger.toml"
        text = path.read_text(encoding="utf-8").replace('platform = "none"', 'platform = "aliexpress"')
        path.write_text(text + SOURCES.format(url=platform.url), encoding="utf-8")
        yield Home(folder, platform, {"AE_KEY": KEY, "AE_SECRET": SECRET, "AE_APP": f"{KEY}:{SECRET}"})


def now() -> datetime:
    return datetime.now(UTC)


def test_the_seller_is_led_to_the_page_that_lets_us_in(home: Home) -> None:
    result = home.say("aliexpress", "login", "toys")

    assert result.return_value == 0
    assert f"{home.platform.url}/oauth/authorize?response_type=code&client_id=12345678" in result.stdout
    assert "redirect_uri=https%3A%2F%2Ftoys.example%2Fback" in result.stdout
    assert "messenger aliexpress login toys --code" in result.stdout


def test_a_code_logs_in_and_a_poll_reads(home: Home) -> None:
    home.platform.put(an_order(ONE, at=now() - MINUTE))
    home.log_in()

    told = home.told("poll")

    assert (told["source"], told["problem"]) == ("ae", "")
    assert home.types(ONE) >= {"order.placed", "order.paid"}


def test_no_token_and_no_secret_is_shown(home: Home) -> None:
    home.log_in()
    shown = [home.say(*command).output for command in (
        ("aliexpress", "login", "toys"), ("poll",), ("poll", "--json"), ("intake", "sources"), ("check",), ("alerts",),
    )]  # fmt: skip

    assert not [one for one in shown if "at-1" in one or "rt-1" in one or SECRET in one]


def test_a_code_that_is_refused_changes_nothing(home: Home) -> None:
    result = home.say("aliexpress", "login", "toys", "--code", "0_wrong")

    assert result.return_value == 1
    assert "does not accept it: InvalidCode" in result.stderr
    assert home.told("poll")["problem"] == "nobody has logged in (messenger aliexpress login toys)"


@pytest.mark.parametrize(("options", "words"), [
    (("aliexpress", "login", "toy"), "there is no shop 'toy' with AliExpress (did you mean 'toys'?)"),
    (("aliexpress", "login", "toys", "--code", "https://toys.example/back"), "there is no code in this address"),
    (("poll", "a"), "there is no source 'a' that could be asked (did you mean 'ae'?)"),
])  # fmt: skip
def test_what_is_not_there_is_told(home: Home, options: tuple[str, ...], words: str) -> None:
    result = home.say(*options)

    assert words in str(result.exception)


def test_what_was_not_allowed_is_tried_again_when_somebody_says_so(home: Home) -> None:
    home.log_in()
    home.platform.refusals["aliexpress.trade.seller.orderlist.get"] = [refused(11, "Insufficient isv permissions")]
    assert home.say("poll").return_value == 1
    with open_app(home.folder, home.environ) as engine:
        assert [(one.kind, one.subject) for one in engine.store.alerts()] == [(AlertKind.ACCESS, "ae")]

    result = home.say("aliexpress", "again", "toys")
    assert result.stdout == "orders is tried again; last time it was: 11 Insufficient isv permissions\n"
    assert home.say("poll").return_value == 0
    assert home.say("aliexpress", "again", "toys").return_value == 1
    with open_app(home.folder, home.environ) as engine:
        assert engine.store.alerts() == []


def test_parcels_on_their_way_are_asked_about(home: Home) -> None:
    sent = now() - timedelta(days=5)
    home.platform.put(an_order(ONE, status="WAIT_BUYER_ACCEPT_GOODS", at=sent, gmt_send_goods_time=pacific(sent)))
    parcel = {"logistics_no": "LP1", "logistics_type_code": "CAINIAO_STANDARD", "gmt_send": pacific(sent)}
    home.platform.details[ONE] = {"logistic_info_list": {"x": [parcel]}, "receipt_address": {"country": "UK"}}
    line = {"event_date": f"{sent + timedelta(days=1):%Y-%m-%d} 10:00:00", "status": "LH_DEPART", "address": "Hangzhou"}
    home.platform.parcels["LP1"] = [line]
    home.log_in()

    home.say("poll")
    with open_app(
        home.folder, home.environ
    ) as engine:  # parcels are asked about once they are known, and an hour is over
        turn = engine.store.take_poll("ae", owner="me", now=now(), until=now(), is_asked=True)
        assert turn is not None
        engine.store.move_poll("ae", owner="me", cursor=_without_parcels(turn.cursor))
    home.say("poll")

    assert "shipment.departed_origin" in home.types(ONE)
    assert [form["to_area"] for name, form in home.platform.said if name.endswith("querytrackingresult")] == ["UK"]


def _without_parcels(cursor: str) -> str:
    told = orjson.loads(cursor)
    told["read"].pop("parcels", None)
    return orjson.dumps(told).decode()


def test_a_push_makes_its_order_be_read_at_once(home: Home) -> None:
    home.log_in()
    home.say("poll")
    home.platform.put(an_order(TWO, at=now() - timedelta(days=300)))
    body = orjson.dumps(
        {"seller_id": "1", "message_type": 53, "data": {"orderId": int(TWO)}, "timestamp": 1, "site": "ae_global"}
    )
    with open_app(home.folder, home.environ) as engine:
        engine.spool.keep(Delivery(source="push", id="d1", received_at=now(), body=body))
        assert engine.receive() == 1
        engine.polling.start_due()
        engine.polling.stop(wait=30)
        engine.ingest.take_in()

    assert "order.placed" in home.types(TWO)


def test_a_worker_reads_by_itself_and_ends_in_time(home: Home) -> None:
    home.platform.put(an_order(ONE, at=now() - MINUTE))
    home.log_in()
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home.folder), "run"], stderr=subprocess.PIPE, env=home.environ
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while not home.types(ONE) and time.monotonic() < deadline:
            assert process.poll() is None
            asyncio.run(asyncio.sleep(0.1))
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)

    assert home.types(ONE), told
    assert process.returncode == 0
