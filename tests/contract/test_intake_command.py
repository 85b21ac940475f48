"""``messenger intake``: what was posted, what became of it, and reading it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.ports import OrderKey
from messenger.ports.deliveries import Delivery
from messenger.storage import open_store
from messenger.storage.spool import SqlSpool, open_spool
from tests.homes import live_home

NOW = datetime.now(UTC).replace(microsecond=0)
HOOK = '\n[sources.erp]\nkind = "webhook"\nscheme = "standard"\nsecrets = ["env:X"]\nshop = "toys"\nfresh = "1h"\n'
GOOD = json.dumps({
    "specversion": "1.0", "id": "e-1", "source": "erp", "type": "order.paid", "time": "2026-03-02T10:00:00Z", "subject": "1", "data": {},
}).encode()  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = live_home(tmp_path_factory.mktemp("intake") / "home", port=9)
    with (made / "messenger.toml").open("a", encoding="utf-8") as file:
        file.write(HOOK)
    return made


@pytest.fixture
def spool(home: Path) -> Iterator[SqlSpool]:
    for path in (home / "data").glob("*.db*"):
        path.unlink()
    opened = open_spool(f"sqlite:///{home}/data/messenger.db")
    yield opened
    opened.close()


def post(spool: SqlSpool, name: str, body: bytes) -> None:
    headers = {"content-type": "application/cloudevents+json"}
    spool.keep(Delivery(source="erp", id=name, received_at=NOW, headers=headers, body=body))


def call(home: Path, *arguments: str) -> Result:
    found = CliRunner().invoke(cli, ["--home", str(home), "intake", *arguments], standalone_mode=False)
    assert found.exception is None or isinstance(found.exception, SystemExit)
    return found


def documents(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_deliveries_are_listed_and_shown_as_they_came(home: Path, spool: SqlSpool) -> None:
    post(spool, "good", GOOD)
    post(spool, "odd", b"\xff{")

    listed = documents(call(home, "list", "--json"))
    assert [(one["number"], one["source"], one["id"], one["state"], one["bytes"]) for one in listed] == [
        (1, "erp", "good", "received", len(GOOD)), (2, "erp", "odd", "received", 2),
    ]  # fmt: skip
    assert documents(call(home, "list", "--state", "failed", "--json")) == []
    assert (
        call(home, "list", "--source", "erp").stdout.splitlines()[0]
        == f"     1  {NOW:%Y-%m-%d %H:%M:%S}Z  erp  received  {len(GOOD)} bytes"
    )
    shown = call(home, "show", "2", "--json")
    assert documents(shown)[0]["body"] == "\\xff{"
    assert call(home, "show", "1").stdout == GOOD.decode() + "\n"
    assert call(home, "show", "9").return_value == 1


def test_what_was_read_is_read_again_and_tells_nothing_new(home: Path, spool: SqlSpool) -> None:
    post(spool, "good", GOOD)
    first = call(home, "replay", "--source", "erp", "--json")
    again = call(home, "replay", "1")

    assert (first.return_value, documents(first)) == (0, [{"read": 1, "failed": 0}])
    assert (again.return_value, again.stdout) == (0, "1 read again, 0 could not be\n")
    store = open_store(f"sqlite:///{home}/data/messenger.db")
    key = OrderKey(shop="toys", number="1")
    assert [one.type for one in store.events_of([key])[key]] == ["order.paid"]
    store.close()


def test_what_still_cannot_be_read_says_why(home: Path, spool: SqlSpool) -> None:
    post(spool, "odd", b"{")
    found = call(home, "replay", "1", "7")

    assert (found.return_value, found.stdout) == (1, "1 read again, 1 could not be\n")
    assert "erp  failed  1 bytes  is not JSON: Expecting property name" in found.stderr


@pytest.mark.parametrize("arguments", [(), ("1", "--state", "failed")])
def test_what_to_read_again_has_to_be_named_in_one_way(home: Path, arguments: tuple[str, ...]) -> None:
    found = CliRunner().invoke(cli, ["--home", str(home), "intake", "replay", *arguments], standalone_mode=False)

    assert isinstance(found.exception, UsageError)
    assert "name what to read again" in str(found.exception)


def test_each_source_tells_when_it_was_heard_and_what_waits(home: Path, spool: SqlSpool) -> None:
    never = call(home, "sources", "--json")
    assert (never.return_value, documents(never)[0]["heard_at"], documents(never)[0]["silent"]) == (1, None, True)

    post(spool, "good", GOOD)
    call(home, "replay", "1")
    well = call(home, "sources", "--json")
    assert well.return_value == 0
    (one,) = documents(well)
    assert (one["source"], one["shop"], one["silent"], one["waiting"], one["failed"]) == ("erp", "toys", False, 0, 0)
    assert abs(datetime.fromisoformat(str(one["heard_at"])) - datetime.now(UTC)) < timedelta(minutes=5)

    post(spool, "odd", b"{")
    call(home, "replay", "2")
    spool.keep(Delivery(source="gone", id="x", received_at=NOW))
    odd = call(home, "sources")
    assert odd.return_value == 1
    assert odd.stdout.splitlines()[0].endswith(", 1 not readable")
    assert odd.stdout.splitlines()[1] == "gone  any shop  never heard, 1 to be read"
