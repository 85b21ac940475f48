"""What comes back about a message that was sent: bounces, complaints, and words that need nothing done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a report is."""

    BOUNCE = "bounce"  # it will not be delivered, whatever its class: a server may give up on a temporary trouble too
    DELAY = "delay"  # not yet
    COMPLAINT = "complaint"  # the recipient called it spam
    UNSUBSCRIBE = "unsubscribe"  # asked for by mail
    DELIVERED = "delivered"  # a success that nobody asked for
    AUTOMATIC = "automatic"  # an answering machine
    UNKNOWN = "unknown"  # none of these: perhaps a person wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing that a mail says about one recipient of one message.

    Args:
        return_paths: addresses the report came to, among which may be the envelope sender of the message.
        envelope_id: the ENVID the message was sent with; empty for none.
        message_ids: of the message, without angle brackets, as the report quotes it.
        recipient: whom the message was for, as the report says; empty for nobody.
        status: enhanced status code; empty for none.
        code: SMTP reply code within the diagnostic; 0 for none.
        words: the diagnostic.
        token: of an unsubscription by mail.
    """

    kind: Kind
    return_paths: tuple[str, ...] = ()
    envelope_id: str = ""
    message_ids: tuple[str, ...] = ()
    recipient: str = ""
    status: str = ""
    code: int = 0
    words: str = ""
    token: str = ""
