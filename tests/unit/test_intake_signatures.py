"""Who sent a delivery: every vector of the senders' own pages, and everything that must not pass."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from messenger.errors import ConfigurationError
from messenger.intake.ebay_signature import challenge_response, key_id
from messenger.intake.signatures import Scheme, SignatureRefused, Signed, verified
from messenger.intake.standard import signature_of
from messenger.platforms.aftership.signing import signature_of as aftership_call

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "1767323045"
KEY = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
OTHER = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
SEED = "whsk_" + base64.b64encode(bytes(range(32))).decode()
PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
SHIPPED = b'{"type":"order.shipped","timestamp":"2026-01-02T03:04:05Z","data":{"order_id":"1001"}}'
V1 = "v1,gKnjMLaTlurQI4EK2a8jF8xHpRj9tObyuJAbhk0LIog="
V1A = "v1a,IB5984Tr0hu151raR+hl/3DfNuxzdtdfAzLRBzX/jPwYhmiIMcQhhbQPgIkBoqhDDioqrv3Zw6rEuPFe3Y90CQ=="

SHOPIFY = b'{"id":450789469,"email":"buyer@example.com","financial_status":"paid"}'
WOO = b'{"id":727,"status":"processing","billing":{"email":"buyer@example.com"}}'
SEVENTEEN = (
    b'{"event":"TRACKING_UPDATED","data":{"number":"RR123456789CN","carrier":3011,"tag":"ae-1001","track_info":'
    b'{"latest_status":{"status":"InTransit","sub_status":"InTransit_CustomsProcessing","sub_status_descr":null}}}}'
)
AFTERSHIP = (
    b'{"event":"tracking_update","event_id":"0d1e2f30-1111-4222-8333-444455556666","is_tracking_first_tag":true,"ts":1767323045,'
    b'"msg":{"tracking_number":"RR123456789CN","slug":"china-post","tag":"InTransit","subtag":"InTransit_006"}}'
)
ALIEXPRESS = (
    b'{"seller_id":"1234567","message_type":53,"data":{"orderId":1105933950463697,"orderStatus":"OrderShipped"},'
    b'"timestamp":1719389200,"site":"ae_global"}'
)
REVERSE = b'{"order_id":"700459681162799","status":"FINISH"}'
REVERSE_QUERY = "app_key=12345678&method=demo.notify&sign_method=md5&timestamp=2026-01-02+03%3A04%3A05&sign="
REVERSE_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=8)))


def standard(**changes: str) -> Signed:
    headers = {"webhook-id": "msg_0001", "webhook-timestamp": STAMP, "webhook-signature": V1}
    return Signed(headers=headers | {name.replace("_", "-"): text for name, text in changes.items()}, body=SHIPPED)


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


VECTORS = [
    pytest.param("standard", standard(), [KEY], "msg_0001", id="standard, symmetric"),
    pytest.param("standard", standard(webhook_signature=V1A), [PUBLIC], "msg_0001", id="standard, asymmetric"),
    pytest.param(
        "shopify",
        Signed(headers={"X-Shopify-Hmac-Sha256": "3xxfKEWkYgOxycy5NX3lg6DG9QX7zs4hjRD2fKL1vA8=",
                        "X-Shopify-Topic": "orders/paid", "X-Shopify-Event-Id": "e-1"}, body=SHOPIFY),
        ["shpss_test"], "orders/paid:e-1", id="shopify"),
    pytest.param(
        "woocommerce",
        Signed(headers={"X-WC-Webhook-Signature": "re3GUFqp/Bv8Kl8ow/QuNk73lPp2bmkk/uJ2Fi4RTtg=",
                        "X-WC-Webhook-Delivery-ID": "d-1"}, body=WOO),
        ["wc_secret"], "d-1", id="woocommerce"),
    pytest.param(
        "aftership",
        Signed(headers={"aftership-hmac-sha256": "WsYrCLkAHOH1M/rh6TMmSFIR+4+qwkJDnq9anDyfpH4="}, body=AFTERSHIP),
        ["as_secret"], "0d1e2f30-1111-4222-8333-444455556666", id="aftership"),
    pytest.param(
        "17track",
        Signed(headers={"sign": "974173351494acd3a4c64c5f64a7359acba398beec8bf7a66c3ccaaae081d50a"}, body=SEVENTEEN),
        ["TESTKEY0123456789"], digest(SEVENTEEN), id="17track"),
    pytest.param(
        "aliexpress",
        Signed(headers={"Authorization": "543c96befce496e5a5f633ff7761cce836ae4fbc4da0f263f4b2053eb8db05d7"}, body=ALIEXPRESS),
        ["12345678:helloworld"], digest(ALIEXPRESS), id="aliexpress push"),
    pytest.param(
        "top", Signed(query=REVERSE_QUERY + "4694A986705B1F54DC0AF0510F4C186A", body=REVERSE),
        ["12345678:helloworld"], f"demo.notify:{digest(REVERSE)}", id="top reverse call"),
]  # fmt: skip


def now_of(scheme: str) -> datetime:
    return REVERSE_NOW if scheme == "top" else NOW


def wrong_secrets(secrets: Sequence[str]) -> list[str]:
    others = {KEY: OTHER, PUBLIC: "whpk_" + base64.b64encode(ed25519_of_one()).decode()}
    return [others.get(one, one + "x") for one in secrets]


def ed25519_of_one() -> bytes:
    """The public key of another sender."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key().public_bytes_raw()


