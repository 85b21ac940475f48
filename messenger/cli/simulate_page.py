"""One self-contained page about a simulation: what becomes of the messages, and a timeline for every order.

Nothing is loaded from anywhere: styles and the one small script stand in the page, and a policy in its head forbids all else.
Everything that people typed passes through Jinja's escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from messenger.cli.simulate_sheet import Findings, heard, sheet_part
from messenger.cli.simulate_story import REACHED, Teller, kind_of
from messenger.cli.simulate_words import PageWords, page_words
from messenger.services.home import Home
from messenger.services.sentences import rule_sentence
from messenger.services.simulating import Line, Played, Workload
from messenger.services.speaking.words import language_name

OPEN_UP_TO: Final = 12
"""Orders; of so few each is shown unfolded."""
FEWEST_DAYS: Final = timedelta(days=13)
"""A shorter play gets a chart of two weeks, so that its bars are no walls."""
DAYS_UP_TO: Final = 200
"""Longer plays are told by the week."""


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a table with a bar: how many of all."""

    name: str
    count: int
    width: float
    """In percent of the largest."""
    kind: str = ""
    more: str = ""
    others: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One day, or week, of the chart."""

    label: str
    count: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Messages day by day; heights in percent."""

    columns: Sequence[Column]
    title: str
    first: str
    last: str
    most: str

    @property
    def width(self) -> int:
        """Of the drawing, ten a column."""
        return 10 * len(self.columns)


def simulate_page(played: Played, home: Home, *, language: str, findings: Findings | None = None) -> str:
    """Return the page.

    Args:
        played: with details.
        home: by which it was played.
        language: one of those that messenger speaks.
        findings: about export sheets, if it was played from any.
    """
    words = page_words(language)
    teller = Teller(played, home, words)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style, script = _inline("css"), _inline("js")
    return environment.from_string(_file("html")).render(
        words=words,
        sheet=sheet_part(heard(findings, played), words) if findings else None,
        title=words.say("sheet.title" if findings else "title"),
        style=Markup(style),  # noqa: S704  # our own file
        script=Markup(script),  # noqa: S704  # our own file
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
        shops=", ".join(home.shops[shop].name for shop in sorted({line.shop for line in played.lines})),
        period=_period(played.lines, words),
        total=len(played.lines),
        reached=sum(line.outcome in REACHED for line in played.lines),
        outcomes=_outcomes(played.lines, words),
        rules=_rules(played.lines, home, words),
        languages=_languages(played.lines, words),
        chart=_chart([line.local.date() for line in played.lines if line.outcome in REACHED], words),
        desk=_desk(played.workload, words),
        orders=teller.stories(),
        order_count=len(played.orders),
        is_open=len(played.orders) <= OPEN_UP_TO,
    )


def _file(ending: str) -> str:
    return files("messenger.cli").joinpath(f"simulate_page.{ending}").read_text(encoding="utf-8")


def _inline(ending: str) -> str:
    return "\n" + _file(ending).strip() + "\n"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


# --- summary ---------------------------------------------------------------------------------------------------------


def _period(lines: Sequence[Line], words: PageWords) -> str:
    days = [line.local.date() for line in lines]
    return words.say("period", first=words.day(min(days)), last=words.day(max(days))) if days else ""


def _outcomes(lines: Iterable[Line], words: PageWords) -> list[Share]:
    """How messages ended, most frequent first, and the reasons why some were not sent."""
    counts = Counter(line.outcome for line in lines)
    reasons = Counter((line.outcome, line.reason) for line in lines if line.reason)
    most = max(counts.values(), default=1)
    found: list[Share] = []
    for outcome, count in sorted(counts.items(), key=lambda one: (one[0] not in REACHED, -one[1], one[0])):
        why = [
            f"{words.reason(reason or '', outcome)}: {words.number(number)}"
            for (ended, reason), number in sorted(reasons.items(), key=lambda one: (-one[1], str(one[0])))
            if ended == outcome
        ]
        found.append(Share(words.outcome(outcome), count, 100 * count / most, kind_of(outcome), "; ".join(why)))
    return found


def _rules(lines: Sequence[Line], home: Home, words: PageWords) -> list[Share]:
    reached = Counter(line.rule for line in lines if line.outcome in REACHED)
    planned = Counter(line.rule for line in lines)
    most = max(reached.values(), default=1) or 1
    found: list[Share] = []
    for name in sorted(planned, key=lambda one: (-reached[one], one)):
        rule = home.schedule.rule(name)
        told = rule_sentence(rule, words.language) if rule else ""
        title = rule.title if rule and rule.title else name
        found.append(
            Share(title, reached[name], 100 * reached[name] / most, "reached", told, planned[name] - reached[name])
        )
    return found


def _languages(lines: Sequence[Line], words: PageWords) -> list[Share]:
    counts = Counter(line.locale for line in lines if line.outcome in REACHED and line.locale)
    most = max(counts.values(), default=1)
    return [
        Share(_begun(language_name(tag, words.spoken)), count, 100 * count / most, "reached")
        for tag, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _chart(days: Sequence[date], words: PageWords) -> Chart | None:
    if not days:
        return None
    first, last = min(days), max(days)
    last = max(last, first + FEWEST_DAYS)
    by_week = (last - first).days >= DAYS_UP_TO
    step = timedelta(days=7 if by_week else 1)
    counts = Counter(first + (day - first) // step * step for day in days)
    most = max(counts.values())
    columns: list[Column] = []
    while first <= last:
        label = words.say("week_of", day=words.day(first)) if by_week else words.day(first)
        height = 100 * counts[first] / most
        columns.append(Column(label, counts[first], 10 * len(columns), 100 - height, height))
        first += step
    top = max(columns, key=lambda one: one.count)
    return Chart(
        columns=columns,
        title=words.say("by_week" if by_week else "by_day"),
        first=columns[0].label,
        last=columns[-1].label,
        most=words.say("most", count=words.number(top.count), day=top.label),
    )


def _desk(load: Workload, words: PageWords) -> list[tuple[str, str]]:
    """What people had to do, as names and values; nothing when there was nothing for them to do."""
    busiest = load.busiest
    if not load.is_any:
        return []
    people = words.say("desk_none") if load.people is None else words.count("desk_people", load.people)
    told = [(people, words.count("messages", sum(load.messages.values())))]
    if busiest is not None:
        day, count = busiest
        told.append((words.say("busiest"), f"{words.day(day)}: {words.count('messages', count)}"))
        if load.people:
            told.append((words.say("hours_each"), words.hours(load.time_each(count))))
            told.append((words.say("longest_wait"), words.hours(load.longest_wait)))
    if load.expired:
        told.append((words.say("expired_unsent"), words.count("messages", load.expired)))
    if load.left_out:
        told.append((words.say("desk_full"), words.count("messages", load.left_out)))
    return told
