"""Content rules: what each platform lets a seller write, as data with sources, judged on the finished words."""

from messenger.rendering.policy.book import Rule, Rulebook, rulebook
from messenger.rendering.policy.facts import Facts, facts_of
from messenger.rendering.policy.judging import Breach, accusations, judge, permitted

__all__ = [
    "Breach",
    "Facts",
    "Rule",
    "Rulebook",
    "accusations",
    "facts_of",
    "judge",
    "permitted",
    "rulebook",
]