def refused(scheme: str, request: Signed, secrets: Sequence[str], *, now: datetime | None = None) -> bool:
    try:
        verified(scheme, request, secrets, now or now_of(scheme))
    except SignatureRefused:
        return True
    return False


each_scheme = pytest.mark.parametrize(("scheme", "request_", "secrets", "id_"), VECTORS)


@each_scheme
def test_the_vector_passes_and_names_its_delivery(scheme: str, request_: Signed, secrets: list[str], id_: str) -> None:
    assert verified(scheme, request_, secrets, now_of(scheme)) == id_


@each_scheme
def test_any_of_several_secrets_will_do(scheme: str, request_: Signed, secrets: list[str], id_: str) -> None:
    old_and_new = [*wrong_secrets(secrets), *secrets]

    assert verified(scheme, request_, old_and_new, now_of(scheme)) == id_
    assert verified(scheme, request_, old_and_new[::-1], now_of(scheme)) == id_


@each_scheme
def test_names_of_headers_are_compared_without_case(
    scheme: str, request_: Signed, secrets: list[str], id_: str
) -> None:
    shouting = Signed(
        headers={name.upper(): text for name, text in request_.headers.items()},
        body=request_.body, query=request_.query,
    )  # fmt: skip

    assert verified(scheme, shouting, secrets, now_of(scheme)) == id_


@each_scheme
def test_a_wrong_secret_or_none_is_refused(scheme: str, request_: Signed, secrets: list[str], id_: str) -> None:
    assert refused(scheme, request_, wrong_secrets(secrets))
    assert refused(scheme, request_, [])


@each_scheme
def test_what_carries_no_signature_is_refused(scheme: str, request_: Signed, secrets: list[str], id_: str) -> None:
    assert refused(scheme, Signed(body=request_.body), secrets)
    assert refused(scheme, Signed(headers=dict.fromkeys(request_.headers, ""), body=request_.body), secrets)


@pytest.mark.parametrize("body", [
    pytest.param(lambda body: json.dumps(json.loads(body)).encode(), id="written anew by a JSON library"),
    pytest.param(lambda body: body + b"\n", id="a line break at the end"),
    pytest.param(lambda body: body.decode().encode("utf-16"), id="another charset"),
    pytest.param(lambda body: b"\xef\xbb\xbf" + body, id="a byte order mark"),
    pytest.param(lambda body: body[:-1], id="cut short"),
    pytest.param(lambda _: b"", id="empty"),
    pytest.param(gzip.compress, id="packed"),
    pytest.param(lambda body: body.replace(b"{", b'{"id":"x",', 1), id="a key twice"),
])  # fmt: skip
@each_scheme
def test_any_other_bytes_are_refused(scheme: str, request_: Signed, secrets: list[str], id_: str, body: object) -> None:
    assert callable(body)
    changed = body(request_.body)

    assert changed != request_.body
    assert refused(scheme, replace(request_, body=changed), secrets)


