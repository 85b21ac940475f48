"""17TRACK over real HTTP: numbers are registered once, what moves is read again, and every refusal has its outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from messenger.cli.main import main
from messenger.domain.events import ShipmentState
from messenger.domain.orders import Shipment
from messenger.errors import SourceAway, SourceShut
from messenger.platforms.lines import Line as HttpLine
from messenger.platforms.seventeentrack.client import Client, Moved
from messenger.platforms.seventeentrack.failures import CallFailed, Trouble
from messenger.platforms.seventeentrack.poll import SeventeenTrack, read_progress
from messenger.ports import OrderKey, Page, Rejected, Turn
from messenger.ports.deliveries import Delivery
from messenger.services.polling import Polling
from messenger.services.tracking import FreshParcels
from tests.builders import utc
from tests.platforms.seventeentrack_server import KEY, Track17, seventeentrack_server
from tests.stage import Stage, shipped, stage
from tests.unit.test_17track_deliveries import LINES, info

RULES = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


@dataclass
class Shop:
    """A shop whose parcels are looked for."""

    stage: Stage
    track: Track17
    poller: SeventeenTrack
    alarms: list[tuple[str, str]]

    def ship(self, *numbers: str) -> None:
        """Orders are shipped; a minute passes."""
        events = [one for number in numbers for one in shipped(number, at=f"{self.stage.clock.now():%Y-%m-%dT%H:%M}")]
        self.stage.ingest(*events)
        self.wait(2 * MINUTE)

    def wait(self, span: timedelta) -> None:
        self.stage.at(self.stage.clock.now() + span)

    def poll(self) -> None:
        """One turn of it, by a worker."""
        engine = self.stage.engine
        polling = Polling(
            store=engine.store, clock=self.stage.clock, ingest=engine.ingest, owner="w", pollers=lambda: [self.poller],
            chance=lambda: 0.0,
        )  # fmt: skip
        polling.run(self.poller, is_asked=True)
        engine.ingest.take_in()

    def pages(self, cursor: str = "") -> list[Page]:
        return list(self.poller.poll(Turn(cursor=cursor)))

    def registered(self) -> list[str]:
        return [one["number"] for path, asked in self.track.calls if path == "/register" for one in asked]

    def parcel(self, order: str) -> Shipment:
        key = OrderKey(shop="toys", number=order)
        found = self.stage.engine.home.order(self.stage.engine.store.events_of([key])[key])
        assert found is not None
        (parcel,) = found.shipments
        return parcel


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = stage(tmp_path)
    opened.rules(RULES)
    track = Track17(clock=opened.clock.now)
    alarms: list[tuple[str, str]] = []
    line = HttpLine(timeout=5.0)
    with seventeentrack_server(track) as url:
        fresh = FreshParcels(
            store=opened.engine.store, clock=opened.clock, home=lambda: opened.engine.home, shop="toys"
        )
        poller = SeventeenTrack(
            name="tracking", shop="toys", every=HALF_AN_HOUR, source="17track/toys", client=Client(http=line, key=lambda: KEY, url=url),
            clock=opened.clock, fresh=fresh.after, alarm=lambda door, problem: alarms.append((door, problem)),
        )  # fmt: skip
        yield Shop(opened, track, poller, alarms)
    line.close()
    opened.close()


# --- registering ------------------------------------------------------------------------------------------------------


def test_a_parcel_is_registered_under_its_shop_and_order(shop: Shop) -> None:
    shop.ship("8134")
    shop.poll()

    assert [(one.number, one.tag) for one in shop.track.numbers.values()] == [("RR8134", "toys/8134")]


def test_a_parcel_is_registered_once(shop: Shop) -> None:
    shop.ship("8134")
    for _ in range(3):
        shop.poll()
        shop.wait(HALF_AN_HOUR)

    assert shop.registered() == ["RR8134"]


def test_a_turn_that_was_lost_registers_again_and_that_costs_nothing(shop: Shop) -> None:
    shop.ship("8134")
    shop.pages()
    pages = shop.pages()

    assert shop.registered() == ["RR8134", "RR8134"]
    assert shop.track.quota_used == 1
    assert [line for page in pages for line in page.lines] == []


def test_forty_numbers_go_in_one_call(shop: Shop) -> None:
    shop.ship(*(f"n{number:03}" for number in range(95)))
    shop.poll()

    sizes = [len(asked) for path, asked in shop.track.calls if path == "/register"]
    assert max(sizes) <= 40
    assert len(shop.track.numbers) == 95


def test_what_has_arrived_or_was_forgotten_costs_nothing(shop: Shop) -> None:
    old = shipped("old", at="2025-11-02T10:00")
    shop.stage.ingest(*old)
    shop.stage.rules(RULES)
    shop.ship("new")
    shop.poll()

    assert shop.registered() == ["RRnew"]


def test_what_came_a_moment_ago_is_registered_the_next_time(shop: Shop) -> None:
    shop.stage.ingest(*shipped("8134", at="2026-03-02T12:00"))
    shop.poll()
    assert shop.registered() == []

    shop.wait(2 * MINUTE)
    shop.poll()
    assert shop.registered() == ["RR8134"]


def test_a_number_that_cannot_be_one_is_told_and_not_sent(shop: Shop) -> None:
    shop.ship("a_b", "8134")

    lines = [line for page in shop.pages() for line in page.lines]

    assert [str(line) for line in lines] == ["tracking:1: RRa_b: 17TRACK takes 5 to 50 letters, digits and hyphens"]
    assert shop.registered() == ["RR8134"]


@pytest.mark.parametrize("code", [-18019903, -18019910, -18010012, -18010013, -18019805])
def test_a_number_that_is_not_taken_is_told_to_people_and_the_others_are(shop: Shop, code: int) -> None:
    shop.track.refused["RR101"] = code
    shop.ship("101", "8134")

    lines = [line for page in shop.pages() for line in page.lines]

    assert [type(line) for line in lines] == [Rejected]
    assert f"RR101: 17TRACK does not look for it: {code}: reason {code}" in str(lines[0])
    assert "RR8134" in shop.track.numbers


def test_a_quota_that_is_used_up_is_told_and_what_moves_is_read_all_the_same(shop: Shop) -> None:
    shop.ship("101")
    shop.poll()
    shop.track.quota_total = 1
    shop.ship("102")
    shop.track.move("RR101", info(LINES[4]))
    shop.poll()

    assert shop.alarms[-1][0] == "registration"
    assert "the quota of 17TRACK is used up (-18019908" in shop.alarms[-1][1]
    assert shop.parcel("101").state is ShipmentState.DEPARTED_ORIGIN
    calls = len(shop.registered())
    shop.poll()
    assert len(shop.registered()) == calls  # not before tomorrow

    shop.track.quota_total = 10
    shop.wait(DAY)
    shop.poll()
    assert "RR102" in shop.track.numbers
    assert shop.alarms[-1] == ("registration", "")


def test_a_daily_limit_waits_for_the_next_day(shop: Shop) -> None:
    shop.track.most_a_day = 0
    shop.ship("101")
    (page, *_) = shop.pages()

    assert read_progress(page.cursor).not_before == utc("2026-03-03T00:00")
    assert read_progress(page.cursor).mark == 0
    assert [problem for _, problem in shop.alarms if problem] == []


# --- what moves -------------------------------------------------------------------------------------------------------


def test_what_moved_becomes_what_the_order_knows(shop: Shop) -> None:
    shop.ship("8134")
    shop.poll()
    shop.wait(HALF_AN_HOUR)
    shop.track.move("RR8134", info(*LINES[3:], misc_info={"local_number": "PK9ES", "local_provider": "Correos"}))
    shop.wait(timedelta(days=8))
    shop.poll()

    parcel = shop.parcel("8134")
    assert (parcel.state, parcel.state_since) == (ShipmentState.ARRIVED_DESTINATION, utc("2026-03-06T06:00"))
    assert parcel.last_mile is not None
    assert parcel.last_mile.number == "PK9ES"


def test_what_was_read_before_changes_nothing_when_it_is_read_again(shop: Shop) -> None:
    shop.ship("8134")
    shop.poll()
    shop.track.move("RR8134", info(*LINES[3:]))
    shop.wait(timedelta(days=5))
    shop.track.move("RR8134", info(*LINES[3:]))
    shop.poll()
    key = OrderKey(shop="toys", number="8134")
    before = shop.stage.engine.store.events_of([key])[key]

    shop.track.move("RR8134", info(*LINES[3:]))
    shop.poll()

    assert shop.stage.engine.store.events_of([key])[key] == before


def test_only_what_moved_since_the_last_time_is_read(shop: Shop) -> None:
    shop.ship("101", "102")
    shop.poll()
    shop.track.move("RR101", info(LINES[7]))
    for _ in range(2):
        shop.wait(2 * HALF_AN_HOUR)
        shop.poll()
    shop.track.move("RR102", info(LINES[7]))
    shop.track.calls.clear()
    shop.poll()

    read = [one["number"] for path, asked in shop.track.calls if path == "/gettrackinfo" for one in asked]
    assert read == ["RR102"]


def test_parcels_of_other_shops_are_left_alone(shop: Shop) -> None:
    shop.track.register([{"number": "RRother", "tag": "games/1"}, {"number": "RRmine", "tag": "toys/1"}])
    shop.track.move("RRother", info(LINES[4]))
    shop.track.move("RRmine", info(LINES[4]))

    lines = [line for page in shop.pages() for line in page.lines]

    assert any("RRmine" in str(line) for line in lines)
    assert not any("RRother" in str(line) for line in lines)


def test_many_pages_of_numbers_are_read_to_their_end(shop: Shop) -> None:
    shop.track.quota_total = 1000
    numbers = [f"RR{number:04}" for number in range(130)]
    shop.track.register([{"number": one, "tag": f"toys/{one}"} for one in numbers])
    for one in numbers:
        shop.track.move(one, info(LINES[7]))

    shop.pages()

    read = [one["number"] for path, asked in shop.track.calls if path == "/gettrackinfo" for one in asked]
    assert sorted(read) == numbers
    assert max(len(asked) for path, asked in shop.track.calls if path == "/gettrackinfo") == 40


def test_a_page_that_repeats_comes_to_an_end(shop: Shop) -> None:
    shop.track.quota_total = 1000
    shop.track.register([{"number": f"RR{number:04}", "tag": ""} for number in range(60)])
    for one in list(shop.track.numbers):
        shop.track.move(one, info(LINES[7]))
    shop.track.repeats_pages = True

    shop.pages()

    assert sum(path == "/gettracklist" for path, _ in shop.track.calls) == 2


def test_an_event_that_cannot_be_taken_in_does_not_stop_the_others(shop: Shop) -> None:
    shop.ship("101", "102")
    shop.poll()
    shop.track.move("RR101", info(("2026-03-02T06:00:00Z", "PickedUp", "InTransit_PickedUp", "x" * 20_000)))
    shop.track.move("RR102", info(LINES[4]))
    shop.poll()

    assert shop.parcel("102").state is ShipmentState.DEPARTED_ORIGIN


def test_what_was_posted_and_is_read_again_later_is_one_fact(shop: Shop) -> None:
    shop.ship("8134")
    shop.poll()
    moved = info(*LINES[4:])
    data = {"number": "RR8134", "carrier": 3011, "param": None, "tag": "toys/8134", "track_info": moved}
    body = json.dumps({"event": "TRACKING_UPDATED", "data": data}).encode()
    shop.wait(timedelta(days=5))
    shop.stage.settings(
        more='[sources.hook]\nkind = "webhook"\nscheme = "17track"\nsecrets = "env:KEY"\nshop = "toys"\n'
    )
    engine = shop.stage.engine
    engine.spool.keep(Delivery(source="hook", id="d1", received_at=shop.stage.clock.now(), body=body))
    assert engine.receive() == 1
    engine.ingest.take_in()
    key = OrderKey(shop="toys", number="8134")
    posted = engine.store.events_of([key])[key]

    shop.track.move("RR8134", moved)
    shop.poller.fresh = lambda mark: ([], mark)
    shop.poll()

    assert shop.parcel("8134").state is ShipmentState.DEPARTED_ORIGIN
    assert engine.store.events_of([key])[key] == posted


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, -18010001, SourceShut), (200, -18010002, SourceShut), (200, -18010004, SourceShut), (200, -18010005, SourceShut),
        (200, -18010003, SourceAway), (200, -18019815, SourceAway), (200, -18010014, SourceAway), (200, -18019908, SourceShut),
        (401, 0, SourceShut), (404, 0, SourceShut), (429, 0, SourceAway), (500, 0, SourceAway), (503, 0, SourceAway),
        (401, -18010002, SourceShut), (500, -18010003, SourceAway),
    ],
)  # fmt: skip
def test_a_refusal_as_a_whole_ends_the_turn(shop: Shop, status: int, code: int, expected: type[Exception]) -> None:
    shop.track.fails.append((status, code))

    with pytest.raises(expected, match="17TRACK"):
        shop.pages()


def test_a_wrong_key_shows_itself_and_not_the_key(shop: Shop) -> None:
    shop.poller.client = Client(http=shop.poller.client.http, key=lambda: "wrong-key-1", url=shop.poller.client.url)

    with pytest.raises(SourceShut) as raised:
        shop.pages()

    assert "-18010002" in str(raised.value)
    assert "wrong-key-1" not in f"{raised.value} {shop.poller.client!r}"


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"code":0', b'{"data":{}}'])
def test_an_answer_that_is_none_ends_the_turn_for_now(shop: Shop, raw: bytes) -> None:
    shop.track.raw.append(raw)

    with pytest.raises((SourceAway, SourceShut)):
        shop.pages()


def test_a_server_that_is_not_there_ends_the_turn_for_now(shop: Shop) -> None:
    shop.poller.client = Client(http=shop.poller.client.http, key=lambda: KEY, url="http://127.0.0.1:9")

    with pytest.raises(SourceAway, match="cannot be reached"):
        shop.pages()


def test_a_carrier_that_fails_for_one_number_ends_the_turn_before_it_counts_as_registered(shop: Shop) -> None:
    shop.track.refused["RR101"] = -18019816
    shop.ship("101")

    with pytest.raises(SourceAway, match="-18019816"):
        shop.pages()


def test_the_quota_can_be_asked_for(shop: Shop) -> None:
    shop.track.quota_used = 7

    found = shop.poller.client.quota()

    assert (found.total, found.used, found.left) == (100, 7, 93)


def test_a_number_that_was_never_registered_is_not_read(shop: Shop) -> None:
    found: list[Any] = list(shop.poller.client.read([Moved(number="RR101", carrier="", tag="", at=None)]))

    assert found == []


def test_three_calls_a_second_are_asked_for(shop: Shop) -> None:
    paced: list[int] = []
    client = Client(
        http=shop.poller.client.http, key=lambda: KEY, url=shop.poller.client.url, pace=lambda: paced.append(1)
    )

    client.quota()
    client.register([("RR123", "toys/1")])

    assert len(paced) == 2


def test_a_call_that_failed_says_its_code() -> None:
    assert str(CallFailed(Trouble.QUOTA, "no more", code=-18019908)) == "-18019908: no more"
    assert str(CallFailed(Trouble.PASSING, "no answer")) == "no answer"


# --- the whole program ------------------------------------------------------------------------------------------------

SETTINGS = """
[sources.tracking]
kind = "17track"
shop = "toys"
key = "env:TRACK17_KEY"
url = "{url}"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stage, Track17]]:
    monkeypatch.setenv("TRACK17_KEY", KEY)
    opened = stage(tmp_path)
    opened.environ = {"TRACK17_KEY": KEY}
    track = Track17(clock=opened.clock.now)
    with seventeentrack_server(track) as url:
        opened.settings(more=SETTINGS.format(url=url))
        opened.rules(RULES)
        yield opened, track
        opened.close()


