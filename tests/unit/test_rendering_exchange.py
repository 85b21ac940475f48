"""Texts on their way to translators and back: nothing is lost, and nothing comes back broken."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.errors import UsageError
from messenger.rendering.exchange.applying import Outcome
from messenger.rendering.exchange.books import book
from messenger.rendering.exchange.importing import import_file
from messenger.rendering.exchange.po import Book, read, write
from messenger.rendering.exchange.sheets import locales, sheets
from messenger.rendering.exchange.syncing import Synced, sync
from messenger.rendering.segments import cut
from messenger.rendering.staleness import Standing, marked, pairs

ROOT = Path(__file__).resolve().parents[2]
EN = """\
+++
subject = "Order {{ order.number }}"
preheader = "It has been sent."
+++
{{ greeting }}

We sent it {{ shipment.days_since_shipped | plural(one="# day", other="# days") }} ago. It left on {{ order.shipped_at | date("day") }}.

{% if links.tracking %}

[Track it]({{ links.tracking }}), **if you like**.

{% endif %}

- one thing
- another

Kind regards,
{{ shop.name }}
"""
ES = """\
+++
subject = "Pedido {{ order.number }}"
preheader = 'Ya está en camino.'
+++
{{ greeting }}

Lo enviamos hace {{ shipment.days_since_shipped | plural(one="# día", many="# de días", other="# días") }}. \
Salió el {{ order.shipped_at | date("day") }}.

{% if links.tracking %}

[Seguirlo]({{ links.tracking }}), **si quiere**.

{% endif %}

- una cosa
- otra

Un saludo,
{{ shop.name }}
"""
PHRASES = 'greeting_named = "Hello {name},"\ngreeting_plain = "Hello,"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "templates"
    for locale, text, phrases in (
        ("en", EN, PHRASES),
        ("es", marked(cut(EN), cut(ES)), PHRASES.replace("Hello", "Hola")),
    ):
        (made / locale).mkdir(parents=True)
        (made / locale / "note.md").write_text(text, encoding="utf-8")
        (made / locale / "_phrases.toml").write_text(phrases, encoding="utf-8")
    return made


def exported(folder: Path, locale: str = "es", earlier: Book | None = None) -> str:
    there, findings = sheets(folder, locale)
    assert findings == []
    return write(book(there, locale, purposes={"note": "The day after."}, earlier=earlier))


def imported(folder: Path, text: str | bytes, locale: str = "") -> Outcome:
    return import_file(folder, "es.po", text if isinstance(text, bytes) else text.encode(), locale=locale)[1]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def es(folder: Path) -> str:
    return (folder / "es" / "note.md").read_bytes().decode()


def change_source(folder: Path, old: str, new: str) -> None:
    path = folder / "en" / "note.md"
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def unwrapped(text: str) -> str:
    """As an editor that wraps no lines would save it."""
    return re.sub(r'(?<!\\n)"\n"', "", text).replace('""\n"', '"')


def edited(text: str, *changes: tuple[str, str]) -> str:
    text = unwrapped(text)
    for change in changes:
        old, new = (one.replace('"', '\\"') for one in change)
        assert old in text, old
        text = text.replace(old, new)
    return text


# --- export ---------------------------------------------------------------------------------------------------------


def test_a_unit_tells_a_translator_what_is_needed(folder: Path) -> None:
    text = exported(folder)

    assert (
        """\
