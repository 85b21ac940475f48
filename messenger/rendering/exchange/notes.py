"""What a translator is told beside a unit: what the message is for, where the unit stands, and a rendered sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from jinja2 import TemplateError as JinjaError

from messenger.domain.shops import Shop
from messenger.rendering.blocks import TAG
from messenger.rendering.compile import FORMATS, environment
from messenger.rendering.context import ClosureWords, DeadlineWords, LaneWords, Occasion, words_for
from messenger.rendering.exchange.checks import expressions
from messenger.rendering.exchange.sheets import Sheet
from messenger.rendering.formats import FormatError, Formats, plural_categories
from messenger.rendering.missing import Missing, MissingValue
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.segments import Kind, Unit

LIMITS: Final[Mapping[Kind, int]] = {Kind.SUBJECT: 60, Kind.PREHEADER: 110}
"""Characters that mail programs show; an order number takes 19 of them."""
_SHOP: Final = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", url="https://toys.example"
)
_GREETINGS: Final = {"greeting_named": "Hello {name},", "greeting_plain": "Hello,"}
_OCCASION: Final = Occasion(
    deadline=DeadlineWords(name="deliver_by", at=SAMPLE_NOW + timedelta(days=9)),
    lane=LaneWords(p50_days=Decimal(19), p90_days=Decimal(31), late=False),
    closure=ClosureWords(
        from_=(SAMPLE_NOW + timedelta(days=5)).date(), to=(SAMPLE_NOW + timedelta(days=11)).date(),
        reopens=(SAMPLE_NOW + timedelta(days=12)).date(),
    ),
)  # fmt: skip
_UNFIT: Final = (
    MissingValue,
    FormatError,
    JinjaError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
)


@dataclass(frozen=True)
class Samples:
    """Renders pieces of English texts with the sample orders, the ordinary one first."""

    _known: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    @cached_property
    def _orders(self) -> tuple[Mapping[str, object], ...]:
        made = []
        for order in SAMPLES.values():
            words = words_for(
                order, shipment_id=None, shop=_SHOP, now=SAMPLE_NOW, greetings=_GREETINGS, occasion=_OCCASION,
                unsubscribe="mailto:care@sunny-toys.example",
            )  # fmt: skip
            known = {name: Missing(name) if value is None else value for name, value in words.mapping().items()}
            language = Locale("en")
            made.append(known | {FORMATS: Formats(language, language, ZoneInfo("UTC"))})
        return tuple(made)

    def of(self, text: str, inside: tuple[str, ...] = ()) -> str:
        """Return a piece as a buyer would read it; empty when no sample order has all that it needs."""
        if (text, inside) not in self._known:
            self._known[text, inside] = self._rendered(text, inside)
        return self._known[text, inside]

    def _rendered(self, text: str, inside: tuple[str, ...]) -> str:
        loops = [tag for tag in inside if tag.startswith("{% for ")]
        whole = "".join(loops) + text + "\n{% endfor %}" * len(loops)
        try:
            template = environment(escaping=False).from_string(whole)
        except JinjaError:
            return ""
        for words in self._orders:
            try:
                made = template.render(words)
            except _UNFIT:
                continue
            if made.strip():
                return " / ".join(line.strip() for line in made.strip().splitlines())
        return ""


def notes(sheet: Sheet, unit: Unit, *, locale: str, purpose: str, samples: Samples) -> tuple[str, ...]:
    """Return what is told of a unit, a line each.

    Args:
        sheet: the file it stands in.
        unit: of the source.
        locale: the translator's language.
        purpose: what the message is for; empty when nobody said.
        samples: for the rendered sentence.
    """
    return tuple(" ".join(one.split()) for one in _notes(sheet, unit, locale, purpose, samples))


def _notes(sheet: Sheet, unit: Unit, locale: str, purpose: str, samples: Samples) -> Iterator[str]:
    if purpose:
        yield f"Message: {purpose}"
    yield f"Place: {_place(sheet, unit)}"
    if limit := LIMITS.get(unit.kind):
        yield f"Length: at most {limit} characters once it is written; an order number has up to 19"
    for one in expressions(unit.text):
        shown = samples.of(one, unit.inside)
        yield f"Placeholder: {one}{f' is, for example, {shown}' if shown else ''}"
    if "plural(" in unit.text:
        forms = ", ".join(sorted(plural_categories(Locale.parse(locale.replace("-", "_")))))
        yield f"Plural: {locale} needs {forms}; # stands for the number"
    if TAG.search(unit.text) and (sample := samples.of(unit.text, unit.inside)):
        yield f"Sample: {sample}"


def _place(sheet: Sheet, unit: Unit) -> str:
    if sheet.is_phrases:
        return f"one of the few words around every message ({unit.name})"
    only = f", for {sheet.variant.replace('@', ', ')}" if sheet.variant else ""
    body = [one for one in sheet.source.units if not one.name]
    number = "" if unit.name else f" {body.index(unit) + 1} of {len(body)}"
    told = f"{unit.kind}{number} of {sheet.template}{only}"
    return f"{told}; inside {' '.join(unit.inside)}" if unit.inside else told


def flags(unit: Unit) -> tuple[str, ...]:
    """Return what a translation server checks by itself: placeholders that have to come back as they are."""
    if unit.kind is Kind.PHRASE:
        verbatim = sorted({one for one in ("{name}",) if one in unit.text})
    else:
        verbatim = [_verbatim(tag) for tag in TAG.findall(unit.text)]
    quoted = [f'"{_escaped(one)}"' for one in dict.fromkeys(verbatim)]
    return (f"placeholders:{':'.join(quoted)}",) if quoted else ()


def _verbatim(tag: str) -> str:
    """What of a tag stays in every language: the forms of a plural do not."""
    head, plural, _ = tag.partition("plural(")
    return (head + plural if plural else tag).partition(",")[0].partition("\n")[0]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
