"""What a rule asks of an order, in words: one clause for each thing asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from messenger.domain.conditions import FIELDS, Condition, Money, Scalar
from messenger.services.speaking.words import Words, country_name, language_name


def clauses(condition: Condition, words: Words) -> Iterator[str]:
    """Yield what a condition asks: ``the buyer's country is France or Spain``; all of it must hold."""
    field = condition.field
    if field.startswith("told."):
        template = words.quoted(field.removeprefix("told."))
        yield from _answers(condition, "told", words, template=template)
    elif FIELDS.get(field) == "yes or no":
        yield from _answers(condition, f"fields.{field}", words)
    else:
        yield from _values(condition, words)
        yield from _bounds(condition, words)
        yield from _others(condition, words)


def _answers(condition: Condition, key: str, words: Words, **filled: str) -> Iterator[str]:
    """A question with yes or no for an answer. What is ``not`` asked for leaves the other answer."""
    wanted = {bool(one) for one in condition.any_of or ()}
    if condition.excluded is not None:
        wanted |= {True, False} - {bool(one) for one in condition.excluded}
    if len(wanted) == 1:
        yield words.say(f"{key}.yes" if wanted.pop() else f"{key}.no", **filled)
    elif wanted or condition.exists:
        yield words.say("is.answered", whether=words.say(f"{key}.whether", **filled))
    elif condition.exists is False:
        yield words.say("is.unanswered", whether=words.say(f"{key}.whether", **filled))


def _values(condition: Condition, words: Words) -> Iterator[str]:
    name = words.say(f"fields.{condition.field}.name")
    if condition.any_of is not None:
        told = words.either([_told(condition.field, one, words) for one in condition.any_of])
        yield words.say("is.any_of", field=name, values=told)
    if condition.excluded is None:
        return
    told_not = [_told(condition.field, one, words) for one in condition.excluded]
    of_none = f"fields.{condition.field}.none"
    if of_none in words:
        yield words.say(of_none, values=words.either(told_not))
    else:
        yield words.say("is.not_any", field=name, values=_none_of(told_not, words))


def _none_of(values: Sequence[str], words: Words) -> str:
    each = [words.say("is.not_any_value", value=value) for value in values]
    return words.both(each) if words.say("is.not_any_join") == "and" else words.either(each)


def _bounds(condition: Condition, words: Words) -> Iterator[str]:
    name = words.say(f"fields.{condition.field}.name")
    low, high = (None if one is None else _amount(one, words) for one in (condition.low, condition.high))
    if low is not None and high is not None:
        yield words.say("is.between", field=name, low=low, high=high)
    elif low is not None:
        yield words.say("is.at_least", field=name, low=low)
    elif high is not None:
        yield words.say("is.at_most", field=name, high=high)


def _others(condition: Condition, words: Words) -> Iterator[str]:
    name = words.say(f"fields.{condition.field}.name")
    if condition.like is not None:
        form, text = _shape(condition.like)
        yield words.say(f"is.{form}", field=name, text=words.quoted(text), values=words.quoted(text))
    if condition.exists is not None:
        gender = f"fields.{condition.field}.gender"
        form = words.say(gender) if gender in words else "any"
        yield words.say(f"is.{'known' if condition.exists else 'unknown'}.{form}", field=name)


def _shape(pattern: str) -> tuple[str, str]:
    """What a pattern asks for, and the text it asks for: ``SKU-*`` begins with ``SKU-``."""
    inner = pattern.strip("*")
    if not inner or "*" in inner or "?" in inner:
        return "fits", pattern
    starts, ends = pattern.startswith("*"), pattern.endswith("*")
    return {(False, False): "any_of", (False, True): "begins", (True, False): "ends", (True, True): "contains"}[
        starts, ends
    ], inner


def _told(field: str, value: Scalar, words: Words) -> str:
    if not isinstance(value, str):
        return words.number(value)
    match field:
        case "buyer.country":
            return country_name(value, words)
        case "buyer.language":
            return language_name(value, words)
        case "order.status":
            return words.quoted(words.say(f"order_status.{value}"))
        case "shipment.state":
            return words.quoted(words.say(f"shipment_state.{value}"))
        case _:
            return words.quoted(value)


def _amount(bound: Money | Decimal, words: Words) -> str:
    return f"{words.number(bound.amount)} {bound.currency}" if isinstance(bound, Money) else words.number(bound)
