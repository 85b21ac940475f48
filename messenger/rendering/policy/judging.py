"""Judging a finished text: which rules of a platform it breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from messenger.rendering.context import Links
from messenger.rendering.policy.book import Rule, rulebook
from messenger.rendering.policy.facts import Facts
from messenger.rendering.policy.reading import Reading
from messenger.rendering.policy.signs import Sign
from messenger.rendering.render import RenderedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that a text breaks on a platform.

    Args:
        rule: which.
        platform: where.
        severity: ``error`` or ``warning``.
        words: the place, normalised; empty when the whole text is meant.
        note: which kind of it.
        is_own: the text's own words break it, not what the order tells.
    """

    rule: Rule
    platform: str
    severity: str
    words: str = ""
    note: str = ""
    is_own: bool = True

    def __str__(self) -> str:
        said = f" ({self.words[:60]})" if self.words and self.is_own else ""
        where = "" if self.is_own else ", in what the order tells"
        return f"{self.rule.id} {self.rule.name}: {self.rule.found}{said}{where}"


def judge(made: RenderedMessage, *, platform: str, template: str, facts: Facts) -> tuple[Breach, ...]:
    """Return every rule of a platform that a finished message breaks, errors first.

    Args:
        made: the words that would leave.
        platform: of the shop.
        template: its name; some rules depend on what it is meant for.
        facts: about the order, the channel and the template.
    """
    return accusations(made, platforms=(platform,), template=template, facts=facts)


def accusations(
    made: RenderedMessage, *, platforms: Sequence[str], template: str, facts: Facts, home: Sequence[str] = ()
) -> tuple[Breach, ...]:
    """Return the same for several platforms, looking at the text once; ``home`` are hosts that count as the platform's."""
    book = rulebook()
    reading = Reading(made, facts, book)
    found = [
        *(one for one in reading.signs if one.rule),
        *reading.of_the_whole(template),
        *_of_template(template, reading),
    ]
    breaches = {
        (breach.platform, breach.rule.id, breach.words): breach
        for platform in platforms
        for breach in _minded(found, platform, template, reading, home)
    }
    return tuple(sorted(breaches.values(), key=lambda one: (one.severity != "error", one.rule.id)))


def _of_template(template: str, reading: Reading) -> Iterator[Sign]:
    """Signs that follow from what a template is meant for."""
    book, facts = reading.book, reading.facts
    if book.is_meant("confirmation", template):
        yield Sign("L11", "", "intent")
    if book.is_meant("thanks", template):
        yield Sign("L12", "", "intent")
    if book.is_meant("tracking", template) and not any(one in reading.raw for one in facts.tracking):
        yield Sign("L22")


def _minded(
    found: Sequence[Sign], platform: str, template: str, reading: Reading, home: Sequence[str]
) -> Iterator[Breach]:
    book, facts = reading.book, reading.facts
    column = book.column(platform)
    length = len(reading.body.strip())
    here = [placed for sign in found if (placed := _on(sign, column, reading, home)) is not None]
    if length > book.text_limits.get(column, length):
        here.append(Sign("L16", "", f"{length} characters, {book.text_limits[column]} at most"))
    seen = frozenset(one.rule for one in here) | frozenset(one.note for one in here if one.note)
    for sign in here:
        rule = book.rules[sign.rule]
        severity = rule.severity_for(column, seen)
        if not severity or rule.id in facts.allowed or (rule.channels and facts.channel not in rule.channels):
            continue
        if rule.unless and book.is_meant(rule.unless, template):
            continue
        if sign.is_own or not (rule.own_words or sign.note == "braces"):
            yield Breach(
                rule=rule, platform=platform, severity=severity, words=sign.words, note=sign.note, is_own=sign.is_own
            )


def _on(sign: Sign, column: str, reading: Reading, home: Sequence[str]) -> Sign | None:
    """What a sign is on this platform: a link may be its own, or a carrier's; an age is told for one platform."""
    if sign.rule == "L01":
        if _is_below(sign.note, (*home, *reading.book.hosts.get(column, ()))):
            return None
        return Sign("L02", sign.words, sign.note) if _is_below(sign.note, reading.book.hosts["tracking"]) else sign
    if (sign.rule == "L19" and reading.facts.is_delivered) or (
        sign.rule == "L21" and sign.note in reading.facts.promises
    ):
        return None
    if sign.rule == "L15":
        return sign if sign.note == column else None
    if sign.rule == "L10" and column == "own" and reading.can_unsubscribe:
        return None
    return sign


def _is_below(host: str, hosts: Sequence[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in hosts)


def permitted(links: Links, platform: str) -> Links:
    """Return the links without those that lead where texts of this platform may not point."""
    book = rulebook()
    column = book.column(platform)
    if not book.rules["L01"].severity.get(column):
        return links
    hosts = (*book.hosts.get(column, ()), *book.hosts["tracking"])
    kept = {one.name: str(getattr(links, one.name)) for one in fields(links)}
    return Links(
        **{name: link if name == "unsubscribe" or _is_below(_host(link), hosts) else "" for name, link in kept.items()}
    )


def _host(address: str) -> str:
    return address.casefold().partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
