"""The JSON Schema of schedules.toml, for editors: it rejects mistakes of shape and value as they are typed.

Mistakes between tables (unknown templates, shops, lists, calendars, rules; circles), of order (steps that do not
ascend) and of knowledge that changes (time zones, holidays) are told by ``messenger check``.
"""

from __future__ import annotations

from typing import Final

from messenger.config.calendars import DATE_PATTERN, PERIOD_PATTERN
from messenger.config.calm import CAP_KEYS
from messenger.config.rules import CHANNELS, ONCE_WORDS, PRIORITIES
from messenger.config.schedules import AUTO, MOST_NEW, VERSION
from messenger.config.schema_parts import (
    Schema,
    a_list,
    a_list_or_none,
    described,
    line,
    named,
    one_or_list,
    ref,
    table,
    text,
    when,
    without,
    word,
)
from messenger.config.schema_where import kinds, where_schema
from messenger.config.spans import CAP_PATTERN, LENGTH_PATTERN, MOST_STEPS, ONCE_PATTERN, SPAN_PATTERN
from messenger.config.triggers import NEEDED, STAFF, TRIGGERS
from messenger.config.values import (
    COUNTRY_PATTERN,
    DAYS_PATTERN,
    ID_PATTERN,
    LANGUAGE_PATTERN,
    TYPES,
    WILDCARDS,
    WINDOW_PATTERN,
    ZONE_PATTERN,
)
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.rules import Closed, Hold, Same, Uncertain

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ZERO_SPAN: Final = "^0+[a-z]+$"
ZERO_LENGTH: Final = "/0+[a-z]$"
BOOLEAN: Final[Schema] = {"type": "boolean"}


