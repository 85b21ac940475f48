"""eBay's messages over real HTTP: every documented failure, tokens, limits, and looking back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from messenger.domain.messages import LOOK, Doubt, FrozenMessage, Key, Outcome, Receipt
from messenger.errors import SourceAway, SourceShut
from messenger.platforms.ebay.client import Client
from messenger.platforms.ebay.tokens import MESSAGES
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.ports import NotNow
from messenger.ports.credentials import WHOLE
from tests.platforms.ebay_bench import ACCOUNT, NOW, Shop, a_text, ebay_shop
from tests.platforms.ebay_server import FAULTS, SELLER, Chat

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ebay_shop(tmp_path) as found:
        yield found


def send(shop: Shop, *messages: FrozenMessage) -> list[Receipt]:
    """What became of each message, in the order of its number."""
    told: dict[Key, Receipt] = {}

    async def stream() -> AsyncIterator[FrozenMessage]:
        for message in messages:
            yield message

    async def committing(_: Key) -> bool:
        return True

    async def done(key: Key, receipt: Receipt) -> None:
        told[key] = receipt

    asyncio.run(shop.transport.carry(stream(), committing=committing, done=done))
    return [told[message.key] for message in messages]


def one(shop: Shop, message: FrozenMessage | None = None) -> Receipt:
    (receipt,) = send(shop, message or a_text())
    return receipt


def look(shop: Shop, message: FrozenMessage | None = None) -> bool | None:
    return asyncio.run(shop.transport.verify(message or a_text()))


# --- what leaves ------------------------------------------------------------------------------------------------------


def test_a_buyer_without_a_conversation_gets_a_new_one(shop: Shop) -> None:
    receipt = one(shop)

    assert (receipt.outcome, shop.ebay.arrived("buyer1")) == (Outcome.ACCEPTED, [a_text().text])
    assert receipt.reply.startswith("eBay has it: m-")


def test_a_buyer_with_conversations_is_answered_in_the_one_that_moved_last(shop: Shop) -> None:
    old, new = Chat("c-old", "buyer1"), Chat("c-new", "buyer1")
    for chat, at in ((new, NOW - MINUTE), (old, NOW - 60 * MINUTE)):
        shop.ebay.chats.append(chat)
        shop.ebay.say(chat, "Where is my parcel?", ours=False, at=at)

    one(shop)

    assert [len(chat.messages) for chat in (old, new)] == [1, 2]
    assert len(shop.ebay.chats) == 2


def test_a_conversation_that_was_deleted_is_left_alone(shop: Shop) -> None:
    shop.ebay.talk("buyer1", "Hello?").status = "DELETE"

    one(shop)

    assert len(shop.ebay.chats) == 2


def test_nobody_gets_what_is_meant_for_another_when_ebay_does_not_know_the_name(shop: Shop) -> None:
    shop.ebay.talk("somebody-else", "Hello?")
    shop.ebay.knows_names = False

    one(shop)

    assert shop.ebay.arrived("somebody-else") == []
    assert shop.ebay.arrived("buyer1") == [a_text().text]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        pytest.param(a_text(text="x" * 2001), "2001 characters, eBay takes 2000", id="too long"),
        pytest.param(a_text(text="<p>Hello</p>"), "HTML", id="markup"),
        pytest.param(a_text(text="a <!-- b"), "HTML", id="a comment of markup"),
        pytest.param(a_text(placed_at=NOW - timedelta(days=90, minutes=1)), "eBay takes messages about it for 90 days", id="an old order"),
        pytest.param(a_text(buyer="12-1"), "does not say who the buyer is", id="only the order is known"),
    ],
)  # fmt: skip
def test_what_ebay_would_not_take_is_not_sent(shop: Shop, message: FrozenMessage, why: str) -> None:
    receipt = one(shop, message)

    assert (receipt.outcome, shop.ebay.calls) == (Outcome.PERMANENT, [])
    assert why in receipt.reply


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(a_text(text="x" * 2000), id="as long as may be"),
        pytest.param(a_text(text="1 < 2 and 3 > 2, said <3"), id="signs that are no markup"),
        pytest.param(a_text(placed_at=NOW - timedelta(days=90)), id="an order of the last day"),
        pytest.param(a_text(placed_at=None), id="nobody knows when it was placed"),
        pytest.param(a_text(text="Hola, ¡ya está en camino! 📦\n\nСпасибо."), id="letters of all kinds, and lines"),
    ],
)
def test_what_is_just_allowed_arrives_as_it_is(shop: Shop, message: FrozenMessage) -> None:
    assert (one(shop, message).outcome, shop.ebay.arrived()) == (Outcome.ACCEPTED, [message.text])


# --- every documented failure ----------------------------------------------------------------------------------------

SENDING = {
    "expired token": (Outcome.ACCEPTED, True),  # renewed, and sent again: it was not taken the first time
    "no permission": (Outcome.ACCOUNT, False),
    "too many calls": (Outcome.ACCOUNT, False),
    "message cap": (Outcome.TEMPORARY, False),
    "message failure": (Outcome.PERMANENT, False),
    "unknown resource": (Outcome.PERMANENT, False),
    "internal error, not taken": (Outcome.UNCERTAIN, False),
    "internal error, taken": (Outcome.UNCERTAIN, True),
    "unavailable": (Outcome.UNCERTAIN, False),
    "line cut, not taken": (Outcome.UNCERTAIN, False),
    "line cut, taken": (Outcome.UNCERTAIN, True),
    "an answer that is none": (Outcome.UNCERTAIN, True),
    "an answer cut short": (Outcome.UNCERTAIN, True),
}
"""By failure of the call that sends: what it means, and whether the buyer has the message."""


def test_the_table_names_every_failure() -> None:
    assert SENDING.keys() == FAULTS.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_a_failure_of_the_message_itself(shop: Shop, name: str) -> None:
    shop.ebay.sends_fail.append(name)
    outcome, has_arrived = SENDING[name]

    receipt = one(shop)

    assert (receipt.outcome, len(shop.ebay.arrived())) == (outcome, int(has_arrived))


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "expired token"])
def test_a_failure_before_the_message_sends_nothing_and_is_not_the_messages_fault(shop: Shop, name: str) -> None:
    shop.ebay.reads_fail.append(name)

    receipt = one(shop)

    assert shop.ebay.arrived() == []
    assert receipt.outcome in {Outcome.ACCOUNT, Outcome.TEMPORARY}


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "expired token"])
def test_a_failure_while_looking_says_nothing_about_the_message(shop: Shop, name: str) -> None:
    shop.ebay.reads_fail.append(name)

    with pytest.raises(NotNow) as raised:
        look(shop)

    assert raised.value.receipt.stage == LOOK
    assert raised.value.receipt.outcome in {Outcome.ACCOUNT, Outcome.TEMPORARY}


def test_a_server_that_is_not_there_is_no_fault_of_the_message(shop: Shop, tmp_path: Path) -> None:
    client = shop.transport._client
    shop.transport._client = Client(http=client.http, login=client.login, url="http://127.0.0.1:9")

    receipt = one(shop)

    assert receipt.outcome is Outcome.ACCOUNT
    assert "cannot be reached" in receipt.reply


def test_a_server_that_is_silent_leaves_it_open_whether_it_has_the_message(tmp_path: Path) -> None:
    with ebay_shop(tmp_path, timeout=0.3) as shop, shop.ebay.lock:  # nobody is answered while it is held
        receipt = shop.transport._send(a_text(), "")

    assert receipt.outcome is Outcome.UNCERTAIN


def test_a_hidden_cap_is_given_an_hour_then_a_day(shop: Shop) -> None:
    shop.ebay.refused["buyer1"] = "message cap"
    pauses = []
    for wait in (timedelta(0), timedelta(hours=1), timedelta(days=1)):
        shop.clock.advance_to(shop.clock.now() + wait)
        shop.log_in()
        pauses.append(one(shop, replace(a_text(), about=())).retry_after)

    assert pauses == [3600.0, 86400.0, 86400.0]
    shop.ebay.refused.clear()
    assert one(shop).outcome is Outcome.ACCEPTED


def test_a_cap_for_one_buyer_says_nothing_about_another(shop: Shop) -> None:
    shop.ebay.refused = {"buyer1": "message cap", "buyer2": "message cap"}

    receipts = [one(shop, a_text(1)), one(shop, a_text(2)), one(shop, a_text(3))]

    assert [receipt.retry_after for receipt in receipts] == [3600.0, 3600.0, None]
    assert receipts[2].outcome is Outcome.ACCEPTED


def test_too_many_calls_wait_as_long_as_ebay_blocks(shop: Shop) -> None:
    shop.ebay.per_minute = 3

    receipts = [one(shop, a_text(number)) for number in (1, 2)]

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED, Outcome.ACCOUNT]
    assert receipts[1].retry_after == 100.0
    shop.clock.advance_to(shop.clock.now() + timedelta(seconds=101))
    assert one(shop, a_text(2)).outcome is Outcome.ACCEPTED


# --- the login --------------------------------------------------------------------------------------------------------


def test_nobody_has_logged_in(tmp_path: Path) -> None:
    with ebay_shop(tmp_path) as shop:
        shop.transport._client = replace(
            shop.transport._client, login=replace(shop.transport._client.login, account="ebay/other")
        )
        receipt = one(shop)

    assert (receipt.outcome, receipt.stage) == (Outcome.ACCOUNT, "auth")
    assert receipt.reply == "nobody has logged in (messenger ebay login chat)"


def test_a_token_that_ends_soon_is_renewed_before_it_is_used(shop: Shop) -> None:
    shop.log_in(ends_in=4 * MINUTE)

    assert one(shop).outcome is Outcome.ACCEPTED
    kept = shop.store.credentials(ACCOUNT)
    assert kept is not None
    assert (kept.access != "access-0", kept.refresh, kept.ends_at) == (True, "refresh-1", NOW + timedelta(hours=2))
    assert kept.refresh_ends_at == NOW + timedelta(days=500)


def test_a_token_that_ends_in_the_middle_of_paging_is_renewed_and_reading_goes_on(shop: Shop) -> None:
    chat = shop.ebay.talk("buyer1", a_text().text, ours=True)
    for number in range(120):
        shop.ebay.say(chat, f"Question {number}", ours=False)
    shop.ebay.reads_fail.extend(["", "", "expired token"])

    assert look(shop) is True
    kept = shop.store.credentials(ACCOUNT)
    assert kept is not None
    assert kept.access != "access-0"


def test_a_login_that_was_taken_back_shuts_the_account_until_a_person_logs_in(shop: Shop) -> None:
    shop.ebay.access.clear()
    shop.ebay.refresh.clear()

    receipt = one(shop)
    calls = len(shop.ebay.calls)
    again = one(shop)

    assert (receipt.outcome, receipt.stage, again.outcome) == (Outcome.ACCOUNT, "auth", Outcome.ACCOUNT)
    assert "invalid_grant" in receipt.reply
    assert "messenger ebay login chat" in receipt.reply
    assert len(shop.ebay.calls) == calls
    assert WHOLE in shop.store.shut_doors(ACCOUNT)
    shop.ebay.refresh["refresh-1"] = NOW + timedelta(days=1)
    shop.log_in()
    assert one(shop).outcome is Outcome.ACCEPTED


def test_a_new_token_that_is_refused_too_shuts_the_account(shop: Shop) -> None:
    shop.ebay.reads_fail.extend(["expired token", "expired token"])

    assert one(shop).outcome is Outcome.ACCOUNT
    assert "refuses even a new token" in shop.store.shut_doors(ACCOUNT)[WHOLE]


@pytest.mark.parametrize("name", ["internal error, not taken", "line cut, not taken", "unavailable", "too many calls"])
def test_tokens_that_cannot_be_renewed_just_now_shut_nothing(shop: Shop, name: str) -> None:
    shop.log_in(ends_in=timedelta(0))
    shop.ebay.tokens_fail.append(name)

    assert one(shop).outcome is Outcome.ACCOUNT
    assert shop.store.shut_doors(ACCOUNT) == {}
    assert one(shop).outcome is Outcome.ACCEPTED


def test_while_it_still_lasts_a_token_is_used_although_it_cannot_be_renewed(shop: Shop) -> None:
    shop.log_in(ends_in=4 * MINUTE)
    shop.ebay.tokens_fail.append("unavailable")

    assert one(shop).outcome is Outcome.ACCEPTED


def test_many_at_once_renew_a_token_once(shop: Shop) -> None:
    shop.log_in(ends_in=4 * MINUTE)

    receipts = send(shop, *map(a_text, range(1, 9)))

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert len(shop.ebay.access) == 2  # the first, and one more


def test_another_process_that_is_just_renewing_is_waited_for(shop: Shop) -> None:
    shop.log_in(ends_in=timedelta(0))
    shop.store.take_refresh(ACCOUNT, owner="worker-2", now=NOW, until=NOW + MINUTE)

    receipt = one(shop)

    assert (receipt.outcome, receipt.reply) == (Outcome.ACCOUNT, "another process is renewing the login")
    assert shop.ebay.arrived() == []


def test_processes_that_race_renew_a_token_once(shop: Shop) -> None:
    shop.log_in(ends_in=timedelta(0))
    logins = [
        Login(vault=shop.store, clock=shop.clock, account=ACCOUNT, owner=f"w{number}", renew=shop.desk.renew, remedy="")
        for number in range(6)
    ]

    def access(login: Login) -> str:
        while True:
            try:
                return login.access()
            except SourceAway:  # another one is at it
                continue

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(access, logins))

    assert len(found) == 1
    assert len(shop.ebay.access) == 2


def test_the_page_of_consent_asks_for_messages_and_nothing_else(shop: Shop) -> None:
    asked = parse_qs(urlsplit(shop.desk.consent_url(redirect=shop.ebay.redirect, state="s1")).query)

    assert (asked["scope"], asked["redirect_uri"], asked["state"]) == ([MESSAGES], [shop.ebay.redirect], ["s1"])


def test_a_code_is_exchanged_for_tokens_once(shop: Shop) -> None:
    found = shop.desk.log_in("code-1", redirect=shop.ebay.redirect)

    assert (found.account, found.ends_at, found.refresh_ends_at) == (
        ACCOUNT, NOW + timedelta(hours=2), NOW + timedelta(days=547),
    )  # fmt: skip
    with pytest.raises(SourceShut, match="invalid_grant"):
        shop.desk.log_in("code-1", redirect=shop.ebay.redirect)


def test_a_wrong_secret_of_the_app_is_told_as_such(shop: Shop) -> None:
    desk = replace(shop.desk, app=replace(shop.desk.app, secret=lambda: "wrong"))

    with pytest.raises(SourceShut, match="client authentication failed"):
        desk.log_in("code-1", redirect=shop.ebay.redirect)


def test_no_token_is_ever_shown(shop: Shop) -> None:
    found = shop.desk.log_in("code-1", redirect=shop.ebay.redirect)

    shown = f"{found!r} {shop.desk!r} {shop.transport._client!r}"
    assert found.access not in shown
    assert found.refresh not in shown


# --- looking back -----------------------------------------------------------------------------------------------------


def other_texts(shop: Shop, count: int, *, at: timedelta = timedelta(0)) -> None:
    for number in range(count):
        shop.ebay.talk(f"other{number}", a_text(number + 100).text, ours=True, at=NOW + at)


@pytest.mark.parametrize("name", [name for name, (outcome, _) in SENDING.items() if outcome is Outcome.UNCERTAIN])
def test_after_every_uncertain_failure_a_look_finds_the_truth(shop: Shop, name: str) -> None:
    shop.ebay.sends_fail.append(name)
    one(shop)

    assert look(shop) is SENDING[name][1]


def test_a_message_in_an_old_conversation_is_found_among_many(shop: Shop) -> None:
    chat = shop.ebay.talk("buyer1", "Hello?", at=NOW - timedelta(days=3))
    for number in range(130):
        shop.ebay.say(chat, f"Question {number}", ours=False, at=NOW - timedelta(days=2))
    shop.ebay.say(chat, a_text().text, ours=True, at=NOW + MINUTE)
    shop.ebay.say(chat, "Thank you!", ours=False, at=NOW + 2 * MINUTE)

    assert look(shop) is True


def test_the_same_words_of_another_day_do_not_count(shop: Shop) -> None:
    shop.ebay.talk("buyer1", a_text().text, ours=True, at=NOW - timedelta(days=3))
    shop.ebay.talk("buyer1", "Thank you!", at=NOW + MINUTE)

    assert look(shop) is False


def test_a_text_that_ebay_shows_in_its_own_way_is_still_found(shop: Shop) -> None:
    message = a_text(text="Tom & Ana,\n\n  your order 12-1 is here.")
    shop.ebay.shows = lambda text: text.replace("&", "&amp;").replace("\n", " ")
    one(shop, message)

    assert look(shop, message) is True


def test_a_text_that_is_nearly_ours_cannot_be_told_from_it(shop: Shop) -> None:
    shop.ebay.shows = lambda text: text.replace("question", "[removed]")
    one(shop)

    assert look(shop) is None


def test_words_of_staff_and_buyer_are_not_taken_for_ours(shop: Shop) -> None:
    shop.ebay.talk("buyer1", "Is it blue?", at=NOW + MINUTE)
    shop.ebay.talk("buyer1", "Yes, it is blue, as in the picture.", ours=True, at=NOW + 2 * MINUTE)

    assert look(shop) is False


def test_a_buyer_whom_ebay_calls_otherwise_is_found_by_the_order(shop: Shop) -> None:
    other_texts(shop, 70, at=-timedelta(days=1))
    message = a_text(order="12-34567-89012")
    shop.ebay.talk("v1.immutable~id", message.text, ours=True, at=NOW + MINUTE)

    assert look(shop, message) is True


def test_a_text_without_the_order_may_have_gone_to_somebody_else(shop: Shop) -> None:
    message = a_text(text="Your parcel is on its way.")
    shop.ebay.talk("v1.immutable~id", message.text, ours=True, at=NOW + MINUTE)

    assert look(shop, message) is None


def test_what_is_nowhere_is_not_there_although_others_were_written_to(shop: Shop) -> None:
    other_texts(shop, 20)

    assert look(shop, a_text(order="12-34567-89012")) is False


def test_more_conversations_than_anybody_should_read_leave_it_open(shop: Shop) -> None:
    other_texts(shop, 61)

    assert look(shop, a_text(order="12-34567-89012")) is None


def test_many_old_conversations_are_not_read_to_their_end(shop: Shop) -> None:
    other_texts(shop, 300, at=-timedelta(days=1))
    shop.ebay.per_minute = 1000

    assert look(shop, a_text(order="12-34567-89012")) is False
    assert len(shop.ebay.calls) <= 4


def test_a_page_that_repeats_for_ever_comes_to_an_end(shop: Shop) -> None:
    chat = shop.ebay.talk("buyer1", "Hello?", at=NOW + MINUTE)
    for number in range(1100):
        shop.ebay.say(chat, f"Question {number}", ours=False, at=NOW + MINUTE)
    shop.ebay.per_minute = 1000

    assert look(shop) is None


def test_a_message_that_was_never_written_down_cannot_be_looked_for(shop: Shop) -> None:
    assert look(shop, replace(a_text(), written_at=None, doubt=Doubt.LOOK)) is None
    assert shop.ebay.calls == []


# --- the line ---------------------------------------------------------------------------------------------------------


def test_a_line_that_was_closed_is_opened_again(shop: Shop) -> None:
    one(shop, a_text(1))
    asyncio.run(shop.transport.close())

    assert one(shop, a_text(2)).outcome is Outcome.ACCEPTED


def test_closing_a_line_that_was_never_opened_does_nothing() -> None:
    Line(timeout=1.0).close()


def test_the_seller_is_who_writes(shop: Shop) -> None:
    one(shop)

    names: Sequence[str] = [message["senderUserName"] for chat in shop.ebay.chats for message in chat.messages]
    assert names == [SELLER]
