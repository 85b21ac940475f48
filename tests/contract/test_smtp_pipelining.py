"""Two messages in one breath: the last octets of one together with the envelope of the next, and what can go wrong then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport, Timeouts
from tests.contract.test_smtp_sessions import a_message

ONE_LINE = SmtpSettings(
    name="main", host="127.0.0.1", port=0, security=Security.NONE, connections=1, local_hostname="test.example",
    timeouts=Timeouts(mail=0.5),
)  # fmt: skip
YES = {"MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "RSET": "250 ok", "QUIT": "221 bye"}


@dataclass
class Server:
    """Answers as it is told, and notes which message was announced before the one before it had its answer.

    Args:
        lists: what it says it can do.
        forgets: it throws away what was said together with a message, as a server does that cannot do what it lists.
        says: other answers, by the whole command.
        to_announced: what it says to MAIL when that was announced.
        hangs_up_after: so many messages.
    """

    lists: tuple[str, ...] = ("PIPELINING",)
    forgets: bool = False
    says: dict[str, str] = field(default_factory=dict)
    to_announced: str = ""
    hangs_up_after: int = 1000
    taken: list[str] = field(default_factory=list)
    announced: int = 0
    connections: int = 0
    empty: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        kept, recipient = b"", ""
        for _ in range(self.hangs_up_after * 10):
            line, is_announced = (kept, True) if kept else (await reader.readuntil(b"\n"), False)
            kept = b""
            command = line.decode().strip()
            verb = command[:4].upper()
            if verb == "EHLO":
                writer.write("".join(f"250-{one}\r\n" for one in ("test", *self.lists)).encode() + b"250 HELP\r\n")
                continue
            if verb == "RCPT":
                recipient = command.partition("<")[2].partition(">")[0]
            answer = self.says.get(command, YES.get(verb, "250 ok"))
            if verb == "MAIL" and is_announced and self.to_announced:
                answer = self.to_announced
            writer.write(f"{answer}\r\n".encode())
            if verb == "DATA" and answer.startswith("354"):
                kept = await self._message(reader, recipient)
                writer.write(b"250 2.0.0 taken\r\n")
                if len(self.taken) % self.hangs_up_after == 0:
                    return

    async def _message(self, reader: asyncio.StreamReader, recipient: str) -> bytes:
        """Take a message, and wait a moment for what comes before its answer."""
        content = await reader.readuntil(b"\r\n.\r\n")
        self.taken.append(recipient)
        self.empty += content.strip() == b"."
        more = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                more = await reader.readuntil(b"\n")
        if more:
            self.announced += 1
        if more and self.forgets:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(65536)
            return b""
        return more


@dataclass
class Told:
    """What the caller was asked and told."""

    asked: list[Key] = field(default_factory=list)
    ended: dict[str, Receipt] = field(default_factory=dict)

    async def committing(self, key: Key) -> bool:
        self.asked.append(key)
        return True

    async def done(self, key: Key, receipt: Receipt) -> None:
        assert key.scope not in self.ended
        self.ended[key.scope] = receipt


async def stream(*messages: FrozenMessage) -> AsyncIterator[FrozenMessage]:
    for one in messages:
        yield one


def carried(
    server: Server, messages: int = 8, *, done: Callable[[Key, Receipt], Awaitable[None]] | None = None, settings: SmtpSettings = ONE_LINE
) -> Told:  # fmt: skip
    async def scenario() -> Told:
        told = Told()
        async with server as port:
            transport = SmtpTransport(replace(settings, port=port))
            content = b"Message-ID: <m@shop.example>\r\n\r\n.x\r\n"
            await transport.carry(
                stream(*(a_message(number, content=content) for number in range(messages))), committing=told.committing,
                done=done or told.done,
            )  # fmt: skip
            await transport.close()
        return told

    return asyncio.run(scenario())


def outcomes(told: Told) -> list[Outcome]:
    return [told.ended[str(number)].outcome for number in range(len(told.ended))]


def test_the_next_message_is_announced_together_with_the_end_of_the_last() -> None:
    server = Server()

    told = carried(server, 8)

    assert outcomes(told) == [Outcome.ACCEPTED] * 8
    assert server.taken == [f"buyer{number}@mail.example" for number in range(8)]
    assert server.announced >= 5  # the first ones find out that the server is quick
    assert server.connections == 1


def test_a_server_that_does_not_list_it_is_asked_step_by_step() -> None:
    server = Server(lists=("8BITMIME",))

    told = carried(server, 5)

    assert outcomes(told) == [Outcome.ACCEPTED] * 5
    assert server.announced == 0


def test_a_server_that_lists_it_and_cannot_is_found_out_once_and_nothing_is_lost_or_sent_twice() -> None:
    server = Server(forgets=True)

    told = carried(server, 8)

    assert outcomes(told) == [Outcome.ACCEPTED] * 8
    assert sorted(server.taken) == [f"buyer{number}@mail.example" for number in range(8)]
    assert (server.announced, server.connections) == (1, 2)


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("RCPT TO:<buyer5@mail.example>", "550 5.1.1 nobody here", Outcome.PERMANENT),
        ("RCPT TO:<buyer5@mail.example>", "451 4.2.1 later", Outcome.TEMPORARY),
    ],
)
def test_an_announced_message_that_is_refused_stops_no_other(command: str, answer: str, outcome: Outcome) -> None:
    """The server goes on to DATA all the same: the line is given up, for only that sends nothing to nobody."""
    server = Server(says={command: answer})

    told = carried(server, 8)

    assert outcomes(told) == [*[Outcome.ACCEPTED] * 5, outcome, *[Outcome.ACCEPTED] * 2]
    assert "buyer5@mail.example" not in server.taken
    assert server.empty == 0


@pytest.mark.parametrize("answer", ["503 5.5.1 bad sequence", "500 5.5.2 what?"])
def test_a_server_that_has_lost_its_place_is_asked_again_on_a_new_line(answer: str) -> None:
    server = Server(to_announced=answer)

    told = carried(server, 6)

    assert outcomes(told) == [Outcome.ACCEPTED] * 6
    assert len(server.taken) == 6
    assert (server.announced, server.connections) == (1, 2)


def test_a_server_that_hangs_up_now_and_then_gets_everything_once() -> None:
    server = Server(hangs_up_after=3)

    told = carried(server, 10)

    assert outcomes(told) == [Outcome.ACCEPTED] * 10
    assert sorted(server.taken) == sorted(f"buyer{number}@mail.example" for number in range(10))


def test_no_message_is_given_to_the_server_before_the_one_before_it_is_recorded() -> None:
    """A crash leaves one message of each connection in doubt, never two."""
    server, told = Server(), Told()
    most = 0

    async def slowly(key: Key, receipt: Receipt) -> None:
        nonlocal most
        await asyncio.sleep(0.02)  # a database that takes its time
        most = max(most, len(server.taken) - len(told.ended))
        await told.done(key, receipt)

    carried(server, 8, done=slowly)

    assert len(told.ended) == 8
    assert most == 1


def test_not_more_than_one_message_for_each_connection_is_ahead() -> None:
    server = Server()
    most = 0
    asked: list[Key] = []

    async def committing(key: Key) -> bool:
        nonlocal most
        asked.append(key)
        most = max(most, len(asked) - len(server.taken))
        return True

    async def scenario() -> None:
        told = Told()
        async with server as port:
            transport = SmtpTransport(replace(ONE_LINE, port=port))
            await transport.carry(stream(*map(a_message, range(8))), committing=committing, done=told.done)
            await transport.close()
        assert len(told.ended) == 8

    asyncio.run(scenario())
    assert most <= 2


def test_a_message_that_is_no_longer_wanted_is_passed_over_while_others_are_announced() -> None:
    server, told = Server(), Told()

    async def committing(key: Key) -> bool:
        return key.scope not in {"3", "5"}

    async def scenario() -> None:
        async with server as port:
            transport = SmtpTransport(replace(ONE_LINE, port=port))
            await transport.carry(stream(*map(a_message, range(8))), committing=committing, done=told.done)
            await transport.close()

    asyncio.run(scenario())
    assert sorted(told.ended) == ["0", "1", "2", "4", "6", "7"]
    assert "buyer3@mail.example" not in server.taken
