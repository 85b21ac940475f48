"""Laws of reading sheets: whatever stands in the cells, an order becomes events or a refusal that names its cell."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.events import parse_event
from messenger.errors import EventError
from messenger.intake.sheets.cells import Cell, Number, packed, plain, unpacked
from messenger.intake.sheets.headers import columns_of
from messenger.intake.sheets.layouts import LAYOUTS, layouts
from messenger.intake.sheets.notes import Notes
from messenger.intake.sheets.orders import OrderReader, Refused
from messenger.intake.sheets.times import WallClock

LIKELY = ("2026-03-02 10:15:00", "2026-11-01 01:30:00", "US $12.30", "EMS:LK123456789CN\nx", "Russia", "等待您发货", "paid",
          "a@b.example", "8134567890123456",
          "Mar-02-26", "0", "1e9", "#1", "-", "【1】 A \n (产品数量:x)")  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(LIKELY),
    st.text(max_size=40).map(plain),
    st.floats(allow_nan=False, allow_infinity=False).map(Number),
    st.datetimes(),
    st.just(""),
)


@given(data=st.data(), layout=st.sampled_from(LAYOUTS), zone=st.sampled_from(["America/Los_Angeles", "Asia/Shanghai"]))
def test_an_order_is_taken_in_whole_or_refused_with_its_cells(data: st.DataObject, layout: str, zone: str) -> None:
    headers = [*layouts()[layout].names]
    columns = columns_of(headers, 1, [layouts()[layout]])
    assert columns is not None
    rows = [(line, data.draw(st.lists(CELLS, min_size=len(headers), max_size=len(headers)))) for line in (2, 3)]
    reader = OrderReader(columns, WallClock(ZoneInfo(zone)), Notes())
    try:
        facts = reader.read(rows)
    except Refused as refused:
        named = [one.line in {2, 3} and bool(one.header and one.text) for one in refused.problems]
    else:
        again = reader.read(rows).documents(source="sheet", shop="toys")
        named = _taken_in_whole([*facts.documents(source="sheet", shop="toys")], [*again])

    assert named
    assert all(named)


def _taken_in_whole(documents: list[dict[str, object]], again: list[dict[str, object]]) -> list[bool]:
    """Whether every event has an id of its own, and comes again as it was; or the field is named that no event may hold."""
    try:
        ids = [parse_event(one).id for one in documents]
    except EventError as error:
        return [bool(error.field)]
    return [len({*ids}) == len(ids), again == documents]


@given(
    st.one_of(
        st.text(max_size=50), st.floats(allow_nan=False, allow_infinity=False), st.datetimes(), st.booleans(), st.none()
    )
)
def test_a_cell_travels_as_it_is(cell: object) -> None:
    arrived: Cell = unpacked(packed(cell))

    match cell:
        case bool() | None:
            assert arrived == ("" if cell is None else str(cell).upper())
        case float():
            assert arrived == Number(cell)
        case datetime():
            assert arrived == cell
        case _:
            assert arrived == plain(str(cell))
