"""What a mail server says, and what it means: stages, replies, outcomes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from messenger.domain.messages import Outcome, Receipt

LINE_LIMIT: Final = 8192
REPLY_LIMIT: Final = 32_768
WORDS_LIMIT: Final = 500
CLOSING: Final = 421
START_INPUT: Final = 354
TOO_MANY_RECIPIENTS: Final = 552


class Stage(StrEnum):
    """How far the conversation has come."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END_OF_DATA = "end_of_data"


ACCOUNT_STAGES: Final = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH, Stage.MAIL})
"""Here a refusal is about who we are, not about this message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One parsed reply.

    Args:
        code: three digits, 200 to 599.
        text: its words, lines joined by a space.
    """

    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.code <= 299

    @property
    def is_permanent(self) -> bool:
        """Whether asking again is useless."""
        return 500 <= self.code <= 599

    @property
    def is_refusal(self) -> bool:
        """Whether the server said a plain no, for now or for good."""
        return 400 <= self.code <= 599

    def as_outcome(self) -> Outcome:
        """Return what the code says when nothing about the stage is special."""
        if self.is_positive:
            return Outcome.ACCEPTED
        return Outcome.PERMANENT if self.is_permanent else Outcome.TEMPORARY


class Trouble(Exception):
    """The conversation did not go on.

    Args:
        stage: where it stopped.
        reply: what the server said, None for a broken line, a time-out or words that are no reply.
        words: ours, for when there was no reply.
        is_account: the trouble is with the account although no reply says so (a certificate, a missing extension).
    """

    def __init__(self, stage: Stage, reply: Reply | None, *, words: str = "", is_account: bool = False) -> None:
        super().__init__(f"{stage}: {reply.code if reply else words}")
        self.stage = stage
        self.reply = reply
        self.words = words
        self.is_account = is_account

    @property
    def leaves_line_usable(self) -> bool:
        """Whether the connection can carry another message: the server said a plain no and did not hang up."""
        return self.reply is not None and self.reply.is_refusal and self.reply.code != CLOSING

    @property
    def is_lost_line(self) -> bool:
        """Whether the server hung up or was about to, which says nothing about the message."""
        return self.reply is None or self.reply.code == CLOSING

    def outcome(self) -> Outcome:
        """Return what to do next."""
        return Outcome.ACCOUNT if self.is_account else outcome(self.stage, self.reply)


def outcome(stage: Stage, reply: Reply | None) -> Outcome:
    """Return what a reply (or a broken line) means at this stage.

    Source: RFC 5321, 4.2.5, 4.5.3.1.10 (552 to RCPT) and 4.5.4.2.
    """
    if reply is None:
        return Outcome.UNCERTAIN if stage is Stage.END_OF_DATA else Outcome.TEMPORARY
    if stage in ACCOUNT_STAGES and reply.is_permanent:
        return Outcome.ACCOUNT
    if stage is Stage.RCPT and reply.code == TOO_MANY_RECIPIENTS:
        return Outcome.TEMPORARY
    if stage is not Stage.END_OF_DATA and not reply.is_refusal:
        return Outcome.TEMPORARY  # a yes where a no stopped us: the server answers something we did not ask
    if stage is Stage.END_OF_DATA and not (reply.is_positive or reply.is_refusal):
        return Outcome.UNCERTAIN
    return reply.as_outcome()


async def read_reply(reader: asyncio.StreamReader) -> Reply | None:
    """Return the next reply, or None when the line ends or what comes is no reply. Never holds more than 32 KiB.

    Source: RFC 5321, 4.2.1 (multi-line replies repeat the code).
    """
    lines: list[bytes] = []
    size = 0
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return None
        size += len(line)
        found = _LINE.fullmatch(line)
        if found is None or size > REPLY_LIMIT or (lines and lines[0][:3] != line[:3]):
            return None
        lines.append(line)
        if found["more"] != b"-":
            return Reply(int(line[:3]), " ".join(_words(one) for one in lines))


_LINE = re.compile(rb"[2-5][0-9]{2}(?:(?P<more>[ -])[^\n]*)?\r?\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


def _words(line: bytes) -> str:
    return line[4:].decode("utf-8", "replace").strip()


def receipt(*, result: Outcome, words: str, reply: Reply | None, hidden: tuple[str, ...]) -> Receipt:
    """Return what is kept of one try: the server's words or ours, without control characters and without addresses.

    Args:
        result: what to do next.
        words: ours, used when there is no reply.
        reply: the server's.
        hidden: addresses to mask wherever they occur, in any case; also as another spelling with the same local part.
    """
    said = f"{reply.code} {reply.text}".strip() if reply else words
    said = _CONTROLS.sub(" ", said)
    for address in hidden:
        said = re.sub(re.escape(address), "<recipient>", said, flags=re.IGNORECASE)
        local = re.escape(address.rpartition("@")[0])
        said = re.sub(rf"(?<![\w.+-]){local}@[^\s<>()\[\]\",;]+", "<recipient>", said, flags=re.IGNORECASE)
    said = said.replace("<<recipient>>", "<recipient>").encode("utf-8", "replace").decode()
    return Receipt(outcome=result, reply=said[:WORDS_LIMIT], code=reply.code if reply else 0)