#. Message: The day after.
#. Place: subject of note
#. Length: at most 60 characters once it is written; an order number has up to 19
#. Placeholder: {{ order.number }} is, for example, 8134567890123456
#. Sample: Order 8134567890123456
#: templates/en/note.md:2
#, placeholders:"{{ order.number }}"
msgctxt "note/subject"
msgid "Order {{ order.number }}"
msgstr "Pedido {{ order.number }}"
"""
        in text
    )
    assert "#. Plural: es needs many, one, other; # stands for the number\n" in text
    assert "#. Sample: We sent it 17 days ago. It left on March 4.\n" in text
    assert (
        '#, placeholders:"{{ shipment.days_since_shipped | plural(":"{{ order.shipped_at | date(\\"day\\") }}"\n'
        in text
    )
    assert "#. Place: paragraph 3 of 6 of note; inside {% if links.tracking %}\n" in text
    assert "greeting }}" not in text


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    text = exported(folder)

    assert write(read("es.po", text.encode())) == text
    assert exported(folder, earlier=read("es.po", text.encode())) == text


def test_a_tag_over_two_lines_breaks_no_comment(folder: Path) -> None:
    change_source(folder, "| plural(", "\n  | plural(")

    text = exported(folder)

    assert write(read("es.po", text.encode())) == text
    assert '#. Placeholder: {{ shipment.days_since_shipped | plural(one="# day"' in text


def test_names_of_units_stay_when_others_move(folder: Path) -> None:
    before = {one.context for one in read("", exported(folder).encode()).entries}
    change_source(folder, "- one thing\n- another\n", "- another\n- something new\n- one thing\n")

    after = {one.context for one in read("", exported(folder).encode()).entries}

    assert before < after
    assert len(after - before) == 1


def test_a_stale_unit_is_fuzzy_and_knows_the_text_before(folder: Path) -> None:
    earlier = read("es.po", exported(folder).encode())
    change_source(folder, "It has been sent.", "It is on its way.")

    text = exported(folder, earlier=earlier)

    assert (
        """\
