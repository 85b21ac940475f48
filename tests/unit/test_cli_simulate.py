"""``messenger simulate``: what it reads, what it prints, and how it ends."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from babel import Locale
from click.testing import CliRunner, Result

from messenger.bootstrap import open_app
from messenger.cli.main import cli
from messenger.cli.simulate_words import all_phrases
from messenger.domain.messages import State
from messenger.intake.files import read_json_lines
from messenger.services.speaking.words import LANGUAGES, words_of
from tests.homes import live_home

BUYER = {"id": "b1", "name": "Ana", "email": "ana@example.com", "language": "en", "country": "FR"}


def line(type_: str, *, at: str, order: str = "8134", id_: str = "", shop: str = "toys", **sections: object) -> str:
    """One event as it stands in a file."""
    document = {
        "specversion": "1.0", "id": id_ or f"{type_}-{order}", "source": "erp", "type": type_, "time": at, "subject": order,
        "data": {"shop": shop, **sections},
    }  # fmt: skip
    return orjson.dumps(document).decode()


SHIPPED = (
    line("order.paid", at="2026-03-02T10:00:00Z", buyer=BUYER),
    line("order.shipped", at="2026-03-03T10:00:00Z", shipment={"number": "RR1", "carrier": "China Post"}),
)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return written(tmp_path / "events.jsonl", *SHIPPED)


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def simulate(*arguments: str | Path, home: Path | None = None, stdin: str | None = None) -> Result:
    options = ["--home", str(home or "/nowhere"), "simulate", *map(str, arguments)]
    return CliRunner().invoke(cli, options, input=stdin, standalone_mode=False)


def documents(result: Result) -> list[dict[str, Any]]:
    return [orjson.loads(one) for one in result.stdout.splitlines()]


def test_a_file_of_events_needs_no_home(events: Path) -> None:
    result = simulate(events, "--json")

    assert result.return_value == 0
    told = next(one for one in documents(result) if one["rule"] == "shipped")
    assert list(told) == [
        "at", "local", "shop", "order", "shipment", "rule", "step", "template", "variant", "locale", "channel", "outcome", "reason", "because"
    ]  # fmt: skip
    assert (told["at"], told["outcome"], told["because"]) == ("2026-03-04T10:00:00Z", "sent", "erp#order.shipped-8134")


def test_as_json_is_json(events: Path) -> None:
    assert simulate(events, "--as", "json").stdout == simulate(events, "--json").stdout


def test_standard_input_is_a_file_too(events: Path) -> None:
    assert simulate("-", "--json", stdin="\n".join(SHIPPED)).stdout == simulate(events, "--json").stdout


def test_people_read_sentences(events: Path) -> None:
    result = simulate(events)

    assert "Wed 2026-03-04 11:00 +0100  toys/8134  shipped [en]  was sent\n" in result.stdout
    assert "nothing has left" in result.stderr


def test_what_cannot_be_read_is_told_and_the_rest_is_played(events: Path, tmp_path: Path) -> None:
    broken = written(tmp_path / "broken.jsonl", "{", line("order.paid", at="yesterday", order="8135"))

    result = simulate(tmp_path / "gone.jsonl", broken, events, "--json")

    assert result.return_value == 1
    assert any(one["outcome"] == "sent" for one in documents(result))
    assert f"{tmp_path}/gone.jsonl: cannot be read: no such file or directory" in result.stderr
    assert f"{broken}:1:" in result.stderr
    assert f"{broken}:2: time: must be an RFC 3339 time" in result.stderr


def test_the_first_of_two_events_with_one_name_stays(tmp_path: Path) -> None:
    other = line("order.paid", at="2026-03-09T10:00:00Z", buyer=BUYER)

    result = simulate(written(tmp_path / "events.jsonl", *SHIPPED, SHIPPED[0], other), "--json")

    assert result.return_value == 1
    assert (
        "events.jsonl:4: id: erp#order.paid-8134 came before with other content: the first one stays" in result.stderr
    )
    assert result.stderr.count("came before") == 1


def test_an_unknown_type_is_told_and_plans_nothing(events: Path, tmp_path: Path) -> None:
    strange = written(tmp_path / "strange.jsonl", line("order.gift_wrapped", at="2026-03-02T11:00:00Z"))

    result = simulate(events, strange, "--json")

    assert result.return_value == 0
    assert 'unknown type "order.gift_wrapped": 1 events plan nothing' in result.stderr


def test_a_shop_that_the_home_does_not_know_is_told(events: Path, tmp_path: Path) -> None:
    home = live_home(tmp_path / "home", port=1025)
    elsewhere = written(
        tmp_path / "elsewhere.jsonl", line("order.paid", at="2026-03-02T11:00:00Z", shop="books", id_="e1")
    )

    result = simulate(events, elsewhere, "--json", home=home)

    assert result.return_value == 1
    assert 'unknown shop "books" (shops in messenger.toml: toys): 1 events are left out' in result.stderr
    assert {one["shop"] for one in documents(result)} == {"toys"}


@pytest.mark.parametrize(("options", "problem"), [
    pytest.param(["--at", "noon"], "is not a time like", id="no time"),
    pytest.param(["--to", "2026-03-02T10:00:00"], "has no offset", id="no offset"),
    pytest.param(["--last", "soon"], "cannot read", id="no span"),
    pytest.param(["--last", "3bd"], "cannot count business days here", id="business days"),
    pytest.param(["--last", "3d", "--to", "2026-03-02T10:00:00Z"], "either --last, or --from and --to", id="two ends"),
    pytest.param(["--from", "2026-03-02T10:00:00Z", "--to", "2026-03-01T10:00:00Z"], "--to lies before --from", id="backwards"),
    pytest.param(["--staff", "-1"], "-1 is not in the range", id="fewer than nobody"),
    pytest.param(["--against", "/nowhere"], "there is no home in /nowhere", id="no other home"),
    pytest.param(["--against", "/nowhere", "--as", "html"], "--against is told as text or json", id="no such page"),
])  # fmt: skip
def test_wrong_usage_is_told_in_a_sentence(options: list[str], problem: str, events: Path) -> None:
    result = simulate(events, *options)

    assert isinstance(result.exception, click.UsageError)
    assert problem in result.exception.format_message()


def test_without_files_a_home_is_needed() -> None:
    result = simulate()

    assert isinstance(result.exception, click.UsageError)


def test_between_from_and_to(events: Path) -> None:
    told = documents(simulate(events, "--json", "--from", "2026-03-04T00:00:00Z", "--to", "2026-03-04T12:00:00Z"))

    assert [one["rule"] for one in told if one["outcome"] == "sent"] == ["shipped"]
    assert all(one["at"] >= "2026-03-04" for one in told)


def test_stored_events_are_played_by_the_home(events: Path, tmp_path: Path) -> None:
    home = live_home(tmp_path / "home", port=1025)
    with open_app(home, {}) as engine:
        engine.ingest.accept(
            read_json_lines(events.read_bytes().splitlines(), file="events.jsonl"), kind="file", name="events.jsonl"
        )
        engine.ingest.take_in()

    assert simulate("--json", home=home).stdout == simulate(events, "--json", home=home).stdout
    assert simulate("--json", "--last", "1d", home=home).stdout == ""


# --- against another home ----------------------------------------------------------------------------------------------


def two_homes(folder: Path, *, old: str, new: str) -> tuple[Path, Path]:
    present = live_home(folder / "home", port=1025)
    other = folder / "old-home"
    shutil.copytree(present, other)
    schedules = (present / "schedules.toml").read_text(encoding="utf-8")
    assert old in schedules
    (present / "schedules.toml").write_text(schedules.replace(old, new, 1), encoding="utf-8")
    return present, other


def test_against_the_home_before_a_delay_was_changed_exactly_the_moved_messages_are_listed(
    events: Path, tmp_path: Path
) -> None:
    head = "[rules.shipped]\n"
    present, other = two_homes(tmp_path, old=head, new=head)
    schedules = (present / "schedules.toml").read_text(encoding="utf-8")
    changed = re.sub(r'(\[rules\.shipped\]\n(?:.*\n)*?)delay = "1d"', r'\1delay = "2d"', schedules, count=1)
    assert changed != schedules
    (present / "schedules.toml").write_text(changed, encoding="utf-8")

    result = simulate(events, "--against", other, "--json", home=present)

    assert result.return_value == 1
    assert [(one["change"], one["rule"], one["from"], one["to"]) for one in documents(result)] == [
        ("moved", "shipped", "2026-03-04T10:00:00Z", "2026-03-05T10:00:00Z")
    ]
    text = simulate(events, "--against", other, home=present)
    assert text.stdout == "toys/8134\n  moved     shipped  Wed 2026-03-04 11:00 +0100 → Thu 2026-03-05 11:00 +0100\n"
    assert "1 moved in 1 order" in text.stderr


def test_against_an_equal_home_there_is_no_difference(events: Path, tmp_path: Path) -> None:
    present, other = two_homes(tmp_path, old="version = 1", new="version = 1")

    result = simulate(events, "--against", other, home=present)

    assert (result.return_value, result.stdout) == (0, "")
    assert "no difference" in result.stderr


# --- people ------------------------------------------------------------------------------------------------------------

DESK = """
[transports.desk]
kind = "assisted"
hours = "09:00-19:00"
"""


def home_with_desk(folder: Path) -> Path:
    home = live_home(folder, port=1025)
    path = home / "messenger.toml"
    text = path.read_text(encoding="utf-8").replace(
        'channels = { email = "main" }', 'channels = { platform = "desk", email = "main" }'
    )
    path.write_text(text + DESK, encoding="utf-8")
    return home


def test_two_people_have_so_much_to_do(tmp_path: Path) -> None:
    home = home_with_desk(tmp_path / "home")
    lines = [
        line(
            "order.shipped",
            at="2026-03-03T10:00:00Z",
            order=str(number),
            buyer={**BUYER, "id": f"b{number}"},
            shipment={"number": f"RR{number}"},
        )
        for number in range(10)
    ]
    events = written(tmp_path / "events.jsonl", *lines)

    told = simulate(events, "--staff", "2", "--to", "2026-03-05T00:00:00Z", home=home)
    waiting = simulate(events, "--staff", "0", "--json", home=home)

    assert re.search(
        r"the desk: busiest day 2026-03-0\d with \d+ messages, 0 h \d\d min for each of 2; .*longest wait 0 h 0\d min",
        told.stdout,
    )
    assert "awaiting_staff" in {one["outcome"] for one in documents(waiting)}
    assert "expired" not in {one["outcome"] for one in documents(waiting)}


# --- the page ----------------------------------------------------------------------------------------------------------


def page(*lines: str, language: str = "en", folder: Path) -> str:
    result = simulate(written(folder / "page.jsonl", *lines), "--as", "html", "--language", language)
    assert result.return_value == 0
    return result.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_loads_nothing_from_anywhere(language: str, tmp_path: Path) -> None:
    made = page(*SHIPPED, language=language, folder=tmp_path)

    assert f'<html lang="{language}">' in made
    assert "default-src 'none'" in html.unescape(made)
    assert not re.search(
        r"\b(src|href|srcset|action)=|url\(|@import|<(link|img|iframe|object|embed)\b|\bfetch\(|XMLHttp", made
    )


def test_what_people_typed_is_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'>"
    buyer = {**BUYER, "name": evil, "city": evil}
    number = "1\"'><b>"
    paid = line("order.paid", at="2026-03-02T10:00:00Z", order=number, id_="e1", buyer=buyer)
    parcel = {"number": "<i>RR1</i>", "carrier": evil}
    shipped = line("order.shipped", at="2026-03-03T10:00:00Z", order=number, id_="e2", shipment=parcel)

    made = page(paid, shipped, folder=tmp_path)

    assert "alert(1)" in made
    assert "<script>alert" not in made
    assert "<i>RR1" not in made
    assert "'><b>" not in made
    assert "\"'>" not in made


def test_the_page_tells_every_order_with_its_texts(tmp_path: Path) -> None:
    made = page(*SHIPPED, folder=tmp_path)

    assert "The order was shipped" in made
    assert "<pre>Hello Ana," in made
    assert 'class="order"' in made


def test_a_page_about_nothing_says_so(tmp_path: Path) -> None:
    assert "There were no orders to play." in page("", folder=tmp_path)


def test_every_language_says_everything_the_page_needs() -> None:
    phrases = all_phrases()
    plural = {"one", "two", "few", "many", "other", "zero"}
    counted = {key.rpartition(".")[0] for key in phrases["en"] if key.rpartition(".")[2] in plural}

    assert set(phrases) == set(LANGUAGES)
    plain = {
        language: {key for key in told if key.rpartition(".")[2] not in plural} for language, told in phrases.items()
    }
    assert plain["en"] == plain["zh"] == plain["ru"]
    for language, told in phrases.items():
        forms = {*Locale.parse(words_of(language).locale).plural_form.tags, "other"}
        for key in counted:
            assert {one.rpartition(".")[2] for one in told if one.rpartition(".")[0] == key} == forms
        for key, phrase in told.items():
            same = key if key in phrases["en"] else f"{key.rpartition('.')[0]}.other"
            assert places(phrase) == places(phrases["en"][same]), f"{language}: {key}"


def places(phrase: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", phrase))


def test_every_outcome_of_a_play_has_its_word() -> None:
    possible = {*State} - {State.CLAIMED, State.SENDING, State.UNCERTAIN, State.BOUNCED, State.COMPLAINED}

    assert {key.partition(".")[2] for key in all_phrases()["en"] if key.startswith("outcomes.")} == {
        str(one) for one in possible
    }
