"""What eBay posts, on its whole way: its key is asked for, the notice is kept, and read; who closed the account is found among the buyers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient

from messenger.bootstrap.ebay_keys import public_key_of
from messenger.bootstrap.posted import hooks_of, inlets_of
from messenger.console import Desk, create_app
from messenger.console.posts import Posts
from messenger.errors import ConfigurationError, EventError, SourceAway, SourceShut
from messenger.platforms.ebay.deliveries import read
from messenger.platforms.ebay.keys import PublicKeys
from messenger.platforms.ebay.tokens import App, TokenDesk
from messenger.platforms.lines import Line
from messenger.ports import BuyerKey, OrderKey
from messenger.ports.deliveries import Delivery, DeliveryState, ForAPerson, NotForUs
from messenger.services.clocks import SetClock
from messenger.storage import SqlStore
from tests.platforms.ebay_server import KEY, SECRET, Ebay, ebay_server
from tests.stage import START, Stage, shipped, stage

PRIVATE = ec.derive_private_key(4712, ec.SECP256R1())
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()
SETTINGS = """
[transports.chat]
kind = "ebay"
shop = "toys"
app_key = "env:EBAY_KEY"
app_secret = "env:EBAY_SECRET"
url = "{url}"

[sources.ebay]
kind = "webhook"
scheme = "ebay"
secrets = "env:TOKEN"
shop = "toys"
"""


def notice(**who: str) -> bytes:
    told = {
        "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0", "deprecated": False},
        "notification": {
            "notificationId": f"n-{sorted(who.values())}", "eventDate": "2026-03-02T11:59:00.000Z", "publishAttemptCount": 1, "data": who,
        },
    }  # fmt: skip
    return json.dumps(told).encode()


@dataclass
class Shop:
    stage: Stage
    ebay: Ebay
    client: TestClient

    def post(self, body: bytes, *, key: str = "k-1") -> int:
        """The status with which a signed notice is answered."""
        signature = base64.b64encode(PRIVATE.sign(body, ec.ECDSA(SHA1()))).decode()  # noqa: S303  # what eBay uses
        header = json.dumps({"alg": "ecdsa", "kid": key, "signature": signature, "digest": "SHA1"}).encode()
        headers = {"X-EBAY-SIGNATURE": base64.b64encode(header).decode()}
        return self.client.post("/hooks/ebay", content=body, headers=headers).status_code

    def read(self) -> list[tuple[DeliveryState, str]]:
        """Read what was posted; what became of each notice."""
        self.stage.engine.receive()
        return [(one.state, one.note) for one in self.stage.engine.spool.listed()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = stage(tmp_path)
    opened.environ = {"EBAY_KEY": KEY, "EBAY_SECRET": SECRET, "TOKEN": "verification-token-0123456789abcdef"}
    ebay = Ebay(clock=opened.clock.now)
    ebay.public_keys["k-1"] = PEM.replace("\n", "")
    with ebay_server(ebay) as url:
        opened.settings(
            ('platform = "none"', 'platform = "ebay"'), ('{ email = "main" }', '{ platform = "chat" }'), more=SETTINGS.format(url=url),
        )  # fmt: skip
        opened.rules("")
        engine = opened.engine
        posts = Posts(
            hooks=lambda: hooks_of(engine.settings), inlets=lambda: inlets_of(engine.settings, engine.store), spool=engine.spool,
            clock=opened.clock, tokens=lambda: engine.settings.web.tokens, public_key=public_key_of(engine),
        )  # fmt: skip
        desk = Desk(
            store=engine.store, feedback=engine.feedback(), home=lambda: engine.home, mail_hooks=dict, posts=posts
        )
        with TestClient(create_app(desk)) as client:
            yield Shop(opened, ebay, client)
        opened.close()


@pytest.mark.parametrize("who", [{"username": "b8134", "userId": "other"}, {"username": "other", "userId": "b8134"}])
def test_somebody_who_bought_here_has_left_and_a_person_is_asked(shop: Shop, who: dict[str, str]) -> None:
    shop.stage.ingest(*shipped("8134"))

    assert shop.post(notice(**who)) == 200
    assert shop.read() == [
        (DeliveryState.PERSON, "a buyer closed the account at eBay: erase what is kept of order 8134")
    ]


def test_everybody_else_who_leaves_is_nobodys_business(shop: Shop) -> None:
    shop.stage.ingest(*shipped("8134"))
    for number in range(3):
        assert shop.post(notice(username=f"u{number}", userId=f"i{number}")) == 200

    assert {state for state, _ in shop.read()} == {DeliveryState.PROCESSED}
    assert sum(path.startswith("/commerce/notification") for _, _, path in shop.ebay.calls) == 1


def test_a_notice_with_another_signature_is_sent_again_by_ebay(shop: Shop) -> None:
    body = notice(username="b8134")
    header = json.dumps({"alg": "ecdsa", "kid": "k-1", "signature": "AAAA", "digest": "SHA1"}).encode()
    answer = shop.client.post(
        "/hooks/ebay", content=body, headers={"X-EBAY-SIGNATURE": base64.b64encode(header).decode()}
    )

    assert answer.status_code == 412
    assert shop.read() == []


def test_a_key_that_ebay_does_not_have_lets_nothing_in(shop: Shop) -> None:
    assert shop.post(notice(username="b8134"), key="made-up") == 503
    assert shop.read() == []
    shop.stage.at(START + timedelta(minutes=1))
    assert shop.post(notice(username="b8134")) == 200


def test_without_a_program_at_ebay_its_key_cannot_be_asked_for(shop: Shop) -> None:
    engine = shop.stage.engine
    find = public_key_of(engine)
    settings = engine.settings
    object.__setattr__(settings, "platforms", {})

    with pytest.raises(ConfigurationError, match="there is no transport with kind"):
        find("ebay", "k-1")


# --- the key ----------------------------------------------------------------------------------------------------------


@dataclass
class Desks:
    ebay: Ebay
    clock: SetClock
    keys: PublicKeys

    def lookups(self) -> int:
        return sum(path.startswith("/commerce/notification") for _, _, path in self.ebay.calls)


@pytest.fixture
def desks() -> Iterator[Desks]:
    clock = SetClock(START)
    ebay = Ebay(clock=clock.now)
    ebay.public_keys = {"k-1": PEM, "k-2": PEM}
    line = Line(timeout=5.0)
    with ebay_server(ebay) as url:
        desk = TokenDesk(
            http=line, app=App(key=lambda: KEY, secret=lambda: SECRET), clock=clock, account="ebay/toys", url=url
        )
        yield Desks(ebay, clock, PublicKeys(desk=desk))
    line.close()


def test_a_key_is_asked_for_once_an_hour(desks: Desks) -> None:
    assert [desks.keys.key("k-1") for _ in range(3)] == [PEM] * 3
    assert desks.lookups() == 1

    desks.clock.advance_to(START + timedelta(hours=1))
    desks.keys.key("k-1")
    assert desks.lookups() == 2


def test_names_that_are_made_up_do_not_use_up_our_calls(desks: Desks) -> None:
    for number in range(20):
        with pytest.raises(SourceAway):
            desks.keys.key(f"made-up-{number}")

    assert desks.lookups() == 1
    desks.clock.advance_to(START + timedelta(seconds=3))
    assert desks.keys.key("k-2") == PEM


def test_a_key_that_is_known_is_given_while_others_are_made_up(desks: Desks) -> None:
    desks.keys.key("k-1")
    with pytest.raises(SourceAway):
        desks.keys.key("made-up")

    assert desks.keys.key("k-1") == PEM


def test_the_programs_own_token_is_renewed(desks: Desks) -> None:
    desks.keys.key("k-1")
    desks.clock.advance_to(START + timedelta(hours=3))

    assert desks.keys.key("k-2") == PEM
    assert len(desks.ebay.access) == 2


@pytest.mark.parametrize("name", ["internal error, not taken", "too many calls", "an answer that is none"])
def test_ebay_cannot_give_a_key_now(desks: Desks, name: str) -> None:
    desks.ebay.reads_fail.append(name)

    with pytest.raises(SourceAway):
        desks.keys.key("k-1")


def test_a_program_that_ebay_does_not_know_gets_no_key(desks: Desks) -> None:
    desks.keys.desk = TokenDesk(
        http=desks.keys.desk.http, app=App(key=lambda: KEY, secret=lambda: "wrong"), clock=desks.clock, account="ebay/toys",
        url=desks.keys.desk.url,
    )  # fmt: skip

    with pytest.raises(SourceShut, match="client authentication failed"):
        desks.keys.key("k-1")


# --- reading ----------------------------------------------------------------------------------------------------------


def told(body: bytes, *orders: str) -> list[object]:
    delivery = Delivery(source="ebay", id="1", received_at=START, body=body)
    return list(read(delivery, orders_of=lambda _: orders))


def test_many_orders_of_one_buyer_are_counted() -> None:
    with pytest.raises(ForAPerson, match="orders 1, 2, 3, 4, 5 and 2 more"):
        told(notice(username="x"), *map(str, range(1, 8)))


@pytest.mark.parametrize("body", [b"", b"[]", notice(), b'{"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION"}}'])
def test_what_names_nobody_cannot_be_read(body: bytes) -> None:
    with pytest.raises(EventError):
        told(body)


@pytest.mark.parametrize(
    ("body", "topic"), [(b'{"metadata":{"topic":"NEW_MESSAGE"}}', "NEW_MESSAGE"), (b"{}", "no topic")]
)
def test_other_topics_are_kept_for_people(body: bytes, topic: str) -> None:
    with pytest.raises(NotForUs, match=topic):
        told(body)


# --- buyers across their orders ---------------------------------------------------------------------------------------


def test_the_orders_of_a_buyer_are_found(store: SqlStore) -> None:
    for number, shop, buyer in (
        ("1", "toys", "ana"),
        ("2", "toys", "ana"),
        ("3", "toys", "bob"),
        ("4", "games", "ana"),
    ):
        with store.begin() as unit:
            order = OrderKey(shop=shop, number=number)
            unit.lock(order)
            unit.describe(order, status="paid", buyer_key=f"id:{buyer}", email_key="", updated_at=START)

    found = store.orders_of([BuyerKey("toys", "id:ana"), BuyerKey("toys", "id:nobody")])

    assert [str(one) for one in found] == ["toys/1", "toys/2"]
    assert store.orders_of([]) == []
