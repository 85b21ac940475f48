"""The rule book: ``content_rules.toml`` and the word lists beside it, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from messenger.rendering.policy.phrases import Phrases, phrases_of
from messenger.rendering.policy.screening import Screen, View, screen_of

LANGUAGES: Final = ("en", "es", "ru", "zh", "pt")
"""Languages with a word list, by the first part of a locale."""
COLUMNS: Final = ("amazon", "ebay", "aliexpress", "own")
"""What the rules tell apart; every shop of one's own is ``own``."""
_KNOWN: Final = frozenset(
    {"name", "found", "right", "severity", "source", "checked_on", "channels", "unless", "own_words", "about", "worse_with", "worse_when"}
)  # fmt: skip
_SEVERITIES: Final = frozenset({"error", "warning"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One content rule.

    Args:
        id: ``L01`` to ``L27``.
        found: what it finds, in words; ``right``: what would be right.
        severity: ``error`` or ``warning`` by column; a column that is missing allows it.
        channels: through which it looks at texts; empty for all.
        unless: an intent of templates to which it does not apply.
        own_words: it looks past what the order tells (titles, names), at the text's own words alone.
        is_about_intent: it forbids a kind of message, not its wording: no mistake of the text.
        worse: what makes it an error in some columns: another rule's id, or a sign.
    """

    id: str
    name: str
    found: str
    right: str
    severity: Mapping[str, str]
    source: str
    checked_on: date
    channels: frozenset[str] = frozenset()
    unless: str = ""
    own_words: bool = False
    is_about_intent: bool = False
    worse: str = ""
    worse_columns: frozenset[str] = frozenset()

    def severity_for(self, column: str, seen: frozenset[str]) -> str:
        """Return ``error``, ``warning`` or nothing, given the rules and signs that were found in the same text."""
        if self.worse in seen and column in self.worse_columns:
            return "error"
        return self.severity.get(column, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """How one language says what the rules look for; each list compiled."""

    spaced: bool
    lists: Mapping[str, Phrases]
    common: frozenset[str]
    screen: Screen

    def find(self, name: str, text: str) -> re.Match[str] | None:
        """Return where a list first matches."""
        pattern = self.lists.get(name)
        return pattern.search(text) if pattern else None

    def find_in(self, name: str, view: View) -> re.Match[str] | None:
        """Return the same for a text that is asked about many lists: most of them are ruled out together."""
        return self.find(name, view.text) if name in view.worth_trying(self.screen) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All of it. ``version`` is kept with what was judged by it."""

    version: str
    rules: Mapping[str, Rule]
    columns: Mapping[str, str]
    text_limits: Mapping[str, int]
    subject_limit: int
    ages: Mapping[str, Mapping[str, Any]]  # Any: TOML values, read in one place
    hosts: Mapping[str, tuple[str, ...]]
    intents: Mapping[str, frozenset[str]]
    languages: Mapping[str, Language] = field(repr=False)

    def column(self, platform: str) -> str:
        """Return the column of the rules that holds for a platform."""
        return self.columns.get(platform, "own")

    def is_meant(self, intent: str, template: str) -> bool:
        """Whether a template is meant for this, by its name."""
        return template in self.intents.get(intent, ())


@cache
def rulebook() -> Rulebook:
    """Return the rule book that comes with this version."""
    folder = files("messenger.rendering.policy")
    return read_rulebook(
        folder.joinpath("content_rules.toml").read_text(encoding="utf-8"),
        {name: folder.joinpath("words", f"{name}.toml").read_text(encoding="utf-8") for name in LANGUAGES},
    )


def read_rulebook(rules: str, words: Mapping[str, str]) -> Rulebook:
    """Return a rule book from its files.

    Raises:
        ValueError: a rule has no source or date, or says what cannot be; a test keeps that from being shipped.
    """
    told = tomllib.loads(rules)
    limits = dict(told["limits"])
    text_limits = limits.pop("text")
    return Rulebook(
        version=str(told["version"]), rules={id_: _rule(id_, one) for id_, one in told["rules"].items()}, columns=told["platforms"],
        text_limits=text_limits, subject_limit=int(limits["subject"]), ages=told["age"],
        hosts={name: tuple(hosts) for name, hosts in told["hosts"].items()},
        intents={name: frozenset(templates) for name, templates in told["intents"].items()},
        languages={name: read_language(tomllib.loads(text)) for name, text in words.items()},
    )  # fmt: skip


def _rule(id_: str, told: Mapping[str, Any]) -> Rule:  # Any: TOML values
    wrong = sorted(set(told) - _KNOWN) or sorted(set(told["severity"]) - set(COLUMNS))
    if wrong or not told.get("source") or not isinstance(told.get("checked_on"), date):
        raise ValueError(
            f"{id_}: unknown {', '.join(wrong)}" if wrong else f"{id_} needs a source and a checked_on date"
        )
    if set(told["severity"].values()) - _SEVERITIES:
        raise ValueError(f"{id_}: severity is error or warning, got {dict(told['severity'])}")
    worse = told.get("worse_with", told.get("worse_when", {}))
    return Rule(
        id=id_, name=told["name"], found=told["found"], right=told["right"], severity=told["severity"], source=told["source"],
        checked_on=told["checked_on"], channels=frozenset(told.get("channels", ())), unless=told.get("unless", ""),
        own_words=told.get("own_words", False), is_about_intent=told.get("about") == "intent",
        worse=worse.get("rule", worse.get("sign", "")), worse_columns=frozenset(worse) - {"rule", "sign"},
    )  # fmt: skip


def read_language(told: Mapping[str, Any]) -> Language:  # Any: TOML values
    """Return one language's word list, compiled."""
    spaced = bool(told.get("spaced", True))
    sets: Mapping[str, list[str]] = told["sets"]
    lists = {
        name: phrases_of(phrases, sets, spaced=spaced)
        for name, phrases in {**told["rules"], **sets, **told["letters"]}.items()
    }
    return Language(
        spaced=spaced, lists=lists, common=frozenset(told["letters"]["common"]), screen=screen_of(lists, spaced=spaced)
    )
