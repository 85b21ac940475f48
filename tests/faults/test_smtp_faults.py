"""Every way in which a mail server may go wrong, at the first try, in the middle of a batch, and every time."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.smtp import Login, Security, SmtpSettings, SmtpTransport, Timeouts
from tests.faults.smtp_acts import say_and_close
from tests.faults.smtp_faults import FLOOD, Act, Conversation, Fault, FaultyServer, When, authorities
from tests.faults.smtp_matrix import ACCEPTED, FAULTS

BATCH = 4
SLOW_BATCH = 2
"""For faults that cost time or memory, when they strike each message."""
NOTICED_AFTER = 0.4
"""Seconds of silence that we wait for where silence is the fault; everywhere else we would wait as long as in earnest."""
OPENING = {"connect", "greeting", "ehlo", "tls", "auth"}


@dataclass
class Caller:
    """Whoever gives messages to the transport and hears what became of them."""

    server: FaultyServer
    heard: dict[str, list[Receipt]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    async def carry(self, transport: SmtpTransport, messages: Sequence[FrozenMessage]) -> list[Receipt]:
        self.heard |= {message.key.scope: [] for message in messages}
        await transport.carry(self._stream(messages), committing=self._committing, done=self._done)
        assert [len(self.heard[message.key.scope]) for message in messages] == [1] * len(messages)
        return [self.heard[message.key.scope][0] for message in messages]

    async def _stream(self, messages: Sequence[FrozenMessage]) -> AsyncIterator[FrozenMessage]:
        for message in messages:
            yield message

    async def _committing(self, key: Key) -> bool:
        self.asked[key.scope] += 1
        return True

    async def _done(self, key: Key, receipt: Receipt) -> None:
        self.heard[key.scope].append(receipt)
        await self.server.told(receipt.outcome)


def a_message(number: int, *, size: int = 20, is_odd: str = "") -> FrozenMessage:
    recipient, body = f"buyer{number}@mail.example", b"x" * 60 + b"\r\n"
    if is_odd == "no SMTPUTF8":
        recipient = f"покупатель{number}@mail.example"
    if is_odd == "no 8BITMIME":
        body = "тест\r\n".encode()
    if is_odd == "SIZE too small":
        size = 6000
    content = f"Message-ID: <m{number}@shop.example>\r\n\r\n".encode() + body * (size // len(body) + 1)
    return FrozenMessage(
        key=Key("shop", "rule", str(number), 1), sender="shop@shop.example", recipient=recipient, content=content
    )


def settings_for(fault: Fault, when: When, port: int) -> SmtpSettings:
    context = ssl.create_default_context()
    authorities()[0].configure_trust(context)
    is_early = fault.stage in OPENING or fault.at in {"listen", "connect", "greeting", "ehlo"}
    return SmtpSettings(
        name="main", host="127.0.0.1", port=port, security=Security.STARTTLS if fault.tls else Security.NONE, connections=1,
        messages_per_connection=2 if is_early and when is When.MIDDLE else 100, local_hostname="test.example", tls_context=context,
        timeouts=replace(Timeouts(), **({fault.waits: NOTICED_AFTER} if fault.waits else {})),
        login=Login(username="shop", secret=lambda: "pw") if fault.is_login else None,
    )  # fmt: skip


def length(fault: Fault, when: When) -> int:
    return SLOW_BATCH if when is When.EVERY and (fault.waits or fault.size > 100_000) else BATCH


def expected(fault: Fault, when: When) -> list[Outcome]:
    """What becomes of the messages of the batch."""
    if when is When.EVERY:
        return [fault.outcome] * length(fault, when)
    struck = 0 if when is When.FIRST else 2
    if when is When.MIDDLE and fault.is_lost:
        return [ACCEPTED] * BATCH  # the connection had been used before: it is replaced
    last = BATCH if fault.is_settled else struck + 1
    return [fault.outcome if struck <= number < last else ACCEPTED for number in range(BATCH)]


@dataclass(frozen=True)
class Played:
    receipts: list[Receipt]
    again: list[Receipt]
    """Of two more messages, and of what was not accepted before and may be tried again, after the fault was mended."""
    server: FaultyServer
    asked: Counter[str]
    goodbye: float


async def play(name: str, when: When) -> Played:
    fault = FAULTS[name]
    numbers = range(length(fault, when))
    struck = {When.FIRST: {0}, When.MIDDLE: {2}, When.EVERY: set(numbers)}[when]
    odd = [name if fault.at == "message" and number in struck else "" for number in numbers]
    batch = [a_message(number, size=fault.size if number in struck else 20, is_odd=odd[number]) for number in numbers]
    loop = asyncio.get_running_loop()
    async with FaultyServer(fault, when) as server:
        transport = SmtpTransport(settings_for(fault, when, server.port))
        caller = Caller(server)
        receipts = await caller.carry(transport, batch)
        if fault.at != "quit":
            await server.heal()
        retried = [
            one
            for one, receipt in zip(batch, receipts, strict=True)
            if receipt.outcome in {Outcome.TEMPORARY, Outcome.ACCOUNT}
        ]
        again = await caller.carry(transport, [*retried, a_message(90), a_message(91)])
        begin = loop.time()
        await transport.close()
        return Played(receipts, again, server, caller.asked, loop.time() - begin)


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("name", FAULTS)
def test_whatever_a_server_does_each_message_has_one_right_answer(name: str, when: When) -> None:
    fault = FAULTS[name]

    played = asyncio.run(play(name, when))

    outcomes = expected(fault, when)
    assert [receipt.outcome for receipt in played.receipts] == outcomes
    for receipt in played.receipts:
        if receipt.outcome is not ACCEPTED:
            assert receipt.stage == (fault.stage or fault.at), receipt
            assert (receipt.code, receipt.status) == (fault.code, fault.status) or name.startswith(
                "421 in the middle"
            ), receipt
            assert receipt.reply
            assert receipt.reply.isprintable()
    assert {receipt.outcome for receipt in played.again} == {ACCEPTED}
    assert played.goodbye < 1.5
    check_what_the_server_has(fault, played, outcomes)


def check_what_the_server_has(fault: Fault, played: Played, outcomes: Sequence[Outcome]) -> None:
    """It took what we say that it took, once; what we do not know about it may have, also once; nothing else."""
    copies = Counter(played.server.taken)
    known = {f"m{number}@shop.example" for number, outcome in enumerate(outcomes) if outcome is not Outcome.PERMANENT}
    unknown = {f"m{number}@shop.example" for number, outcome in enumerate(outcomes) if outcome is Outcome.UNCERTAIN}
    later = {"m90@shop.example", "m91@shop.example"}
    assert set(copies) - unknown == known - unknown | later
    assert not unknown or fault.is_taken == (unknown <= set(copies))
    assert max(copies.values()) == 1
    assert max(played.asked.values()) <= 2


def test_the_list_is_long_enough() -> None:
    assert len(FAULTS) >= 45


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.stage in {"tls", "auth"}])
def test_without_protection_and_login_no_message_is_mentioned(name: str) -> None:
    played = asyncio.run(play(name, When.EVERY))

    told = next(index for index, receipt in enumerate(played.receipts) if receipt.outcome is not ACCEPTED)
    until_healed = played.server.commands[
        : next(i for i, one in enumerate(played.server.commands) if one.startswith("MAIL"))
    ]
    assert told == 0
    assert not any(one.startswith(("MAIL", "RCPT", "DATA")) for one in until_healed)
    assert not any(one.startswith("AUTH") for one in until_healed) or FAULTS[name].is_login


@pytest.mark.parametrize("name", [name for name in FAULTS if "10 MB" in name or "without end" in name])
def test_of_an_endless_reply_only_a_little_is_ever_read(name: str) -> None:
    played = asyncio.run(play(name, When.FIRST))

    assert played.server.flooded < FLOOD


def test_a_dead_server_is_not_asked_again_for_each_message_of_a_batch() -> None:
    async def scenario() -> FaultyServer:
        async with FaultyServer(FAULTS["connected, then dropped"], When.EVERY) as server:
            settings = settings_for(server.fault, When.EVERY, server.port)
            transport = SmtpTransport(replace(settings, connections=2))
            await Caller(server).carry(transport, [a_message(number) for number in range(40)])
            await transport.close()
            return server

    assert asyncio.run(scenario()).connections <= 4


@pytest.mark.parametrize("limit", [1, 2])
def test_a_server_that_takes_few_connections_gets_its_mail_over_those(limit: int) -> None:
    """Nobody is turned away because a further connection was refused."""
    fault = Fault(at="connect", act=_full(limit), outcome=ACCEPTED)

    async def scenario() -> tuple[FaultyServer, list[Receipt]]:
        async with FaultyServer(fault, When.EVERY) as server:
            transport = SmtpTransport(replace(settings_for(fault, When.FIRST, server.port), connections=6))
            receipts = await Caller(server).carry(transport, [a_message(number) for number in range(60)])
            await transport.close()
            return server, receipts

    server, receipts = asyncio.run(scenario())
    assert {receipt.outcome for receipt in receipts} == {ACCEPTED}
    assert len(server.taken) == 60
    assert server.connections <= 6 + limit


def _full(limit: int) -> Act:
    async def act(one: Conversation) -> None:
        if one.server.open_now > limit:
            await say_and_close("421 4.7.0 too many connections\r\n")(one)

    return act
