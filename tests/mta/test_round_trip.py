"""A mail goes out through Exim, its bounce comes back through Dovecot, and the buyer is not written to again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.domain.messages import Reason, State
from tests.mta.servers import DOVECOT, EXIM, PASSWORD, Servers, servers, until
from tests.stage import Stage, shipped, stage

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Exim and Dovecot change their user: only root can start them"),
    pytest.mark.skipif(not (Path(EXIM).exists() and Path(DOVECOT).exists()), reason="needs exim4-daemon-light and dovecot-imapd"),
    pytest.mark.timeout(180),
]  # fmt: skip
RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
SOURCE = """
[sources.bounces]
kind = "imap"
host = "127.0.0.1"
port = {port}
username = "bounces"
password = "env:BOUNCES"
ca_file = "{ca_file}"
done = "Done"
"""


@pytest.fixture(scope="module")
def real() -> Iterator[Servers]:
    with servers() as running:
        yield running


@pytest.fixture
def shop(real: Servers, tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.environ = {"BOUNCES": PASSWORD}
    made.settings(
        ("port = 9\n", f'port = {real.smtp_port}\nbounces = "bounce.sunny-toys.example"\n'),
        more=SOURCE.format(port=real.imap_port, ca_file=real.ca_file),
    )
    made.rules(RULES)
    yield made
    made.close()


def order(shop: Stage, number: str, local: str) -> None:
    at = f"{shop.clock.now():%Y-%m-%dT%H:%M}"
    shop.ingest(*shipped(number, buyer=local, at=at, email=f"{local}@buyer.example"))


def send(shop: Stage) -> None:
    """Send what is due, through the transport that messenger.toml names."""
    worker = shop.engine.worker()

    async def once() -> None:
        try:
            await worker.dispatcher.run_due()
        finally:
            await worker.dispatcher.close()

    asyncio.run(once())


def test_what_real_servers_do_becomes_what_we_know(real: Servers, shop: Stage) -> None:
    for number, local in (("1", "ana"), ("2", "gone"), ("3", "reject"), ("4", "later")):
        order(shop, number, local)
    send(shop)
    found = {number: shop.row(order=number) for number in "1234"}
    assert [found[number].state for number in "1234"] == [State.SENT, State.SENT, State.FAILED, State.PLANNED]
    assert found["3"].because.startswith("550 5.1.1")
    assert found["4"].reason is Reason.RETRY
    until(lambda: len(real.delivered()) == 1, "the mail that was taken")

    real.until_bounced(1)
    assert shop.engine.visit_mailboxes() == 1

    assert shop.row(order="2").state is State.BOUNCED
    hints = {(one.hint, str(one.cause)) for one in shop.engine.store.suppressions()}
    assert hints == {("g…@buyer.example", "hard_bounce"), ("r…@buyer.example", "hard_bounce")}
    assert shop.engine.visit_mailboxes() == 0
    order(shop, "5", "gone")
    send(shop)
    assert shop.row(order="5").reason is Reason.SUPPRESSED
    assert len(real.delivered()) == 1
