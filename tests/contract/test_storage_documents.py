"""What is kept as text comes back as it was told."""

from __future__ import annotations

import orjson
import pytest

from messenger.storage import event_document
from messenger.storage.documents import event_text, read_event
from tests.storage_samples import event


def test_the_same_event_told_in_another_order_is_the_same_text() -> None:
    one = event("e1", order={"total": "1.50", "currency": "EUR"}, buyer={"name": "Ana"})
    same = event("e1", buyer={"name": "Ana"}, order={"currency": "EUR", "total": "1.50"})

    assert event_text(one) == event_text(same)


def test_an_event_is_kept_in_words_that_a_person_can_read() -> None:
    told = event(
        "e1",
        order={"ship_by": "2026-03-05T10:00:00+08:00", "total": "12.90", "paid_at": None},
        shipment={"number": "RR1", "eta_to": "2026-03-20"},
    )

    assert orjson.loads(event_text(told)) == {
        "specversion": "1.0", "id": "e1", "source": "erp", "type": "order.paid", "time": "2026-03-02T10:00:00Z", "subject": "8134",
        "data": {"shop": "toys", "order": {"ship_by": "2026-03-05T02:00:00Z", "total": "12.90", "paid_at": None},
                 "shipment": {"number": "RR1", "eta_to": "2026-03-20"}},
    }  # fmt: skip


@pytest.mark.parametrize("type_", ["message.received", "buyer.unsubscribed", "shipment.delivered"])
def test_an_event_without_an_order_stays_without(type_: str) -> None:
    told = event("e1", type_, number=None, buyer={"id": "b1"}, shipment={"number": "RR1"})

    assert "subject" not in event_document(told)
    assert read_event(event_text(told)) == told
