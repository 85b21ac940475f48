"""The page on checks: what ``messenger check`` looks for in templates and rules, written from the data beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from messenger.rendering.allowances import NEVER_ALLOWED
from messenger.rendering.policy import Rule, rulebook

_COLUMNS: Final = {"amazon": "Amazon", "ebay": "eBay", "aliexpress": "AliExpress", "own": "own shop"}
_HEAD: Final = """# What `messenger check` looks for

<!-- written by `make golden` from messenger/rendering/checking/checks.toml and messenger/rendering/policy/content_rules.toml -->

Every finding has a file, a line, what is wrong and what would be right, and one of three severities:

| severity | means | exit code |
| --- | --- | --- |
| `error` | the file is not used as it is; the last good version stays in use. A content rule with this severity keeps the message back | 1 |
| `warning` | the file is used; a reader would stumble over it | 0 |
| `notice` | nothing is wrong; it says what is so | 0 |

`messenger check --json` prints all of them with `file, line, column, key, problem, remedy, severity`; `--as github` prints notes for a pull request.
`line` is 0 where the whole file, or folder, is meant.

Errors and warnings go away when the cause does. Content rules, and they alone, can be silenced with a comment in the text that gives a reason:

    {# allow L10: the word is the name of the product #}

"""
_RULES: Final = """## Content rules

What platforms let a seller write, looked for in the finished words: of every text, in every language, with every sample order, and again before each
message leaves. A shop of one's own is `none`, `shopify` or `woocommerce`. A comment `{# allow … #}` silences a rule in its file, except {never}.
Lists of words, hosts and days stand in `content_rules.toml` and `words/<language>.toml` in the program's folder `rendering/policy`.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is looked for.

    Args:
        name: for people; findings do not carry it.
        severity: of its findings.
        says: a part of what is told, ``…`` standing for what was found.
        right: what to do.
        silence: how it is silenced; empty when it cannot be.
        text: an example: the body of a text.
        head: another: its front matter.
        files: another: whole files, by name below the template folder.
        rules: another: tables of schedules.toml.
    """

    name: str
    says: str
    right: str
    severity: str = "error"
    silence: str = ""
    text: str = ""
    head: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Checks of one kind, with a sentence about all of them."""

    title: str
    about: str
    checks: tuple[Check, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Return every check, content rules aside."""
    told = tomllib.loads(files("messenger.rendering.checking").joinpath("checks.toml").read_text(encoding="utf-8"))
    return tuple(
        Group(title=one["title"], about=one["about"], checks=tuple(Check(**check) for check in one["check"]))
        for one in told["group"]
    )


def page() -> str:
    """Return docs/reference/checks.md."""
    return _HEAD + "\n".join((*_groups(groups()), *_content_rules()))


def _groups(told: Sequence[Group]) -> Iterator[str]:
    for group in told:
        yield f"## {group.title}\n\n{group.about}\n"
        yield "| check | severity | says | what to do | silenced by |"
        yield "| --- | --- | --- | --- | --- |"
        for one in group.checks:
            yield f"| {one.name} | {one.severity} | {_cell(one.says)} | {_cell(one.right)} | {_cell(one.silence or '–')} |"
        yield ""


def _content_rules() -> Iterator[str]:
    yield _RULES.replace("{never}", " and ".join((", ".join(sorted(NEVER_ALLOWED)[:-1]), max(NEVER_ALLOWED)))).rstrip(
        "\n"
    )
    yield ""
    yield f"| rule | finds | what to do | {' | '.join(_COLUMNS.values())} | source | read on |"
    yield f"| --- | --- | --- |{' --- |' * len(_COLUMNS)} --- | --- |"
    for rule in rulebook().rules.values():
        where = " | ".join(_severity(rule, column) for column in _COLUMNS)
        found = f"{rule.found}{_only(rule)}"
        yield f"| {rule.id} {rule.name} | {_cell(found)} | {_cell(rule.right)} | {where} | {_cell(rule.source)} | {rule.checked_on} |"
    yield ""


def _severity(rule: Rule, column: str) -> str:
    usual = rule.severity.get(column, "–")
    is_worse = rule.worse and column in rule.worse_columns and usual != "error"
    return f"{usual}; error with {rule.worse}" if is_worse else usual


def _only(rule: Rule) -> str:
    told = [f"only through: {', '.join(sorted(rule.channels))}"] if rule.channels else []
    if rule.is_about_intent:
        told.append("it is about the kind of message, not its words: `check` tells it once, as a notice")
    return f" ({'; '.join(told)})" if told else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
