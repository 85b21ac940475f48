"""What goes around a text: ids that stay, one thread an order, ways back and ways out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.mailing import Mailing
from messenger.domain.messages import Category, Key, Letter, PlannedMessage
from messenger.domain.shops import Shop
from messenger.domain.verp import read
from messenger.mail.mime import MimeComposer
from messenger.services.enveloping import Envelope, Secrets, envelope, feedback_id, mailbox_of, plain_url, thread_id
from tests.builders import utc

AT: datetime = utc("2026-03-02T10:00")
SHOP = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", reply_to="help@toys.example")
SECRETS = Secrets(b"message-id", b"bounces", b"unsubscribe")
OPEN = Mailing(public_url="https://care.toys.example", bounces={"main": "bounce.toys.example"})


def row(**changes: object) -> PlannedMessage:
    plain = PlannedMessage(
        key=Key("toys", "review-request", "8134", 1), order="8134", template="review-request", category=Category.RELATIONAL,
        trigger="e", trigger_at=AT, shipment=None, wanted_at=AT, due_at=AT, expires_at=AT, stale_at=AT, id=42, transport="main",
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields of several types, by name


def around(
    message: PlannedMessage, *, shop: Shop = SHOP, recipient: str = "joe@buyer.example", mailing: Mailing = OPEN
) -> Envelope:
    return envelope(message, shop=shop, recipient=recipient, mailing=mailing, secrets=SECRETS)


def test_every_header_in_its_order() -> None:
    found = around(row())
    names = [name for name, _ in found.headers]

    assert names == [
        "Reply-To",
        "In-Reply-To",
        "References",
        "Feedback-ID",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ]
    assert dict(found.headers)["Reply-To"] == "help@toys.example"
    assert dict(found.headers)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_link_first_and_an_address_second() -> None:
    found = around(row())
    token = found.unsubscribe.rpartition("/")[2]

    assert found.unsubscribe == f"https://care.toys.example/u/{token}"
    assert dict(found.headers)["List-Unsubscribe"] == (
        f"<https://care.toys.example/u/{token}>, <mailto:care@toys.example?subject=unsubscribe%20{token}>"
    )


def test_without_pages_of_our_own_an_address_alone() -> None:
    found = around(row(), mailing=Mailing())

    assert found.unsubscribe.startswith("mailto:care@toys.example?subject=unsubscribe%20")
    assert dict(found.headers)["List-Unsubscribe"] == f"<{found.unsubscribe}>"
    assert "List-Unsubscribe-Post" not in dict(found.headers)


def test_one_click_is_for_protected_links_only() -> None:
    headers = dict(around(row(), mailing=Mailing(public_url="http://127.0.0.1:8000")).headers)

    assert headers["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/u/")
    assert "List-Unsubscribe-Post" not in headers


def test_news_of_an_order_can_not_be_unsubscribed() -> None:
    found = around(row(category=Category.TRANSACTIONAL))

    assert [name for name, _ in found.headers] == ["Reply-To", "In-Reply-To", "References", "Feedback-ID"]
    assert found.unsubscribe == ""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"recipient": "ann@buyer.example"}, id="another buyer"),
        pytest.param({"shop": replace(SHOP, id="books")}, id="another shop"),
        pytest.param({"message": row(category=Category.PROMOTIONAL)}, id="another kind"),
    ],
)
def test_a_token_is_for_one_buyer_one_shop_and_one_kind(other: dict[str, object]) -> None:
    mine = around(row()).unsubscribe
    theirs = around(**({"message": row()} | other)).unsubscribe  # type: ignore[arg-type]  # arguments of several types

    assert mine != theirs
    assert mine == around(row(key=Key("toys", "survey", "9", 3), order="9", id=7)).unsubscribe


def test_all_messages_about_an_order_answer_to_one_id_that_none_of_them_has() -> None:
    messages = [
        row(),
        row(key=Key("toys", "shipped", "8134/RR1CN", 1), template="shipped"),
        row(key=Key("toys", "shipped", "8134/RR2CN", 1)),
    ]
    found = [around(one) for one in messages]
    thread = f"<{thread_id(SHOP, '8134', SECRETS)}>"

    assert {dict(one.headers)[name] for one in found for name in ("In-Reply-To", "References")} == {thread}
    assert len({one.message_id for one in found} | {thread.strip("<>")}) == 4


@pytest.mark.parametrize("change", [{"order": "8135"}, {"shop": replace(SHOP, id="books")}])
def test_other_orders_have_threads_of_their_own(change: dict[str, object]) -> None:
    mine = {"shop": SHOP, "order": "8134"}

    assert thread_id(**mine, secrets=SECRETS) != thread_id(**(mine | change), secrets=SECRETS)  # type: ignore[arg-type]  # as above


def test_the_ids_are_the_same_on_every_try() -> None:
    again = row(attempts=3, token=9, resent=True, locale="ru", not_before=AT)

    assert around(again) == around(row())


NAMES = st.text("ab1-", min_size=1, max_size=3)
KEYS = st.builds(Key, NAMES, NAMES, st.text("ab1-/#é", min_size=1, max_size=5), st.integers(1, 3))


@given(keys=st.sets(KEYS, min_size=2, max_size=8))
def test_no_two_messages_share_an_id(keys: set[Key]) -> None:
    assert len({around(row(key=key)).message_id for key in keys}) == len(keys)


def test_bounces_come_back_to_an_address_that_names_the_message() -> None:
    assert read(around(row()).return_path, SECRETS.bounces) == 42
    assert around(row()).return_path.endswith("@bounce.toys.example")


@pytest.mark.parametrize(
    ("message", "mailing"),
    [
        pytest.param(row(), Mailing(), id="nobody reads bounces"),
        pytest.param(row(transport="other"), OPEN, id="not for this transport"),
        pytest.param(row(transport=None), OPEN, id="no transport yet"),
        pytest.param(row(id=0), OPEN, id="a preview is no row"),
    ],
)
def test_otherwise_they_come_back_to_the_shop(message: PlannedMessage, mailing: Mailing) -> None:
    assert around(message, mailing=mailing).return_path == ""


@pytest.mark.parametrize(
    ("template", "shop", "expected"),
    [
        ("shipped", "toys", "shipped:toys:relational:"),
        ("pay: last call", "toys", "pay-last-call:toys:relational:"),
        ("отправлено", "toys", "-:toys:relational:"),
    ],
)
def test_complaints_are_counted_by_template_shop_and_kind(template: str, shop: str, expected: str) -> None:
    found = feedback_id(row(template=template), replace(SHOP, id=shop))
    sender = found.removeprefix(expected)

    assert found.startswith(expected)
    assert 5 <= len(sender) <= 15
    assert found.count(":") == 3


def test_the_name_of_the_sender_follows_from_its_domain_alone() -> None:
    names = {
        feedback_id(row(), replace(SHOP, id=id_, sender=sender)).rpartition(":")[2]
        for id_, sender in [("toys", "Toys <care@toys.example>"), ("books", "Books <hello@TOYS.example>")]
    }

    assert len(names) == 1
    assert feedback_id(row(), replace(SHOP, sender="Toys <care@other.example>")).rpartition(":")[2] not in names


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("Toys <care@toys.example>", "care@toys.example"),
        ("Toys, Ltd. <care@Toys.Example>", "care@toys.example"),
        ("Игрушки <care@почта.рф>", "care@xn--80a1acny.xn--p1ai"),
    ],
)
def test_the_address_of_a_shop_is_read_whatever_its_name(sender: str, expected: str) -> None:
    assert mailbox_of(replace(SHOP, sender=sender)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("https://care.toys.example", "https://care.toys.example"),
        ("https://care.toys.example/", "https://care.toys.example"),
        ("https://care.toys.example:8443/m/", "https://care.toys.example:8443/m"),
        ("https://почта.рф/письма", "https://xn--80a1acny.xn--p1ai/%D0%BF%D0%B8%D1%81%D1%8C%D0%BC%D0%B0"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://a.example/x?y=1#z", "https://a.example/x"),
    ],
)
def test_a_link_is_written_as_headers_can_hold_it(url: str, expected: str) -> None:
    assert plain_url(url) == expected


@pytest.mark.parametrize(
    "sender", ["Игрушки <care@почта.рф>", "Toys, Ltd. <care@toys.example>", "T <a+b%c?d@toys.example>"]
)
def test_whatever_goes_around_a_text_survives_the_headers(sender: str) -> None:
    shop = replace(SHOP, sender=sender)
    found = around(row(), shop=shop, mailing=Mailing(public_url=plain_url("https://почта.рф"), bounces={}))
    letter = Letter(
        key=row().key, sender=shop.sender, recipient="joe@buyer.example", recipient_name="Joe", subject="s", text="t", html="",
        platform_text="", locale="en", message_id=found.message_id, date=AT, headers=found.headers,
    )  # fmt: skip

    content = MimeComposer().compose(letter).content

    assert f"Message-ID: <{found.message_id}>\r\n".encode() in content


def test_secrets_do_not_show_themselves() -> None:
    assert repr(SECRETS) == "Secrets(…)"
