"""The local inbox takes what the transport brings, over a real line, and lists it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, Receipt
from messenger.mail.inbox import LocalInbox
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LETTER = Letter(
    key=Key("shop", "rule", "8134", 1),
    sender="Магазин <shop@shop.example>",
    recipient="buyer@mail.example",
    recipient_name="Иван",
    subject="Ваш заказ отправлен",
    text=".Здравствуйте!\n.\nконец\n",
    html="<p>Здравствуйте!</p>\n",
    platform_text="",
    locale="ru",
    message_id="0d72ac41@mail.example",
    date=AT,
)


class StoppedClock:
    def now(self) -> datetime:
        return AT


async def _yes(_: Key) -> bool:
    return True


async def _send(inbox: LocalInbox, *messages: FrozenMessage) -> list[Outcome]:
    told: list[Outcome] = []

    async def done(_: Key, receipt: Receipt) -> None:
        told.append(receipt.outcome)

    async def stream() -> AsyncIterator[FrozenMessage]:
        for message in messages:
            yield message

    settings = SmtpSettings(
        name="inbox", host=inbox.host, port=inbox.port, security=Security.NONE, local_hostname="test.example"
    )
    transport = SmtpTransport(settings)
    await transport.carry(stream(), committing=_yes, done=done)
    await transport.close()
    return told


def fill(folder: Path, *letters: Letter) -> LocalInbox:
    async def scenario() -> LocalInbox:
        async with LocalInbox(folder, clock=StoppedClock()) as inbox:
            told = await _send(inbox, *map(MimeComposer().compose, letters))
        assert told == [Outcome.ACCEPTED] * len(letters)
        return inbox

    return asyncio.run(scenario())


def test_a_mail_is_kept_to_the_byte_and_listed(tmp_path: Path) -> None:
    (mail,) = fill(tmp_path / "inbox", LETTER).messages()

    assert mail.path.read_bytes() == MimeComposer().compose(LETTER).content
    assert mail.path.name == "20260302T093000Z-00001-0d72ac41.eml"
    assert (mail.subject, mail.locale, mail.message_id, mail.date) == (LETTER.subject, "ru", LETTER.message_id, AT)
    assert (mail.sender, mail.to) == ("Магазин <shop@shop.example>", "Иван <buyer@mail.example>")
    assert mail.bodies() == {"plain": LETTER.text, "html": LETTER.html}


def test_many_mails_at_a_time_are_all_kept(tmp_path: Path) -> None:
    inbox = fill(tmp_path, *(replace(LETTER, message_id=f"{number}@mail.example") for number in range(40)))

    assert {mail.message_id for mail in inbox.messages()} == {f"{number}@mail.example" for number in range(40)}
    assert list(tmp_path.glob("*.tmp")) == []


def test_an_empty_inbox_lists_nothing(tmp_path: Path) -> None:
    assert LocalInbox(tmp_path / "nowhere", clock=StoppedClock()).messages() == []


def test_a_line_left_open_does_not_keep_the_inbox_from_stopping(tmp_path: Path) -> None:
    async def scenario() -> bytes:
        async with LocalInbox(tmp_path, clock=StoppedClock()) as inbox:
            reader, writer = await asyncio.open_connection(inbox.host, inbox.port)
            assert (await reader.readline()).startswith(b"220")
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()

    assert asyncio.run(scenario()) == b""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 - refused is what we check
def test_the_inbox_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        LocalInbox(tmp_path, clock=StoppedClock(), host=host)
