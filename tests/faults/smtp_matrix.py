"""The faults: everything that a mail server may do wrong, and what has to become of a message that is struck by it."""

from __future__ import annotations

from typing import Final

from messenger.domain.messages import Outcome
from tests.faults.smtp_acts import (
    answer_too_late,
    deafness,
    drip,
    drop,
    flood,
    half_and_silence,
    read_then,
    reset,
    say,
    say_and_close,
    silence,
    sip,
)
from tests.faults.smtp_faults import EXTENSIONS, Act, Fault

ACCOUNT, TEMPORARY, PERMANENT, UNCERTAIN, ACCEPTED = (
    Outcome.ACCOUNT, Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.UNCERTAIN, Outcome.ACCEPTED,
)  # fmt: skip
LARGE: Final = 12 * 2**20
"""More than the buffers between two sockets hold."""


def _opening() -> dict[str, Fault]:
    return {
        "connect refused": Fault(at="listen", outcome=ACCOUNT, stage="connect"),
        "connect never answered": Fault(at="listen", outcome=ACCOUNT, stage="connect", waits="connect", is_settled=True),
        "connected, then dropped": Fault(at="connect", act=drop, outcome=ACCOUNT, stage="greeting"),
        "connected, then reset": Fault(at="connect", act=reset, outcome=ACCOUNT, stage="greeting"),
        "silent banner": Fault(at="greeting", act=silence, outcome=ACCOUNT, waits="greeting", is_settled=True),
        "banner a letter at a time": Fault(at="greeting", act=drip("220-ready\r\n"), outcome=ACCOUNT, waits="greeting", is_settled=True),
        "banner 421": Fault(at="greeting", act=say_and_close("421 4.3.2 busy\r\n"), outcome=ACCOUNT, code=421, status="4.3.2"),
        "banner 554": Fault(at="greeting", act=say_and_close("554 5.7.1 you are listed\r\n"), outcome=ACCOUNT, code=554, status="5.7.1",
                            is_settled=True),
        "banner of a web server": Fault(at="greeting", act=say_and_close("HTTP/1.1 400 Bad Request\r\n\r\n"), outcome=ACCOUNT),
        "banner of 10 MB": Fault(at="greeting", act=flood(b"220 " + b"x" * 65532), outcome=ACCOUNT),
        "banner without end": Fault(at="greeting", act=flood(b"220-ready\r\n" * 1000), outcome=ACCOUNT),
        "EHLO unknown": Fault(at="ehlo", act=say("500 5.5.1 what?"), outcome=ACCEPTED),
        "EHLO not implemented": Fault(at="ehlo", act=say("502 5.5.1 not here"), outcome=ACCEPTED),
        "EHLO refused": Fault(at="ehlo", act=say("550 5.7.1 not you"), outcome=ACCOUNT, code=550, status="5.7.1", is_settled=True),
        "EHLO 421": Fault(at="ehlo", act=say_and_close("421 later\r\n"), outcome=ACCOUNT, code=421),
        "EHLO dropped": Fault(at="ehlo", act=drop, outcome=ACCOUNT),
        "EHLO silent": Fault(at="ehlo", act=silence, outcome=ACCOUNT, waits="ehlo", is_settled=True),
        "EHLO without end": Fault(at="ehlo", act=flood(b"250-SIZE\r\n" * 1000), outcome=ACCOUNT),
    }  # fmt: skip


def _abilities() -> dict[str, Fault]:
    def lacking(*words: str) -> tuple[str, ...]:
        return tuple(one for one in EXTENSIONS if one.split(" ")[0] not in words)

    return {
        "no 8BITMIME": Fault(at="message", outcome=PERMANENT, stage="mail", code=554, status="5.6.3", extensions=lacking("8BITMIME")),
        "no SMTPUTF8": Fault(at="message", outcome=PERMANENT, stage="mail", code=553, status="5.6.7", extensions=lacking("SMTPUTF8")),
        "SIZE too small": Fault(at="message", outcome=PERMANENT, stage="mail", code=552, status="5.3.4",
                                extensions=(*lacking("SIZE"), "SIZE 5000")),
    }  # fmt: skip


