"""Sharing: nobody's heap keeps another waiting."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.sharing import Lane, even, shared

WANTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 300), max_size=8)
LANES = st.dictionaries(
    st.builds(Lane, st.sampled_from(["toys", "books", "shoes"]), st.sampled_from(["", "retry", "account/main"])),
    st.integers(0, 300),
)


@given(st.integers(0, 500), WANTS, st.integers(0, 10**6))
def test_no_place_is_left_empty_and_nobody_gets_more_than_it_wants(
    limit: int, wants: dict[str, int], turn: int
) -> None:
    found = even(limit, wants, turn=turn)

    assert found.keys() == wants.keys()
    assert all(0 <= found[name] <= wants[name] for name in wants)
    assert sum(found.values()) == min(limit, sum(wants.values()))


@given(st.integers(0, 500), WANTS, st.integers(0, 10**6))
def test_who_gets_less_than_another_wants_no_more(limit: int, wants: dict[str, int], turn: int) -> None:
    found = even(limit, wants, turn=turn)

    for name, given_to in found.items():
        if given_to < wants[name]:
            assert given_to >= max(found.values()) - 1


@given(st.integers(0, 500), LANES, st.integers(0, 10**6))
def test_shops_share_alike_and_within_a_shop_its_lanes(limit: int, due: dict[Lane, int], turn: int) -> None:
    found = shared(limit, due, turn=turn)

    of_shops: defaultdict[str, int] = defaultdict(int)
    wanted: defaultdict[str, int] = defaultdict(int)
    for lane, count in due.items():
        of_shops[lane.shop] += found[lane]
        wanted[lane.shop] += count
    assert sum(found.values()) == min(limit, sum(due.values()))
    for shop, count in of_shops.items():
        assert count == wanted[shop] or count >= max(of_shops.values()) - 1
        mine = {lane: found[lane] for lane in due if lane.shop == shop}
        assert all(mine[lane] == due[lane] or mine[lane] >= max(mine.values()) - 1 for lane in mine)


@pytest.mark.parametrize(
    ("new", "tried", "expected"),
    [
        pytest.param(500, 50_000, (24, 24), id="as many new as tried"),
        pytest.param(4, 50_000, (4, 44), id="what is not needed goes to the other"),
        pytest.param(500, 0, (48, 0), id="alone"),
    ],
)
def test_one_new_message_for_each_that_was_tried_before(new: int, tried: int, expected: tuple[int, int]) -> None:
    fresh, again = Lane("toys", ""), Lane("toys", "retry")

    found = shared(48, {fresh: new, again: tried})

    assert (found[fresh], found[again]) == expected


def test_with_fewer_places_than_shops_each_has_its_turn() -> None:
    due = {Lane(f"shop{number}", ""): 10 for number in range(5)}

    served = [{lane.shop for lane, places in shared(2, due, turn=turn).items() if places} for turn in range(5)]

    assert set().union(*served) == {f"shop{number}" for number in range(5)}
