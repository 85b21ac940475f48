"""A message of the channel ``platform`` leaves as its text, by the transport that the shop has for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from messenger.bootstrap.making import composer_of
from messenger.domain.messages import Outcome, Reason, State
from messenger.mail.memory import MemoryTransport
from messenger.services.dispatching import Dispatcher
from tests.stage import LEASE, Stage, shipped, stage

SHIPPED = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nexpiry = "3d"\n'


@pytest.fixture
def shop(tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    opened = stage(tmp_path, url=migrated_url)
    opened.rules(SHIPPED)
    yield opened
    opened.close()


def run(shop: Stage, chat: MemoryTransport, mail: MemoryTransport) -> None:
    """Send what is due; the shop writes through a platform first."""
    engine = shop.engine
    toys = replace(engine.home.shops["toys"], channels={"platform": "chat", "email": "main"})
    dispatcher = Dispatcher(
        store=engine.store, home=replace(engine.home, shops={"toys": toys}), clock=shop.clock, composer=composer_of(engine.settings),
        transports={"chat": chat, "main": mail}, owner="worker-1", lease=LEASE, batch=100,
    )  # fmt: skip
    asyncio.run(dispatcher.run_due())


def test_the_text_leaves_and_no_mail(shop: Stage) -> None:
    chat, mail = MemoryTransport("chat"), MemoryTransport("main")
    shop.ingest(*shipped())

    run(shop, chat, mail)

    (sent,) = chat.sent
    assert (sent.recipient, sent.content.decode()) == ("b1", sent.text)
    assert sent.text.startswith("Hola")
    assert dict(sent.about)["Order"] == "1"
    assert mail.sent == []
    assert (shop.row().state, shop.row().channel, shop.row().transport) == (State.SENT, "platform", "chat")


def test_what_is_frozen_is_the_text_and_makes_every_copy(shop: Stage) -> None:
    chat = MemoryTransport("chat")
    chat.answer(Outcome.TEMPORARY)
    shop.ingest(*shipped())
    run(shop, chat, MemoryTransport("main"))

    frozen = shop.engine.store.frozen(shop.row().id)
    shop.at(shop.row().due_at)
    run(shop, chat, MemoryTransport("main"))

    assert frozen is not None
    assert frozen.letter is not None
    assert (frozen.letter.html, frozen.letter.text) == ("", "")
    (sent,) = chat.sent
    assert sent.text == frozen.letter.platform_text


def test_what_a_platform_refuses_says_nothing_about_an_address(shop: Stage) -> None:
    chat = MemoryTransport("chat")
    chat.answer(Outcome.PERMANENT)
    shop.ingest(*shipped())

    run(shop, chat, MemoryTransport("main"))

    assert (shop.row().state, shop.row().reason) == (State.FAILED, Reason.PLATFORM_REFUSED)
    assert list(shop.engine.store.suppressions()) == []
