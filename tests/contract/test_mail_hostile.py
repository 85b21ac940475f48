"""Three hundred hostile values, from an event to a real mail server: words stay words, whatever they look like."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property
from typing import Any, Final

import pytest
from aiosmtpd.smtp import SMTP

from messenger.bootstrap import default_home
from messenger.config.places import country_zones
from messenger.domain.events import parse_event
from messenger.domain.mailing import Mailing
from messenger.domain.messages import Category, FrozenMessage, Key, Letter, Outcome, PlannedMessage, Receipt
from messenger.domain.orders import Item, Order
from messenger.domain.rules import Schedule
from messenger.domain.shops import Shop
from messenger.errors import EventError, MessageRefused
from messenger.mail.dkim import ED25519, Signer, new_key
from messenger.mail.headers import one_line
from messenger.mail.mime import MimeComposer, body_text
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport
from messenger.rendering.catalogue import load
from messenger.services.enveloping import Secrets
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable, Written
from tests.builders import document
from tests.raw_sink import RawSink, Received

AT: Final = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
SHOP: Final = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@toys.example>", reply_to="help@toys.example")
COMPOSER: Final = MimeComposer({"toys.example": [Signer("toys.example", "e1", new_key(ED25519))]})
SECRETS: Final = Secrets.pretended(b"x")
BREAKS: Final = (
    "\r\n", "\n", "\r", "\r\n ", "\n\t", "\r\r\n", "\n\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r\n\r\n",
    "\n\n", "\0", "\r\0\n", "%0d%0a", "\\r\\n", "&#13;&#10;", "\u560d\u560a", "=0D=0A",
)  # fmt: skip
HEADERS: Final = ("Bcc: x@evil.example", "To: x@evil.example", "Subject: You won", "Content-Type: text/html", "DKIM-Signature: v=1",
                  "Return-Path: <x@evil.example>", "From: x@evil.example", "\r\nBODY")  # fmt: skip
WORDS: Final = (
    "=?utf-8?q?a=0D=0ABcc:_x@evil.example?=", "=?utf-8?q?a=0D=0ABcc:_x@evil.example=0D=0A=0D=0ABODY?=", "=?utf-8?b?DQpCY2M6IHhAeQ0K?=",
    "=?UTF-8?Q?=0A?=", "=?utf-8*en?q?a?=", "=?us-ascii?q?a?= =?us-ascii?q?b?=", "=?", "?=", "=?utf-8?q?", "a =?utf-8?q?b?= c",
    '"=?utf-8?q?a?="', "=?utf-8?q?a?=@b.example", "=?iso-2022-jp?b?GyRC?=", "=?utf-16?b?AAo=?=", "=?utf-7?q?+AAo-?=",
)  # fmt: skip
MARKS: Final = (
    "\u202eevil\u202c", "\u200fxyz\u200e", "\u2066a\u2069", "\u2068a", "a\u2069", "\ufeffbom", "a\ufeff", "\ud800", "a\udfff\ud800b", "\x7f\x80\x9f",
    "\x1b[31mred", "\x07", "\x08\x08", "e\u0301" * 60, "👨‍👩‍👧‍👦" * 30, "\u0000", "\ufffe", "\uffff", "\U000e0041\U000e0042", "\u00ad", "\u200b",
)  # fmt: skip
MARKUP: Final = (
    "a@x.example, b@y.example", "a <b@c.example>", "a>, <b@c.example", 'a"b', "a\\", 'a\\"b', "(comment", "comment)", "group: a@b.example;",
    ":;", ";", "a,b", "[x]", "<script>alert(1)</script>", "{{ 7 * 7 }}", "{% include 'x' %}", "${7*7}", "--=_boundary", "--", ".", "..",
    "a\r\n.\r\nMAIL FROM:<x@y>",
    "a\n.\nDATA", "\r\n.\r\n", "\n.\r\n", "\r.\r", ".\r\n", "RSET", "QUIT\r\n", "b=; h=from", "' OR 1=1 --", "../../etc/passwd", "=cmd|'/c calc'!A1",
)  # fmt: skip
LONG: Final = (
    "a" * 10_240, "ж" * 10_240, "a " * 1_000, "\r\n" * 500, "=?" * 600, "日本語" * 200, '"' * 999, "\\" * 999, "a" * 998, "a" * 999, " " * 3_000,
    "<" * 500, "@" * 500, "&" * 900, "𝕏" * 400,
)  # fmt: skip


def values() -> list[str]:
    broken = [f"Ann{end}{header}" for end in BREAKS for header in HEADERS]
    return list(dict.fromkeys([*broken, *(f"Ж{end}x" for end in BREAKS), *WORDS, *MARKS, *MARKUP, *LONG]))


VALUES: Final = values()
FIELDS: Final = ("buyer", "title", "tracking", "order", "shop", "subject")


@dataclass(frozen=True)
class Case:
    """One value in one place, and the message it gave; ``why`` when it was refused instead."""

    field: str
    value: str
    letter: Letter | None
    parcel: FrozenMessage | None
    why: str = ""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("texts")
    with default_home() as source:
        shutil.copytree(source / "templates" / "_layout", folder / "_layout")
        (folder / "en").mkdir()
        for name in ("shipped.md", "_phrases.toml"):
            shutil.copyfile(source / "templates" / "en" / name, folder / "en" / name)
    mailing = Mailing(public_url="https://care.toys.example", bounces={"main": "bounce.toys.example"})
    return Home(
        shops={"toys": SHOP},
        schedule=Schedule(rules=()),
        catalogue=load(folder),
        zones=country_zones(),
        mailing=mailing,
    )


def case(home: Home, number: int, field: str, value: str) -> Case:
    """The message that an order with this value leads to, as the program makes it."""
    order = harmed(home, field, value)
    shop = replace(SHOP, name=value, sender=f"{value} <care@toys.example>") if field == "shop" else SHOP
    written = _written(home, number, order, shop)
    if isinstance(written, Unwritable):
        return Case(field, value, None, None, f"text: {written.why}")
    letter = replace(written.letter, subject=value) if field == "subject" else written.letter
    try:
        sealed = COMPOSER.seal(letter)
        return Case(field, value, sealed, COMPOSER.compose(sealed))
    except MessageRefused as error:
        return Case(field, value, None, None, f"message: {error}")


def harmed(home: Home, field: str, value: str) -> Order:
    """An order with the value in this place: told by an event, or past the gate when that refuses it."""
    told = {"buyer": "Ann", "title": "Puzzle", "tracking": "RR1CN", "order": "8134"}
    try:
        return _told(home, told | ({field: value} if field in told else {}))
    except EventError:
        order = _told(home, told)
    (parcel,) = order.shipments
    changes: dict[str, dict[str, Any]] = {  # Any: fields of several types, by name
        "buyer": {"buyer": replace(order.buyer, name=value)}, "title": {"items": (Item(title=value),)},
        "tracking": {"shipments": (replace(parcel, number=value),)}, "order": {"number": value},
    }  # fmt: skip
    return replace(order, **changes[field])


def _told(home: Home, told: Mapping[str, str]) -> Order:
    event = parse_event(
        document(
            "order.shipped", subject=told["order"],
            data={
                "shop": "toys", "order": {"items": [{"title": told["title"]}], "shipped_at": "2026-03-02T10:15:00Z"},
                "buyer": {"name": told["buyer"], "email": "b@mail.example", "country": "US"},
                "shipment": {"number": told["tracking"]},
            },
        )
    )  # fmt: skip
    order = home.order([event])
    assert order is not None
    return order


def _written(home: Home, number: int, order: Order, shop: Shop) -> Written | Unwritable:
    (parcel,) = order.shipments
    row = PlannedMessage(
        key=Key("toys", "shipped", f"{number}/1", 1), order=order.number, template="shipped", category=Category.RELATIONAL, trigger="e",
        trigger_at=AT, shipment=parcel.id, wanted_at=AT, due_at=AT, expires_at=AT + timedelta(days=3), stale_at=AT + timedelta(days=7),
        id=number + 1, transport="main",
    )  # fmt: skip
    return Postman(home, SECRETS).compose(
        row, order=order, shop=shop, channel="email", recipient=f"b{number}@mail.example", now=AT
    )


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @cached_property
    def read(self) -> EmailMessage:
        """The message as the standard library understands it."""
        return parsed(self.content)


class Independent:
    """Another program's mail server: what it takes for one message is one message."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802  # aiosmtpd's; Any: not annotated
        self.mails.append(Mail(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content))
        return "250 ok"


