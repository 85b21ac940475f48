"""What each platform does by itself: ``policy.toml`` of its folder, read once from the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from messenger.config.spans import some_span
from messenger.config.tables import Wrong, a_table, a_text, list_of, one_of, shown
from messenger.domain.deadlines import DERIVABLE, MOMENTS
from messenger.domain.orders import Deadline
from messenger.domain.shops import Derived, Policy

PLATFORMS: Final = "messenger.platforms"


@cache
def policies() -> Mapping[str, Policy]:
    """Return every platform's policy by its name.

    Raises:
        Wrong: a policy.toml in the package says what cannot be; a test keeps that from being shipped.
    """
    folders = (folder for folder in files(PLATFORMS).iterdir() if folder.joinpath("policy.toml").is_file())
    found = {
        folder.name: read_policy(folder.name, folder.joinpath("policy.toml").read_text(encoding="utf-8"))
        for folder in folders
    }
    return MappingProxyType(dict(sorted(found.items())))


def read_policy(platform: str, text: str) -> Policy:
    """Return the policy that a policy.toml holds; keys of other readers are left to them.

    Raises:
        Wrong: a deadline has no span, no source, or counts from what is no moment of an order.
    """
    told = a_table(tomllib.loads(text))
    deadlines = frozenset(list_of(one_of(Deadline))(told.get("deadlines", [])))
    derived = {
        _deadline(name, deadlines): _derived(a_table(one)) for name, one in a_table(told.get("derived", {})).items()
    }
    return Policy(platform=platform, deadlines=deadlines, derived=MappingProxyType(derived))


def _deadline(name: str, deadlines: frozenset[Deadline]) -> Deadline:
    found = one_of(DERIVABLE)(name)
    if found not in deadlines:
        raise Wrong(f"{name} is derived but not among the deadlines", "add it to the list")
    return found


def _derived(told: Mapping[str, object]) -> Derived:
    a_text(told.get("source"))
    if not isinstance(told.get("checked_on"), date):
        raise Wrong(f"checked_on must be a date, got {shown(told.get('checked_on'))}")
    return Derived(since=one_of(MOMENTS)(told.get("since")), span=some_span(told.get("span")))
