"""What our own kind of sender posts: CloudEvents, or the body that Standard Webhooks proposes."""

from __future__ import annotations

from collections.abc import Iterator

from messenger.domain.json_text import parsed
from messenger.errors import EventError
from messenger.intake.cloudevents import BATCH, STRUCTURED, is_cloudevents, read_events
from messenger.intake.standard import ID
from messenger.ports.deliveries import Delivery, Told


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield the events of a delivery, not yet judged.

    A body that is no CloudEvent holds ``type``, ``timestamp`` and ``data`` as Standard Webhooks has them; the order's number
    stands in ``subject``, or in ``data.order_id``.

    Raises:
        EventError: it holds none.
    """
    if is_cloudevents(delivery.headers):
        yield from read_events(delivery.headers, delivery.body)
        return
    body = parsed(delivery.body)
    if isinstance(body, list) or (
        isinstance(body, dict) and "specversion" in body
    ):  # a broker may carry no content type
        yield from read_events(
            {"content-type": f"{BATCH if isinstance(body, list) else STRUCTURED}+json"}, delivery.body
        )
        return
    if not isinstance(body, dict):
        raise EventError("", "is not a JSON object")
    data = body.get("data")
    if not isinstance(data, dict):
        raise EventError("data", "must be an object")
    told = dict(data)
    subject = body.get("subject") or told.pop("order_id", None)
    document = {"id": delivery.headers.get(ID) or delivery.id, "type": body.get("type"), "time": body.get("timestamp")}
    yield document | {"data": told} | ({"subject": subject} if subject is not None else {})