def test_a_worker_registers_parcels_and_reads_what_moved(home: tuple[Stage, Track17]) -> None:
    shop, track = home
    shop.ingest(*shipped("8134", at="2026-03-02T11:00"))
    shop.at("2026-03-02T12:10")
    polling = shop.engine.polling
    (poller,) = polling.pollers()
    polling.run(poller, is_asked=True)
    track.move("RR8134", info(*LINES[4:]))
    shop.at("2026-03-05T12:00")
    polling.run(poller, is_asked=True)
    shop.engine.ingest.take_in()

    assert track.numbers["RR8134"].tag == "toys/8134"
    key = OrderKey(shop="toys", number="8134")
    order = shop.engine.home.order(shop.engine.store.events_of([key])[key])
    assert order is not None
    assert order.shipments[0].state is ShipmentState.DEPARTED_ORIGIN
    assert shop.engine.store.heard()["tracking"] == utc("2026-03-05T12:00")


@pytest.mark.parametrize(
    ("quota", "key", "health", "words"),
    [
        (100, KEY, "fine", "17TRACK lets us in; 93 of 100 numbers are left"),
        (7, KEY, "wrong", "17TRACK lets us in; 0 of 7 numbers are left"),
        (100, "wrong", "wrong", "17TRACK does not let us in: -18010002"),
    ],
)
def test_the_doctor_asks_for_the_quota(
    home: tuple[Stage, Track17], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], quota: int, key: str,
    health: str, words: str,
) -> None:  # fmt: skip
    shop, track = home
    track.quota_total, track.quota_used = quota, 7
    monkeypatch.setenv("TRACK17_KEY", key)
    shop.close()
    with pytest.raises(SystemExit):
        main(["--home", str(shop.folder), "doctor", "--json"])

    found = [one for one in json.loads(capsys.readouterr().out) if one["name"] == "tracking"]
    assert [one["kind"] for one in found] == ["17track", "17track"]
    assert (found[-1]["health"], found[-1]["words"].startswith(words)) == (health, True)
