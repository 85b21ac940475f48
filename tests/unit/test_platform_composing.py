"""What a platform's channel carries is the text, and nothing but the text."""

from __future__ import annotations

import zlib
from dataclasses import replace

import orjson
import pytest

from messenger.domain.messages import EMAIL, PLATFORM, FrozenMessage, Key, Letter
from messenger.errors import MessageRefused
from messenger.mail.mime import MimeComposer
from messenger.platforms.composing import PlatformComposer
from messenger.services.composing import ByChannel
from messenger.storage.documents import pack, unpack
from tests.builders import utc

KEY = Key("toys", "shipped", "8134", 1)
LETTER = Letter(
    key=KEY, sender="Toys <care@toys.example>", recipient="ana_77", recipient_name="Ana", subject="On its way", text="The mail.\n",
    html="<p>The mail.</p>", platform_text="Hola, Ana.\n\n¡Ya está en camino! 📦\n", locale="es", message_id="1@toys.example",
    date=utc("2026-03-02T10:00"), headers=(("Order", "8134"),), channel=PLATFORM,
)  # fmt: skip


def test_the_finished_message_is_the_text() -> None:
    assert PlatformComposer().compose(LETTER) == FrozenMessage(
        key=KEY, sender="Toys <care@toys.example>", recipient="ana_77", content="Hola, Ana.\n\n¡Ya está en camino! 📦".encode(),
        text="Hola, Ana.\n\n¡Ya está en camino! 📦", about=(("Order", "8134"),), written_at=utc("2026-03-02T10:00"),
    )  # fmt: skip


def test_what_is_frozen_holds_no_mail_and_makes_the_same_bytes() -> None:
    sealed = PlatformComposer().seal(LETTER)
    kept = unpack(pack(sealed))

    assert (kept.subject, kept.text, kept.html) == ("", "", "")
    assert PlatformComposer().compose(kept) == PlatformComposer().compose(LETTER)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        ("a\x00b", "U\\+0000"),
        ("a\rb", "U\\+000D"),
        ("a\x1bb", "U\\+001B"),
        ("a\ud800b", "U\\+D800"),
    ],
)
def test_what_is_no_text_does_not_leave(text: str, why: str) -> None:
    with pytest.raises(MessageRefused, match=why):
        PlatformComposer().seal(replace(LETTER, platform_text=text))


def test_each_letter_goes_to_the_composer_of_its_channel() -> None:
    both = ByChannel({EMAIL: MimeComposer(), PLATFORM: PlatformComposer()})
    mail = replace(LETTER, channel=EMAIL, recipient="ana@example.com", headers=())

    assert both.compose(both.seal(LETTER)) == PlatformComposer().compose(LETTER)
    assert both.compose(both.seal(mail)) == MimeComposer().compose(mail)


def test_a_channel_that_nobody_composes_for_is_refused() -> None:
    with pytest.raises(MessageRefused, match="nothing composes for the channel 'platform'"):
        ByChannel({EMAIL: MimeComposer()}).seal(LETTER)


def test_a_letter_that_was_kept_before_there_were_channels_is_a_mail() -> None:
    fields = orjson.loads(zlib.decompress(pack(LETTER)))
    del fields["channel"]

    assert unpack(zlib.compress(orjson.dumps(fields))).channel == EMAIL