def with_signature(scheme: str, request: Signed, change: object) -> Signed:
    """The request with its signature written another way."""
    assert callable(change)
    if scheme == "top":
        return replace(request, query=REVERSE_QUERY + change("4694A986705B1F54DC0AF0510F4C186A"))
    name = next(name for name in request.headers if "sign" in name or "hmac" in name or name == "authorization")
    return replace(request, headers={**request.headers, name: change(request.headers[name])})


HEX, BASE64 = ("17track", "aliexpress", "top"), ("shopify", "woocommerce", "aftership")


@pytest.mark.parametrize(("scheme", "request_", "secrets", "id_"), [one for one in VECTORS if one.values[0] in HEX])
def test_hexadecimal_is_read_in_any_case_and_nothing_else_is(
    scheme: str, request_: Signed, secrets: list[str], id_: str
) -> None:
    assert not refused(scheme, with_signature(scheme, request_, str.upper), secrets)
    assert not refused(scheme, with_signature(scheme, request_, str.lower), secrets)
    in_base64 = with_signature(scheme, request_, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    assert refused(scheme, in_base64, secrets)
    assert refused(scheme, with_signature(scheme, request_, lambda text: f"sha256={text}"), secrets)
    assert refused(scheme, with_signature(scheme, request_, lambda text: text[:-2]), secrets)


@pytest.mark.parametrize(("scheme", "request_", "secrets", "id_"), [one for one in VECTORS if one.values[0] in BASE64])
def test_base64_is_read_with_or_without_padding_and_nothing_else_is(
    scheme: str, request_: Signed, secrets: list[str], id_: str
) -> None:
    assert not refused(scheme, with_signature(scheme, request_, lambda text: text.rstrip("=")), secrets)
    in_hex = with_signature(scheme, request_, lambda text: base64.b64decode(text).hex())
    assert refused(scheme, in_hex, secrets)
    assert refused(scheme, with_signature(scheme, request_, lambda text: f"sha256={text}"), secrets)
    assert refused(scheme, with_signature(scheme, request_, lambda text: f"{text} "), secrets)


STANDARD_REFUSALS = [
    pytest.param(standard(webhook_timestamp="1767323046"), id="another time than was signed"),
    pytest.param(standard(webhook_id="msg_0002"), id="another id than was signed"),
    pytest.param(standard(webhook_signature="v2," + V1[3:]), id="a version we do not know"),
    pytest.param(standard(webhook_signature=V1.replace("v1", "v1a")), id="a symmetric signature as an asymmetric one"),
    pytest.param(standard(webhook_signature=V1A), id="an asymmetric signature for a symmetric secret"),
    pytest.param(standard(webhook_signature=V1[3:]), id="no version"),
    pytest.param(standard(webhook_signature="v1,"), id="an empty signature"),
    pytest.param(standard(webhook_signature="v1,#"), id="no base64"),
    pytest.param(standard(webhook_signature="v1," + "00" * 32), id="hexadecimal"),
    pytest.param(standard(webhook_timestamp=STAMP + ".0"), id="a time with a fraction"),
    pytest.param(standard(webhook_timestamp="-1"), id="a time before all times"),
    pytest.param(standard(webhook_timestamp="999999999999"), id="a time beyond all times"),
    pytest.param(standard(webhook_timestamp="2026-01-02T03:04:05Z"), id="a time in words"),
    pytest.param(standard(webhook_timestamp="१७६७३२३०४५"), id="a time in other digits"),
]  # fmt: skip


@pytest.mark.parametrize("request_", STANDARD_REFUSALS)
def test_standard_webhooks_are_refused_for(request_: Signed) -> None:
    assert refused("standard", request_, [KEY])


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_all_three_headers_are_needed(missing: str) -> None:
    headers = {name: text for name, text in standard().headers.items() if name != missing}

    assert refused("standard", Signed(headers=headers, body=SHIPPED), [KEY])


@pytest.mark.parametrize(("seconds", "is_late"), [(-301, True), (-300, False), (300, False), (301, True)])
def test_five_minutes_either_way_are_allowed(seconds: int, *, is_late: bool) -> None:
    assert refused("standard", standard(), [KEY], now=NOW + timedelta(seconds=seconds)) is is_late


def test_a_dot_in_the_id_could_pass_for_the_time_and_is_refused() -> None:
    id_ = "msg.1"
    headers = {"webhook-id": id_, "webhook-timestamp": STAMP, "webhook-signature": signature_of(id_, NOW, SHIPPED, KEY)}

    assert refused("standard", Signed(headers=headers, body=SHIPPED), [KEY])


def test_one_of_several_signatures_is_enough_and_unknown_versions_are_passed_over() -> None:
    several = f"v9,abcd v1,AAAA {V1A} {V1} broken"

    assert verified("standard", standard(webhook_signature=several), [KEY], NOW) == "msg_0001"


def test_only_so_many_signatures_are_looked_at() -> None:
    assert refused("standard", standard(webhook_signature=" ".join(["v1,AAAA"] * 16 + [V1])), [KEY])


def test_secrets_may_lack_their_prefix_and_padding() -> None:
    assert verified("standard", standard(), [KEY.removeprefix("whsec_")], NOW) == "msg_0001"
    unpadded = "whsec_" + base64.b64encode(bytes(range(25))).decode().rstrip("=")
    padded = unpadded + "=="
    headers = {"webhook-signature": signature_of("msg_0001", NOW, SHIPPED, padded)}
    assert verified("standard", standard(**headers), [unpadded], NOW) == "msg_0001"


def test_what_we_sign_is_what_the_vectors_say() -> None:
    assert signature_of("msg_0001", NOW, SHIPPED, KEY) == V1
    assert signature_of("msg_0001", NOW, SHIPPED, SEED) == V1A


@pytest.mark.parametrize(("secret", "problem"), [
    pytest.param("not base64!", "holds no base64", id="no base64"),
    pytest.param("whsec_AAAA", "a key of 3 bytes", id="too short"),
    pytest.param("whsec_" + "A" * 100, "a key of 75 bytes", id="too long"),
    pytest.param("whpk_AAAA", "a key of 3 bytes", id="a public key of another length"),
    pytest.param(SEED, "private key", id="the sender's private key"),
])  # fmt: skip
def test_a_secret_that_cannot_be_used_is_our_mistake_and_is_not_shown(secret: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as error:
        verified("standard", standard(), [secret], NOW)
    assert secret not in str(error.value)
    assert verified("standard", standard(), [secret, KEY], NOW) == "msg_0001"


@pytest.mark.parametrize("scheme", ["aliexpress", "top"])
@pytest.mark.parametrize("secret", ["helloworld", ":helloworld", "12345678:"])
def test_a_secret_without_its_app_is_our_mistake(scheme: str, secret: str) -> None:
    request = next(one.values[1] for one in VECTORS if one.values[0] == scheme)
    assert isinstance(request, Signed)

    with pytest.raises(ConfigurationError, match="app_key:app_secret"):
        verified(scheme, request, [secret], now_of(scheme))


# --- names of deliveries --------------------------------------------------------------------------------------------


def signed_for_shopify(body: bytes, **headers: str) -> Signed:
    mac = base64.b64encode(hmac.digest(b"s", body, "sha256")).decode()
    return Signed(headers={"x-shopify-hmac-sha256": mac} | headers, body=body)


@pytest.mark.parametrize(("headers", "id_"), [
    pytest.param({"x-shopify-event-id": "e-1", "x-shopify-topic": "orders/paid"}, "orders/paid:e-1", id="event and topic"),
    pytest.param({"x-shopify-webhook-id": "w-1", "x-shopify-topic": "orders/paid"}, "orders/paid:w-1", id="an older sender"),
    pytest.param({"x-shopify-topic": "orders/paid"}, digest(SHOPIFY), id="no name"),
    pytest.param({"x-shopify-event-id": "e" * 300, "x-shopify-topic": "t"}, digest(SHOPIFY), id="a name too long for an index"),
    pytest.param({"x-shopify-event-id": "e\x00", "x-shopify-topic": "t"}, digest(SHOPIFY), id="a name that cannot be shown"),
])  # fmt: skip
def test_a_delivery_of_shopify_is_called(headers: dict[str, str], id_: str) -> None:
    assert verified("shopify", signed_for_shopify(SHOPIFY, **headers), ["s"], NOW) == id_


def test_the_second_family_of_headers_of_shopify_will_do() -> None:
    mac = base64.b64encode(hmac.digest(b"s", SHOPIFY, "sha256")).decode()
    headers = {"shopify-hmac-sha256": mac, "shopify-topic": "orders/paid", "shopify-event-id": "e-1"}

    assert verified("shopify", Signed(headers=headers, body=SHOPIFY), ["s"], NOW) == "orders/paid:e-1"


def test_an_aftership_body_that_is_no_json_is_named_by_its_digest() -> None:
    body = b"{"
    mac = base64.b64encode(hmac.digest(b"s", body, "sha256")).decode()

    assert verified("aftership", Signed(headers={"aftership-hmac-sha256": mac}, body=body), ["s"], NOW) == digest(body)


# --- TOP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_late"), [(-301, True), (-300, False), (300, False), (301, True)])
def test_a_reverse_call_may_be_five_minutes_off(seconds: int, *, is_late: bool) -> None:
    request = Signed(query=REVERSE_QUERY + "4694A986705B1F54DC0AF0510F4C186A", body=REVERSE)

    late = REVERSE_NOW + timedelta(seconds=seconds)
    assert refused("top", request, ["12345678:helloworld"], now=late) is is_late


def top_sign(chain: str, body: str = "") -> str:
    return hashlib.md5(f"helloworld{chain}{body}helloworld".encode(), usedforsecurity=False).hexdigest().upper()


def test_a_reverse_call_signs_the_fields_of_a_form_and_the_headers_it_lists() -> None:
    chain = "app_key12345678methoddemo.notifynote\u4f60\u597dsign_methodmd5timestamp2026-01-02 03:04:05x-tracet1"
    headers = {
        "content-type": "application/x-www-form-urlencoded;charset=UTF-8", "top-sign-list": "x-trace", "X-Trace": "t1",
    }  # fmt: skip
    request = Signed(headers=headers, query=REVERSE_QUERY + top_sign(chain), body=b"note=%E4%BD%A0%E5%A5%BD")

    assert not refused("top", request, ["12345678:helloworld"])
    assert refused("top", replace(request, headers={**request.headers, "x-trace": "t2"}), ["12345678:helloworld"])
    assert refused("top", replace(request, body=b"note=x"), ["12345678:helloworld"])


@pytest.mark.parametrize("query", [
    pytest.param(REVERSE_QUERY.replace("12345678", "87654321") + top_sign("x"), id="of an app that is not ours"),
    pytest.param(REVERSE_QUERY.replace("2026-01-02", "yesterday") + top_sign("x"), id="no time"),
    pytest.param("", id="nothing at all"),
])  # fmt: skip
def test_a_reverse_call_is_refused_for(query: str) -> None:
    assert refused("top", Signed(query=query, body=REVERSE), ["12345678:helloworld"])


# --- eBay -----------------------------------------------------------------------------------------------------------

EBAY_KEY = ec.derive_private_key(4711, ec.SECP256R1())
EBAY_PEM = EBAY_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
EBAY_BODY = b'{"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION"},"notification":{"notificationId":"n-1","data":{}}}'


def ebay(body: bytes = EBAY_BODY, **changes: object) -> Signed:
    signature = base64.b64encode(EBAY_KEY.sign(EBAY_BODY, ec.ECDSA(SHA1()))).decode()  # noqa: S303  # what eBay uses
    envelope = {"alg": "ecdsa", "kid": "9936261a-7d7b", "signature": signature, "digest": "SHA1"} | changes
    return Signed(headers={"X-EBAY-SIGNATURE": base64.b64encode(json.dumps(envelope).encode()).decode()}, body=body)


def ebay_refused(request: Signed, key: str = EBAY_PEM) -> bool:
    try:
        verified(Scheme.EBAY, request, [], NOW, public_key=key)
    except SignatureRefused:
        return True
    return False


def test_the_challenge_of_ebay_is_answered() -> None:
    found = challenge_response(
        "a8628072-3d33-45ee-9004-bee86830a22d", "verification-token-0123456789abcdef", "https://example.com/ebay/notify"
    )

    assert found == "8c8624245c99e0b32728ed3805433dfd4cde2aa157019b5b524a6a8ad9f38615"


def test_a_notification_of_ebay_passes_with_the_key_it_names() -> None:
    assert key_id(ebay()) == "9936261a-7d7b"
    assert verified("ebay", ebay(), [], NOW, public_key=EBAY_PEM) == "n-1"
    on_one_line = EBAY_PEM.replace("\n", "")
    assert verified("ebay", ebay(), [], NOW, public_key=on_one_line) == "n-1"
    newer = base64.b64encode(EBAY_KEY.sign(EBAY_BODY, ec.ECDSA(SHA256()))).decode()
    assert verified("ebay", ebay(signature=newer, digest="SHA-256"), [], NOW, public_key=EBAY_PEM) == "n-1"


@pytest.mark.parametrize("request_", [
    pytest.param(ebay(EBAY_BODY + b"\n"), id="other bytes"),
    pytest.param(ebay(digest="MD5"), id="a digest we do not know"),
    pytest.param(ebay(alg="none"), id="another algorithm"),
    pytest.param(ebay(signature="AAAA"), id="another signature"),
    pytest.param(ebay(signature=7), id="a number for a signature"),
    pytest.param(Signed(headers={"x-ebay-signature": "#"}, body=EBAY_BODY), id="no base64"),
    pytest.param(Signed(headers={"x-ebay-signature": base64.b64encode(b"[").decode()}, body=EBAY_BODY), id="no JSON"),
    pytest.param(Signed(headers={"x-ebay-signature": base64.b64encode(b"[]").decode()}, body=EBAY_BODY), id="no object"),
    pytest.param(Signed(body=EBAY_BODY), id="nothing"),
])  # fmt: skip
def test_a_notification_of_ebay_is_refused_for(request_: Signed) -> None:
    assert ebay_refused(request_)


def test_another_key_does_not_fit() -> None:
    other = ec.derive_private_key(42, ec.SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert ebay_refused(ebay(), pem)


@pytest.mark.parametrize("kid", ["", "../x", "a b", "k" * 101, 7])
def test_the_name_of_a_key_is_no_path(kid: object) -> None:
    with pytest.raises(SignatureRefused, match="names no key"):
        key_id(ebay(kid=kid))


def test_a_key_that_cannot_be_used_is_told() -> None:
    pem = rsa.generate_private_key(65537, 2048).public_key()
    text = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for key in ("", "nonsense", text):
        with pytest.raises(ConfigurationError, match="public key of eBay"):
            verified("ebay", ebay(), [], NOW, public_key=key)


# --- laws -----------------------------------------------------------------------------------------------------------


@given(
    body=st.binary(max_size=200),
    id_=st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=40),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # zone given beside
    secret=st.sampled_from([(KEY, KEY), (SEED, PUBLIC)]),
    flip=st.integers(0),
)
def test_what_was_signed_passes_and_no_other_byte_does(
    body: bytes, id_: str, at: datetime, secret: tuple[str, str], flip: int
) -> None:
    ours, theirs = secret
    headers = {
        "webhook-id": id_, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature_of(id_, at, body, ours),
    }  # fmt: skip

    assert verified("standard", Signed(headers=headers, body=body), [theirs], at) == id_
    changed = bytearray(body + b"\0")
    changed[flip % len(changed)] ^= 1 << flip % 8
    assert refused("standard", Signed(headers=headers, body=bytes(changed)), [theirs], now=at)


def test_calls_of_aftership_are_signed() -> None:
    found = aftership_call(
        "assk_test", "GET", "/tracking/2025-07/trackings?limit=1&keyword=",
        date="Fri, 02 Jan 2026 03:04:05 GMT", headers={"as-api-key": "asak_test", "accept": "application/json"},
    )  # fmt: skip

    assert found == "MtajltOYjr8u7mE08rhWjvZVlDbg0Aiwn8czU8REznI="
