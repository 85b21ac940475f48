"""From a mail to reports: RFC 3464 and RFC 5965 by their fields, everything else by its words. Never raises."""

from __future__ import annotations

import email
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from typing import Any, Final

from messenger.domain.reports import Kind, Report
from messenger.mail.bounces.parts import Mail, addresses, body_of, text_of
from messenger.mail.bounces.words import is_automatic, is_bounce, named_in, said_by

log = logging.getLogger(__name__)

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a mail that are looked at: a report that holds a large message says what matters before it."""
MOST_RECIPIENTS: Final = 100
LONGEST_WORDS: Final = 500
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s-])")
_COMMENT = re.compile(r"\([^()]*\)")
_UNSUBSCRIBE = re.compile(r"\bunsubscribe\s+([A-Za-z0-9_-]{20,300})(?![A-Za-z0-9_-])", re.IGNORECASE)
_ACTIONS: Final = {
    "failed": Kind.BOUNCE, "error": Kind.BOUNCE, "failure": Kind.BOUNCE, "delayed": Kind.DELAY, "delivered": Kind.DELIVERED,
    "relayed": Kind.DELIVERED, "expanded": Kind.DELIVERED,
}  # fmt: skip
"""RFC 3464, 2.3.3; and two words that some servers write instead of ``failed``."""
_COMPLAINTS: Final = frozenset({"", "abuse", "fraud", "other", "opt-out", "opt-out-list"})
_NO_COMPLAINTS: Final = frozenset({"not-spam", "auth-failure", "virus"})
"""Source: RFC 5965, 7.3; RFC 6430; RFC 6591."""
_OUTLOOK: Final = "X-HmXmrOriginalRecipient"
"""Who complained, in the copy of a message that Outlook.com sends back without a report."""


def read_reports(raw: bytes) -> list[Report]:
    """Return what a mail reports, one for each recipient it speaks of; one of kind ``unknown`` when it reports nothing.

    Args:
        raw: the mail as it came; only its first two megabytes are looked at.
    """
    try:
        mail = Mail.of(raw[:LARGEST])
        found = list(_reports(mail))
    except Exception as error:  # noqa: BLE001  # a stranger wrote it: whatever it does to the parser, it is kept and counted
        log.warning("report_unreadable", extra={"error": type(error).__name__})
        return [Report(kind=Kind.UNKNOWN)]
    return found[:MOST_RECIPIENTS] or [_about(mail, Kind.UNKNOWN)]


def _reports(mail: Mail) -> Iterator[Report]:
    wish = _UNSUBSCRIBE.search(mail.header("Subject"))
    if wish:
        yield _about(mail, Kind.UNSUBSCRIBE, token=wish[1])
        return
    complaint = mail.first("message/feedback-report")
    if complaint is not None:
        yield from _complaint(mail, complaint)
        return
    if any(one.get(_OUTLOOK) for one in mail.parts if one is not mail.top):
        yield _about(mail, Kind.COMPLAINT, recipient=next(_complainants(mail, Message()), ""), words="abuse")
        return
    status = mail.first("message/delivery-status", "message/global-delivery-status")
    found = list(_delivery_status(mail, status)) if status is not None else []
    if found:
        yield from found
        return
    if is_bounce(mail):
        yield from _in_words(mail)
    elif is_automatic(mail):
        yield _about(mail, Kind.AUTOMATIC)


def _about(mail: Mail, kind: Kind, **more: Any) -> Report:  # Any: fields of a report
    return Report(kind=kind, return_paths=mail.came_to, message_ids=mail.original_ids, **more)


# --- RFC 3464 ---------------------------------------------------------------------------------------------------


def _delivery_status(mail: Mail, part: Message) -> Iterator[Report]:
    blocks = _blocks(part)
    common = blocks[0] if blocks else Message()
    envelope_id = _xtext(text_of(common, "Original-Envelope-Id"))
    for block in blocks:
        if not (block.get("Final-Recipient") or block.get("Original-Recipient") or block.get("Action")):
            continue
        report = _of_recipient(mail, block)
        yield replace(report, envelope_id=envelope_id)


def _blocks(part: Message) -> list[Message]:
    payload: Any = part.get_payload()  # Any: text, or a list of messages
    is_encoded = text_of(part, "Content-Transfer-Encoding").strip().lower() in {"base64", "quoted-printable"}
    if isinstance(payload, list) and not is_encoded and part.get_content_type() == "message/delivery-status":
        return payload[: MOST_RECIPIENTS + 1]
    if isinstance(payload, list):  # encoded, which the standard forbids and some do, or of a kind the parser knows not
        inner = b"".join(one.as_bytes() for one in payload[: MOST_RECIPIENTS + 1])
        part.set_payload(inner.decode("utf-8", "replace"))
    text = (body_of(part) if is_encoded else str(part.get_payload())).replace("\r\n", "\n")
    return [email.message_from_string(block) for block in re.split(r"\n\s*\n", text.strip())[: MOST_RECIPIENTS + 1]]


def _of_recipient(mail: Mail, block: Message) -> Report:
    words = _one_line(text_of(block, "Diagnostic-Code"))
    recipient = _recipient(block)
    diagnostic = words.partition(";")[2].strip() or words or _said_about(mail, recipient)
    status = _status(text_of(block, "Status"), diagnostic)
    action = _COMMENT.sub("", text_of(block, "Action")).strip().split(" ")[0].strip(";.,").lower()
    kind = _ACTIONS.get(action) or (Kind.DELAY if status.startswith("4.") else Kind.BOUNCE)
    code = _CODE.search(f"{diagnostic} ")
    return _about(
        mail, kind, recipient=recipient, status=status, code=int(code[1]) if code else 0, words=diagnostic[:LONGEST_WORDS]
    )  # fmt: skip


def _said_about(mail: Mail, recipient: str) -> str:
    """What the report says to people about a recipient: Exim writes the server's words there and nowhere else."""
    said = _one_line(mail.text)
    at = said.find(recipient) if recipient else -1
    return said[at + len(recipient) :][:LONGEST_WORDS].strip() if at >= 0 else ""


