"""What every transport promises, shown for the one in memory, and for SMTP, eBay and AliExpress against real servers on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.memory import MemoryTransport
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport
from messenger.ports import Transport
from tests.platforms.aliexpress_server import SEND, refused
from tests.platforms.aliexpress_shop import Shop as AliExpressShop
from tests.platforms.aliexpress_shop import an_account
from tests.platforms.ebay_bench import Shop, ebay_shop
from tests.smtp_server import DROP, SmtpServer

SAYS = {
    Outcome.ACCEPTED: {},
    Outcome.TEMPORARY: {"rcpt": "451 4.3.0 later"},
    Outcome.PERMANENT: {"rcpt": "550 5.1.1 no such mailbox"},
    Outcome.UNCERTAIN: {"end_of_data": DROP},
    Outcome.ACCOUNT: {"mail": "550 5.7.1 not you"},
}


def a_message(
    number: int = 1, *, recipient: str = "", content: bytes = b"Subject: x\r\n\r\nhello\r\n"
) -> FrozenMessage:
    return FrozenMessage(
        key=Key("shop", "rule", str(number), 1),
        sender="shop@shop.example",
        recipient=recipient or f"buyer{number}@mail.example",
        content=content,
    )


class Notes:
    """What a caller is told."""

    def __init__(self, *, refuse: Iterable[Key] = ()) -> None:
        self.refuse = frozenset(refuse)
        self.asked: list[Key] = []
        self.done: list[tuple[Key, Receipt]] = []

    async def committing(self, key: Key) -> bool:
        self.asked.append(key)
        return key not in self.refuse

    async def tell(self, key: Key, receipt: Receipt) -> None:
        self.done.append((key, receipt))

    async def run(self, transport: Transport, messages: Iterable[FrozenMessage]) -> None:
        await transport.carry(stream(messages), committing=self.committing, done=self.tell)

    def outcomes(self) -> dict[Key, Outcome]:
        assert len({key for key, _ in self.done}) == len(self.done)
        return {key: receipt.outcome for key, receipt in self.done}


async def stream(messages: Iterable[FrozenMessage]) -> AsyncIterator[FrozenMessage]:
    for message in messages:
        yield message


Step = Sequence[FrozenMessage] | str
"""Messages to carry, or ``close`` (the transport), ``hang up`` (the server, on whoever is connected)."""
CLOSE = "close"
HANG_UP = "hang up"


class Bench(Protocol):
    def answer(self, outcome: Outcome) -> None: ...
    def refuse(self, recipient: str) -> None: ...
    def carry(self, *messages: FrozenMessage, notes: Notes | None = None) -> Notes: ...
    def play(self, *steps: Step) -> Notes: ...
    def arrived(self) -> list[bytes]: ...


class MemoryBench:
    def __init__(self) -> None:
        self.transport = MemoryTransport()

    def answer(self, outcome: Outcome) -> None:
        self.transport.answer(outcome)

    def refuse(self, recipient: str) -> None:
        self.transport.answer_for(recipient, Outcome.PERMANENT)

    def carry(self, *messages: FrozenMessage, notes: Notes | None = None) -> Notes:
        notes = notes or Notes()
        asyncio.run(notes.run(self.transport, messages))
        return notes

    def play(self, *steps: Step) -> Notes:
        notes = Notes()
        asyncio.run(self._play(steps, notes))
        return notes

    async def _play(self, steps: Sequence[Step], notes: Notes) -> None:
        for step in steps:
            if step == CLOSE:
                await self.transport.close()
            elif not isinstance(step, str):
                await notes.run(self.transport, step)

    def arrived(self) -> list[bytes]:
        return [message.content for message in self.transport.sent]


class SmtpBench:
    def __init__(self) -> None:
        self.script: dict[str, str | list[str]] = {}
        self.recipients: dict[str, str] = {}
        self.server = SmtpServer()

    def answer(self, outcome: Outcome) -> None:
        self.script.update(SAYS[outcome])

    def refuse(self, recipient: str) -> None:
        self.recipients[recipient] = "550 5.1.1 no such mailbox"

    def carry(self, *messages: FrozenMessage, notes: Notes | None = None) -> Notes:
        return self._play([messages, CLOSE], notes or Notes())

    def play(self, *steps: Step) -> Notes:
        return self._play([*steps, CLOSE], Notes())

    def _play(self, steps: Sequence[Step], notes: Notes) -> Notes:
        self.server = SmtpServer(self.script, recipients=self.recipients)
        asyncio.run(self._steps(steps, notes))
        return notes

    async def _steps(self, steps: Sequence[Step], notes: Notes) -> None:
        async with self.server as server:
            settings = SmtpSettings(
                name="main", host="127.0.0.1", port=server.port, security=Security.NONE, local_hostname="test.example"
            )
            transport = SmtpTransport(settings)
            for step in steps:
                if step == CLOSE:
                    await transport.close()
                elif step == HANG_UP:
                    await server.hang_up()
                elif not isinstance(step, str):
                    await notes.run(transport, step)

    def arrived(self) -> list[bytes]:
        return [mail.content for mail in self.server.taken]


class EbayBench:
    """What is carried is the text of a message: its content as it stands."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        shop.ebay.per_minute = 10_000

    def answer(self, outcome: Outcome) -> None:
        self.shop.ebay.sends_fail.append(EBAY_SAYS[outcome])

    def refuse(self, recipient: str) -> None:
        self.shop.ebay.refused[recipient] = "message failure"

    def carry(self, *messages: FrozenMessage, notes: Notes | None = None) -> Notes:
        return self._play([messages], notes or Notes())

    def play(self, *steps: Step) -> Notes:
        return self._play(steps, Notes())

    def _play(self, steps: Sequence[Step], notes: Notes) -> Notes:
        asyncio.run(self._steps(steps, notes))
        return notes

    async def _steps(self, steps: Sequence[Step], notes: Notes) -> None:
        for step in steps:
            if step == CLOSE:
                await self.shop.transport.close()
            elif step == HANG_UP:
                self.shop.ebay.hang_up()
            elif not isinstance(step, str):
                await notes.run(self.shop.transport, [replace(one, text=one.content.decode()) for one in step])

    def arrived(self) -> list[bytes]:
        return [text.encode() for text in self.shop.ebay.arrived()]


