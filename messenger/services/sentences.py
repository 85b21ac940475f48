"""Rules as plain sentences that a seller understands, in every language messenger speaks to people.

Nothing here is grammar: whole phrases come from ``speaking/<language>.toml``, this module chooses among them. What a rule
leaves as usual is not said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from messenger.domain.messages import Category
from messenger.domain.rules import ALL_HOLDS, Cap, Closed, Hold, Once, OnEvent, OnSilence, OnStaff, Rule, Uncertain
from messenger.domain.timing import EVERY_DAY, Span
from messenger.services.speaking.conditions import clauses
from messenger.services.speaking.times import (
    clock_in_words,
    hours_in_words,
    length_in_words,
    span_in_words,
    trigger_in_words,
)
from messenger.services.speaking.words import Words, words_of

USUAL_EXPIRY: Final = Span(days=3)
USUAL_AGE: Final = Span(days=7)
USUAL_CHANNELS: Final = ("platform", "email")
FEW: Final = 2
"""Up to so many holds are named; of more those that are left out."""


def rule_sentence(rule: Rule, language: str) -> str:
    """Return what a rule does, in one to three sentences for an ordinary one.

    Args:
        rule: as read, defaults filled in.
        language: a BCP 47 tag; ``zh-CN`` speaks ``zh``.

    Raises:
        UsageError: messenger does not speak this language.
    """
    return words_of(language).say("sentence_separator").join(rule_sentences(rule, language))


def rule_sentences(rule: Rule, language: str) -> list[str]:
    """Return the same sentence by sentence.

    Raises:
        UsageError: messenger does not speak this language.
    """
    words = words_of(language)
    return [sentence for part in PARTS for sentence in part(rule, words)]


def rule_document(rule: Rule, language: str, *, file: str) -> dict[str, object]:
    """Return a rule as JSON shows it.

    Args:
        rule: as read, defaults filled in.
        language: a BCP 47 tag.
        file: where the rule stands.

    Raises:
        UsageError: messenger does not speak this language.
    """
    return {
        "rule": rule.name, "title": rule.title, "note": rule.note, "template": rule.template, "enabled": rule.enabled,
        "file": file, "line": rule.line, "language": words_of(language).language, "sentence": rule_sentence(rule, language),
        "sentences": rule_sentences(rule, language),
    }  # fmt: skip


# --- when ------------------------------------------------------------------------------------------------------------


def _off(rule: Rule, words: Words) -> Iterator[str]:
    if not rule.enabled:
        yield words.sentence("off_sentence")


def _shops(rule: Rule, words: Words) -> Iterator[str]:
    if rule.shops:
        yield words.sentence(f"shops.{_form(rule.shops)}", shops=words.quoted_names(rule.shops))


def _when(rule: Rule, words: Words) -> Iterator[str]:
    when, hours = trigger_in_words(rule, words), hours_in_words(rule.hours, rule.zone, words)
    yield words.sentence(f"first.{_form(rule.delays)}", when=when, hours=hours)
    if isinstance(rule.trigger, OnStaff):
        yield words.sentence("first.staff")
    tells_no_clock = rule.hours.opens == rule.hours.closes and rule.hours.days == EVERY_DAY
    if rule.zone != "buyer" and tells_no_clock:
        yield words.sentence("hours.counted", clock=clock_in_words(rule.zone, words))


def _calendar(rule: Rule, words: Words) -> Iterator[str]:
    calendar = rule.calendar or rule.hours.closed_on
    name = words.quoted(calendar.name) if calendar is not None and calendar.name else ""
    waits = rule.closed is Closed.WAIT or rule.hours.closed_on is not None
    if name and (rule.closed is Closed.SEND or _counts_business_days(rule)):
        yield words.sentence("calendar.named", calendar=name)
    elif not name and _counts_business_days(rule):
        yield words.sentence("calendar.plain")
    if name and waits:
        yield words.sentence("calendar.wait", calendar=name)
    elif name and rule.closed is Closed.DROP:
        yield words.sentence("calendar.drop", calendar=name)
    if rule.during is not None:
        yield words.sentence("calendar.during", calendar=words.quoted(rule.during.name))


def _counts_business_days(rule: Rule) -> bool:
    return any(span.business for span in (*rule.delays, rule.expiry, rule.max_age))


# --- whether ---------------------------------------------------------------------------------------------------------


def _where(rule: Rule, words: Words) -> Iterator[str]:
    told = [clause for condition in rule.where for clause in clauses(condition, words)]
    if told:
        yield words.sentence(f"where.{_form(told)}", clauses=words.say("clause_separator").join(told))


def _cancel(rule: Rule, words: Words) -> Iterator[str]:
    if rule.cancel_on:
        events = words.either([words.say(f"events.{one}.if") for one in rule.cancel_on])
        yield words.sentence("cancel.sentence", events=events)


def _holds(rule: Rule, words: Words) -> Iterator[str]:
    ignored = [hold for hold in Hold if hold not in rule.holds]
    if not rule.holds:
        yield words.sentence("held.nothing")
    elif len(rule.holds) <= FEW:
        holding = [words.say(f"holds.{hold}") for hold in Hold if hold in rule.holds]
        yield words.sentence("held.only", holds=words.either(holding))
    elif rule.holds != ALL_HOLDS:
        yield words.sentence("held.except", holds=words.either([words.say(f"holds.{hold}") for hold in ignored]))


def _people(rule: Rule, words: Words) -> Iterator[str]:
    if rule.urgent:
        yield words.sentence("people.urgent")
    if rule.approval:
        yield words.sentence("people.approval")


# --- how often -------------------------------------------------------------------------------------------------------


def _once(rule: Rule, words: Words) -> Iterator[str]:
    if rule.once_per is Once.BUYER:
        if rule.once_span is None:
            yield words.sentence("once.buyer_ever")
        else:
            yield words.sentence("once.buyer", span=length_in_words(rule.once_span, words))
    elif rule.once_per is not _usual_once(rule):
        yield words.sentence(f"once.{rule.once_per}")


def _usual_once(rule: Rule) -> Once:
    """What a rule gets that does not say ``once_per``; the reader of schedules.toml decides the same."""
    match rule.trigger:
        case OnStaff():
            return Once.OCCURRENCE
        case OnEvent(types=types) if all(one.startswith("shipment.") for one in types):
            return Once.SHIPMENT
        case OnSilence(since=since) if since.startswith("shipment."):
            return Once.SHIPMENT
        case _:
            return Once.ORDER


def _caps(rule: Rule, words: Words) -> Iterator[str]:
    told = {
        whose: words.say(f"caps.{whose}", messages=words.count("caps.messages", cap.count), span=_of_cap(cap, words))
        for whose, cap in (("order", rule.caps.per_order), ("buyer", rule.caps.per_buyer))
        if cap is not None
    }
    if len(told) == 1:
        yield words.sentence("caps.one", limit=next(iter(told.values())))
    elif told:
        yield words.sentence("caps.both", **told)


def _of_cap(cap: Cap, words: Words) -> str:
    return length_in_words(cap.span, words)


def _group(rule: Rule, words: Words) -> Iterator[str]:
    priority = words.number(rule.priority)
    if rule.group:
        yield words.sentence("group.sentence", group=words.quoted(rule.group), priority=priority)
    elif rule.priority:
        yield words.sentence("group.priority", priority=priority)


def _others(rule: Rule, words: Words) -> Iterator[str]:
    if rule.supersedes:
        yield words.sentence(f"supersedes.{_form(rule.supersedes)}", rules=words.quoted_names(rule.supersedes))
    if rule.merge is not None:
        yield words.sentence(f"merge.{rule.merge.same}", span=length_in_words(rule.merge.within, words))


# --- how -------------------------------------------------------------------------------------------------------------


def _kind(rule: Rule, words: Words) -> Iterator[str]:
    if rule.category is not Category.TRANSACTIONAL:
        yield words.sentence(f"category.{rule.category}")
    if rule.channels != USUAL_CHANNELS:
        first, *others = (words.say(f"channels.{channel}") for channel in rule.channels)
        yield words.sentence(f"channels.{_form(rule.channels)}", channel=first, others=words.either(others))


def _late(rule: Rule, words: Words) -> Iterator[str]:
    if rule.expiry != USUAL_EXPIRY:
        yield words.sentence("late.expiry", span=span_in_words(rule.expiry, words))
    if rule.max_age != USUAL_AGE:
        yield words.sentence("late.max_age", span=span_in_words(rule.max_age, words))


def _promise(rule: Rule, words: Words) -> Iterator[str]:
    if rule.promise:
        yield words.sentence("other.promise", promise=words.quoted(rule.promise))
    uncertain = rule.uncertain or (Uncertain.ASK if rule.promise else None)
    if uncertain is not None:
        yield words.sentence(f"uncertain.{uncertain}")


def _formerly(rule: Rule, words: Words) -> Iterator[str]:
    if rule.formerly:
        key = "other.formerly" if len(rule.formerly) == 1 else "other.formerly_several"
        yield words.sentence(key, names=words.quoted_names(rule.formerly))


def _form(things: tuple[object, ...] | list[str]) -> str:
    return "one" if len(things) == 1 else "several"


PARTS: Final[tuple[Callable[[Rule, Words], Iterator[str]], ...]] = (
    _off, _shops, _when, _calendar, _where, _cancel, _people, _once, _caps, _group, _holds, _others, _kind, _late, _promise,
    _formerly,
)  # fmt: skip
"""What is told of a rule, in the order in which it is told."""
