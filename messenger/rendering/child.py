"""Texts that nobody has saved yet: compiled and rendered in a process that can be killed, and that knows no secrets.

The allow-list refuses what is known to go wrong. This is for what nobody thought of: the text, and the words it speaks with,
are all that the process is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from messenger.domain.messages import Category
from messenger.domain.shops import Shop
from messenger.errors import Finding, RenderError, TemplateError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.compile import compile_template
from messenger.rendering.context import Words, words_for
from messenger.rendering.killable import USUAL, Killable, Limits, Overrun
from messenger.rendering.locales import Choice
from messenger.rendering.policy import facts_of, judge
from messenger.rendering.render import RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.source import LARGEST, read_source

__all__ = ["Circumstances", "Draft", "Judged", "Overrun", "Reader", "answer", "warm_up", "written"]

_BODY: Final = "messenger.rendering.child:answer"
_SHOP: Final = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text as it stands in an editor.

    Args:
        text: the whole file.
        file: what findings call it.
        name: of the template.
        locale: BCP 47 tag.
        variant: its selectors; empty for the plain text.
        layout: of the e-mail.
    """

    text: str
    file: str
    name: str
    locale: str
    variant: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How, when and for whom a text is written, beside its words.

    Args:
        platform: of the shop; its content rules are asked.
        channel: ``email`` or ``platform``.
        category: of the rule.
        now: when it is written; aware, UTC.
        language: the buyer's own tag; None when it is not known.
        country: ISO 3166 code; decides how numbers and dates look.
        zone: IANA name of the buyer's clock.
    """

    platform: str
    channel: str
    category: Category
    now: datetime
    language: str | None
    country: str | None
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A message, and which content rules its words break."""

    message: RenderedMessage
    findings: tuple[Finding, ...]


def written(chosen: Chosen, words: Words, phrases: Mapping[str, str], met: Circumstances) -> Judged:
    """Return the message a text makes, and what is wrong with its words.

    Raises:
        RenderError: it needs something that is not known.
    """
    compiled = chosen.compiled
    made = render(chosen, words, phrases=phrases, country=met.country, zone=ZoneInfo(met.zone))
    facts = facts_of(words, compiled, channel=met.channel, now=met.now, category=met.category, language=met.language)
    breaches = judge(made, platform=met.platform, template=compiled.name, facts=facts)
    findings = tuple(
        Finding(
            compiled.file, 0, 0, one.rule.id, str(one).removeprefix(f"{one.rule.id} "), one.rule.right, one.severity
        )
        for one in breaches
    )
    return Judged(message=made, findings=findings)


class Reader:
    """Renders drafts, one after the other, in a process that is started anew when it had to be killed."""

    def __init__(self, limits: Limits = USUAL) -> None:
        self._child = Killable(_BODY, limits)

    def start(self) -> None:
        """Start the process ahead of the first draft; does not wait."""
        self._child.start()

    def stop(self) -> None:
        """End the process."""
        self._child.stop()

    def read(self, draft: Draft, words: Words, *, phrases: Mapping[str, str], met: Circumstances) -> Judged:
        """Return the message a draft makes.

        Raises:
            TemplateError: the draft is not allowed, unknown or broken; every place is named.
            RenderError: it needs something that is not known.
            Overrun: it took too long or needed too much.
        """
        if len(draft.text) > LARGEST:
            problem = f"the text has {len(draft.text)} characters"
            raise TemplateError([Finding(draft.file, 0, 0, "", problem, f"at most {LARGEST} bytes")])
        request = {"draft": asdict(draft), "words": _plain(words), "phrases": dict(phrases), "met": _plain(met)}
        try:
            told = self._child.ask(request)
        except Overrun as error:
            raise Overrun(f"{draft.file}: {error}") from None
        if "missing" in told:
            raise RenderError(draft.name, draft.locale, told["missing"])
        findings = tuple(Finding(**one) for one in told["findings"])
        if "message" not in told:
            raise TemplateError(findings)
        return Judged(message=RenderedMessage(**told["message"]), findings=findings)


def answer(request: Any) -> dict[str, Any]:  # Any: JSON
    """Return what becomes of a draft: the message, or its findings, or what is missing. Runs in the process."""
    draft = Draft(**request["draft"])
    try:
        source = read_source(draft.file, draft.text.encode("utf-8", "surrogatepass"))
        compiled = compile_template(
            source, name=draft.name, locale=draft.locale, variant=draft.variant, layout=draft.layout
        )
        choice = Choice(locale=draft.locale, wished=draft.locale, because="", tried=())
        chosen = Chosen(compiled=compiled, choice=choice, passed_over=())
        made = written(
            chosen, _shaped(request["words"], Words), request["phrases"], _shaped(request["met"], Circumstances)
        )
    except TemplateError as error:
        return {"findings": [asdict(one) for one in error.findings]}
    except RenderError as error:
        return {"missing": error.missing}
    return {"message": asdict(made.message), "findings": [asdict(one) for one in made.findings]}


def warm_up() -> None:
    """Load everything a first draft would have to wait for."""
    text = '+++\nsubject = "{{ order.number }}"\n+++\n{{ order.paid_at | date }} {{ order.total | money("USD") }}\n'
    words = words_for(SAMPLES["typical"], shipment_id=None, shop=_SHOP, now=SAMPLE_NOW, greetings={})
    draft = Draft(
        text=text, file="warm-up.md", name="warm-up", locale="en", layout="<html><body>{{ body }}</body></html>"
    )
    met = Circumstances(
        platform="none",
        channel="email",
        category=Category.TRANSACTIONAL,
        now=SAMPLE_NOW,
        language="en",
        country="US",
        zone="UTC",
    )
    answer({"draft": asdict(draft), "words": _plain(words), "phrases": {}, "met": _plain(met)})


def _plain(value: object) -> Any:  # Any: JSON
    """Words as JSON: dates and amounts as texts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _shaped(value: Any, hint: Any) -> Any:  # Any: JSON, and the type it is to have
    """JSON as the words it was."""
    if get_origin(hint) is UnionType:
        if value is None:
            return None
        hint = next(one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(_shaped(one, get_args(hint)[0]) for one in value)
    if isinstance(hint, type) and is_dataclass(hint):
        known = _hints(hint)
        return hint(**{name: _shaped(one, known[name]) for name, one in value.items()})
    if hint in {datetime, date}:
        return hint.fromisoformat(value)
    return hint(value) if hint in {Decimal, Category} else value


@lru_cache(maxsize=32)
def _hints(kind: type) -> Mapping[str, Any]:  # Any: the types of a class's fields
    return get_type_hints(kind)