def carried(parcels: Sequence[FrozenMessage]) -> list[Mail]:
    told: list[Outcome] = []

    async def done(_: Key, receipt: Receipt) -> None:
        told.append(receipt.outcome)

    async def yes(_: Key) -> bool:
        return True

    async def stream() -> AsyncIterator[FrozenMessage]:
        for one in parcels:
            yield one

    async def scenario() -> list[Mail]:
        taker = Independent()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(taker, hostname="sink.example", loop=loop), "127.0.0.1", 0)
        settings = SmtpSettings(
            name="sink", host="127.0.0.1", port=server.sockets[0].getsockname()[1], security=Security.NONE,
            local_hostname="test.example",
        )  # fmt: skip
        async with server:
            transport = SmtpTransport(settings)
            await transport.carry(stream(), committing=yes, done=done)
            await transport.close()
        return taker.mails

    mails = asyncio.run(scenario())
    assert told == [Outcome.ACCEPTED] * len(parcels)
    return mails


@pytest.fixture(scope="module")
def cases(home: Home) -> list[Case]:
    places = [(field, value[:1_000] if field == "title" else value) for field in FIELDS for value in VALUES]
    return [case(home, number, field, value) for number, (field, value) in enumerate(places)]


@pytest.fixture(scope="module")
def arrived(cases: list[Case]) -> list[tuple[Case, Mail]]:
    sent = [one for one in cases if one.parcel is not None]
    mails = carried([one.parcel for one in sent if one.parcel is not None])
    by_recipient = {one.recipients: one for one in mails}
    assert len(mails) == len(by_recipient) == len(sent)
    return [(one, by_recipient[one.letter.recipient,]) for one in sent if one.letter is not None]