def _tls() -> dict[str, Fault]:
    def starttls(act: Act | None, code: int = 0, status: str = "", tls: str = "good", waits: str = "") -> Fault:
        return Fault(at="starttls", act=act, outcome=ACCOUNT, stage="tls", code=code, status=status, is_settled=True, tls=tls, waits=waits,
                     extensions=(*EXTENSIONS, "STARTTLS"))  # fmt: skip

    return {
        "STARTTLS missing": Fault(at="ehlo", act=say("250-fault.example\r\n250 PIPELINING"), outcome=ACCOUNT, stage="tls",
                                  is_settled=True, tls="good", extensions=(*EXTENSIONS, "STARTTLS")),
        "STARTTLS refused": starttls(say("502 5.5.1 no"), 502, "5.5.1"),
        "STARTTLS 454": starttls(say("454 4.7.0 later"), 454, "4.7.0"),
        "STARTTLS dropped": starttls(drop),
        "STARTTLS silent": starttls(silence, waits="tls"),
        "STARTTLS, then garbage": starttls(say("220 go ahead\r\n\x16\x03garbage")),
        "STARTTLS, then a word slipped in": starttls(say("220 go ahead\r\n250 2.0.0 queued")),
        "certificate of nobody": starttls(None, tls="self-signed"),
        "certificate for another name": starttls(None, tls="other"),
        "certificate expired": starttls(None, tls="expired"),
    }  # fmt: skip


def _login() -> dict[str, Fault]:
    def auth(act: Act, code: int = 0, status: str = "", waits: str = "", at: str = "auth") -> Fault:
        return Fault(at=at, act=act, outcome=ACCOUNT, stage="auth", code=code, status=status, is_settled=True, is_login=True,
                     waits=waits, extensions=(*EXTENSIONS, "AUTH PLAIN LOGIN"))  # fmt: skip

    return {
        "AUTH missing": auth(say("250-fault.example\r\n250 PIPELINING"), at="ehlo"),
        "AUTH 535": auth(say("535 5.7.8 wrong"), 535, "5.7.8"),
        "AUTH 454": auth(say("454 4.7.0 later"), 454, "4.7.0"),
        "AUTH asks without end": auth(say("334 \r\n334 \r\n334 \r\n334 "), 334),
        "AUTH dropped": auth(drop),
        "AUTH silent": auth(silence, waits="auth"),
    }


def _commands() -> dict[str, Fault]:
    def refused(at: str, text: str, outcome: Outcome) -> Fault:
        code, _, rest = text.partition(" ")
        return Fault(
            at=at, act=say(text), outcome=outcome, code=int(code), status=rest.split(" ")[0] if rest[1:2] == "." else ""
        )

    found = {
        "MAIL 451": refused("mail", "451 4.3.0 later", TEMPORARY),
        "MAIL 550": refused("mail", "550 5.7.1 not as this sender", ACCOUNT),
        "MAIL 552": refused("mail", "552 5.3.4 too big", PERMANENT),
        "RCPT 450": refused("rcpt", "450 4.2.1 mailbox busy", TEMPORARY),
        "RCPT 451 greylisted": refused("rcpt", "451 4.7.1 greylisted, come back in 60 seconds", TEMPORARY),
        "RCPT 452": refused("rcpt", "452 4.2.2 mailbox full", TEMPORARY),
        "RCPT 550": refused("rcpt", "550 5.1.1 nobody here", PERMANENT),
        "RCPT 551": refused("rcpt", "551 5.1.6 moved", PERMANENT),
        "RCPT 552": refused("rcpt", "552 5.5.3 too many recipients", TEMPORARY),
        "RCPT 553": refused("rcpt", "553 5.1.3 bad syntax", PERMANENT),
        "RCPT 556 null MX": refused("rcpt", "556 5.1.10 takes no mail", PERMANENT),
        "RCPT 4xx: too many a minute": refused("rcpt", "450 4.7.1 rate limit exceeded", TEMPORARY),
        "DATA 451": refused("data", "451 4.3.0 later", TEMPORARY),
        "DATA 554": refused("data", "554 5.7.1 no", PERMANENT),
        "DATA 250": Fault(
            at="data", act=say("250 2.0.0 queued"), outcome=TEMPORARY, code=250, status="2.0.0", is_lost=True
        ),  # in the middle it is one of several answers, and out of step: the message goes out on a new line
        "DATA answered twice": Fault(
            at="data", act=say("354 go on\r\n250 2.0.0 queued"), outcome=TEMPORARY, code=250, status="2.0.0"
        ),
    }
    for at in ("mail", "rcpt", "data"):
        found |= {
            f"{at.upper()} 421": Fault(at=at, act=say_and_close("421 4.3.2 closing\r\n"), outcome=TEMPORARY, code=421, status="4.3.2",
                                       is_lost=True),
            f"{at.upper()} dropped": Fault(at=at, act=drop, outcome=TEMPORARY, is_lost=True),
            f"{at.upper()} reset": Fault(at=at, act=reset, outcome=TEMPORARY, is_lost=True),
            f"{at.upper()} silent": Fault(at=at, act=silence, outcome=TEMPORARY, is_lost=True, waits=at),
            f"{at.upper()} a letter at a time": Fault(at=at, act=drip("250-ok\r\n"), outcome=TEMPORARY, is_lost=True, waits=at),
            f"{at.upper()} garbage": Fault(at=at, act=say("\x00\x1b[31m<html>"), outcome=TEMPORARY, is_lost=True),
        }  # fmt: skip
    return found


