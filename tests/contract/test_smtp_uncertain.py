"""When the answer to a message is lost on the line: what the policy says happens, once, and not before its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from messenger.domain.messages import Reason, State
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport, Timeouts
from tests.faults.smtp_faults import Fault, FaultyServer, When
from tests.faults.smtp_matrix import FAULTS
from tests.stage import Stage, shipped, stage

LOST: Final = {name: fault for name, fault in FAULTS.items() if name.startswith("taken, ")}
RULES: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nwindow = "always"\n'
SENT_AT: Final = "2026-03-02T13:00"


@pytest.fixture(params=["resend", "ask"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    opened = stage(tmp_path, url=migrated_url)
    opened.settings(('resend_after = "1s"\n', ""))  # the usual ten minutes
    opened.rules(f'{RULES}uncertain = "{request.param}"\n', head="version = 1\n")
    yield opened
    opened.close()


def run(shop: Stage, fault: Fault, when: When, *, after: timedelta) -> FaultyServer:
    """Send what is due then to a server with this fault."""

    async def scenario() -> FaultyServer:
        async with FaultyServer(fault, when) as server:
            transport = SmtpTransport(
                SmtpSettings(name="main", host="127.0.0.1", port=server.port, security=Security.NONE, connections=1,
                             timeouts=replace(Timeouts(), **({fault.waits: 0.4} if fault.waits else {})))
            )  # fmt: skip
            await shop.dispatcher(transport).run_due()
            await transport.close()
            return server

    shop.at(shop.clock.now() + after)
    return asyncio.run(scenario())


@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_followed_by_what_the_policy_says(
    shop: Stage, name: str, request: pytest.FixtureRequest
) -> None:
    fault = LOST[name]
    may_resend = request.node.callspec.params["shop"] == "resend"
    shop.ingest(*shipped("1"), at=SENT_AT)

    first = run(shop, fault, When.EVERY, after=timedelta(0))

    row = shop.row()
    assert (row.state, row.reason, len(first.taken)) == (State.UNCERTAIN, Reason.REPLY_LOST, 1)
    assert (row.resend_at is not None) == may_resend

    early = run(shop, fault, When.EVERY, after=timedelta(minutes=9, seconds=58))
    assert early.taken == []

    late = run(shop, fault, When.EVERY, after=timedelta(seconds=5))
    assert (late.taken, late.digests) == ((first.taken, first.digests) if may_resend else ([], []))

    never = run(shop, fault, When.EVERY, after=timedelta(days=30))
    assert never.taken == []
    assert (shop.row().state, shop.row().resend_at) == (State.UNCERTAIN, None)


def test_a_second_copy_that_is_accepted_ends_it(shop: Stage, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["shop"] == "ask":
        pytest.skip("nothing is sent a second time")
    shop.ingest(*shipped("1"), at=SENT_AT)

    first = run(shop, LOST["taken, then dropped"], When.EVERY, after=timedelta(0))
    second = run(shop, FAULTS["QUIT dropped"], When.FIRST, after=timedelta(minutes=11))

    assert shop.row().state is State.SENT
    assert second.digests == first.digests
