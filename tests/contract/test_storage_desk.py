"""What every store promises about desks: who has what, what was written for them, what they said, and for how long it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from messenger.domain.messages import Reason, State
from messenger.ports import Unit
from messenger.ports.desk import Act, Opening
from messenger.storage import SqlStore
from tests.storage_samples import LETTER, MINUTE, NOW, message, only, plan, together

DAY = timedelta(days=1)
OPENING = Opening(
    message=1, person="Ann", opened_at=NOW, until=NOW + 10 * MINUTE, letter=LETTER, variant="channel=platform", version="v1",
    along=(2, 3),
)  # fmt: skip
ACT = Act(
    message=1, shop="toys", transport="desk", person="Ann", what="sent", at=NOW, state=State.AWAITING_STAFF, reason=Reason.RETRY,
    because="why",
)  # fmt: skip


def keep(store: SqlStore, *things: Opening | Act) -> None:
    with store.begin() as unit:
        for one in things:
            unit.keep_opening(one) if isinstance(one, Opening) else unit.keep_act(one)


def openings(store: SqlStore, message: int = 1) -> list[Opening]:
    return store.together(lambda unit: unit.openings(message))


def test_what_was_written_for_a_person_is_kept_whole_the_newest_first(store: SqlStore) -> None:
    other = replace(OPENING, person="Bob", opened_at=NOW + MINUTE, edited="Текст", along=())
    keep(store, OPENING, other, replace(OPENING, message=2))

    assert openings(store) == [other, OPENING]
    assert (other.text, OPENING.text) == ("Текст", LETTER.platform_text)


def test_a_person_has_one_opening_of_a_message_at_a_time(store: SqlStore) -> None:
    again = replace(OPENING, until=NOW + 20 * MINUTE, edited="x", along=(4,), variant="", version="v2")
    keep(store, OPENING, again)

    assert openings(store) == [again]


def test_in_hand_is_what_has_not_run_out(store: SqlStore) -> None:
    keep(store, OPENING, replace(OPENING, message=2, until=NOW))
    with store.begin() as unit:
        assert unit.in_hand(now=NOW) == [OPENING]
        assert unit.in_hand(now=NOW + 10 * MINUTE) == []


def test_what_is_two_days_old_is_forgotten(store: SqlStore) -> None:
    late = NOW + 2 * DAY + 11 * MINUTE
    keep(store, OPENING, ACT)
    keep(store, replace(OPENING, message=2, opened_at=late, until=late + MINUTE), replace(ACT, message=2, at=late))

    assert openings(store) == []
    with store.begin() as unit:
        assert [one.message for one in unit.acts(person="Ann", since=NOW - DAY)] == [2]


def test_acts_are_told_newest_first_by_person_since_when_and_about_what(store: SqlStore) -> None:
    later = replace(ACT, message=2, at=NOW + MINUTE, what="skipped", reason=None)
    keep(store, ACT, later, replace(ACT, message=3, person="Bob"))
    with store.begin() as unit:
        found = unit.acts(person="Ann", since=NOW)
        assert [replace(one, id=0) for one in found] == [later, ACT]
        assert [one.message for one in unit.acts(person="Ann", since=NOW + MINUTE)] == [2]
        assert [one.message for one in unit.acts(person="Ann", since=NOW, messages=[1, 3])] == [1]
        unit.take_back(found[0], at=NOW)
        assert [one.message for one in unit.acts(person="Ann", since=NOW)] == [1]


def test_the_load_of_a_desk_is_what_lies_there_is_in_hand_and_was_sent(store: SqlStore) -> None:
    lying = [replace(message(n), state=State.AWAITING_STAFF, transport="desk") for n in (1, 2)]
    plan(
        store,
        *lying,
        replace(message(3), state=State.AWAITING_STAFF, transport="other"),
        replace(message(4), transport="desk"),
    )
    keep(
        store, OPENING, ACT, replace(ACT, person="Bob"), replace(ACT, message=2, what="skipped"), replace(ACT, message=3, transport="other"),
        replace(ACT, message=4, at=NOW - MINUTE), replace(ACT, message=5),
    )  # fmt: skip
    with store.begin() as unit:
        (gone,) = unit.acts(person="Ann", since=NOW, messages=[5])
        unit.take_back(gone, at=NOW)
        load = unit.load_of("desk", since=NOW, now=NOW)

        assert [row.key.scope for row in unit.on_desks()] == ["8134/1", "8134/2", "8134/3"]
        assert len(unit.on_desks(shop="toys")) == 3
        assert unit.on_desks(shop="cups") == []

    assert [row.key.scope for row in load.lying] == ["8134/1", "8134/2"]
    assert (load.opened, load.sent) == (frozenset({1}), 1)


def test_a_desks_places_are_given_out_by_one_at_a_time(store: SqlStore) -> None:
    def take(person: str) -> None:
        def work(unit: Unit) -> None:
            unit.lock_desk("desk")
            if unit.load_of("desk", since=NOW, now=NOW).sent < 3:
                unit.keep_act(replace(ACT, person=person, message=int(person)))

        store.together(work)

    together(*[lambda number=n: take(str(number)) for n in range(8)])

    with store.begin() as unit:
        assert unit.load_of("desk", since=NOW, now=NOW).sent == 3


def test_what_a_person_sent_is_kept_where_others_is_and_can_be_taken_back(store: SqlStore) -> None:
    plan(store, message())
    row = only(store)
    with store.begin() as unit:
        unit.keep_letter(row.id, LETTER, digest="d", version="v", at=NOW)
        unit.keep_letter(row.id, replace(LETTER, platform_text="x"), digest="e", version="v", at=NOW)
    kept = store.frozen(row.id)
    assert kept is not None
    assert (kept.digest, kept.letter and kept.letter.platform_text) == ("e", "x")

    with store.begin() as unit:
        assert unit.row(row.id) == row
        assert unit.row(row.id + 1) is None
        unit.bring_back(row, at=NOW)
    assert store.frozen(row.id) is None
