"""The table of placeholders is the truth about templates."""

from __future__ import annotations

from datetime import date

import pytest

from messenger.rendering.allowlist import check
from messenger.rendering.compile import environment
from messenger.rendering.context import ClosureWords
from messenger.rendering.placeholders import Placeholder, documented

WRITTEN = {
    "datetime": " | datetime", "date": " | date", "Decimal": ' | money("EUR")', "int": " | number",
    "list of item": ' | list("title")', "list of shipment": ' | list("number")', "list of order": ' | list("number")',
}  # fmt: skip
CONDITION = {"bool": "{% if NAME %}x{% endif %}"}


@pytest.mark.parametrize("one", documented(), ids=lambda one: str(one.name))
def test_every_documented_placeholder_may_be_written(one: Placeholder) -> None:
    text = CONDITION.get(one.holds, f"{{{{ NAME{WRITTEN.get(one.holds, '')} }}}}").replace("NAME", one.name)
    inside = f"{{% for item in order.items %}}{text}{{% endfor %}}" if one.name.startswith("item.") else text

    assert check(environment(escaping=False), inside, file="x", line=1) == []
    assert one.holds
    assert one.about


def test_names_stand_once_and_have_samples() -> None:
    table = {one.name: one for one in documented()}

    assert len(table) == len(documented())
    assert table["greeting"].sample == "Hello María López,"
    assert table["item.quantity"].sample == "1"
    assert table["order.items"].holds == "list of item"
    assert table["shipments"].holds == "list of shipment"
    assert table["deadline.at"].holds == "datetime"
    assert table["lane.p50_days"].holds == "Decimal"
    assert table["closure.reopens"].holds == "date"


def test_a_word_that_python_keeps_for_itself_can_be_said() -> None:
    closure = ClosureWords(from_=date(2026, 2, 14), to=date(2026, 2, 24), reopens=date(2026, 2, 25))
    text = environment(escaping=False).from_string("{% if closure.from %}{{ closure.reopens | date }}{% endif %}")

    class Says:
        """Stands in for the formats of a message."""

        def date(self, value: date) -> str:
            return value.isoformat()

    assert {"closure.from", "closure.to", "closure.reopens"} <= {one.name for one in documented()}
    assert text.render(closure=closure, formats_=Says()) == "2026-02-25"
