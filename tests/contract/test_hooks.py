"""``/hooks/…`` and ``/api/v1/events`` as senders meet them: verified, kept, answered; whoever cannot show who he is hears nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient

from messenger.bootstrap.posted import hooks_of, inlets_of
from messenger.console import Desk, create_app
from messenger.console.posts import LARGEST, Limits, Posts
from messenger.domain.pacing import Rate
from messenger.errors import StorageError
from messenger.intake.standard import signature_of
from messenger.ports.deliveries import Delivery, DeliveryState, KeptDelivery
from messenger.services.receiving import API
from tests.stage import HEAD, START, Stage
from tests.stage import stage as a_stage

KEY = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OLD_KEY = "whsec_" + base64.b64encode(bytes(range(40, 64))).decode()
EVENT = {
    "specversion": "1.0", "id": "e-1", "source": "erp", "type": "order.paid", "time": "2026-03-02T10:00:00Z", "subject": "1",
    "data": {},
}  # fmt: skip
BODY = json.dumps(EVENT).encode()
EBAY_KEY = ec.derive_private_key(4711, ec.SECP256R1())
EBAY_PEM = EBAY_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SECRETS = {
    "ERP": KEY, "ERP_OLD": OLD_KEY, "PLAIN": "s3cret", "ALI": "12345678:helloworld", "EBAY": "verification-token-0123456789abcdef",
    "TOKEN": "a-token-of-a-program",
}  # fmt: skip
SOURCES = "".join(
    f'\n[sources.{name}]\nkind = "webhook"\nscheme = "{scheme}"\nsecrets = [{", ".join(map(json.dumps, secrets))}]\nshop = "toys"\n'
    for name, scheme, secrets in (
        ("erp", "standard", ["env:ERP", "env:ERP_OLD"]), ("shopify", "shopify", ["env:PLAIN"]), ("woo", "woocommerce", ["env:PLAIN"]),
        ("tracker", "17track", ["env:PLAIN"]), ("aftership", "aftership", ["env:PLAIN"]), ("push", "aliexpress", ["env:ALI"]),
        ("spi", "top", ["env:ALI"]), ("ebay", "ebay", ["env:EBAY"]), ("unset", "standard", ["env:NOBODY_SET_THIS"]),
    )
)  # fmt: skip


@dataclass
class Web:
    """A console on a stage, with what it has kept."""

    stage: Stage
    client: TestClient
    seconds: list[float]

    def kept(self) -> list[KeptDelivery]:
        return list(self.stage.engine.spool.listed())

    def names(self) -> list[tuple[str, str]]:
        return [(one.delivery.source, one.delivery.id) for one in self.kept()]

    def post(self, path: str, body: bytes = BODY, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        return self.client.post(path, content=body, headers=dict(headers or {}))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = a_stage(tmp_path_factory.mktemp("hooks"))
    made.environ = SECRETS
    (made.folder / "schedules.toml").write_text(HEAD, encoding="utf-8")
    made.settings(more=SOURCES + '\n[web]\npublic_url = "https://care.example"\ntokens = ["env:TOKEN"]\n')
    yield made
    made.close()


@pytest.fixture
def web(shop: Stage) -> Iterator[Web]:
    engine, seconds, settings = shop.engine, [0.0], shop.engine.settings
    posts = Posts(
        hooks=lambda: hooks_of(engine.settings), inlets=lambda: inlets_of(engine.settings), spool=engine.spool, clock=shop.clock,
        tokens=lambda: engine.settings.web.tokens, public_url=lambda: engine.settings.web.public_url,
        public_key=lambda source, kid: {("ebay", "k-1"): EBAY_PEM}.get((source, kid), ""), limits=Limits(lambda: seconds[0]),
    )  # fmt: skip
    desk = Desk(store=engine.store, feedback=engine.feedback(), home=lambda: engine.home, mail_hooks=dict, posts=posts)
    with TestClient(create_app(desk)) as client:
        yield Web(shop, client, seconds)
    engine.settings = settings
    engine.spool.forget(before=START + timedelta(days=1), states=frozenset(DeliveryState), limit=100)


def standard(
    body: bytes = BODY, *, id_: str = "msg_1", key: str = KEY, age: float = 0, kind: str = ""
) -> dict[str, str]:
    at = START - timedelta(seconds=age)
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature_of(id_, at, body, key),
    }
    return headers | ({"content-type": kind} if kind else {"content-type": "application/cloudevents+json"})


def mac(body: bytes) -> str:
    return base64.b64encode(hmac.digest(b"s3cret", body, "sha256")).decode()


def ebay(body: bytes) -> str:
    signature = base64.b64encode(EBAY_KEY.sign(body, ec.ECDSA(SHA1()))).decode()  # noqa: S303  # what eBay uses
    return base64.b64encode(
        json.dumps({"alg": "ecdsa", "kid": "k-1", "signature": signature, "digest": "SHA1"}).encode()
    ).decode()


def top(body: bytes) -> str:
    chain = "app_key12345678methoddemo.notifysign_methodmd5timestamp2026-03-02 20:00:00"
    sign = hashlib.md5(b"helloworld" + chain.encode() + body + b"helloworld", usedforsecurity=False).hexdigest().upper()
    return f"/hooks/spi?app_key=12345678&method=demo.notify&sign_method=md5&timestamp=2026-03-02+20:00:00&sign={sign}"


SENDERS: dict[str, Callable[[bytes], tuple[str, dict[str, str]]]] = {
    "standard": lambda body: ("/hooks/erp", standard(body)),
    "shopify": lambda body: ("/hooks/shopify", {"X-Shopify-Hmac-Sha256": mac(body), "X-Shopify-Topic": "orders/paid"}),
    "woocommerce": lambda body: ("/hooks/woo", {"X-WC-Webhook-Signature": mac(body), "X-WC-Webhook-Topic": "order.updated"}),
    "17track": lambda body: ("/hooks/tracker", {"sign": hashlib.sha256(body + b"/s3cret").hexdigest()}),
    "aftership": lambda body: ("/hooks/aftership", {"aftership-hmac-sha256": mac(body)}),
    "aliexpress": lambda body: (
        "/hooks/push", {"Authorization": hmac.new(b"helloworld", b"12345678" + body, "sha256").hexdigest()}),
    "top": lambda body: (top(body), {}),
    "ebay": lambda body: ("/hooks/ebay", {"X-EBAY-SIGNATURE": ebay(body)}),
}  # fmt: skip
every_sender = pytest.mark.parametrize("sender", SENDERS)


@every_sender
def test_what_is_signed_is_kept_as_it_came(web: Web, sender: str) -> None:
    body = '{"note": "Ёжик", "big": 1105933950463697}\n'.encode()
    path, headers = SENDERS[sender](body)

    answer = web.post(path, body, headers)

    assert (answer.status_code, answer.text) == (200, "kept\n")
    (kept,) = web.kept()
    assert (kept.delivery.body, kept.delivery.received_at) == (body, START)


@every_sender
def test_the_same_again_is_answered_and_kept_once(web: Web, sender: str) -> None:
    path, headers = SENDERS[sender](BODY)
    web.post(path, BODY, headers)

    again = web.post(path, BODY, headers)

    assert (again.status_code, again.text) == (200, "known\n")
    assert len(web.kept()) == 1


@every_sender
@pytest.mark.parametrize("change", [
    pytest.param(lambda body, _: (body + b" ", None), id="another body"),
    pytest.param(lambda *_: (b"", None), id="no body"),
    pytest.param(lambda body, _: (body, {}), id="no signature"),
])  # fmt: skip
def test_what_is_not_signed_is_refused_and_not_kept(
    web: Web, sender: str, change: Callable[[bytes, Mapping[str, str]], tuple[bytes, Mapping[str, str] | None]]
) -> None:
    path, headers = SENDERS[sender](BODY)
    body, others = change(BODY, headers)

    answer = web.post(
        path.partition("&sign=")[0] if others == {} else path, body, headers if others is None else others
    )

    assert answer.status_code == (412 if sender == "ebay" else 401)
    assert web.kept() == []


def test_who_is_refused_learns_nothing_not_even_which_sources_there_are(web: Web) -> None:
    wrong = web.post("/hooks/erp", BODY, standard() | {"webhook-id": "other"})
    stale = web.post("/hooks/erp", BODY, standard(age=301))
    strange = web.post("/hooks/nobody", BODY, standard())

    answers = {(one.status_code, one.text) for one in (wrong, stale, strange)}
    assert answers == {(401, "who are you?\n")}


@pytest.mark.parametrize(("key", "age", "status"), [
    pytest.param(KEY, 299, 200, id="late, and in time"), pytest.param(KEY, -299, 200, id="its clock is ahead"),
    pytest.param(OLD_KEY, 0, 200, id="the key before the last"), pytest.param(KEY, -301, 401, id="from the future"),
])  # fmt: skip
def test_keys_rotate_and_clocks_differ(web: Web, key: str, age: float, status: int) -> None:
    assert web.post("/hooks/erp", BODY, standard(key=key, age=age)).status_code == status


def test_the_same_name_with_other_content_stays_beside_the_first(web: Web) -> None:
    other = BODY.replace(b"order.paid", b"order.shipped")
    web.post("/hooks/erp", BODY, standard())

    answer = web.post("/hooks/erp", other, standard(other))

    assert (answer.status_code, answer.text) == (200, "known\n")
    assert [(one.state, one.delivery.body) for one in web.kept()] == [("received", BODY), ("conflict", other)]


def test_nothing_that_lets_anybody_in_is_kept(web: Web) -> None:
    more = {
        "authorization": "Bearer x",
        "cookie": "session=1",
        "x-forwarded-for": "203.0.113.7",
        "ce-type": "order.paid",
    }
    web.post("/hooks/erp", BODY, standard() | more)
    web.post("/hooks/shopify", BODY, SENDERS["shopify"](BODY)[1])

    first, second = (set(one.delivery.headers) for one in web.kept())
    assert first - {"user-agent"} == {"content-type", "webhook-id", "webhook-timestamp", "ce-type"}
    assert second - {"user-agent"} == {"x-shopify-topic"}


# --- sizes and forms ------------------------------------------------------------------------------------------------


def test_up_to_a_mebibyte_is_taken_and_no_byte_more(web: Web) -> None:
    for size, status in ((LARGEST, 200), (LARGEST + 1, 413)):
        body = b"x" * size
        assert web.post("/hooks/shopify", body, {"X-Shopify-Hmac-Sha256": mac(body)}).status_code == status
    assert len(web.kept()) == 1


def test_a_body_that_comes_in_pieces_is_counted_and_verified_as_a_whole(web: Web) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 1000

    whole = b"x" * 5000
    fits = web.client.post("/hooks/shopify", content=pieces(5), headers={"X-Shopify-Hmac-Sha256": mac(whole)})
    too_much = web.client.post("/hooks/shopify", content=pieces(1100), headers={"X-Shopify-Hmac-Sha256": mac(whole)})

    assert (fits.status_code, too_much.status_code) == (200, 413)
    assert [one.delivery.body for one in web.kept()] == [whole]


@pytest.mark.parametrize("path", ["/hooks/shopify", "/api/v1/events"])
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_a_packed_body_is_refused_before_anybody_unpacks_it(web: Web, path: str, coding: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    headers = {
        "Content-Encoding": coding,
        "X-Shopify-Hmac-Sha256": mac(bomb),
        "Authorization": "Bearer a-token-of-a-program",
    }

    assert web.post(path, bomb, headers).status_code == 415
    assert web.kept() == []


def test_what_is_broken_inside_is_kept_all_the_same_since_its_sender_is_known(web: Web) -> None:
    deep = b'{"a":' * 100 + b"1" + b"}" * 100

    assert web.post("/hooks/shopify", deep, SENDERS["shopify"](deep)[1]).status_code == 200
    assert web.kept()[0].delivery.body == deep


# --- how much, and trouble of our own --------------------------------------------------------------------------------


def test_each_source_has_its_rate(web: Web) -> None:
    limits, rate = Limits(lambda: web.seconds[0]), Rate(3, timedelta(seconds=1))

    assert [limits.is_within("a", rate) for _ in range(4)] == [True, True, True, False]
    assert limits.is_within("b", rate)
    web.seconds[0] = 0.34
    assert [limits.is_within("a", rate) for _ in range(2)] == [True, False]
    web.seconds[0] = 60
    assert [limits.is_within("a", rate) for _ in range(4)] == [True, True, True, False]


def test_who_posts_more_is_asked_to_come_later(tmp_path: Path, web: Web) -> None:
    web.stage.engine.settings = replace(
        web.stage.engine.settings,
        sources={"erp": replace(hooks_of(web.stage.engine.settings)["erp"], rate=Rate(2, timedelta(minutes=1)))},
    )
    answers = [web.post("/hooks/erp", BODY, standard(id_=f"m-{number}")) for number in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"
    web.seconds[0] = 60
    assert web.post("/hooks/erp", BODY, standard(id_="m-9")).status_code == 200


def test_who_is_not_known_uses_up_nobodys_rate(web: Web) -> None:
    for _ in range(20):
        web.post("/hooks/erp", BODY, standard(key=OLD_KEY) | {"webhook-id": "other"})

    assert web.post("/hooks/erp", BODY, standard()).status_code == 200


@dataclass
class FullDisk:
    """A spool that cannot be written."""

    tried: list[Delivery] = field(default_factory=list)

    def keep(self, delivery: Delivery) -> bool:
        self.tried.append(delivery)
        raise StorageError("the disk is full")


@pytest.mark.parametrize(("path", "headers"), [
    ("/hooks/erp", standard()), ("/api/v1/events", {"Authorization": "Bearer " + KEY}),
])  # fmt: skip
def test_what_cannot_be_kept_is_not_acknowledged(web: Web, path: str, headers: dict[str, str]) -> None:
    engine, spool = web.stage.engine, FullDisk()
    posts = Posts(
        hooks=lambda: hooks_of(engine.settings), inlets=lambda: inlets_of(engine.settings), tokens=list, clock=web.stage.clock,
        spool=spool,  # type: ignore[arg-type]  # all that is asked of it
    )  # fmt: skip
    desk = Desk(store=engine.store, feedback=engine.feedback(), home=lambda: engine.home, mail_hooks=dict, posts=posts)

    answer = TestClient(create_app(desk)).post(path, content=BODY, headers=headers)

    assert (answer.status_code, answer.headers["retry-after"], len(spool.tried)) == (503, "60", 1)


def test_a_secret_of_ours_that_is_not_set_is_our_mistake(web: Web) -> None:
    answer = web.post("/hooks/unset", BODY, standard())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert "NOBODY_SET_THIS" not in answer.text


def test_a_key_of_ebay_that_cannot_be_looked_up_is_no_refusal(web: Web) -> None:
    envelope = base64.b64encode(json.dumps({"alg": "ecdsa", "kid": "k-2", "signature": "AAAA"}).encode()).decode()

    assert web.post("/hooks/ebay", BODY, {"X-EBAY-SIGNATURE": envelope}).status_code == 503


# --- before anybody posts --------------------------------------------------------------------------------------------


def test_ebay_is_told_that_the_address_is_ours(web: Web) -> None:
    answer = web.client.get("/hooks/ebay", params={"challenge_code": "a8628072"})

    expected = hashlib.sha256(b"a8628072verification-token-0123456789abcdefhttps://care.example/hooks/ebay").hexdigest()
    assert (answer.status_code, answer.json()) == (200, {"challengeResponse": expected})
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    "path",
    ["/hooks/ebay", "/hooks/erp?challenge_code=x", "/hooks/nobody?challenge_code=x", "/hooks/ebay?challenge_code="],
)
def test_nothing_else_can_be_read(web: Web, path: str) -> None:
    assert web.client.get(path).status_code == 404


def test_woocommerce_asks_whether_anybody_is_there(web: Web) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    assert web.post("/hooks/woo", b"webhook_id=7", form).status_code == 200
    assert web.post("/hooks/woo", b"webhook_id=7&x=1", form).status_code == 401
    assert web.post("/hooks/erp", b"webhook_id=7", form).status_code == 401
    assert web.kept() == []


@pytest.mark.parametrize(
    ("asked", "allowed"), [("120", "120"), ("1000000", "6000"), ("0", "1"), ("many", "6000"), ("", "6000")]
)
@pytest.mark.parametrize("path", ["/hooks/erp", "/hooks/nobody", "/api/v1/events"])
def test_a_sender_of_cloudevents_may_ask_first(web: Web, path: str, asked: str, allowed: str) -> None:
    answer = web.client.options(path, headers={"WebHook-Request-Origin": "erp.example", "WebHook-Request-Rate": asked})

    assert (answer.status_code, answer.headers["allow"]) == (200, "POST, OPTIONS")
    assert (answer.headers["webhook-allowed-origin"], answer.headers["webhook-allowed-rate"]) == (
        "erp.example",
        allowed,
    )


@pytest.mark.parametrize("headers", [{}, {"WebHook-Request-Origin": "a b"}, {"WebHook-Request-Origin": "<script>"}])
def test_who_does_not_say_who_asks_is_agreed_to_nothing(web: Web, headers: dict[str, str]) -> None:
    assert "webhook-allowed-origin" not in web.client.options("/hooks/erp", headers=headers).headers


# --- POST /api/v1/events ---------------------------------------------------------------------------------------------

BEARER = {"Authorization": "Bearer a-token-of-a-program"}
STRUCTURED, BATCH = (
    {"content-type": "application/cloudevents+json"},
    {"content-type": "application/cloudevents-batch+json"},
)
OF_TOYS = EVENT | {"data": {"shop": "toys"}}


def events(web: Web, body: object, headers: Mapping[str, str] = BEARER | STRUCTURED) -> httpx2.Response:
    return web.post("/api/v1/events", body if isinstance(body, bytes) else json.dumps(body).encode(), headers)


@pytest.mark.parametrize(("headers", "body", "source"), [
    pytest.param(BEARER | STRUCTURED, OF_TOYS, API, id="one event, with a token of a program"),
    pytest.param(BEARER | BATCH, [OF_TOYS, OF_TOYS | {"id": "e-2"}], API, id="a batch"),
    pytest.param(BEARER | {"content-type": "application/json"}, OF_TOYS, API, id="plain JSON, one event"),
    pytest.param(BEARER | {"content-type": "application/json"}, [OF_TOYS], API, id="plain JSON, a list"),
    pytest.param({"Authorization": f"bearer {OLD_KEY}"} | STRUCTURED, EVENT, "erp", id="the secret of a source as a token"),
    pytest.param(standard(), EVENT, "erp", id="signed by a source"),
    pytest.param(
        BEARER | {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "erp", "ce-type": "order.paid",
                  "ce-time": "2026-03-02T10:00:00Z", "ce-subject": "1"}, {"shop": "toys"}, API, id="binary"),
])  # fmt: skip
def test_events_are_kept_and_taken_in(web: Web, headers: dict[str, str], body: object, source: str) -> None:
    answer = events(web, body, headers)

    count = len(body) if isinstance(body, list) else 1
    assert (answer.status_code, answer.json()) == (202, {"events": count, "known": False})
    assert [one.delivery.source for one in web.kept()] == [source]
    assert "authorization" not in web.kept()[0].delivery.headers
    web.stage.engine.receive()
    web.stage.engine.ingest.take_in()
    assert [one.state for one in web.kept()] == ["processed"]
    assert [str(one) for one in web.stage.engine.store.find_orders()] == ["toys/1"]


def test_the_same_events_again_are_known(web: Web) -> None:
    events(web, OF_TOYS)
    again = events(web, OF_TOYS)

    assert (again.status_code, again.json()) == (200, {"events": 1, "known": True})
    other = BEARER | {
        "ce-specversion": "1.0",
        "ce-source": "erp",
        "ce-type": "order.paid",
        "ce-time": "2026-03-02T10:00:00Z",
        "ce-subject": "1",
    }
    assert [events(web, {"shop": "toys"}, other | {"ce-id": id_}).status_code for id_ in ("a", "b", "a")] == [
        202,
        202,
        200,
    ]


def test_each_mistake_is_told_and_then_nothing_is_kept(web: Web) -> None:
    batch = [
        OF_TOYS, OF_TOYS | {"id": "e-2", "subject": 8134}, OF_TOYS | {"data": {"shop": "cars"}}, EVENT, 7,
        OF_TOYS | {"data": {"shop": "toys", "order": {"total": 12.5}}},
    ]  # fmt: skip
    answer = events(web, batch, BEARER | BATCH)

    assert answer.status_code == 400
    assert answer.json() == {"problems": [{"event": 0, "field": "[4]", "problem": "an event is a JSON object"}]}
    answer = events(web, [one for one in batch if one != 7], BEARER | BATCH)
    assert answer.status_code == 422
    assert [(one["event"], one["field"]) for one in answer.json()["problems"]] == [
        (1, "subject"), (2, "data.shop"), (3, "data.shop"), (4, "data.order.total"),
    ]  # fmt: skip
    assert web.kept() == []


def test_a_source_tells_of_its_own_shop_alone(web: Web) -> None:
    answer = events(
        web, EVENT | {"data": {"shop": "cars"}}, standard(json.dumps(EVENT | {"data": {"shop": "cars"}}).encode())
    )

    assert answer.status_code == 422
    assert 'the source erp is about "toys" alone' in answer.json()["problems"][0]["problem"]


@pytest.mark.parametrize(("body", "status"), [
    pytest.param(b"", 400, id="empty"), pytest.param(b"{", 400, id="cut short"),
    pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, 400, id="100 levels"),
    pytest.param(b'{"id":1,"id":2}', 400, id="a key twice"), pytest.param(b"\xff\xfe{\x00}\x00", 400, id="another charset"),
    pytest.param(b"x" * (LARGEST + 1), 413, id="too large"), pytest.param(b"[" + b"{}," * 1000 + b"{}]", 400, id="too many"),
])  # fmt: skip
def test_a_bad_body_is_told(web: Web, body: bytes, status: int) -> None:
    assert events(web, body, BEARER | {"content-type": "application/json"}).status_code == status
    assert web.kept() == []


@pytest.mark.parametrize("headers", [
    pytest.param({}, id="nothing"), pytest.param({"Authorization": "Bearer "}, id="an empty token"),
    pytest.param({"Authorization": "Bearer nonsense"}, id="another token"), pytest.param({"Authorization": "Basic YTpi"}, id="a password"),
    pytest.param({"Authorization": "Bearer s3cret"}, id="the secret of a source that is no standard one"),
    pytest.param(standard(key="whsec_" + "A" * 32), id="another signature"), pytest.param(standard(age=400), id="an old signature"),
])  # fmt: skip
def test_who_cannot_show_who_he_is_posts_nothing(web: Web, headers: dict[str, str]) -> None:
    settings = web.stage.engine.settings
    others = {name: one for name, one in settings.sources.items() if name != "unset"}
    web.stage.engine.settings = replace(settings, sources=others)
    answer = events(web, OF_TOYS, headers)

    assert (answer.status_code, answer.text, answer.headers["www-authenticate"]) == (401, "who are you?\n", "Bearer")
    assert web.kept() == []
