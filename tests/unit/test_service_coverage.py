"""Coverage: what each language has, weighed by real orders; the commands of translators, over a real home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.errors import UsageError
from messenger.services.coverage import Cell, Coverage, Covered, Fallback, texts
from tests.stage import START, Stage, shipped, stage


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.rules('[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\ndelay = "1h"\n')
    yield made
    made.close()


def covered(shop: Stage) -> Covered:
    return Coverage(shop.engine.store, shop.engine.home, shop.clock.now()).weighed(shop.folder / "templates")


def run(shop: Stage, *arguments: str, expected: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["--home", str(shop.folder), *arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    assert result.return_value == expected, result.output
    return result


def portuguese(shop: Stage, locale: str) -> None:
    """Give the home a text in Portuguese."""
    shop.close()
    folder = shop.folder / "templates" / locale
    folder.mkdir()
    for path in (shop.folder / "templates" / "es").iterdir():
        if path.stem in ("shipped", "_phrases"):
            (folder / path.name).write_bytes(path.read_bytes())


def test_a_buyer_from_portugal_gets_english_and_is_counted(shop: Stage) -> None:
    shop.ingest(
        *shipped("1", language="pt-PT", country="PT"), *shipped("2", language="pt-PT", country="PT"), *shipped("3")
    )
    shop.run(START + timedelta(hours=2))

    found = covered(shop)

    assert [row.locale for row in (*shop.rows("1"), *shop.rows("3"))] == ["en", "es"]
    assert found.buyers == {"pt-PT": 2, "es": 1}
    assert found.fallbacks == (Fallback(template="shipped", wished="pt-PT", got="en", buyers_got=2, buyers_would=2),)
    assert not found.fallbacks[0].is_near


def test_the_bare_language_stands_in_and_is_counted_as_near(shop: Stage) -> None:
    portuguese(shop, "pt")
    shop.ingest(*shipped("1", language="pt-PT", country="PT"))
    shop.run(START + timedelta(hours=2))

    found = covered(shop)

    assert shop.row("shipped").locale == "pt"
    assert found.fallbacks == (Fallback(template="shipped", wished="pt-PT", got="pt", buyers_got=1, buyers_would=1),)
    assert found.fallbacks[0].is_near


def test_brazilian_is_a_makeshift_for_european_portuguese(shop: Stage) -> None:
    portuguese(shop, "pt-BR")
    shop.ingest(*shipped("1", language="pt-PT", country="PT"))

    (found,) = covered(shop).fallbacks

    assert found == Fallback(template="shipped", wished="pt-PT", got="pt-BR", buyers_got=0, buyers_would=1)
    assert not found.is_near


def test_what_was_sent_is_counted_even_if_it_would_be_right_now(shop: Stage) -> None:
    shop.ingest(*shipped("1", language="pt-PT", country="PT"))
    shop.run(START + timedelta(hours=2))
    portuguese(shop, "pt-PT")

    assert covered(shop).fallbacks == (
        Fallback(template="shipped", wished="pt-PT", got="en", buyers_got=1, buyers_would=0),
    )


def test_a_buyer_with_two_orders_counts_once_and_old_ones_do_not(shop: Stage) -> None:
    both = {"language": "pt-PT", "country": "PT", "buyer": "b1"}
    shop.ingest(*shipped("1", **both), *shipped("2", **both))
    shop.run(START + timedelta(hours=2))

    assert covered(shop).fallbacks[0].buyers_got == 1
    shop.at(START + timedelta(days=31))
    assert (covered(shop).fallbacks, covered(shop).buyers) == ((), {})


def test_a_text_that_falls_back_for_its_age_is_counted(shop: Stage) -> None:
    run(shop, "translations", "accept", "--locale", "es", "--all")
    path = shop.folder / "templates" / "en" / "shipped.md"
    text = path.read_text(encoding="utf-8").replace("+++\n", '+++\nwhen_stale = "fallback"\n', 1)
    path.write_text(text.replace("Kind regards,", "Yours,"), encoding="utf-8")
    shop.close()
    shop.ingest(*shipped("1"))

    assert covered(shop).fallbacks == (
        Fallback(template="shipped", wished="es", got="en", buyers_got=0, buyers_would=1),
    )


def test_a_text_counts_as_stale_or_missing_with_its_units(shop: Stage) -> None:
    run(shop, "translations", "accept", "--locale", "es", "--all")
    folder = shop.folder / "templates"
    source = folder / "en" / "shipped.md"
    source.write_text(
        source.read_text(encoding="utf-8").replace("Kind regards,", "Yours,") + "\nPS\n", encoding="utf-8"
    )
    (folder / "en" / "shipped@country=mx.md").write_bytes(source.read_bytes())
    (folder / "ru" / "shipped.md").unlink()

    cells = {one.locale: one for one in texts(folder).cells if one.template == "shipped"}

    assert (cells["es"].standing, cells["es"].stale, cells["es"].missing) == ("stale", 1, 1)
    assert cells["es"].variants_missing == ("country=mx",)
    assert (cells["ru"].standing, cells["ru"].units) == ("missing", 0)
    assert [one.standing for one in texts(folder).cells if one.template == "customs-delay"] == ["have", "have"]


def test_the_command_tells_it(shop: Stage) -> None:
    shop.ingest(*shipped("1", language="pt-PT", country="PT"), at="2026-03-02T12:00")
    shop.run(START + timedelta(hours=2))
    shop.close()

    assert "pt" not in run(shop, "coverage").output.splitlines()[0]
    document = json.loads(run(shop, "coverage", "--json").output)
    assert {one["locale"] for one in document["texts"]} == {"es", "ru"}
    assert set(document) == {"texts", "since", "buyers", "fallbacks"}


def test_without_a_database_only_texts_are_told(shop: Stage) -> None:
    shop.close()
    for path in (shop.folder / "data").iterdir():
        path.unlink()

    output = run(shop, "coverage").output

    assert "no database yet" in output
    assert not list((shop.folder / "data").iterdir())
    assert Cell(template="a", locale="es", units=0, stale=0, missing=2, variants_missing=()).standing == "missing"


# --- the translators' commands --------------------------------------------------------------------------------------


def test_stale_lists_and_accept_ends_it(shop: Stage) -> None:
    run(shop, "translations", "accept", "--locale", "es", "--all")
    source = shop.folder / "templates" / "en" / "shipped.md"
    source.write_text(source.read_text(encoding="utf-8").replace("Kind regards,", "Yours,"), encoding="utf-8")

    found = json.loads(run(shop, "translations", "stale", "--locale", "es", "--json").output)
    assert [(one["file"], one["standing"], one["text"]) for one in found] == [
        ("templates/es/shipped.md", "stale", "Yours,\n{{ shop.name }}")
    ]
    assert "templates/es/shipped.md:" in run(shop, "translations", "stale").output
    run(shop, "translations", "accept", "--locale", "es", "shipped")
    assert json.loads(run(shop, "translations", "stale", "--locale", "es", "--json").output) == []


def test_a_text_of_no_source_is_superfluous(shop: Stage) -> None:
    folder = shop.folder / "templates" / "es"
    (folder / "gone.md").write_bytes((folder / "shipped.md").read_bytes())

    found = json.loads(run(shop, "translations", "stale", "--locale", "es", "--json").output)

    assert [(one["file"], one["standing"]) for one in found if not one["unit"]] == [
        ("templates/es/gone.md", "superfluous")
    ]


def test_accept_wants_to_know_what(shop: Stage) -> None:
    runner = CliRunner()
    shop.close()
    for arguments in ((), ("--all", "shipped"), ("shiped",)):
        result = runner.invoke(
            cli, ["--home", str(shop.folder), "translations", "accept", "--locale", "es", *arguments]
        )
        assert result.exit_code != 0
    assert isinstance(result.exception, UsageError)
    assert "there is no text 'shiped' (did you mean 'shipped'?)" in str(result.exception)


def test_export_import_and_sync_by_command(shop: Stage, tmp_path: Path) -> None:
    file, pos = tmp_path / "es.po", tmp_path / "po"
    run(shop, "translations", "export", "--locale", "es", "--output", str(file))
    text = file.read_text(encoding="utf-8")
    assert "#. Message:" not in text  # the rule of this home has no note
    assert run(shop, "translations", "import", str(file)).output == "es: 0 units taken, 0 refused, 0 files written\n"
    file.write_text(
        text.replace('msgstr "Hemos enviado su pedido {{ order.number }}"', 'msgstr "Hemos enviado su pedido"'),
        encoding="utf-8",
    )

    document = json.loads(run(shop, "translations", "import", str(file), "--json", expected=1).output)
    assert [(one["unit"], one["problem"]) for one in document["refused"]] == [
        ("shipped/subject", "lacks {{ order.number }}")
    ]

    run(shop, "translations", "sync", str(pos))
    assert sorted(path.name for path in pos.iterdir()) == [".sync.json", "es.po", "ru.po"]
    found = json.loads(run(shop, "translations", "sync", str(pos), "--json").output)
    assert [(one["locale"], one["po_written"], one["to_po"]) for one in found] == [("es", False, []), ("ru", False, [])]


@pytest.mark.parametrize("more", [(), ("--rtl",)])
def test_the_pseudo_home_can_be_previewed(more: tuple[str, ...], shop: Stage, tmp_path: Path) -> None:
    target = tmp_path / "pseudo"
    run(shop, "translations", "pseudo", "--output", str(target), *more)

    locale = "he" if more else "en-150"
    result = CliRunner().invoke(cli, ["--home", str(target), "preview", "shipped", "--locale", locale])

    assert result.exit_code == 0, result.output
    assert "⟦" in result.output
