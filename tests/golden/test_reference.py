"""The tables of the reference say what the code knows."""

from __future__ import annotations

from messenger.rendering.checking.reference import page
from messenger.rendering.placeholders import Placeholder, documented
from tests.golden.keeping import ROOT, assert_as_approved

HOLDS = {"str": "text", "datetime": "moment", "date": "day", "Decimal": "amount", "int": "number", "bool": "yes or no"}


def table() -> str:
    rows = ["| placeholder | holds | for example |", "| --- | --- | --- |"]
    rows += [f"| `{one.name}` | {holds(one)} | {sample(one)} |" for one in documented()]
    return "\n".join(rows)


def holds(one: Placeholder) -> str:
    return "list" if one.holds.startswith("list of ") else HOLDS.get(one.holds, one.holds)


def sample(one: Placeholder) -> str:
    return {"True": "yes", "False": "no"}.get(one.sample, "") if one.holds == "bool" else one.sample


def test_every_placeholder_stands_in_the_reference() -> None:
    page = ROOT / "docs" / "reference" / "templates.md"
    text = page.read_text(encoding="utf-8")

    before, start, rest = text.partition("<!-- placeholders -->\n")
    _, end, after = rest.partition("\n<!-- end -->")
    assert start
    assert end

    assert_as_approved(page, f"{before}{start}{table()}{end}{after}")


def test_every_check_stands_in_the_reference() -> None:
    assert_as_approved(ROOT / "docs" / "reference" / "checks.md", page())