EBAY_SAYS = {
    Outcome.ACCEPTED: "",
    Outcome.TEMPORARY: "message cap",
    Outcome.PERMANENT: "message failure",
    Outcome.UNCERTAIN: "line cut, not taken",
    Outcome.ACCOUNT: "no permission",
}


@pytest.fixture
def ebay(tmp_path: Path) -> Iterator[Bench]:
    with ebay_shop(tmp_path) as shop:
        yield EbayBench(shop)


class AliExpressBench:
    """What is carried is the text of a message; each is written into the conversation of its order."""

    def __init__(self, shop: AliExpressShop) -> None:
        self.shop = shop
        self.transport = shop.transport()

    def answer(self, outcome: Outcome) -> None:
        if outcome is Outcome.UNCERTAIN:
            self.shop.platform.cuts = [False]
        elif outcome is not Outcome.ACCEPTED:
            self.shop.platform.refusals[SEND] = [ALIEXPRESS_SAYS[outcome]]

    def refuse(self, recipient: str) -> None:
        self.shop.platform.strangers.add(recipient)

    def carry(self, *messages: FrozenMessage, notes: Notes | None = None) -> Notes:
        return self._play([messages], notes or Notes())

    def play(self, *steps: Step) -> Notes:
        return self._play(steps, Notes())

    def _play(self, steps: Sequence[Step], notes: Notes) -> Notes:
        asyncio.run(self._steps(steps, notes))
        return notes

    async def _steps(self, steps: Sequence[Step], notes: Notes) -> None:
        for step in steps:
            if step == CLOSE:
                await self.transport.close()
            elif step == HANG_UP:
                self.shop.platform.hang_up()
            elif not isinstance(step, str):
                await notes.run(self.transport, [replace(one, text=one.content.decode()) for one in step])

    def arrived(self) -> list[bytes]:
        return [text.encode() for text in self.shop.platform.texts()]


ALIEXPRESS_SAYS = {
    Outcome.TEMPORARY: refused(11, "Insufficient isv permissions"),
    Outcome.PERMANENT: refused(15, "Remote service error", sub_code="isv.message-too-long"),
    Outcome.ACCOUNT: refused(25, "Invalid signature"),
}


@pytest.fixture
def aliexpress(tmp_path: Path) -> Iterator[Bench]:
    with an_account(tmp_path) as shop:
        shop.log_in()
        yield AliExpressBench(shop)


@pytest.fixture
def memory() -> Bench:
    return MemoryBench()


@pytest.fixture
def smtp() -> Bench:
    return SmtpBench()


