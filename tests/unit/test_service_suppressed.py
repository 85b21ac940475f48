"""An address that must not be written to: the guard looks, under the buyer's lock, and explain says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.domain.messages import Reason, State
from messenger.domain.suppressions import Cause, Suppression, address_key
from tests.stage import START, Stage, shipped, stage

RULES = """
[rules.shipped]
template = "shipped"
on = "order.shipped"
[rules.review]
template = "review-request"
on = "order.shipped"
category = "relational"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.rules(RULES)
    yield made
    made.close()


def suppress(shop: Stage, cause: Cause, *, category: str = "") -> None:
    store = shop.engine.store
    key = address_key(store.secret("addresses"), "B1@Example.com")
    store.suppress(
        [
            Suppression(
                shop="toys", address=key, category=category, cause=cause, since=START, because="5.1.1 no such user"
            )
        ]
    )


def test_an_address_that_is_not_there_gets_nothing_and_explain_says_why(shop: Stage) -> None:
    shop.ingest(*shipped())
    suppress(shop, Cause.HARD_BOUNCE)
    shop.run()

    assert [(row.state, row.reason) for row in shop.rows()] == [(State.SKIPPED, Reason.SUPPRESSED)] * 2
    assert shop.row().because == "hard_bounce since 2026-03-02: 5.1.1 no such user"
    assert shop.transport.sent == []
    assert "hard_bounce since 2026-03-02" in str(shop.why("shipped"))


def test_who_wants_no_review_requests_still_hears_of_the_parcel(shop: Stage) -> None:
    shop.ingest(*shipped())
    suppress(shop, Cause.UNSUBSCRIBED, category="relational")
    shop.run()

    assert shop.row("shipped").state is State.SENT
    assert shop.row("review").reason is Reason.SUPPRESSED


@pytest.mark.parametrize(
    ("cause", "state"), [(Cause.HARD_BOUNCE, State.AWAITING_STAFF), (Cause.UNSUBSCRIBED, State.SKIPPED)]
)
def test_another_channel_is_tried_for_want_of_a_mailbox_but_not_against_a_wish(
    shop: Stage, cause: Cause, state: State
) -> None:
    shop.settings(
        ('channels = { email = "main" }', 'channels = { email = "main", platform = "desk" }'),
        more='[transports.desk]\nkind = "assisted"\n',
    )
    shop.rules(RULES.replace('on = "order', 'channels = ["email", "platform"]\non = "order'))
    shop.ingest(*shipped())
    suppress(shop, cause)
    shop.run()

    assert shop.row("shipped").state is state
