"""A template cut into units: what is one, and that nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.rendering.segments import Document, Kind, Statement, cut, cut_phrases, fingerprint

ROOT = Path(__file__).resolve().parents[2] / "templates"
FILES = [
    pytest.param(path, id=f"{path.parent.name}/{path.stem}")
    for path in sorted(ROOT.glob("[!_]*/*.md"))
    if path.stem != "STYLE"
]
HEAD = '+++\nsubject = "Order {{ order.number }}"\npreheader = "Soon"\n+++\n'


def body(text: str) -> Document:
    return cut(HEAD + text)


def texts(document: Document) -> list[str]:
    return [unit.text for unit in document.units if not unit.name]


@pytest.mark.parametrize("path", FILES)
def test_a_shipped_file_comes_back_to_the_byte(path: Path) -> None:
    raw = path.read_bytes()

    assert cut(raw.decode()).join().encode() == raw


def test_every_kind_of_block_is_one_unit() -> None:
    document = body(
        "# Big\n\nA line,\nand one more.\n\n- first\n- second,\n  longer\n1. third\n\n> said\n> so\n\n***\n\n```\ncode\n\n  kept\n```\nLast"
    )

    assert [(unit.kind, unit.text) for unit in document.units] == [
        (Kind.SUBJECT, "Order {{ order.number }}"),
        (Kind.PREHEADER, "Soon"),
        (Kind.HEADING, "Big"),
        (Kind.PARAGRAPH, "A line,\nand one more."),
        (Kind.ITEM, "first"),
        (Kind.ITEM, "second,\nlonger"),
        (Kind.ITEM, "third"),
        (Kind.QUOTE, "said\nso"),
        (Kind.CODE, "```\ncode\n\n  kept\n```"),
        (Kind.PARAGRAPH, "Last"),
    ]


def test_statements_that_stand_alone_are_structure_and_the_others_text() -> None:
    document = body(
        "{% if shipments %}\nOne {% if order.late %}late{% endif %} parcel.\n  {%-  else%}\n{# a note #}\nNone.\n{% endif %}\n"
    )

    assert [one.tag for one in document.items if isinstance(one, Statement)] == [
        "{% if shipments %}",
        "{% else %}",
        "{% endif %}",
    ]
    assert [(unit.text, unit.inside) for unit in document.units if not unit.name] == [
        ("One {% if order.late %}late{% endif %} parcel.", ("{% if shipments %}",)),
        ("None.", ("{% else %}",)),
    ]


def test_a_unit_knows_its_line() -> None:
    document = body("\n\n{{ greeting }}\n\n\nHello\n")

    assert [unit.line for unit in document.units] == [2, 3, 7, 10]


def test_a_tag_over_several_lines_parts_nothing() -> None:
    assert texts(body('It took {{ shipment.days_in_state\n\n| plural(one="# day",\n other="# days") }}.\n')) == [
        'It took {{ shipment.days_in_state\n\n| plural(one="# day",\n other="# days") }}.'
    ]


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("It was\n2019) and cold", ["It was\n2019) and cold"], id="a number in a paragraph begins no list"),
    pytest.param("Title\n---\nText", ["Title\n---\nText"], id="a heading underlined"),
    pytest.param("- a\n---\nText", ["a", "Text"], id="a line ends a list"),
    pytest.param("Text\n***\nMore", ["Text", "More"], id="a line ends a paragraph"),
    pytest.param("Text  \nmore  ", ["Text  \nmore"], id="blanks at an end are nobody's text"),
    pytest.param("```\nopen", ["```\nopen"], id="a block that is never closed"),
])  # fmt: skip
def test_borders(text: str, expected: list[str]) -> None:
    assert texts(body(text)) == expected


def test_a_written_unit_keeps_marks_indents_and_line_ends() -> None:
    document = cut(HEAD.replace("\n", "\r\n") + "- one,\r\n   more\r\n- two  \r\n\r\n> a\r\n> b\r\n")

    assert document.join({2: "1\nx\ny", 3: "2", 4: "c\nd"}).endswith(
        "+++\r\n- 1\r\n   x\r\n   y\r\n- 2  \r\n\r\n> c\r\n> d\r\n"
    )


@pytest.mark.parametrize("quoted", ['"old"', "'old'", '"""old"""', '"\\u006fld"'])
def test_a_subject_is_written_as_toml(quoted: str) -> None:
    document = cut(f"+++\n  subject={quoted} # why\n+++\n")

    again = cut(document.join({0: 'He said "so" \\ twice, it\'s'}))

    assert document.units[0].text == "old"
    assert again.units[0].text == 'He said "so" \\ twice, it\'s'
    assert again.raw.endswith(" # why\n+++\n")


def test_a_text_of_the_front_matter_is_changed_or_added() -> None:
    document = body("Text")

    added = cut(document.with_value("source", "abc"))

    assert added.raw == HEAD.removesuffix("+++\n") + 'source = "abc"\n+++\nText'
    assert cut(added.with_value("source", "def")).value("source") == "def"


def test_names_stay_when_other_units_move() -> None:
    here, there = body("One\n\nTwo\n\nTwo\n"), body("Two\n\nNew\n\nTwo\n\nOne\n")

    assert set(here.ids()) < set(there.ids())
    assert here.ids() == ("subject", "preheader", fingerprint("One"), fingerprint("Two"), fingerprint("Two") + "-2")


def test_placeholders_alone_have_no_words() -> None:
    document = body('{{ greeting }}\n\n{{ n | plural(one="#", other="#") }}\n\n[More]({{ links.order }})\n')

    assert [unit.has_words for unit in document.units] == [True, True, False, True, True]


def test_phrases_are_units_too() -> None:
    raw = "# The few words.\na = \"Hello {name},\"\nb = 'Bye'\n"

    document = cut_phrases(raw)

    assert [(unit.name, unit.text, unit.line) for unit in document.units] == [
        ("a", "Hello {name},", 2),
        ("b", "Bye", 3),
    ]
    assert document.join() == raw
    assert document.join({0: "Hola, {name}:"}) == raw.replace("Hello {name},", "Hola, {name}:")


LINES = st.sampled_from([
    "", "  ", "\t", "Text", "Text  ", "- item", "  - item", "1. item", "   more", "# Head", "> said", "---", "***", "===", "```", "~~~~",
    "{% if order.late %}", "{% endif %}",
    "{{ greeting }}", "{{ open", "}} shut", "{# note", "#}", "{%", "%}", "+++", "a\rb", "é", "-", "1.", "    code",
])  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\n\n\n", ""])


@given(
    lines=st.lists(st.tuples(LINES | st.text(max_size=6), ENDS), max_size=14),
    bom=st.sampled_from(["", "\ufeff"]),
    crlf=st.booleans(),
)
def test_any_file_comes_back_to_the_byte(lines: list[tuple[str, str]], bom: str, *, crlf: bool) -> None:
    raw = bom + (HEAD.replace("\n", "\r\n") if crlf else HEAD) + "".join(line + end for line, end in lines)

    document = cut(raw)

    assert document.join() == raw
    assert [unit.start for unit in document.units] == sorted(unit.start for unit in document.units)
    assert all(document.raw[unit.start : unit.end].strip() for unit in document.units)


@given(lines=st.lists(st.tuples(LINES, ENDS), max_size=14))
def test_writing_a_unit_changes_no_other(lines: list[tuple[str, str]]) -> None:
    document = body("".join(line + end for line, end in lines))

    for index, unit in enumerate(document.units):
        again = cut(document.join({index: "zz"}))
        if unit.kind is not Kind.CODE and "{" not in document.raw[len(HEAD) :]:
            assert again.units[index].text == "zz"
            assert len(again.units) == len(document.units)
