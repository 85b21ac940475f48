"""Keys change while messages are on their way: what was tried once is tried with the same bytes, what is new is signed anew."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import dkim
import pytest

from messenger.bootstrap import Engine, open_app
from messenger.domain.verp import read
from messenger.mail.dkim import ED25519, PrivateKey, new_key, pem_of, record_of
from messenger.ports import Line
from messenger.services.clocks import SetClock
from tests.builders import event, utc
from tests.homes import live_home
from tests.smtp_server import Mail, SmtpServer

AT: Final = utc("2026-03-03T10:00")
RULES: Final = 'version = 1\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nwindow = "always"\ncategory = "relational"\n'
KEYS: Final = {"m1": new_key(ED25519), "m2": new_key(ED25519)}


def looked_up(name: bytes, timeout: int = 5) -> bytes | None:
    return record_of(KEYS[name.decode().partition(".")[0]]).encode()


class Shop:
    """A home that signs, and the program working in it."""

    def __init__(self, folder: Path, environ: dict[str, str], port: int) -> None:
        self.folder = live_home(folder, port=port)
        for locale in (self.folder / "templates").iterdir():
            if locale.name not in {"_layout", "en"}:
                shutil.rmtree(locale)
        self.environ = environ
        self.clock = SetClock(AT)
        (self.folder / "schedules.toml").write_text(RULES, encoding="utf-8")
        path = self.folder / "messenger.toml"
        text = path.read_text(encoding="utf-8").replace(
            "connections = 4", 'connections = 4\nbounces = "bounce.sunny-toys.example"'
        )
        self._plain = text + '[web]\npublic_url = "https://care.sunny-toys.example"\n'
        (self.folder / "dkim").mkdir()

    def signs_with(self, selector: str) -> None:
        self._keep(selector, KEYS[selector])
        table = (
            f'[signing."sunny-toys.example"]\nselector = "{selector}"\nkey = "file:dkim/{selector}.pem"\n'
            if selector
            else ""
        )
        (self.folder / "messenger.toml").write_text(self._plain + table, encoding="utf-8")

    def signs_no_more(self) -> None:
        for path in (self.folder / "dkim").iterdir():
            path.unlink()
        (self.folder / "messenger.toml").write_text(self._plain, encoding="utf-8")

    def _keep(self, selector: str, key: PrivateKey) -> None:
        path = self.folder / "dkim" / f"{selector}.pem"
        path.touch(0o600)
        path.write_bytes(pem_of(key))

    @contextmanager
    def open(self) -> Iterator[Engine]:
        with open_app(self.folder, self.environ, clock=self.clock) as engine:
            yield engine

    def order(self, engine: Engine, number: str) -> None:
        told = event("order.shipped", at="2026-03-03T09:00", order=number, shipment={"number": f"RR{number}"},
                     buyer={"email": f"b{number}@example.com", "country": "ES"})  # fmt: skip
        engine.ingest.accept([Line(file="test", line=1, event=told)], kind="file", name=number)
        engine.ingest.take_in()

    async def run(self, at: datetime) -> None:
        self.clock.advance_to(at)
        with self.open() as engine:
            await engine.worker().run_until_idle()


@pytest.fixture
def environ(engine_name: str, store_url: str) -> dict[str, str]:
    return {"MESSENGER_DATABASE_URL": store_url} if engine_name == "postgres" else {}


def selectors(mail: Mail) -> list[str]:
    return [found.decode() for found in re.findall(rb"; s=(\w+);", mail.content)]


@pytest.mark.parametrize("then", ["m2", ""], ids=["another key", "no key at all"])
def test_a_second_try_sends_the_bytes_of_the_first(tmp_path: Path, environ: dict[str, str], then: str) -> None:
    async def scenario() -> list[Mail]:
        async with SmtpServer({"end_of_data": ["451 4.3.0 later", "451 4.3.0 later"]}) as server:
            shop = Shop(tmp_path / "home", environ, server.port)
            shop.signs_with("m1")
            with shop.open() as engine:
                shop.order(engine, "1")
            await shop.run(AT)
            if then:
                shop.signs_with(then)
            else:
                shop.signs_no_more()
            for hours in (2, 6, 12):
                await shop.run(AT + timedelta(hours=hours))
            return server.mails

    mails = asyncio.run(scenario())

    assert [mail.is_taken for mail in mails] == [False, False, True]
    assert len({(mail.sender, mail.recipient, mail.content) for mail in mails}) == 1
    assert selectors(mails[-1]) == ["m1"]
    assert dkim.verify(mails[-1].content, dnsfunc=looked_up)
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mails[-1].content


def test_a_new_key_is_taken_up_by_a_worker_that_runs(tmp_path: Path) -> None:
    async def scenario() -> list[Mail]:
        async with SmtpServer() as server:
            shop = Shop(tmp_path / "home", {}, server.port)
            shop.signs_with("m1")
            with shop.open() as engine:
                worker = engine.worker()
                shop.order(engine, "1")
                await worker.run_until_idle()
                shop.signs_with("m2")
                shop.order(engine, "2")
                await worker.run_until_idle()
            return server.mails

    mails = asyncio.run(scenario())

    assert [selectors(mail) for mail in mails] == [["m1"], ["m2"]]
    assert all(dkim.verify(mail.content, dnsfunc=looked_up) for mail in mails)


def test_a_key_that_cannot_be_used_leaves_the_present_one_at_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> list[Mail]:
        async with SmtpServer() as server:
            shop = Shop(tmp_path / "home", {}, server.port)
            shop.signs_with("m1")
            with shop.open() as engine:
                worker = engine.worker()
                shop.signs_with("m2")
                (shop.folder / "dkim" / "m2.pem").chmod(0o644)
                shop.order(engine, "1")
                await worker.run_until_idle()
            return server.mails

    (mail,) = asyncio.run(scenario())

    assert selectors(mail) == ["m1"]
    assert any(record.message == "generation_rejected" and "mode 644" in str(vars(record)) for record in caplog.records)


def test_an_unsigned_shop_offers_no_one_click(tmp_path: Path) -> None:
    async def scenario() -> list[Mail]:
        async with SmtpServer() as server:
            shop = Shop(tmp_path / "home", {}, server.port)
            shop.signs_no_more()
            with shop.open() as engine:
                shop.order(engine, "1")
            await shop.run(AT)
            return server.mails

    (mail,) = asyncio.run(scenario())

    assert b"List-Unsubscribe: <https://care.sunny-toys.example/u/" in mail.content
    assert b"List-Unsubscribe-Post" not in mail.content


def test_what_comes_back_names_its_row(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[Mail], dict[str, int], bytes]:
        async with SmtpServer() as server:
            shop = Shop(tmp_path / "home", {}, server.port)
            shop.signs_with("m1")
            with shop.open() as engine:
                for number in ("1", "2", "3"):
                    shop.order(engine, number)
            await shop.run(AT)
            with shop.open() as engine:
                rows = {f"b{row.order}@example.com": row.id for row in engine.store.outbox()}
                return server.mails, rows, engine.store.secret("bounces")

    mails, rows, secret = asyncio.run(scenario())

    assert {mail.recipient: read(mail.sender, secret) for mail in mails} == rows
    assert all(mail.sender.endswith("@bounce.sunny-toys.example") for mail in mails)
