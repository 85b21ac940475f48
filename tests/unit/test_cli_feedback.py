"""``messenger suppress`` and ``messenger feedback``: what is printed, what it does, and what a mail server is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.domain.messages import State
from messenger.errors import StorageError, UsageError
from tests.bounce_samples import dsn, failed
from tests.stage import Stage, shipped, stage

RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    made = stage(tmp_path_factory.mktemp("cli"))
    made.rules(RULES)
    made.ingest(*shipped())
    made.run()
    made.close()
    return made


def run(shop: Stage, *arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["--home", str(shop.folder), *arguments], input=given, standalone_mode=False)


def listed(shop: Stage, *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(shop, "suppress", "list", "--json", *arguments).stdout.splitlines()]


def clear(shop: Stage) -> None:
    for one in list(shop.engine.store.suppressions()):
        shop.engine.store.lift(address=one.address)
    shop.close()


def test_addresses_are_added_found_and_removed(shop: Stage) -> None:
    clear(shop)
    added = run(shop, "suppress", "add", "Ana@Example.com", "ben@example.com", "--shop", "toys", "--category", "relational",
                "--why", "she rang", "--by", "Ann", "--until", "2100-01-01T00:00:00Z")  # fmt: skip
    assert added.output == "2 addresses are not written to; 2 of them had not been suppressed before\n"

    (one,) = listed(shop, "--address", "ana@EXAMPLE.com")
    assert {name: one[name] for name in ("shop", "hint", "category", "cause", "because", "by", "until")} == {
        "shop": "toys", "hint": "A…@Example.com", "category": "relational", "cause": "staff", "because": "she rang", "by": "Ann",
        "until": "2100-01-01T00:00:00Z",
    }  # fmt: skip
    assert "ana@" not in json.dumps(listed(shop)).lower()
    assert "relational messages until 2100-01-01  staff, Ann: she rang" in run(shop, "suppress", "list").output
    assert run(shop, "suppress", "remove", "ana@example.com").return_value == 0
    assert run(shop, "suppress", "remove", "ana@example.com").return_value == 1
    assert [found["hint"] for found in listed(shop)] == ["b…@example.com"]


def test_a_list_is_taken_as_a_whole_or_not_at_all(shop: Stage, tmp_path: Path) -> None:
    clear(shop)
    book = tmp_path / "list.csv"
    book.write_text("name,Email\nAna,ana@example.com\nBen,ben at example.com\n\n# gone\nEva,\n", encoding="utf-8-sig")

    refused = run(shop, "suppress", "add", "--file", str(book))
    assert refused.return_value == 2
    assert refused.stderr.splitlines() == [
        f"{book}:3: 'ben at example.com' is no e-mail address (write one address a line)",
        f"{book}:6: '' is no e-mail address (write one address a line)",
    ]
    assert listed(shop) == []

    book.write_text("ana@example.com\nben@example.com\n", encoding="utf-8")
    assert json.loads(run(shop, "suppress", "add", "--file", str(book), "--json").output) == {"named": 2, "new": 2}
    assert json.loads(run(shop, "suppress", "add", "--file", str(book), "--json").output) == {"named": 2, "new": 0}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nobody"], "'nobody' is no e-mail address"), (["a@b.example", "--shop", "tois"], "there is no shop 'tois' (there are: toys)"),
        (["a@b.example", "--until", "2001-01-01T00:00:00Z"], "has passed already"), ([], "name an address, or a list"),
    ],
)  # fmt: skip
def test_a_mistake_keeps_nothing(shop: Stage, arguments: list[str], problem: str) -> None:
    clear(shop)

    found = run(shop, "suppress", "add", *arguments)

    assert found.exception is not None
    assert problem in str(found.exception)
    assert listed(shop) == []


def test_a_pipe_brings_a_bounce_and_the_same_one_again(shop: Stage) -> None:
    clear(shop)
    number = shop.row().message_id or ""
    shop.close()
    raw = dsn(failed("5.1.1", "smtp; 550 5.1.1 gone")).replace(
        b"0d72ac4127c191d4493d4d909432fb85@sunny-toys.example", number.encode()
    )

    first = run(shop, "feedback", "-", "--json", given=raw)
    again = run(shop, "feedback", "-", given=raw)

    assert (first.return_value, json.loads(first.output)) == (0, {
        "file": "-", "kind": "bounce", "new": True, "shop": "toys", "order": "1", "rule": "shipped", "proved": True, "remedy": "suppress",
        "suppressed": 1,
    })  # fmt: skip
    assert again.output == "-: bounce, taken in before\n"
    assert shop.row().state is State.BOUNCED
    shop.close()


def test_what_proves_nothing_is_told_as_that(shop: Stage, tmp_path: Path) -> None:
    clear(shop)
    file = tmp_path / "bounce.eml"
    file.write_bytes(dsn(failed("5.1.1", "smtp; 550 gone", recipient="nobody@else.example")))

    assert run(shop, "feedback", str(file)).output == f"{file}: bounce about no message of ours\n"
    assert listed(shop) == []


def test_a_mail_server_is_asked_to_try_again(shop: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MESSENGER_DATABASE_URL", f"sqlite:///{tmp_path}/no/such/folder.db")
    (tmp_path / "no").write_text("a file where a folder should be", encoding="utf-8")

    assert run(shop, "feedback", "-", given=b"x").return_value == 75
    file = tmp_path / "one.eml"
    file.write_bytes(b"x")
    assert isinstance(run(shop, "feedback", str(file)).exception, StorageError | UsageError | OSError)