def _content() -> dict[str, Fault]:
    def body(act: Act, size: int, **more: int | str | bool) -> Fault:
        is_small = size < 65_000
        outcome, stage = (UNCERTAIN, "end_of_data") if is_small else (TEMPORARY, "data")
        return Fault(at="body", act=act, outcome=outcome, stage=stage, size=size, is_lost=not is_small, **more)  # type: ignore[arg-type]  # by name

    return {
        "dropped after the first octet": body(read_then(1, drop), 20),
        "reset in the middle of a large message": body(read_then(200_000, reset), LARGE),
        "dropped in the middle of a large message": body(read_then(200_000, drop), LARGE),
        "421 in the middle of a large message": body(read_then(200_000, say_and_close("421 4.3.2 closing\r\n")), LARGE),
        "never reads a large message": body(deafness, LARGE, waits="block"),
        "reads a large message an octet at a time": body(sip, LARGE, waits="block"),
    }


def _end() -> dict[str, Fault]:
    def refused(code: int, status: str, outcome: Outcome) -> Fault:
        return Fault(
            at="dot", act=say(f"{code} {status} no"), outcome=outcome, stage="end_of_data", code=code, status=status
        )

    def unclear(act: Act, *, waits: str = "", is_taken: bool = False) -> Fault:
        return Fault(at="dot", act=act, outcome=UNCERTAIN, stage="end_of_data", waits=waits, is_taken=is_taken)

    return {
        "dot 451": refused(451, "4.3.0", TEMPORARY),
        "dot 452": refused(452, "4.3.1", TEMPORARY),
        "dot 550": refused(550, "5.7.1", PERMANENT),
        "dot 552": refused(552, "5.3.4", PERMANENT),
        "dot 554": refused(554, "5.6.0", PERMANENT),
        "dot 421": Fault(at="dot", act=say_and_close("421 4.3.2 closing\r\n"), outcome=TEMPORARY, stage="end_of_data", code=421,
                         status="4.3.2"),
        "taken, then dropped": unclear(drop, is_taken=True),
        "taken, then reset": unclear(reset, is_taken=True),
        "taken, then silence": unclear(silence, is_taken=True, waits="end_of_data"),
        "taken, then garbage": unclear(say("all right"), is_taken=True),
        "taken, then half a reply": unclear(say_and_close("250 2.0.0 que"), is_taken=True),
        "taken, then half a reply and silence": unclear(half_and_silence, is_taken=True, waits="end_of_data"),
        "taken, then a reply of 10 MB": unclear(flood(b"250 " + b"x" * 65532), is_taken=True),
        "taken, then a reply without end": unclear(flood(b"250-ok\r\n" * 1000), is_taken=True),
        "taken, then a reply a letter at a time": unclear(drip("250-ok\r\n"), is_taken=True, waits="end_of_data"),
        "taken, and said so too late": unclear(answer_too_late, is_taken=True, waits="end_of_data"),
        "354 again": Fault(at="dot", act=say("354 go on"), outcome=UNCERTAIN, stage="end_of_data", code=354, is_taken=True),
    }  # fmt: skip


def _between() -> dict[str, Fault]:
    return {
        "250, then dropped": Fault(at="after", act=drop, outcome=ACCEPTED),
        "250, then reset": Fault(at="after", act=reset, outcome=ACCEPTED),
        "250, then 421 unasked": Fault(at="after", act=say_and_close("421 4.4.2 idle too long\r\n"), outcome=ACCEPTED),
        "250, then chatter unasked": Fault(at="after", act=say("250 2.0.0 by the way"), outcome=ACCEPTED),
        "QUIT dropped": Fault(at="quit", act=drop, outcome=ACCEPTED),
        "QUIT silent": Fault(at="quit", act=silence, outcome=ACCEPTED),
    }  # fmt: skip


FAULTS: Final = _opening() | _abilities() | _tls() | _login() | _commands() | _content() | _end() | _between()