def schedules_schema() -> Schema:
    """Return the schema of schedules.toml (draft 2020-12)."""
    return {
        "$schema": DIALECT,
        "title": "schedules.toml",
        "description": "When what is written to buyers.",
        **table(
            {
                "version": {"const": VERSION},
                "defaults": table(_shared()),
                "safety": table({"max_new_messages": _max_new_messages()}),
                "languages": named(text(LANGUAGE_PATTERN), name=COUNTRY_PATTERN),
                "lists": named(a_list({"type": "string"})),
                "names": table({"method": named(a_list(line())), "carrier": named(a_list(line()))}),
                "calendars": named(_business_days()),
                "rules": named(ref("rule")),
            },
            required=("version",),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    return {
        "span": text(SPAN_PATTERN, "90s, 30m, 36h: elapsed time. 14d, 2w: calendar days. 3bd: business days."),
        "some_span": {"allOf": [ref("span"), {"not": {"pattern": ZERO_SPAN}}]},
        "length": {"allOf": [text(LENGTH_PATTERN), {"not": {"pattern": ZERO_SPAN}}]},
        "cap": {"allOf": [text(CAP_PATTERN, '"3/7d": at most 3 in any 7 days.'), _not(f"^0+/|{ZERO_LENGTH}")]},
        "event_type": word(sorted({*TYPES, *WILDCARDS})),
        "event_types": one_or_list(ref("event_type")),
        **kinds(),
        "where": where_schema(),
        "rule": _rule(),
    }


def _shared() -> dict[str, Schema]:
    never_open = _not(r"^(.+)-\1$")
    return {
        "channels": a_list(word(CHANNELS), "The first that the shop has and that reaches the buyer."),
        "window": {
            "description": '"09:00-20:00" in local time, end excluded, may cross midnight; or "always".',
            "anyOf": [{"const": "always"}, {**text(WINDOW_PATTERN), **never_open}],
        },
        "days": text(DAYS_PATTERN, '"mon-fri", "sat,sun" or "mon-sun".'),
        "zone": text(ZONE_PATTERN, "On whose clock: buyer, shop, or an IANA name."),
        "expiry": ref("some_span", "If it could not leave for so long, it is not sent."),
        "max_age": ref("some_span", "What should have left longer ago than this is not said."),
        "holds": a_list_or_none(word(Hold), "During these nothing is said by itself; [] for none."),
        "cap": described(table(dict.fromkeys(CAP_KEYS, ref("cap"))), "At most so many messages; {} for any number."),
    }


def _rule() -> Schema:
    own = {**_triggers(), **_conditions(), **_people(), **_company(), **_calendar(), **_shared()}
    return {
        **table(own, required=("template",)),
        "oneOf": [_woken_by(trigger) for trigger in TRIGGERS],
        "allOf": [
            when("urgent", {"const": True}, without("holds", "cap")),
            when("closed", word(one for one in Closed if one is not Closed.SEND), {"required": ["calendar"]}),
            when("where", {"required": ["calendar"]}, {"required": ["calendar"]}),
        ],
    }


def _woken_by(trigger: str) -> Schema:
    companions = TRIGGERS[trigger]
    others = {*TRIGGERS, *(key for keys in TRIGGERS.values() for key in keys)} - {trigger, *companions}
    return {"required": [trigger, *(key for key in companions if key in NEEDED)], **without(*sorted(others))}


def _triggers() -> dict[str, Schema]:
    return {
        "template": line("The name of the text, as in templates/<locale>/<template>.md."),
        "on": ref("event_types", "The event, or events, that wake the rule."),
        "delay": described(_steps("span"), "After the trigger; an ascending list gives several messages."),
        "before": word(Deadline, "A deadline of the order; lead says how long before it."),
        "lead": ref("some_span"),
        "after": word(Deadline, "A deadline of the order that has passed."),
        "silent": described(_steps("some_span"), "Nothing newer that matches since for this long."),
        "since": ref("event_type"),
        "trigger": word((STAFF,), "Only a person starts it."),
    }


def _conditions() -> dict[str, Schema]:
    return {
        "where": ref("where"),
        "cancel_on": {
            "description": "Events that make the message pointless.",
            "anyOf": [ref("event_types"), {"type": "array", "maxItems": 0}],
        },
        "once_per": {
            "description": "How often at most; buyer/90d: once in 90 days to the same buyer.",
            "anyOf": [word(ONCE_WORDS), {**text(ONCE_PATTERN), **_not(ZERO_LENGTH)}],
        },
    }


def _people() -> dict[str, Schema]:
    return {
        "name": line("How people call the rule."),
        "note": {"type": "string", "description": "Why there is such a rule."},
        "enabled": described(BOOLEAN, "false switches the rule off."),
        "shops": a_list(line(), "Only for these shops."),
        "formerly": a_list(text(ID_PATTERN), "Earlier names of this rule."),
        "category": word(Category, "What the message is for."),
        "urgent": described(BOOLEAN, "First in line, no cap, held by a dispute alone."),
        "approval": word((STAFF,), "Waits until a person has agreed."),
        "promise": text(ID_PATTERN, "What the message promises in the shop's name."),
        "uncertain": word(Uncertain, "What to do when it was perhaps sent."),
        "ignore_holds": a_list(word(Hold), "These do not hold this rule."),
    }


def _company() -> dict[str, Schema]:
    within = ref("length", "Others that are due within this span.")
    return {
        "group": text(ID_PATTERN, "Of rules of one group only the highest priority speaks of an event."),
        "priority": {"type": "integer", "minimum": PRIORITIES[0], "maximum": PRIORITIES[1]},
        "supersedes": a_list(text(ID_PATTERN), "Rules whose waiting messages this one makes pointless."),
        "merge": table({"within": within, "same": word(Same)}, required=("within", "same")),
    }


def _calendar() -> dict[str, Schema]:
    return {
        "calendar": text(ID_PATTERN, "A table of [calendars]: business days and closed days."),
        "closed": word(Closed, "What happens on a closed day of the calendar."),
        "during": text(ID_PATTERN, "Only inside a closed period of this calendar."),
    }


def _business_days() -> Schema:
    return table({
        "holidays": text(COUNTRY_PATTERN, "The public holidays of this country are closed days."),
        "closed": a_list(text(PERIOD_PATTERN), 'Closed periods: "2026-02-14/2026-02-24", or one date.'),
        "open": a_list(text(DATE_PATTERN), "Days that are open whatever else is said of them."),
        "days": text(DAYS_PATTERN, "Weekdays on which business is done; mon-fri unless told."),
    })  # fmt: skip


def _max_new_messages() -> Schema:
    number: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_NEW}
    return described({"anyOf": [{"const": AUTO}, number]}, "More than this because of one intake waits for approval.")


def _steps(span: str) -> Schema:
    return {"anyOf": [ref(span), {**a_list(ref(span)), "maxItems": MOST_STEPS}]}


def _not(pattern: str) -> Schema:
    return {"not": {"pattern": pattern}}
