"""Bounces of servers that know no RFC 3464: by who writes, by the words, and by where addresses stand."""

from __future__ import annotations

import email
import logging
import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final

from flufl.bounce import all_failures

from messenger.domain.reports import Kind
from messenger.mail.bounces.parts import Mail, addresses

log = logging.getLogger(__name__)
logging.getLogger("flufl.bounce").setLevel(
    logging.CRITICAL
)  # it tells each of its steps, and its failures are ours to tell

LONGEST_SAID: Final = 4000
MOST_LINES: Final = 400
_ROBOT = re.compile(
    r"^(?:mailer-?daemon|postmaster|mdaemon|mail[._-]?(?:delivery|admin).*|double-bounce|bounces?|microsoftexchange[0-9a-f]*)(?:@|$)|"
    r"mail delivery (?:sub)?system|mail(?: delivery)? administrator|system administrator|mail delivery service",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"undeliver|delivery (?:status notification|failure|has failed|failed|problem|error|warning)|failure delivery|mail(?:_| )failed|"
    r"failed mail|mail delivery (?:failed|subsystem|warning)|returned mail|mail system error|error during delivery|failure notice|"
    r"(?:could not|can ?not|n[o']t able to|did not|not (?:yet )?be(?:en)?) (?:be )?(?:deliver|reach|sen[dt])|not delivered|non[- ]?delivery|reject|"
    r"user unknown|не доставлен|недоставленн|не может быть доставлен|退信|系统退信|无法投递|投递失败|no se pudo entregar|no entregado|"
    r"não entregue|falha na entrega|non remis|pas pu [eê]tre d[eé]livr|nicht zugestellt|unzustellbar",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"^\s*(?:re|aw|sv|tr|ответ|回复|答复)\s*[:：]|^\s*(?:auto|out of (?:the )?office|абсолютн|автоответ|自动)",
    re.IGNORECASE,
)
_AUTOMATIC: Final = frozenset({"auto_reply", "bulk", "junk"})
_COPY = re.compile(
    r"^[>\s-]{0,20}(?:below this line is a copy|this is a copy of|original message|the (?:original )?message (?:as received|follows)|"
    r"исходное сообщение|原邮件|received: |return-path: )",
    re.IGNORECASE,
)
_ALONE = re.compile(r"<?([^\s<>@]{1,64}@[^\s<>@]{1,255}?)>?[:;,]?(?: ?\(.{0,200}\))?")
_WITHIN = re.compile(r"(?<![^\s<(\"':;])([A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})")
_LATER = re.compile(r"\bdelay(?:ed)?\b|not yet|will (?:be )?retr|отложен|задерж|延迟|retrasad|atrasad", re.IGNORECASE)


def is_bounce(mail: Mail) -> bool:
    """Return whether a machine that carries mail has written it, and says that something was not delivered.

    Buyers' answering machines quote what they answer to, and we write about parcels that could not be delivered: who is
    not named like a mail server has to say so in the subject, and must not answer to anything.
    """
    if mail.header("X-Failed-Recipients"):
        return True
    subject = mail.header("Subject")
    if is_robot(mail):
        return bool(_UNDELIVERED.search(f"{subject}\n{mail.text[:LONGEST_SAID]}"))
    answers = bool(mail.header("In-Reply-To")) or bool(_ANSWER.search(subject))
    return not answers and _is_of_a_machine(mail) and bool(_UNDELIVERED.search(subject))


def is_robot(mail: Mail) -> bool:
    """Return whether the sender is named as mail servers are, or has no name at all."""
    name, address = parseaddr(mail.header("From")[:1000])
    return not address or bool(_ROBOT.search(address) or _ROBOT.search(name))


def is_automatic(mail: Mail) -> bool:
    """Return whether no person has written it. Source: RFC 3834, 2 and 5."""
    return _is_of_a_machine(mail) or any(
        mail.header(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Autoresponder")
    )


def _is_of_a_machine(mail: Mail) -> bool:
    submitted = mail.header("Auto-Submitted").strip().lower()
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or mail.header("Precedence").strip().lower() in _AUTOMATIC
        or mail.header("Return-Path").strip() == "<>"
    )


def said_by(mail: Mail) -> str:
    """Return what the server says, without the copy of the message that follows it."""
    lines: list[str] = []
    for line in mail.text.splitlines()[:MOST_LINES]:
        if _COPY.search(line[:100]):
            break
        lines.append(line)
    return "\n".join(lines)


def named_in(mail: Mail, status: str) -> tuple[Kind, tuple[str, ...]]:
    """Return whether a bounce is final, and whom it names as not reached.

    A header tells whom, or else the forms of twenty kinds of servers that a library knows, or else an address that stands
    alone on a line, or else the first one in the text that is not where the bounce itself went.

    Args:
        mail: the bounce.
        status: what its words say; empty for nothing.
    """
    is_late, known = _known_forms(mail)
    is_late = not status.startswith("5.") and (is_late or bool(_LATER.search(mail.header("Subject"))))
    told = tuple(addresses(mail.header("X-Failed-Recipients")))
    found = told or known or tuple(_standing_alone(said_by(mail))) or tuple(_anywhere(mail))
    return Kind.DELAY if is_late else Kind.BOUNCE, found


def _known_forms(mail: Mail) -> tuple[bool, tuple[str, ...]]:
    """Whether a known form says that it is only late, and the addresses it names."""
    try:
        late, final = all_failures(email.message_from_bytes(mail.beginning))
    except Exception as error:  # noqa: BLE001  # a stranger wrote the mail: whatever it does to the library, others look at it too
        log.info("form_unreadable", extra={"error": type(error).__name__})
        return False, ()
    found = (one.decode("ascii", "replace") for one in sorted(final or late))
    return bool(late and not final), tuple(one for one in found if "@" in one)


def _standing_alone(said: str) -> Iterator[str]:
    for line in said.splitlines():
        found = _ALONE.fullmatch(line.strip()[:600])
        if found:
            yield found[1]
            return


def _anywhere(mail: Mail) -> Iterator[str]:
    ours = {one.lower() for one in (*mail.came_to, *addresses(mail.header("From")))}
    for found in _WITHIN.finditer(said_by(mail)[:LONGEST_SAID]):
        if found[1].lower() not in ours and not found[1].lower().startswith(("mailer-daemon@", "postmaster@")):
            yield found[1].rstrip(".")
            return
