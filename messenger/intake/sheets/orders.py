"""From the rows of one order to its facts; every cell that cannot be read is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from messenger.domain.addresses import is_email_address
from messenger.intake.sheets.amounts import Money, decimal_text, money
from messenger.intake.sheets.cells import Cell, Number
from messenger.intake.sheets.countries import country_of
from messenger.intake.sheets.facts import Facts
from messenger.intake.sheets.grouping import Numbered
from messenger.intake.sheets.headers import Columns
from messenger.intake.sheets.notes import Aside, Notes
from messenger.intake.sheets.parcels import Article, NoParcel, Parcel, articles, parcels
from messenger.intake.sheets.steps import TIMES, steps
from messenger.intake.sheets.times import LAST_SECOND, NOON, NoTime, WallClock
from messenger.intake.sheets.words import normal

_NUMBER: Final = re.compile(r"#?[A-Za-z0-9][A-Za-z0-9._/-]{0,59}")
_DEADLINES: Final = ("ship_by", "deliver_by")
STATUSES: Final = ("status", "financial_status", "fulfillment_status")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell."""

    line: int
    header: str
    text: str


class Refused(ValueError):
    """An order that cannot be taken in; ``problems`` name every cell that keeps it out."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(one.text for one in problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class OrderReader:
    """Reads orders of one sheet."""

    columns: Columns
    clock: WallClock
    notes: Notes
    _problems: list[Problem] = field(default_factory=list)

    def read(self, rows: Sequence[Numbered]) -> Facts:
        """Return what the rows of one order tell.

        Raises:
            Refused: a cell without which nothing can be told holds something else.
        """
        self._problems = []
        line = rows[0][0]
        number, times = self._number(rows), self._times(rows)
        deadlines = {name: at for name in _DEADLINES if (at := self._instant(rows, name)) is not None}
        found, method = self._parcels(rows), _first_line(str(self._cell(rows, "chosen_shipping")))
        if not times and not self._problems:
            self._refuse(line, self.columns.header("placed_at"), "is missing: nothing tells when this order was placed")
        if self._problems:
            raise Refused(self._problems)
        return Facts(
            number=number, line=line, steps=steps(times, set(self._words(rows))), parcels=found, method=method,
            order=self._order(rows, {**deadlines, **times}, method), buyer=self._buyer(rows),
        )  # fmt: skip

    # --- what must be right ------------------------------------------------------------------------------------------

    def _number(self, rows: Sequence[Numbered]) -> str:
        line, cell = rows[0][0], self._cell(rows, "number")
        header = self.columns.header("number")
        if isinstance(cell, Number) and not cell.is_exact:
            self._refuse(line, header, f"the number {cell} stands in a numeric cell, where {_ROUNDED}")
            return ""
        text = str(cell)
        if re.fullmatch(r"\d+([.,]\d+)?[eE]\+?\d+", text):
            self._refuse(line, header, f"the number was saved as {text}, where {_ROUNDED}")
        elif not text:
            self._refuse(line, header, "is missing: it names the order")
        elif isinstance(cell, datetime) or not _NUMBER.fullmatch(text):
            self._refuse(line, header, f"must be the number of an order, got {text[:60]!r}")
        return text

    def _times(self, rows: Sequence[Numbered]) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for name in TIMES:
            at = self._instant(rows, name, after=max(found.values(), default=None))
            if at is not None:
                found[name] = at
        return found

    def _instant(self, rows: Sequence[Numbered], name: str, *, after: datetime | None = None) -> datetime | None:
        line, cell = self._found(rows, name)
        try:
            return self.clock.instant(cell, after=after, day=LAST_SECOND if name in _DEADLINES else NOON)
        except NoTime as error:
            self._refuse(line, self.columns.header(name), str(error))
            return None

    def _parcels(self, rows: Sequence[Numbered]) -> list[Parcel]:
        found: dict[Parcel, None] = {}
        for line, row in rows:
            carrier = self.columns.cell(row, "carrier")
            try:
                told = parcels(self.columns.cell(row, "sent_with"), carrier if isinstance(carrier, str) else "")
            except NoParcel as error:
                self._refuse(line, self.columns.header("sent_with"), str(error))
                continue
            found.update(dict.fromkeys(told))
        return [*found]

    def _refuse(self, line: int, header: str, text: str) -> None:
        self._problems.append(Problem(line, header, text))

    # --- what may be missing -----------------------------------------------------------------------------------------

    def _words(self, rows: Sequence[Numbered]) -> Iterator[str]:
        for name in STATUSES:
            line, cell = self._found(rows, name)
            word = self.columns.layout.statuses.get(normal(str(cell))) if cell != "" else None
            if word is not None:
                yield word
            elif cell != "" and self.columns.layout.statuses and name == "status":
                self.notes.add(Aside.STATUS, line=line, header=self.columns.header(name), value=cell)

    def _order(self, rows: Sequence[Numbered], times: Mapping[str, datetime], method: str) -> dict[str, object]:
        told: dict[str, object] = {
            name: at.isoformat() for name, at in times.items() if name in {*_DEADLINES, "placed_at"}
        }
        if (total := self._total(rows)) is not None:
            told.update(total=decimal_text(total.amount), currency=total.currency)
        statuses = [text for name in STATUSES if (text := self._text(rows, name))]
        texts = {
            "platform_status": " / ".join(statuses), "payment_method": self._text(rows, "payment_method"),
            "shipping_method": method, "url": _link(self._text(rows, "url")),
        }  # fmt: skip
        told.update({name: text for name, text in texts.items() if text})
        if items := [_item(one) for one in self._articles(rows)]:
            told["items"] = items
        return told

    def _total(self, rows: Sequence[Numbered]) -> Money | None:
        line, cell = self._found(rows, "total")
        if cell == "":
            return None
        header = self._raw_header("total")
        found = money(cell, header, self.columns.layout.currency)
        currency = self._text(rows, "currency").upper()
        if found is not None and not found.currency and re.fullmatch("[A-Z]{3}", currency):
            found = Money(found.amount, currency)
        if found is None or not found.currency:
            kind = Aside.AMOUNT if found is None else Aside.CURRENCY
            self.notes.add(kind, line=line, header=self.columns.header("total"), value=cell)
            return None
        return found

    def _raw_header(self, name: str) -> str:
        places = self.columns.places.get(name, ())
        return self.columns.headers[places[0]] if places else ""

    def _articles(self, rows: Sequence[Numbered]) -> Iterator[Article]:
        for _, row in rows:
            title = self.columns.cell(row, "item_title")
            if title != "":
                yield self._article(row, str(title))
            elif (cell := self.columns.cell(row, "products")) != "":
                yield from articles(cell)

    def _article(self, row: Sequence[Cell], title: str) -> Article:
        quantity = str(self.columns.cell(row, "item_quantity"))
        price = money(self.columns.cell(row, "item_price"), "", self.columns.layout.currency)
        return Article(
            title[:500], str(self.columns.cell(row, "item_sku")), int(quantity) if re.fullmatch(r"\d{1,6}", quantity) else 1,
            decimal_text(price.amount) if price else "",
        )  # fmt: skip

    def _buyer(self, rows: Sequence[Numbered]) -> dict[str, object]:
        name = self._text(rows, "buyer_name") or self._text(rows, "recipient")
        told = {
            "id": self._text(rows, "buyer_id"), "name": "" if "*" in name else name, "email": self._email(rows),
            "phone": self._text(rows, "mobile") or self._text(rows, "phone"), "country": self._country(rows),
            **{name: self._text(rows, name) for name in ("region", "city", "postcode")},
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    def _email(self, rows: Sequence[Numbered]) -> str:
        line, cell = self._found(rows, "email")
        text = str(cell)
        if not text or (is_email_address(text) and "*" not in text):
            return text
        self.notes.add(Aside.EMAIL, line=line, header=self.columns.header("email"), value="(not shown)")
        return ""

    def _country(self, rows: Sequence[Numbered]) -> str:
        for name in ("country", "billing_country"):
            line, cell = self._found(rows, name)
            if cell == "":
                continue
            if (code := country_of(str(cell))) is not None:
                return code
            self.notes.add(Aside.COUNTRY, line=line, header=self.columns.header(name), value=cell)
        return ""

    # --- cells -------------------------------------------------------------------------------------------------------

    def _found(self, rows: Sequence[Numbered], name: str) -> tuple[int, Cell]:
        """The first cell of a column that holds anything, and its line."""
        for line, row in rows:
            if (cell := self.columns.cell(row, name)) != "":
                return line, cell
        return rows[0][0], ""

    def _cell(self, rows: Sequence[Numbered], name: str) -> Cell:
        return self._found(rows, name)[1]

    def _text(self, rows: Sequence[Numbered], name: str) -> str:
        return " ".join(str(self._cell(rows, name)).split())


_ROUNDED: Final = (
    "a spreadsheet keeps 15 digits only and makes zeros of the rest: export again and take that file as it is, or make the "
    "column text before the numbers are put in"
)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()[:200]


def _link(text: str) -> str:
    return text if re.fullmatch(r"https?://[^\s<>\"']+", text) else ""


def _item(one: Article) -> dict[str, object]:
    told: dict[str, object] = {"title": one.title, "quantity": one.quantity}
    told.update({name: value for name, value in (("sku", one.sku), ("price", one.price)) if value})
    return told
