"""``messenger ingest`` with export sheets: what is taken in, what twice changes, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner, Result

from messenger.bootstrap import open_app
from messenger.cli.main import cli
from messenger.ports import OrderKey
from tests.homes import live_home
from tests.sheets import ORDER, orders, table, write, write_csv, write_xls, write_xlsx

SHOPS = """
[shops.bazaar]
name = "Bazaar"
platform = "aliexpress"
sender = "Bazaar <care@bazaar.example>"
channels = { email = "main" }
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = live_home(tmp_path / "home", port=2525, mode="rehearse")
    with (made / "messenger.toml").open("a", encoding="utf-8") as file:
        file.write(SHOPS)
    return made


def ingest(home: Path, *arguments: str | Path, stdin: bytes | None = None) -> Result:
    options = ["--home", str(home), "ingest", *map(str, arguments)]
    return CliRunner().invoke(cli, options, input=stdin, standalone_mode=False)


def counts(result: Result) -> dict[str, int]:
    found: dict[str, int] = orjson.loads(result.stdout)
    return found


@pytest.mark.parametrize("name", ["orders.xls", "orders.xlsx", "orders.csv"])
def test_a_sheet_is_known_by_its_content_and_goes_to_the_shop_on_its_platform(
    home: Path, tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / name, table(ORDER)).rename(tmp_path / "anything.bin")

    result = ingest(home, path, "--json")

    assert (result.return_value, result.stderr) == (0, "")
    assert counts(result) == {"received": 5, "new": 5, "duplicate": 0, "conflict": 0, "rejected": 0}
    with open_app(home, {}) as engine:
        assert list(engine.store.find_orders()) == [OrderKey(shop="bazaar", number="8134567890123456")]
        assert engine.store.messages_of(OrderKey(shop="bazaar", number="8134567890123456"))


def test_the_same_orders_twice_change_nothing_in_whatever_file(home: Path, tmp_path: Path) -> None:
    rows = table(*orders(40))
    first = ingest(home, write_xls(tmp_path / "a.xls", rows), "--json")
    with open_app(home, {}) as engine:
        before = list(engine.store.outbox())

    again = ingest(home, write_csv(tmp_path / "b.csv", rows, encoding="gb18030"), "--json")

    told = counts(first)["new"]
    assert told > 200
    assert counts(again) == {"received": told, "new": 0, "duplicate": told, "conflict": 0, "rejected": 0}
    with open_app(home, {}) as engine:
        assert list(engine.store.outbox()) == before


def test_a_sheet_may_come_by_standard_input(home: Path, tmp_path: Path) -> None:
    content = write_xlsx(tmp_path / "a.xlsx", table(ORDER)).read_bytes()

    assert counts(ingest(home, "-", "--json", stdin=content))["new"] == 5
    assert counts(ingest(home, "-", "--json", "--format", "aliexpress", stdin=content))["duplicate"] == 5


def test_a_refused_order_is_named_the_others_are_taken_in_and_what_is_left_aside_is_told(
    home: Path, tmp_path: Path
) -> None:
    path = write_xlsx(
        tmp_path / "a.xlsx", table({**ORDER, "country": "Atlantis"}, {**ORDER, "number": 81345678901234567})
    )

    result = ingest(home, path, "--json")

    assert (result.return_value, counts(result)["new"], counts(result)["rejected"]) == (1, 5, 1)
    assert f"{path}:3: 订单号: the number 81345678901234560 stands in a numeric cell" in result.stderr
    assert f"{path}:2: 收货国家: 1 row has a country that is not known" in result.stderr


def test_times_are_of_the_zone_that_is_told(home: Path, tmp_path: Path) -> None:
    ingest(home, write_csv(tmp_path / "a.csv", table(ORDER)), "--zone", "Asia/Shanghai")

    with open_app(home, {}) as engine:
        key = OrderKey(shop="bazaar", number="8134567890123456")
        order = engine.home.order(engine.store.events_of([key])[key])
    assert order is not None
    assert str(order.placed_at) == "2026-03-01 17:15:00+00:00"


def test_events_and_sheets_may_come_together(home: Path, tmp_path: Path) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "erp",
        "type": "order.paid",
        "time": "2026-03-02T10:00:00Z",
        "subject": "1",
        "data": {"shop": "toys"},
    }
    (tmp_path / "events.jsonl").write_bytes(orjson.dumps(event))

    assert (
        counts(ingest(home, tmp_path / "events.jsonl", write_csv(tmp_path / "a.csv", table(ORDER)), "--json"))["new"]
        == 6
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--shop", "nobody"], "no shop 'nobody' in messenger.toml"), (["--zone", "Mars/Base"], "unknown time zone 'Mars/Base'"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_said_before_anything_is_taken_in(
    home: Path, tmp_path: Path, options: list[str], told: str
) -> None:
    result = ingest(home, write_csv(tmp_path / "a.csv", table(ORDER)), *options)

    assert told in str(result.exception)
    with open_app(home, {}) as engine:
        assert not list(engine.store.find_orders())


def test_a_sheet_of_another_platform_does_not_go_to_a_shop(home: Path, tmp_path: Path) -> None:
    ebay = [["Order Number", "Buyer Username", "Sale Date", "Item Title"], ["12-1", "b", "Mar-02-26", "Tea"]]

    result = ingest(home, write_csv(tmp_path / "e.csv", ebay), "--shop", "bazaar")

    assert isinstance(result.exception, click.UsageError)
    assert "is an export of ebay, and the shop 'bazaar' is on aliexpress" in str(result.exception)
    assert counts(ingest(home, tmp_path / "e.csv", "--shop", "toys", "--json"))["new"] == 2
    unnamed = ingest(home, tmp_path / "e.csv")
    assert "name the shop whose orders these are with --shop: there is no shop on ebay (toys, bazaar)" in str(
        unnamed.exception
    )


def test_a_file_that_is_neither_is_refused_in_words(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"<html><body>please log in</body></html>")

    result = ingest(home, tmp_path / "a.xls", "--json")

    assert (result.return_value, counts(result)["rejected"]) == (1, 1)
    assert (
        "it is a web page or XML, whatever its name says: open it in a spreadsheet program and save it as .xlsx"
        in result.stderr
    )