def parsed(content: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(content)


def body_hash(content: bytes) -> str:
    return hashlib.sha256(content.partition(b"\r\n\r\n")[2]).hexdigest()


def bodies(mail: EmailMessage) -> Iterator[str]:
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            yield str(part.get_content()).replace("\r\n", "\n")


def test_there_are_three_hundred_values() -> None:
    assert len(VALUES) >= 300


def test_each_message_has_the_headers_of_a_harmless_one(home: Home, arrived: list[tuple[Case, Mail]]) -> None:
    harmless = case(home, 0, "buyer", "Ann").parcel
    assert harmless is not None
    expected = parsed(harmless.content).keys()

    assert expected.count("DKIM-Signature") == 1
    assert [(one.field, one.value[:40]) for one, mail in arrived if mail.read.keys() != expected] == []


def test_each_message_goes_to_its_buyer_alone(arrived: list[tuple[Case, Mail]]) -> None:
    other = [
        (one.field, one.value[:40]) for one, mail in arrived
        if one.letter is None or mail.recipients != (one.letter.recipient,) or mail.sender != one.letter.return_path
        or [each.addr_spec for each in mail.read["To"].addresses] != [one.letter.recipient]
        or [each.addr_spec for each in mail.read["From"].addresses] != ["care@toys.example"]
    ]  # fmt: skip

    assert other == []


def test_each_message_arrives_as_it_was_made(arrived: list[tuple[Case, Mail]]) -> None:
    changed = [
        (one.field, one.value[:40]) for one, mail in arrived
        if one.parcel is None or mail.content != one.parcel.content or body_hash(mail.content) != body_hash(one.parcel.content)
    ]  # fmt: skip

    assert changed == []


def test_each_message_says_what_was_written(arrived: list[tuple[Case, Mail]]) -> None:
    for one, mail in arrived:
        assert one.letter is not None
        found = mail.read
        said = [body_text(one.letter.text), body_text(one.letter.html)]
        assert (found["Subject"], list(bodies(found))) == (one_line(one.letter.subject), said), (
            one.field,
            one.value[:40],
        )


def test_lines_are_short_and_end_as_they_should(arrived: list[tuple[Case, Mail]]) -> None:
    for one, mail in arrived:
        lines = mail.content.split(b"\r\n")
        assert all(len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in lines), (
            one.field,
            one.value[:40],
        )
        assert mail.content.isascii()


def test_little_is_refused_and_then_with_a_reason(cases: list[Case]) -> None:
    """A buyer with an odd name or a product with an odd title is still written to."""
    refused = Counter(one.field for one in cases if one.parcel is None)

    assert set(refused) <= {"tracking", "shop", "order"}
    assert sum(refused.values()) <= 60
    assert all(one.why for one in cases if one.parcel is None)


ENDS: Final = ("\r\n", "\n", "\r", "\r\r\n", "\0\r\n", "\x85")
SMUGGLED: Final = [f"before{first}.{second}MAIL FROM:<x@evil.example>{second}RCPT TO:<y@evil.example>{second}DATA{second}Subject: smuggled{second}"
                   for first in ENDS for second in ENDS]  # fmt: skip


def heard(parcels: Sequence[FrozenMessage]) -> tuple[Counter[bytes], list[Received]]:
    """Which commands a server hears, and which messages it gets."""

    async def scenario() -> RawSink:
        async def stream() -> AsyncIterator[FrozenMessage]:
            for one in parcels:
                yield one

        async def yes(_: Key) -> bool:
            return True

        async def done(_: Key, receipt: Receipt) -> None:
            assert receipt.outcome is Outcome.ACCEPTED

        async with RawSink() as sink:
            settings = SmtpSettings(
                name="sink",
                host="127.0.0.1",
                port=sink.port,
                security=Security.NONE,
                local_hostname="test.example",
                connections=1,
            )
            transport = SmtpTransport(settings)
            await transport.carry(stream(), committing=yes, done=done)
            await transport.close()
            return sink

    sink = asyncio.run(scenario())
    verbs = Counter(command.split(b" ")[0] for command in sink.commands)
    assert verbs.pop(b"EHLO") >= 1
    verbs.pop(b"QUIT", None)
    return verbs, sink.received


def test_a_buyers_name_never_becomes_a_command(cases: list[Case]) -> None:
    """The commands a server hears are those of as many harmless messages."""
    parcels = [one.parcel for one in cases if one.field == "buyer" and one.parcel is not None]
    verbs, received = heard(parcels)

    assert len(received) == len(parcels) >= 300
    assert verbs == {b"MAIL": len(parcels), b"RCPT": len(parcels), b"DATA": len(parcels)}


def test_no_text_ends_a_message_and_begins_another(cases: list[Case]) -> None:
    letter = next(one.letter for one in cases if one.letter is not None)
    letters = [replace(letter, key=replace(letter.key, step=number), text=text, html=html, subject=text, signature="")
               for number, (text, html) in enumerate([*((one, "") for one in SMUGGLED), *(("t", one) for one in SMUGGLED)])]  # fmt: skip
    parcels = [COMPOSER.compose(COMPOSER.seal(one)) for one in letters]
    verbs, received = heard(parcels)

    assert len(SMUGGLED) >= 20
    assert sorted(one.content for one in received) == sorted(one.content for one in parcels)
    assert verbs == dict.fromkeys((b"MAIL", b"RCPT", b"DATA"), len(parcels))
    assert all(one.wire.count(b"\r\n.\r\n") == 0 for one in received)
