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

log = logging.getLogger(__name__)

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a mail that are looked at: a report that holds a large message says what matters before it."""
MOST_RECIPIENTS: Final = 100
LONGEST_WORDS: Final = 500
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[\s-])")
_COMMENT = re.compile(r"\([^()]*\)")
_UNSUBSCRIBE = re.compile(r"\bunsubscribe\s+([A-Za-z0-9_-]{20,300})\b", re.IGNORECASE)
_ROBOT = re.compile(r"^(?:mailer-?daemon|postmaster|mail[._-]?delivery.*|double-bounce|bounces?)@", re.IGNORECASE)
_UNDELIVERED = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|failed|problem)|mail delivery (?:failed|subsystem)|returned mail|"
    r"failure notice|could not be delivered|non[- ]?delivery|rejected|не доставлен|недоставленн|не может быть доставлен|退信|"
    r"系统退信|无法投递|投递失败|no se pudo entregar|no entregado|não entregue|falha na entrega",
    re.IGNORECASE,
)
_LATER = re.compile(r"\bdelay(?:ed)?\b|not yet|will (?:be )?retr|отложен|задерж|延迟|retrasad|atrasad", re.IGNORECASE)
_ACTIONS: Final = {
    "failed": Kind.BOUNCE, "error": Kind.BOUNCE, "failure": Kind.BOUNCE, "delayed": Kind.DELAY, "delivered": Kind.DELIVERED,
    "relayed": Kind.DELIVERED, "expanded": Kind.DELIVERED,
}  # fmt: skip
"""RFC 3464, 2.3.3; and two words that some servers write instead of ``failed``."""


def read_reports(raw: bytes) -> list[Report]:
    """Return what a mail reports, one for each recipient it speaks of; one of kind ``unknown`` when it reports nothing.

    Args:
        raw: the mail as it came; only its first two megabytes are looked at.
    """
    try:
        mail = Mail.of(email.message_from_bytes(raw[:LARGEST]))
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
    status = mail.first("message/delivery-status", "message/global-delivery-status")
    if status is not None:
        yield from _delivery_status(mail, status)
        return
    if _is_bounce(mail):
        yield from _in_words(mail)
    elif _is_automatic(mail):
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
    if isinstance(payload, list) and not is_encoded:
        return payload[: MOST_RECIPIENTS + 1]
    if isinstance(payload, list):  # encoded, which the standard forbids and some do: the parser has not looked inside
        part.set_payload("".join(one.as_string() for one in payload))
    text = body_of(part).replace("\r\n", "\n")
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
    if kind == "not-spam":
        yield _about(mail, Kind.AUTOMATIC)
        return
    report = _about(
        mail, Kind.COMPLAINT, recipient=next(addresses(text_of(told, "Original-Rcpt-To")), ""), words=kind or "abuse"
    )
    sender = tuple(addresses(text_of(told, "Original-Mail-From")))
    yield replace(
        report, return_paths=(*sender, *report.return_paths), envelope_id=_xtext(text_of(told, "Original-Envelope-Id"))
    )


# --- words ------------------------------------------------------------------------------------------------------


def _is_bounce(mail: Mail) -> bool:
    """Whether a machine that carries mail has written it, and says that something was not delivered."""
    if mail.header("X-Failed-Recipients"):
        return True
    sender = next(addresses(mail.header("From")), "")
    is_robot = mail.header("Return-Path").strip() == "<>" or bool(_ROBOT.match(sender))
    said = f"{mail.header('Subject')}\n{mail.text[:4000]}"
    return is_robot and bool(_UNDELIVERED.search(said))


def _in_words(mail: Mail) -> Iterator[Report]:
    said = mail.text.partition("--- Below this line is a copy")[0]
    about = _one_line(said)[: 8 * LONGEST_WORDS]
    status, code = _STATUS.search(about), _CODE.search(about)
    is_later = bool(_LATER.search(mail.header("Subject"))) and (status is None or status[1].startswith("4."))
    told = tuple(addresses(mail.header("X-Failed-Recipients"))) or tuple(_named(said))
    start = max(0, min(one.start() for one in (status, code) if one) - 80) if status or code else 0
    for recipient in told[:MOST_RECIPIENTS] or ("",):
        yield _about(
            mail, Kind.DELAY if is_later else Kind.BOUNCE, recipient=recipient, status=status[1] if status else "",
            code=int(code[1]) if code else 0, words=about[start : start + LONGEST_WORDS],
        )  # fmt: skip


def _named(said: str) -> Iterator[str]:
    """The address that stands on a line of its own, as servers name whom they could not reach."""
    for line in said[:20_000].splitlines():
        found = re.fullmatch(r"\s*<?([^\s<>@]{1,64}@[^\s<>@]{1,255}?)>?\s*[:;,]?\s*(?:\(.*\))?\s*", line)
        if found:
            yield found[1]
            return


def _is_automatic(mail: Mail) -> bool:
    """Whether no person has written it. Source: RFC 3834, 2 and 5."""
    submitted = _COMMENT.sub("", mail.header("Auto-Submitted")).strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    precedence = mail.header("Precedence").strip().lower()
    return precedence in {"auto_reply", "bulk", "junk"} or any(
        mail.header(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Autoresponder")
    )


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
