"""What a mail server says, and what it means: stages, replies, outcomes."""

from __future__ import annotations

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
TOO_MUCH: Final = 552
LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
"""Wherever they come, they are about our login. Source: RFC 4954, 4 and 6."""
CONTENT_STATUS: Final = re.compile(r"5\.(?:2\.3|3\.4|6\.\d{1,3})")
"""What the server says already to MAIL and yet is about this message: too large, or of a kind it cannot carry."""


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


OPENING: Final = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH})
"""Here no message has been mentioned yet: whatever goes wrong is about the account or the server."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One parsed reply.

    Args:
        code: three digits, 200 to 599.
        text: its words, one line for each of the server's.
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

    @property
    def status(self) -> str:
        """The enhanced status code at its beginning, such as ``5.1.1``; empty without one that fits the code.

        Source: RFC 2034, 4 (both have the same class); RFC 3463.
        """
        found = _STATUS.match(self.text)
        return found[0] if found and found[0][0] == str(self.code)[0] else ""

    def as_outcome(self) -> Outcome:
        """Return what the code says when nothing about the stage is special."""
        if self.is_positive:
            return Outcome.ACCEPTED
        return Outcome.PERMANENT if self.is_permanent else Outcome.TEMPORARY


_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")


class NoReply(Exception):
    """What came is no reply, or nothing came; the message says which."""


class Trouble(Exception):
    """The conversation did not go on.

    Args:
        stage: where it stopped.
        reply: what the server said, None for a broken line, a time-out or words that are no reply.
        words: ours, for when there was no reply.
        is_silence: nothing came within the time of the stage.
    """

    def __init__(self, stage: Stage, reply: Reply | None, *, words: str = "", is_silence: bool = False) -> None:
        super().__init__(f"{stage}: {reply.code if reply else words}")
        self.stage = stage
        self.reply = reply
        self.words = words
        self.is_silence = is_silence

    @property
    def is_lost_line(self) -> bool:
        """Whether the server hung up or was about to, which says nothing about the message."""
        return self.reply is None or self.reply.code == CLOSING

    @property
    def is_settled(self) -> bool:
        """Whether to connect once more at once would only show the same again."""
        is_final = self.reply is not None and self.reply.is_permanent
        return is_final or self.is_silence or self.stage in {Stage.TLS, Stage.AUTH}

    def outcome(self) -> Outcome:
        """Return what to do next."""
        return outcome(self.stage, self.reply)


def outcome(stage: Stage, reply: Reply | None) -> Outcome:
    """Return what a reply (or a broken line) means at this stage.

    Source: RFC 5321, 4.2.5, 4.5.3.1.10 (552 to RCPT) and 4.5.4.2; RFC 1870, 6.1 (552 to MAIL).
    """
    if stage in OPENING or (reply is not None and reply.code in LOGIN_CODES):
        return Outcome.ACCOUNT
    if reply is None or not (reply.is_positive or reply.is_refusal):
        return Outcome.UNCERTAIN if stage is Stage.END_OF_DATA else Outcome.TEMPORARY
    if stage is Stage.END_OF_DATA:
        return reply.as_outcome()
    if reply.is_positive:
        return Outcome.TEMPORARY  # a yes where a no stopped us: the server answers something we did not ask
    if stage is Stage.MAIL and reply.is_permanent:
        return Outcome.PERMANENT if _is_about_the_message(reply) else Outcome.ACCOUNT
    if stage is Stage.RCPT and reply.code == TOO_MUCH:
        return Outcome.TEMPORARY
    return reply.as_outcome()


def _is_about_the_message(reply: Reply) -> bool:
    return CONTENT_STATUS.fullmatch(reply.status) is not None or (reply.code == TOO_MUCH and not reply.status)


class Incoming:
    """What a server has said and nobody has read yet. Hands it out reply by reply, and holds no more of one than 32 KiB.

    Source: RFC 5321, 4.2.1 (multi-line replies repeat the code).
    """

    def __init__(self) -> None:
        self._octets = bytearray()
        self._lines: list[bytes] = []
        self._size = 0
        self.is_over = False
        """Nothing more comes."""

    def __len__(self) -> int:
        return len(self._octets) + self._size

    def feed(self, octets: bytes) -> None:
        """Take what came."""
        self._octets += octets

    def take(self) -> Reply | None:
        """Return the next reply; None while not all of it is there.

        Raises:
            NoReply: the line ends, or what comes is no reply.
        """
        while (end := self._octets.find(b"\n") + 1) > 0:
            reply = self._with_line(bytes(self._octets[:end]))
            del self._octets[:end]
            if reply is not None:
                return reply
        if len(self._octets) > LINE_LIMIT:
            raise NoReply("what came is longer than any reply")
        if self.is_over:
            raise NoReply("the line broke before a reply")
        return None

    def _with_line(self, line: bytes) -> Reply | None:
        self._size += len(line)
        found = _LINE.fullmatch(line)
        if len(line) > LINE_LIMIT or self._size > REPLY_LIMIT:
            raise NoReply("what came is longer than any reply")
        if found is None or (self._lines and self._lines[0][:3] != line[:3]):
            raise NoReply("what came is no SMTP reply")
        self._lines.append(line)
        if found["more"] == b"-":
            return None
        lines, self._lines, self._size = self._lines, [], 0
        return Reply(int(line[:3]), "\n".join(map(_words, lines)))


_LINE = re.compile(rb"[2-5][0-9]{2}(?:(?P<more>[ -])[^\n]*)?\r?\n")


def _words(line: bytes) -> str:
    return line[4:].decode("utf-8", "replace").strip()


def receipt(*, stage: Stage, result: Outcome, words: str, reply: Reply | None, hidden: tuple[str, ...]) -> Receipt:
    """Return what is kept of one try: the server's words or ours, without control characters and without addresses.

    Args:
        stage: how far it came.
        result: what to do next.
        words: ours, used when there is no reply.
        reply: the server's.
        hidden: addresses to mask wherever they occur, in any case; also as another spelling with the same local part.
    """
    said = visible(f"{reply.code} {reply.text}".strip() if reply else words)
    if "@" in said:
        said = _masked(said, hidden)
    code, status = (reply.code, reply.status) if reply else (0, "")
    return Receipt(outcome=result, reply=said[:WORDS_LIMIT], code=code, stage=stage.value, status=status)


def _masked(said: str, hidden: tuple[str, ...]) -> str:
    for address in hidden:
        said = re.sub(re.escape(address), "<recipient>", said, flags=re.IGNORECASE)
        local = re.escape(address.rpartition("@")[0])
        said = re.sub(rf"(?<![\w.+-]){local}@[^\s<>()\[\]\",;]+", "<recipient>", said, flags=re.IGNORECASE)
    return said.replace("<<recipient>>", "<recipient>")


def visible(text: str) -> str:
    """Return a foreign text on one line, with a space for what is invisible, steers a terminal or turns the direction."""
    if text.isprintable():
        return text
    return _SPACES.sub(" ", "".join(one if one.isprintable() else " " for one in text)).strip()


_SPACES = re.compile(" {2,}")
