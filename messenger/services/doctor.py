"""The doctor: whether everything that messenger relies on works now, and what is worth knowing before it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from messenger.domain.breakers import Breaker
from messenger.domain.shops import Mode, Shop
from messenger.errors import MessengerError
from messenger.ports import Credentials, PollState, Vault
from messenger.services.hearing import Standing

AT_ONCE: Final = 8
SOON: Final = timedelta(days=30)
"""So long before a login ends for good a person wants to know."""


class Health(StrEnum):
    """How something is."""

    FINE = "fine"
    NOTE = "note"
    """It works, and there is something to know."""
    WRONG = "wrong"
    """It does not work; the words say what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found about one thing.

    Args:
        shop: whose; empty: of all.
        name: of the thing, as messenger.toml calls it.
        kind: what it is.
        words: what was found; without secrets.
    """

    shop: str
    name: str
    kind: str
    health: Health
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One thing that is looked at; ``look`` may take a while, and what it raises is what is wrong."""

    shop: str
    name: str
    kind: str
    look: Callable[[], Iterable[tuple[Health, str]]]

    def diagnoses(self) -> list[Diagnosis]:
        """Return what was found."""
        try:
            found = list(self.look())
        except MessengerError as error:
            found = [(Health.WRONG, str(error))]
        except Exception as error:  # noqa: BLE001 - one that cannot be looked at must not hide the others
            found = [(Health.WRONG, f"{type(error).__name__}: {error}")]
        return [
            Diagnosis(shop=self.shop, name=self.name, kind=self.kind, health=health, words=" ".join(words.split()))
            for health, words in found
        ]


def examine(patients: Sequence[Patient], moved: Callable[[int], None] = lambda _: None) -> list[Diagnosis]:
    """Return what was found about all of them, in their order; several are looked at at the same time.

    Args:
        patients: all of them.
        moved: told of each that is done.
    """

    def look(one: Patient) -> list[Diagnosis]:
        found = one.diagnoses()
        moved(1)
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [one for found in pool.map(look, patients) for one in found]


# --- what can be said without asking anybody ------------------------------------------------------------------------------


def of_shop(shop: Shop) -> Iterator[tuple[Health, str]]:
    """Yield what is worth knowing about a shop's settings."""
    if not shop.channels:
        yield Health.WRONG, "no channel carries anything: write channels = { … }"
    match shop.mode:
        case Mode.REHEARSE:
            yield Health.NOTE, "rehearses: everything is planned and shown, nothing leaves"
        case Mode.APPROVE:
            yield Health.NOTE, "each message waits for a person"
        case Mode.LIVE:
            yield Health.FINE, "live"


def of_login(vault: Vault, account: str, *, now: datetime, remedy: str) -> Iterator[tuple[Health, str]]:
    """Yield how the login of an account stands, and what its platform does not let us do."""
    kept = vault.credentials(account)
    if kept is None:
        yield Health.WRONG, f"nobody has logged in: {remedy}"
        return
    yield from _lasting(kept, now, remedy)
    for door, problem in vault.shut_doors(account).items():
        yield Health.WRONG, f"{door or 'everything'} is shut: {problem} ({remedy})"


def _lasting(kept: Credentials, now: datetime, remedy: str) -> Iterator[tuple[Health, str]]:
    who = f"logged in{f' as {kept.holder}' if kept.holder else ''}"
    ends = kept.refresh_ends_at if kept.refresh else kept.ends_at
    if ends is None:
        yield Health.FINE, f"{who}; nobody said when that ends"
    elif ends <= now:
        yield Health.WRONG, f"the login ended {_moment(ends)}: {remedy}"
    else:
        manner = "renews itself until" if kept.refresh else "ends"
        health = Health.NOTE if ends - now <= SOON else Health.FINE
        yield health, f"{who}; {manner} {_moment(ends)}" + (f": {remedy}" if health is Health.NOTE else "")


def of_account(breaker: Breaker, waiting: int) -> Iterator[tuple[Health, str]]:
    """Yield whether an account that messages leave by is in trouble."""
    if breaker.is_open:
        since = f" since {_moment(breaker.since)}" if breaker.since else ""
        yield Health.WRONG, f"in trouble{since}: {breaker.reply or breaker.stage}; {waiting} messages wait"


def of_source(standing: Standing, poll: PollState | None, now: datetime) -> Iterator[tuple[Health, str]]:
    """Yield when a source was heard from, and what of it waits for somebody."""
    heard = f"heard from {_moment(standing.heard_at)}" if standing.heard_at else "never heard from"
    yield (Health.WRONG, f"silent: {heard}") if standing.is_silent else (Health.FINE, heard)
    if poll is not None and poll.failures:
        again = f"; tried again {_moment(poll.next_at)}" if poll.next_at and poll.next_at > now else ""
        yield Health.WRONG, f"could not be read {poll.failures} times in a row: {poll.problem}{again}"
    for count, what, remedy in _LEFT_OVER:
        number = count(standing)
        if number:
            yield Health.WRONG, f"{number} {what}: {remedy}"


_LEFT_OVER: Final[Sequence[tuple[Callable[[Standing], int], str, str]]] = (
    (lambda one: one.failed, "deliveries could not be read", "messenger intake list --state failed"),
    (lambda one: one.person, "deliveries wait for a person", "messenger intake list --state person"),
)


def worst(found: Iterable[Diagnosis]) -> Mapping[Health, int]:
    """Return how many things are how."""
    counted = dict.fromkeys(Health, 0)
    for one in found:
        counted[one.health] += 1
    return counted


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
