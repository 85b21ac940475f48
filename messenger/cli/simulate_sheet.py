"""What an export sheet comes to, for its page: who heard nothing, what would have been written, and which rules stay mute and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from messenger.cli.simulate_input import Sheets, Told
from messenger.cli.simulate_story import REACHED
from messenger.cli.simulate_words import PageWords
from messenger.domain.events import Event
from messenger.services.home import Home
from messenger.services.knowable import Data, Lack, Mute, mutes
from messenger.services.quiet import TOO_LONG, Quiet, quiet
from messenger.services.sentences import rule_sentence
from messenger.services.simulating import Played

ORDER_OF_LACKS: Final = (
    Lack.TRACKING, Lack.DEADLINE, Lack.DETAIL, Lack.EVENT, Lack.CONVERSATION, Lack.DISPUTES, Lack.REVIEWS, Lack.REFUNDS, Lack.STAFF, Lack.PLATFORM,
)  # fmt: skip
SHOWN_PROBLEMS: Final = 50
"""Of orders that were refused; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the sheets of a play come to.

    Args:
        mutes: rules that these data can never make speak.
        quiet: how long buyers heard nothing; filled in once it was played.
    """

    sheets: Sheets
    mutes: Sequence[Mute]
    quiet: Quiet | None = None


def findings_of(told: Told) -> Findings | None:
    """Return what can be said before the play; None when there was no sheet among the files."""
    if not told.sheets.files:
        return None
    types = told.sheets.types | {one.type for one in told.events}
    orders = [order for events in _by_order(told) if (order := told.home.order(events)) is not None]
    data = Data(orders=orders, shops=told.home.shops, types=types)
    return Findings(sheets=told.sheets, mutes=mutes(told.home.schedule, data))


def without_mutes(home: Home, findings: Findings) -> Home:
    """Return the home without rules that would speak of what the data leave out, such as where parcels are."""
    mute = {one.rule.name for one in findings.mutes}
    rules = tuple(rule for rule in home.schedule.rules if rule.name not in mute)
    return replace(home, schedule=replace(home.schedule, rules=rules))


def heard(findings: Findings, played: Played) -> Findings:
    """Return the findings with how long buyers heard nothing."""
    told = defaultdict(list)
    for line in played.lines:
        if line.outcome in REACHED:
            told[line.shop, line.order].append(line.at)
    return replace(findings, quiet=quiet(played.orders, told))


def _by_order(told: Told) -> list[list[Event]]:
    found: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in told.events:
        if event.order is not None:
            found[event.shop, event.order].append(event)
    return list(found.values())


# --- as the page shows it --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MuteGroup:
    """Rules that lack the same."""

    reason: str
    more: str
    rules: Sequence[tuple[str, str]]
    """Name, and what the rule would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPart:
    """The part of the page about the sheet, in words."""

    files: str
    headline: str
    unheard: str
    share: float
    """Of the buyers, in percent."""
    facts: Sequence[tuple[str, str]]
    """Number, and what it counts."""
    longest: str
    still_why: str
    mutes: Sequence[MuteGroup]
    problems: Sequence[str]
    problems_head: str
    notes: Sequence[str]


def sheet_part(findings: Findings, words: PageWords) -> SheetPart:
    """Return what the page says about the sheet."""
    found = findings.quiet
    assert found is not None  # noqa: S101  # the page is made of a play
    days = words.number(TOO_LONG.days)
    refused = findings.sheets.refused
    return SheetPart(
        files=", ".join(findings.sheets.files),
        headline=words.say("sheet.headline", days=days),
        unheard=words.say("sheet.of", n=words.number(found.unheard), all=words.number(found.buyers)),
        share=100 * found.unheard / found.buyers if found.buyers else 0,
        facts=[
            (words.number(found.written_to), words.say("sheet.written_to")),
            (words.number(found.still_unheard), words.say("sheet.still", days=days)),
        ],
        longest=_longest(found, words),
        still_why=words.say("sheet.still_why") if found.still_unheard and _lack_tracking(findings) else "",
        mutes=_groups(findings.mutes, words),
        problems=refused[:SHOWN_PROBLEMS],
        problems_head=words.count("sheet.refused", len(refused)) if refused else "",
        notes=findings.sheets.notes,
    )


def _lack_tracking(findings: Findings) -> bool:
    return any(one.lack is Lack.TRACKING for one in findings.mutes)


def _longest(found: Quiet, words: PageWords) -> str:
    if found.longest is None or found.longest_of is None or not found.longest.length.days:
        return ""
    days = words.count("sheet.days", found.longest.length.days)
    return words.say("sheet.longest", days=days, order=found.longest_of[1], day=words.day(found.longest.start.date()))


def _groups(found: Sequence[Mute], words: PageWords) -> list[MuteGroup]:
    groups: list[MuteGroup] = []
    for lack in ORDER_OF_LACKS:
        mute = [one for one in found if one.lack is lack]
        if mute:
            groups.append(
                MuteGroup(
                    _reason(lack, mute, words), words.say(f"lack_more.{lack}"), [_named(one, words) for one in mute]
                )
            )
    return groups


def _reason(lack: Lack, mute: Sequence[Mute], words: PageWords) -> str:
    about = [words.about(lack, name) for name in dict.fromkeys(one.about for one in mute) if name]
    return words.say(f"lack.{lack}", about=words.spoken.both(about) if about else "")


def _named(mute: Mute, words: PageWords) -> tuple[str, str]:
    return mute.rule.title or mute.rule.name, rule_sentence(mute.rule, words.language)