@pytest.fixture(params=["memory", "smtp"])
def mail_bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["memory", "smtp", "ebay", "aliexpress"])
def bench(request: pytest.FixtureRequest) -> Bench:
    found: Bench = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_is_told_once(bench: Bench, outcome: Outcome) -> None:
    bench.answer(outcome)

    notes = bench.carry(a_message())

    assert [receipt.outcome for _, receipt in notes.done] == [outcome]


@pytest.mark.parametrize("outcome", Outcome)
def test_only_an_accepted_message_has_arrived(bench: Bench, outcome: Outcome) -> None:
    bench.answer(outcome)

    bench.carry(a_message())

    assert len(bench.arrived()) == (outcome is Outcome.ACCEPTED)


def test_a_message_nobody_wants_any_more_is_dropped_without_an_answer(bench: Bench) -> None:
    message = a_message()

    notes = bench.carry(message, notes=Notes(refuse=[message.key]))

    assert (notes.asked, notes.done, bench.arrived()) == ([message.key], [], [])


def test_messages_around_a_dropped_one_arrive(bench: Bench) -> None:
    messages = [a_message(number) for number in range(1, 10)]

    notes = bench.carry(*messages, notes=Notes(refuse=[messages[4].key]))

    assert set(notes.outcomes()) == {message.key for message in messages} - {messages[4].key}
    assert len(bench.arrived()) == 8


def test_every_message_of_a_long_stream_is_answered(bench: Bench) -> None:
    messages = [a_message(number, content=f"Subject: {number}\r\n\r\n.\r\n".encode()) for number in range(50)]

    notes = bench.carry(*messages)

    assert notes.outcomes() == dict.fromkeys((message.key for message in messages), Outcome.ACCEPTED)
    assert sorted(bench.arrived()) == sorted(message.content for message in messages)


def test_an_empty_stream_ends_at_once(bench: Bench) -> None:
    assert bench.carry().done == []


def test_a_refused_message_does_not_touch_the_others(bench: Bench) -> None:
    messages = [a_message(number) for number in range(1, 21)]
    bench.refuse(messages[6].recipient)

    notes = bench.carry(*messages)

    refused = [key for key, outcome in notes.outcomes().items() if outcome is not Outcome.ACCEPTED]
    assert refused == [messages[6].key]
    assert len(bench.arrived()) == 19


def test_the_commit_point_is_asked_once_per_message(bench: Bench) -> None:
    messages = [a_message(number) for number in range(10)]

    notes = bench.carry(*messages)

    assert sorted(notes.asked) == sorted(message.key for message in messages)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n", id="dots at the start of lines"),
        pytest.param(b".Subject: x\r\n\r\nx\r\n", id="dot first of all"),
        pytest.param(b"Subject: x\r\n\r\n" + b"a" * 998 + b"\r\n", id="longest line"),
        pytest.param(b"Subject: x\r\n\r\n\r\n.\r\n\r\nMAIL FROM:<a@b.c>\r\nDATA\r\n.\r\n", id="looks like commands"),
        pytest.param(b"Subject: x\r\n\r\n" + b"line of text\r\n" * 100_000, id="1.4 megabytes"),
    ],
)
def test_content_arrives_to_the_byte(mail_bench: Bench, content: bytes) -> None:
    mail_bench.carry(a_message(content=content))

    assert mail_bench.arrived() == [content]


# --- between streams ------------------------------------------------------------------------------------------------


def test_a_transport_carries_one_stream_after_the_other(bench: Bench) -> None:
    notes = bench.play([a_message(1)], [a_message(2), a_message(3)], [a_message(4)])

    assert notes.outcomes() == {a_message(number).key: Outcome.ACCEPTED for number in range(1, 5)}
    assert len(bench.arrived()) == 4


def test_a_closed_transport_begins_anew(bench: Bench) -> None:
    notes = bench.play([a_message(1)], CLOSE, [a_message(2)], CLOSE, CLOSE)

    assert list(notes.outcomes().values()) == [Outcome.ACCEPTED] * 2


def test_closing_what_was_never_used_does_nothing(bench: Bench) -> None:
    assert bench.play(CLOSE).done == []


def test_a_line_that_went_stale_between_streams_costs_no_message_its_try(bench: Bench) -> None:
    notes = bench.play([a_message(1), a_message(2)], HANG_UP, [a_message(3), a_message(4)], HANG_UP, [a_message(5)])

    assert list(notes.outcomes().values()) == [Outcome.ACCEPTED] * 5
    assert sorted(notes.asked, key=str) == [a_message(number).key for number in range(1, 6)]
    assert len(bench.arrived()) == 5