def _recipient(block: Message) -> str:
    """The original one: the final one may be where it was forwarded to."""
    for name in ("Original-Recipient", "X-Original-Recipient", "Final-Recipient"):
        value = text_of(block, name)
        plain = _xtext(value.partition(";")[2].strip() or value.strip())
        found = next(addresses(plain), "")
        if found:
            return found
    return ""


def _status(told: str, diagnostic: str) -> str:
    """What the report says; where it says nothing in particular, what the server's words say."""
    plain = _STATUS.search(_COMMENT.sub("", told))
    better = _STATUS.search(diagnostic)
    if plain is None or (plain[1].endswith(".0.0") and better and better[1][0] == plain[1][0]):
        return better[1] if better else (plain[1] if plain else "")
    return plain[1]


def _xtext(value: str) -> str:
    """Read ``+3D`` as ``=``. Source: RFC 3461, 4."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value.strip())


# --- RFC 5965 ---------------------------------------------------------------------------------------------------


def _complaint(mail: Mail, part: Message) -> Iterator[Report]:
    blocks = _blocks(part)
    told = blocks[0] if blocks else Message()
    kind = text_of(told, "Feedback-Type").strip().lower()
    if (
        kind not in _COMPLAINTS
    ):  # that it is no spam after all, or that a signature was wrong, is nothing a buyer asks for
        yield _about(mail, Kind.AUTOMATIC if kind in _NO_COMPLAINTS else Kind.UNKNOWN, words=kind[:LONGEST_WORDS])
        return
    report = _about(mail, Kind.COMPLAINT, recipient=next(_complainants(mail, told), ""), words=kind or "abuse")
    sender = tuple(addresses(text_of(told, "Original-Mail-From")))
    yield replace(
        report, return_paths=(*sender, *report.return_paths), envelope_id=_xtext(text_of(told, "Original-Envelope-Id"))
    )


def _complainants(mail: Mail, told: Message) -> Iterator[str]:
    for name in ("Original-Rcpt-To", "Removal-Recipient", "Redacted-Address"):
        yield from addresses(text_of(told, name))
    yield from addresses(*(text_of(one, _OUTLOOK) for one in mail.parts))


# --- words ------------------------------------------------------------------------------------------------------


def _in_words(mail: Mail) -> Iterator[Report]:
    about = _one_line(said_by(mail))[: 8 * LONGEST_WORDS]
    status, code = _STATUS.search(about), _CODE.search(f"{about} ")
    start = max(0, min(one.start() for one in (status, code) if one) - 80) if status or code else 0
    told = status[1] if status else ""
    kind, named = named_in(mail, told)
    for recipient in named[:MOST_RECIPIENTS] or ("",):
        yield _about(
            mail, kind, recipient=recipient, status=told, code=int(code[1]) if code else 0,
            words=about[start : start + LONGEST_WORDS],
        )  # fmt: skip


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