#, fuzzy
#| msgid "It has been sent."
msgctxt "note/preheader"
msgid "It is on its way."
msgstr "Ya está en camino."
"""
        in text
    )
    assert exported(folder, earlier=read("es.po", text.encode())) == text


# --- import ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", locales(ROOT / "templates"))
def test_an_untouched_export_of_the_shipped_texts_alters_no_byte(locale: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    before = content(tmp_path)
    there, _ = sheets(tmp_path / "templates", locale)

    outcome = imported(tmp_path / "templates", write(book(there, locale, purposes={})))

    assert (outcome.refused, outcome.written) == ([], [])
    assert content(tmp_path) == before


@pytest.mark.parametrize("change", [
    pytest.param(lambda raw: raw.replace(b"\n", b"\r\n"), id="CRLF"),
    pytest.param(lambda raw: b"\xef\xbb\xbf" + raw, id="byte order mark"),
    pytest.param(lambda raw: raw.rstrip(b"\n"), id="no final newline"),
    pytest.param(lambda raw: raw.replace(b"\n\n", b"  \n\n \n\n"), id="blanks"),
    pytest.param(lambda raw: re.sub(rb"source = .*\n", b"", raw), id="never marked"),
    pytest.param(lambda raw: raw.replace(b"| plural(", b"\n  | plural("), id="a tag over two lines"),
    pytest.param(lambda raw: raw.replace(b"una cosa", "una\u2028cosa\u0085 \\\\ \"x\"\t{".encode()), id="odd characters"),
])  # fmt: skip
def test_an_untouched_export_of_an_odd_file_alters_no_byte(change, folder: Path) -> None:  # type: ignore[no-untyped-def]  # one of the above
    path = folder / "es" / "note.md"
    path.write_bytes(change(path.read_bytes()))
    before = content(folder)

    outcome = imported(folder, exported(folder))

    assert (outcome.refused, outcome.written) == ([], [])
    assert content(folder) == before


def test_only_the_edited_unit_changes(folder: Path) -> None:
    before = es(folder)

    outcome = imported(folder, edited(exported(folder), ("Lo enviamos hace", "Ya lo enviamos, hace")))

    assert (outcome.refused, outcome.written) == ([], ["templates/es/note.md"])
    assert es(folder) == before.replace("Lo enviamos hace", "Ya lo enviamos, hace")


def test_a_moved_sentence_is_the_translators_business(folder: Path) -> None:
    moved = ('Salió el {{ order.shipped_at | date("day") }}. Lo enviamos hace',)
    text = edited(
        exported(folder),
        (' Salió el {{ order.shipped_at | date("day") }}.', ""),
        ("Lo enviamos hace", moved[0]),
    )

    outcome = imported(folder, text)

    assert outcome.refused == []
    assert 'Salió el {{ order.shipped_at | date("day") }}. Lo enviamos hace {{ shipment' in es(folder)


@pytest.mark.parametrize(("old", "new", "problem"), [
    pytest.param("Pedido {{ order.number }}", "Pedido {{ order.nunber }}",
                 "note/subject: has {{ order.nunber }}, which the English text does not (did you mean {{ order.number }}?)", id="misspelt"),
    pytest.param("Pedido {{ order.number }}", "Pedido", "note/subject: lacks {{ order.number }} (copy it from the English text)", id="lost"),
    pytest.param("Pedido {{ order.number }}", "Pedido {{ order.number }", "note/subject: has a {{ that belongs to no placeholder", id="a brace lost"),
    pytest.param("Pedido {{ order.number }}", "Pedido {{ order.number | }}", "note/subject: cannot read {{ order.number | }}", id="broken"),
    pytest.param("Pedido {{ order.number }}", "Pedido\\n{{ order.number }}", "note/subject: has 2 lines (a subject is one line)", id="two lines"),
    pytest.param("Pedido {{ order.number }}", "Pedido \u202e{{ order.number }}", "note/subject: has the unseen character U+202E", id="unseen"),
    pytest.param('many="# de días", ', "", "shipment.days_since_shipped | plural lacks many (es has many, one, other)", id="a plural lost"),
    pytest.param('many="# de días"', 'muchos="# de días"', "plural has muchos (es has only many, one, other)", id="a plural renamed"),
    pytest.param('Salió el {{ order.shipped_at | date("day") }}', "Salió el {{ order.shipped_at | date }}",
                 "date }}, which the English text does not", id="a form lost"),
    pytest.param("**si quiere**", "<b>si quiere</b>", "has HTML: <b> (write Markdown, for example **bold**)", id="HTML"),
    pytest.param("[Seguirlo]({{ links.tracking }})", "Seguirlo: {{ links.tracking }}",
                 "links to nothing (the English text links to {{links.tracking}})", id="a link lost"),
    pytest.param("[Seguirlo]({{ links.tracking }})", "[Seguirlo](https://evil.example/{{ links.tracking }})",
                 "links to https://evil.example/", id="a link changed"),
    pytest.param("[Seguirlo]({{ links.tracking }}), **si quiere**.", "# [Seguirlo]({{ links.tracking }})",
                 "is a heading (h1) (the English text is a paragraph)", id="a heading"),
    pytest.param("una cosa", "una cosa\\n\\nY más", "has an empty line (a list item has none)", id="a list item that ends"),
    pytest.param("Un saludo,", "- Un saludo,", "is a list (the English text is a paragraph)", id="a list"),
    pytest.param("Un saludo,", "{% if order.late %}Un saludo,",
                 "has the tags {% if order.late %} (the English text has none)", id="a condition begun"),
    pytest.param("Un saludo,", "Un saludo,\\n{% endif %}", "has the tags {% endif %}", id="a condition ended"),
    pytest.param("Hola {name},", "Hola {nombre},", "_phrases/greeting_named: lacks {name}", id="a phrase"),
])  # fmt: skip
def test_what_would_break_a_unit_is_refused_by_name_and_the_rest_is_taken(
    old: str, new: str, problem: str, folder: Path
) -> None:
    before = es(folder)
    text = unwrapped(exported(folder))
    quoted = old.replace('"', '\\"')
    assert quoted in text
    text = text.replace(f"{quoted}", new.replace('"', '\\"')).replace('msgstr "otra"', 'msgstr "otra más"')

    outcome = imported(folder, text)

    assert any(problem in str(one) for one in outcome.refused)
    line = outcome.refused[0].line
    assert str(outcome.refused[0]).startswith(f"es.po:{line}:1: ")
    assert text.splitlines()[line - 1].startswith("msgid")
    assert es(folder) == before.replace("otra", "otra más")


def test_a_lost_endif_inside_a_text_is_refused(folder: Path) -> None:
    inline = "Soon{% if order.late %} or late{% endif %} with you."
    change_source(folder, "Kind regards,", inline)
    spanish = ES.replace("Un saludo,", inline.replace("Soon", "Pronto"))
    (folder / "es" / "note.md").write_text(
        marked(cut(EN.replace("Kind regards,", inline)), cut(spanish)), encoding="utf-8"
    )
    before = es(folder)

    outcome = imported(
        folder, edited(exported(folder), ("Pronto{% if order.late %} or late{% endif %}", "Pronto{% if order.late %}"))
    )

    told = "has the tags {% if order.late %} (the English text has {% if order.late %} … {% endif %})"
    assert told in str(outcome.refused[0])
    assert es(folder) == before


def test_a_file_that_would_not_compile_is_not_written(folder: Path) -> None:
    path = folder / "es" / "note.md"
    path.write_text(path.read_text().replace("{% endif %}\n", ""), encoding="utf-8")
    before = content(folder)

    outcome = imported(folder, edited(exported(folder), ("una cosa", "algo")))

    assert content(folder) == before
    assert outcome.written == []
    assert "the file could not be used any more: 'if' is never closed (templates/es/note.md:10)" in str(
        outcome.refused[0]
    )


def test_a_fuzzy_unit_becomes_current_when_the_translator_says_so(folder: Path) -> None:
    change_source(folder, "It has been sent.", "It is on its way.")

    outcome = imported(folder, exported(folder).replace("#, fuzzy\n", ""))

    assert outcome.taken == ["note/preheader"]
    assert {pair.standing for pair in pairs(cut((folder / "en/note.md").read_text()), cut(es(folder)))} == {
        Standing.CURRENT
    }


def test_an_export_from_before_the_source_changed_is_taken_as_one_that_needs_work(folder: Path) -> None:
    text = exported(folder)
    change_source(folder, "It has been sent.", "It is on its way.")

    outcome = imported(folder, text.replace("Ya está en camino.", "Está en camino."))

    assert outcome.taken == ["note/preheader"]
    assert "preheader = 'Está en camino.'" in es(folder)
    assert [
        one.id
        for one in pairs(cut((folder / "en/note.md").read_text()), cut(es(folder)))
        if one.standing is Standing.STALE
    ] == ["preheader"]


def test_a_unit_that_is_gone_is_named(folder: Path) -> None:
    text = exported(folder)
    change_source(folder, "- another\n", "")

    outcome = imported(folder, text)

    assert [one.problem for one in outcome.refused] == ["there is no such unit"]
    assert outcome.written == []


def test_a_new_unit_finds_its_place(folder: Path) -> None:
    change_source(folder, "- another\n", "- another\n- a third\n")
    text = exported(folder)
    assert 'msgid "a third"\nmsgstr ""' in text

    outcome = imported(folder, text.replace('msgid "a third"\nmsgstr ""', 'msgid "a third"\nmsgstr "y otra"'))

    assert outcome.refused == []
    assert "- una cosa\n- otra\n- y otra\n\nUn saludo" in es(folder)
    assert {pair.standing for pair in pairs(cut((folder / "en/note.md").read_text()), cut(es(folder)))} == {
        Standing.CURRENT
    }


def test_a_condition_that_changed_moves_the_text_when_the_translator_agrees(folder: Path) -> None:
    change_source(folder, "{% if links.tracking %}", "{% if links.tracking and not order.late %}")
    text = exported(folder)
    assert "#. Moved: the translation stands inside {% if links.tracking %}; taken in, it moves\n" in text
    before = content(folder)
    assert imported(folder, text).written == []
    assert content(folder) == before

    outcome = imported(folder, text.replace("#, fuzzy, ", "#, "))

    assert outcome.refused == []
    assert "{% if links.tracking and not order.late %}\n\n[Seguirlo]" in es(folder)
    assert {one.standing for one in pairs(cut((folder / "en/note.md").read_text()), cut(es(folder)))} == {
        Standing.CURRENT
    }


def test_what_only_a_translation_has_is_not_lost_for_a_new_unit(folder: Path) -> None:
    path = folder / "es" / "note.md"
    path.write_text(es(folder).replace("Un saludo", "{# allow L12: no pressure #}\nUn saludo"), encoding="utf-8")
    change_source(folder, "- another\n", "- another\n- a third\n")
    before = es(folder)

    outcome = imported(
        folder, exported(folder).replace('msgid "a third"\nmsgstr ""', 'msgid "a third"\nmsgstr "y otra"')
    )

    assert outcome.waiting == [
        "templates/es/note.md: what is new is put in by hand, as the file has units or comments of its own"
    ]
    assert es(folder) == before


def test_a_fuzzy_phrase_is_refused(folder: Path) -> None:
    text = exported(folder).replace('#, placeholders:"{name}"', '#, fuzzy, placeholders:"{name}"')

    assert [one.key for one in imported(folder, text).refused] == ["_phrases/greeting_named"]


def test_a_new_locale_is_made_from_the_sources_structure(folder: Path) -> None:
    change_source(folder, "+++\n", '+++\nwhen_stale = "hold"\n')
    (folder / "en" / "other.md").write_text('+++\nsubject = "Other"\n+++\nText.\n', encoding="utf-8")
    spanish = {one.context: one.text for one in read("", exported(folder).encode()).entries}
    lines = []
    for block in unwrapped(exported(folder, "pt")).split("\n\n"):
        context = re.search(r'msgctxt "(.*)"', block)
        told = spanish.get(context.group(1), "") if context else ""
        told = told.replace("\n", "\\n").replace('"', '\\"')
        lines.append(re.sub(r'msgstr ""$', lambda _, told=told: f'msgstr "{told}"', block))  # type: ignore[misc]  # bound now

    outcome = imported(folder, "\n\n".join(lines))

    assert outcome.refused == []
    assert outcome.written == ["templates/pt/_phrases.toml", "templates/pt/note.md"]
    assert outcome.waiting == []
    made = (folder / "pt" / "note.md").read_text()
    assert cut(made).join() == made
    assert "when_stale" not in made
    assert re.sub(r"source = .*\n", "", made) == re.sub(r"source = .*\n", "", es(folder)).replace("'", '"')
    assert not (folder / "pt" / "other.md").exists()


def test_a_locale_is_written_only_when_a_text_is_whole(folder: Path) -> None:
    text = exported(folder, "pt").replace(
        'msgid "It has been sent."\nmsgstr ""', 'msgid "It has been sent."\nmsgstr "Foi."'
    )

    outcome = imported(folder, text)

    assert outcome.waiting == ["templates/pt/note.md: written when all of it is translated; 6 of 8 units are missing"]
    assert not (folder / "pt").exists()


@pytest.mark.parametrize(("text", "problem"), [
    pytest.param('msgid "a', 'es.po:1:1: is not PO: msgid "a', id="an open quote"),
    pytest.param('msgid "a"\nmsgstr "b"\nwhat\n', "es.po:3:1: is not PO: what", id="a stray line"),
    pytest.param('msgctxt "a"\nmsgid "a"\nmsgstr "b"\n\nmsgctxt "a"\nmsgid "a"\nmsgstr "c"\n',
                 "es.po:6:1: a: stands here and in line 2 (leave one of them)", id="twice"),
    pytest.param('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "c"\n', "es.po:1:1: has plural forms", id="plurals"),
    pytest.param('msgid "a"\n\nmsgid "b"\nmsgstr ""\n', "es.po:1:1: is not PO: missing msgstr", id="no translation"),
    pytest.param('msgid "a"\nmsgstr "ñ"\n'.encode("cp1252"), "es.po:2:1: is not UTF-8 (save the file as UTF-8", id="not UTF-8"),
    pytest.param('msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-1\\n"\n\nmsgid "a"\nmsgstr "ñ"\n'.encode(),
                 "es.po:1:1: the header says ISO-8859-1, but the text is UTF-8", id="another one than the header says"),
    pytest.param('msgid ""\nmsgstr "Content-Type: text/plain; charset=klingon\\n"\n', "has an unknown encoding 'klingon'", id="unknown encoding"),
    pytest.param('msgid "a"\nmsgstr "b"\n'.encode("utf-16"), "es.po:1:1: is not UTF-8", id="UTF-16"),
])  # fmt: skip
def test_a_file_that_is_no_po_is_refused_with_its_line(text: str | bytes, problem: str, folder: Path) -> None:
    before = content(folder)

    outcome = imported(folder, text, locale="es")

    assert str(outcome.refused[0]).startswith(problem) or problem in str(outcome.refused[0])
    assert content(folder) == before


def test_another_encoding_that_the_header_names_is_read(folder: Path) -> None:
    text = edited(exported(folder), ("una cosa", "una señal")).replace("charset=UTF-8", "charset=ISO-8859-1")

    assert imported(folder, text.encode("latin-1")).refused == []
    assert "- una señal\n" in es(folder)


def test_what_editors_and_servers_leave_is_read(folder: Path) -> None:
    text = unwrapped(exported(folder)).replace(
        '"Language: es\\n',
        '"Language: es\\nX-Generator: Poedit 3.4.2\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n"',
    )
    text = text.replace('msgstr "una cosa"', '# a note of mine\nmsgstr "una "\n"cosa "\n"sola"').replace(
        "# a note of mine\n", ""
    )
    text += '\n#~| msgid "before"\n#~ msgctxt "note/000000"\n#~ msgid "Gone"\n#~ msgstr "Ido"\n'
    before = es(folder)

    outcome = imported(folder, text.replace("\n", "\r\n"))

    assert outcome.refused == []
    assert es(folder) == before.replace("una cosa", "una cosa sola")


def test_a_file_without_a_language_asks_for_one(folder: Path) -> None:
    text = re.sub(r'"Language: es\\n"\n', "", exported(folder))

    with pytest.raises(UsageError, match="the header has no Language"):
        imported(folder, text)
    assert imported(folder, text, locale="es").refused == []


# --- sync -----------------------------------------------------------------------------------------------------------


def synced(folder: Path) -> Synced:
    (one,) = sync(folder, folder.parent / "po", purposes={})
    return one


def po(folder: Path, *changes: tuple[str, str]) -> None:
    path = folder.parent / "po" / "es.po"
    path.write_text(edited(path.read_text(encoding="utf-8"), *changes), encoding="utf-8")


def everything(folder: Path) -> dict[str, bytes]:
    return content(folder.parent)


def test_the_second_sync_changes_nothing(folder: Path) -> None:
    before = content(folder)

    assert synced(folder).po_written
    assert content(folder) == before
    after = everything(folder)
    assert not synced(folder).po_written
    assert everything(folder) == after


def test_changes_on_either_side_are_carried_over(folder: Path) -> None:
    synced(folder)
    po(folder, ("una cosa", "una sola cosa"))
    path = folder / "es" / "note.md"
    path.write_text(es(folder).replace("Pedido", "Su pedido"), encoding="utf-8")

    one = synced(folder)

    assert (one.outcome.taken, len(one.to_po), one.conflicts) == (["note/" + _id("one thing")], 1, [])
    assert "- una sola cosa\n" in es(folder)
    assert 'msgstr "Su pedido {{ order.number }}"' in (folder.parent / "po" / "es.po").read_text()
    after = everything(folder)
    synced(folder)
    assert everything(folder) == after


def _id(text: str) -> str:
    return cut(f'+++\nsubject = "s"\n+++\n{text}').ids()[1]


def test_both_sides_of_one_unit_are_a_conflict_and_stay(folder: Path) -> None:
    synced(folder)
    po(folder, ("una cosa", "una sola cosa"), ("otra", "otra más"))
    path = folder / "es" / "note.md"
    path.write_text(es(folder).replace("una cosa", "algo"), encoding="utf-8")

    one = synced(folder)

    assert [str(finding).partition(": ")[2] for finding in one.conflicts] == [
        f"note/{_id('one thing')}: changed here ('una sola cosa') and in templates/es/note.md:16 ('algo') (make both the same, and sync again)"
    ]
    assert "- algo\n- otra más\n" in es(folder)
    assert 'msgstr "una sola cosa"' in (folder.parent / "po" / "es.po").read_text()
    after = everything(folder)
    assert len(synced(folder).conflicts) == 1
    assert everything(folder) == after


def test_a_conflict_ends_when_both_say_the_same(folder: Path) -> None:
    synced(folder)
    po(folder, ("una cosa", "algo"))
    path = folder / "es" / "note.md"
    path.write_text(es(folder).replace("una cosa", "algo"), encoding="utf-8")

    assert synced(folder).conflicts == []
    po(folder, ("algo", "algo más"))
    assert synced(folder).outcome.taken == ["note/" + _id("one thing")]


def test_a_changed_source_makes_the_unit_fuzzy_in_the_folder(folder: Path) -> None:
    synced(folder)
    change_source(folder, "one thing", "one new thing")

    one = synced(folder)

    text = (folder.parent / "po" / "es.po").read_text()
    assert (
        f'#, fuzzy\n#| msgid "one thing"\nmsgctxt "note/{_id("one new thing")}"\nmsgid "one new thing"\nmsgstr "una cosa"'
        in text
    )
    assert "#~" not in text
    assert one.conflicts == []
    path = folder.parent / "po" / "es.po"
    path.write_text(
        text.replace("#, fuzzy\n", "").replace('msgstr "una cosa"', 'msgstr "una cosa nueva"'), encoding="utf-8"
    )
    assert synced(folder).outcome.taken == ["note/" + _id("one new thing")]
    assert "- una cosa nueva\n" in es(folder)
    assert "fuzzy" not in path.read_text()


def test_a_translation_made_while_the_source_changed_is_not_lost(folder: Path) -> None:
    synced(folder)
    po(folder, ("una cosa", "una sola cosa"))
    change_source(folder, "one thing", "one new thing")

    one = synced(folder)

    assert (one.conflicts, one.outcome.refused) == ([], [])
    assert "- una sola cosa\n" in es(folder)
    text = (folder.parent / "po" / "es.po").read_text()
    assert 'msgid "one new thing"\nmsgstr "una sola cosa"' in text
    assert "#, fuzzy" in text
    after = everything(folder)
    synced(folder)
    assert everything(folder) == after


def test_a_translation_of_what_is_gone_is_kept_and_named(folder: Path) -> None:
    synced(folder)
    po(folder, ("una cosa", "una sola cosa"))
    change_source(folder, "- one thing\n", "")

    one = synced(folder)

    assert [finding.key for finding in one.obsolete] == ["note/" + _id("one thing")]
    assert '#~ msgid "one thing"\n#~ msgstr "una sola cosa"' in (folder.parent / "po" / "es.po").read_text()
    after = everything(folder)
    assert synced(folder).obsolete == []
    assert everything(folder) == after


def test_what_is_refused_stays_in_the_folder_and_is_named_again(folder: Path) -> None:
    synced(folder)
    before = es(folder)
    po(folder, ("Pedido {{ order.number }}", "Pedido"))

    for _ in range(2):
        assert [one.problem for one in synced(folder).outcome.refused] == ["lacks {{ order.number }}"]
    assert es(folder) == before
    assert 'msgstr "Pedido"' in (folder.parent / "po" / "es.po").read_text()


def test_a_text_that_was_emptied_is_put_back(folder: Path) -> None:
    synced(folder)
    before = everything(folder)
    path = folder.parent / "po" / "es.po"
    path.write_text(path.read_text(encoding="utf-8").replace('msgstr "una cosa"', 'msgstr ""'), encoding="utf-8")

    one = synced(folder)

    assert (one.outcome.refused, one.to_po) == ([], ["note/" + _id("one thing")])
    assert everything(folder).keys() == before.keys()
    assert 'msgstr "una cosa"' in (folder.parent / "po" / "es.po").read_text()


def test_a_server_rewrapping_its_file_is_no_change(folder: Path) -> None:
    synced(folder)
    path = folder.parent / "po" / "es.po"
    text = unwrapped(path.read_text(encoding="utf-8")).replace(
        '"Language: es\\n', '"Language: es\\nX-Generator: Weblate 5.14\\nLast-Translator: Ana <ana@example.com>\\n'
    )
    path.write_text(text, encoding="utf-8")
    before = everything(folder)

    assert not synced(folder).po_written
    assert everything(folder) == before


def test_the_servers_header_and_comments_stay_when_the_file_is_written(folder: Path) -> None:
    synced(folder)
    path = folder.parent / "po" / "es.po"
    text = path.read_text(encoding="utf-8").replace(
        '"Language: es\\n"', '"Language: es\\n"\n"X-Generator: Weblate 5.14\\n"'
    )
    path.write_text(text.replace("#. Place: subject of note", "# ask Ana\n#. Place: subject of note"), encoding="utf-8")
    (folder / "es" / "note.md").write_text(es(folder).replace("una cosa", "algo"), encoding="utf-8")

    assert synced(folder).po_written
    assert "X-Generator: Weblate 5.14" in path.read_text()
    assert "# ask Ana\n" in path.read_text()


def test_a_locale_that_only_the_folder_has_is_made(folder: Path) -> None:
    synced(folder)
    po = folder.parent / "po"
    text = (po / "es.po").read_text(encoding="utf-8").replace('"Language: es\\n"', '"Language: ca\\n"')
    (po / "ca.po").write_text(text.replace('many=\\"# de días\\", ', ""), encoding="utf-8")

    ca, _ = sync(folder, po, purposes={})

    assert ca.locale == "ca"
    assert "lacks many" in str(ca.outcome.refused[0])
    assert (folder / "ca" / "_phrases.toml").exists()
    assert not (folder / "ca" / "note.md").exists()


BLOCKS = st.lists(
    st.sampled_from(["One.\n\n", "Two {{ order.number }}.\n\n", "- a\n", "- b\n", "# H\n", "> q\n", "One.\nTwo.\n\n", "{{ greeting }}\n\n"]),
    max_size=6,
)  # fmt: skip
WRITTEN = st.lists(
    st.tuples(st.sampled_from(["same", "more", "gone", "broken"]), st.booleans()), min_size=12, max_size=12
)
HEAD = '+++\nsubject = "S"\n+++\n'


@settings(max_examples=60, deadline=None)
@given(first=BLOCKS, english=BLOCKS, italian=BLOCKS, written=WRITTEN)
def test_whatever_changed_where_an_export_is_no_change_and_a_second_sync_does_nothing(
    first: list[str], english: list[str], italian: list[str], written: list[tuple[str, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, pos = Path(name) / "templates", Path(name) / "po"
        for locale, text in (("en", first), ("it", first)):
            (folder / locale).mkdir(parents=True)
            (folder / locale / "a.md").write_text(HEAD + "".join(text), encoding="utf-8")
        sync(folder, pos, purposes={})
        (folder / "en" / "a.md").write_text(HEAD + "".join(english), encoding="utf-8")
        (folder / "it" / "a.md").write_text(HEAD + "".join(italian), encoding="utf-8")
        old = read("", (pos / "it.po").read_bytes())
        changed = [
            replace(entry, text={"same": entry.text, "more": entry.text + " x", "gone": "", "broken": entry.text + "{{"}[how], fuzzy=fuzzy)
            for entry, (how, fuzzy) in zip(old.entries, written, strict=False)
        ]  # fmt: skip
        (pos / "it.po").write_text(write(replace(old, entries=tuple(changed))), encoding="utf-8")
        before = content(folder)

        assert imported(folder, exported(folder, "it")).written == []
        assert content(folder) == before
        sync(folder, pos, purposes={})
        after = content(Path(name))
        sync(folder, pos, purposes={})
        assert content(Path(name)) == after
