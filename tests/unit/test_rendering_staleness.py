"""Which pieces of a translation are older than their source, and what becomes of the message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from messenger.errors import TemplateError
from messenger.rendering.catalogue import Catalogue, Picked, load
from messenger.rendering.segments import Document, cut, fingerprint
from messenger.rendering.source import read_source
from messenger.rendering.staleness import OWN, Pair, Standing, is_stale, marked, pairs

EN = '+++\nsubject = "Order {{ order.number }}"\n+++\n{{ greeting }}\n\nFirst.\n\n{% if order.late %}\n\nLate.\n\n{% endif %}\n\nLast.\n'
ES = EN.replace("Order", "Pedido").replace("First", "Primero").replace("Late", "Tarde").replace("Last.", "Fin.")


def translated(target: str = ES, source: str = EN) -> Document:
    return cut(marked(cut(source), cut(target)))


def standings(source: str, target: Document) -> dict[str, Standing]:
    return {
        (pair.source or pair.target).text: pair.standing  # type: ignore[union-attr]  # one of them is there
        for pair in pairs(cut(source), target)
        if pair.standing is not Standing.CURRENT
    }


def test_a_marked_translation_is_current() -> None:
    target = translated()

    assert standings(EN, target) == {}
    assert target.value("source").split() == [unit.fingerprint for unit in cut(EN).units]
    assert cut(marked(cut(EN), target)).raw == target.raw


def test_a_translation_that_was_never_marked_is_not_accused() -> None:
    assert set(standings(EN, cut(ES)).values()) == {Standing.UNMARKED}
    assert not is_stale(EN.encode(), ES.encode())


def test_only_the_changed_unit_is_stale() -> None:
    assert standings(EN.replace("Late.", "Very late."), translated()) == {"Very late.": Standing.STALE}


@pytest.mark.parametrize(("old", "new", "expected"), [
    pytest.param("Last.\n", "Last.\n\nMore.\n", {"More.": Standing.MISSING}, id="a new one is missing"),
    pytest.param("First.\n\n", "", {"Primero.": Standing.SUPERFLUOUS}, id="one that went leaves its translation"),
    pytest.param("{{ greeting }}\n\nFirst.", "First.\n\n{{ greeting }}", {}, id="moving changes nothing"),
    pytest.param("First.\n\n", "First.\n\nNew {{ shop.name }}.\n\n", {"New {{ shop.name }}.": Standing.MISSING}, id="in the middle"),
    pytest.param("Order {", "Your order {", {"Your order {{ order.number }}": Standing.STALE}, id="subject"),
    pytest.param("First.  ", "First.", {}, id="blanks at the end of a line do not count"),
])  # fmt: skip
def test_what_a_change_of_the_source_does(old: str, new: str, expected: Mapping[str, Standing]) -> None:
    assert standings(EN.replace(old, new), translated()) == expected


def test_a_condition_that_changed_makes_what_it_guards_stale() -> None:
    source = EN.replace("{% if order.late %}", "{% if order.late and links.tracking %}")

    assert standings(source, translated()) == {"Late.": Standing.STALE}
    assert is_stale(source.encode(), translated().raw.encode())
    assert (
        standings(
            source, cut(translated().raw.replace("{% if order.late %}", "{% if order.late and links.tracking %}"))
        )
        == {}
    )


def test_a_condition_of_ones_own_stays_after_it_was_accepted() -> None:
    own = cut(marked(cut(EN), cut(ES.replace("{% if order.late %}", "{% if order.late or order.total %}"))))

    assert standings(EN, own) == {}
    assert standings(EN.replace("{% if order.late %}", "{% if not order.late %}"), own) == {"Late.": Standing.STALE}


def test_equal_texts_are_told_apart_by_their_conditions() -> None:
    source = EN.replace("Late.\n\n{% endif %}", "Same.\n\n{% else %}\n\nSame.\n\n{% endif %}")
    target = translated(source.replace("Same", "Igual"), source)

    assert standings(source, target) == {}
    assert list(standings(source, cut(target.raw.replace("{% else %}\n\nIgual.\n\n", ""))).values()) == [
        Standing.MISSING
    ]


def test_some_units_can_be_accepted_and_others_left() -> None:
    source = cut(EN.replace("Late.", "Very late.").replace("Last.", "The end."))

    def accepts(pair: Pair) -> bool:
        return pair.source is not None and pair.source.text == "The end."

    target = cut(marked(source, translated(), accepts=accepts))

    assert standings(source.raw, target) == {"Very late.": Standing.STALE}


def test_a_unit_of_the_languages_own_stays_after_it_was_accepted() -> None:
    target = translated(ES + "\nPropio.\n")

    assert target.value("source").split()[-1] == OWN
    assert standings(EN, target) == {"Propio.": Standing.OWN}
    assert not is_stale(EN.encode(), target.raw.encode())


def test_a_paragraph_added_by_hand_leaves_the_others_as_they_were() -> None:
    by_hand = cut(translated().raw.replace("Primero.", "Primero.\n\nOtra vez {{ shop.name }}."))

    assert standings(EN, by_hand) == {"Otra vez {{ shop.name }}.": Standing.SUPERFLUOUS}


def test_a_changed_fingerprint_changes_one_word_of_one_line() -> None:
    before = translated().raw
    after = marked(cut(EN.replace("Late.", "Very late.")), cut(before))

    assert [a for a in after.split() if a not in before.split()] == [fingerprint("Very late.")]
    assert len(after.splitlines()) == len(before.splitlines())


def home(folder: Path, source: str, target: str) -> Catalogue:
    for locale, text in (("en", source), ("es", target)):
        (folder / "templates" / locale).mkdir(parents=True)
        (folder / "templates" / locale / "note.md").write_text(text, encoding="utf-8")
    return load(folder / "templates", known_good=True)


def picked(catalogue: Catalogue, locale: str | None = None) -> Picked:
    return catalogue.pick(
        "note",
        buyer="es",
        conversation=None,
        country=None,
        countries={},
        shop_language="en",
        selectors={},
        locale=locale,
    )


STALE = EN.replace("Late.", "Very late.")


def asking(text: str, then: str) -> str:
    return text.replace("+++\n", f'+++\nwhen_stale = "{then}"\n', 1)


@pytest.mark.parametrize(("source", "expected"), [
    pytest.param(STALE, "es", id="sent all the same"),
    pytest.param(asking(STALE, "send"), "es", id="asked to be sent"),
    pytest.param(asking(STALE, "fallback"), "en", id="another language"),
    pytest.param(asking(EN, "fallback"), "es", id="current"),
    pytest.param(asking(EN, "hold"), "es", id="current, never held"),
])  # fmt: skip
def test_the_source_says_what_becomes_of_a_stale_text(source: str, expected: str, tmp_path: Path) -> None:
    assert picked(home(tmp_path, source, translated().raw)).choice.locale == expected


def test_a_fallback_for_age_is_recorded_as_one(tmp_path: Path) -> None:
    choice = picked(home(tmp_path, asking(STALE, "fallback"), translated().raw)).choice

    assert choice.is_fallback
    assert (choice.wished, choice.because) == ("es", "the shop's language; the text in es is older than its source")


def test_a_held_text_says_why(tmp_path: Path) -> None:
    catalogue = home(tmp_path, asking(STALE, "hold"), translated().raw)

    with pytest.raises(LookupError, match=r'es/note.md is older than its source, which says when_stale = "hold"'):
        picked(catalogue)
    assert picked(catalogue, "es").choice.locale == "es"


def test_age_is_told_without_compiling(tmp_path: Path) -> None:
    catalogue = home(tmp_path, asking(STALE, "fallback"), translated().raw)
    picked(catalogue)

    assert catalogue.templates["note"]["en"]._made == {}
    assert catalogue.templates["note"]["es"]._made == {}


def test_a_wrong_word_is_told_with_its_line() -> None:
    source = read_source("en/note.md", asking(EN, "wait").encode())

    assert [str(one) for one in source.findings] == [
        "en/note.md:2:1: when_stale: cannot be 'wait' (write send or fallback or hold)"
    ]
    with pytest.raises(TemplateError):
        read_source("en/note.md", b"no front matter")
