from __future__ import annotations

from pathlib import Path

import pytest

from messenger.config.positions import Path as KeyPath
from messenger.config.positions import Place, Positions
from messenger.config.reader import Document
from messenger.errors import Finding

TEXT = """a."b c".d = 1
[rules.x]
where = {é.b = "c", "ключ" = {not = ["x", {q=1}]}}
[[rules.y]]
z = 1
[[rules.y]] # again
  z = [
    1,
    # not a value
    2 ]
[rules.y.deep]
k = true
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("a",), (1, 1), (1, 1)),
        (("a", "b c", "d"), (1, 9), (1, 13)),
        (("rules", "x"), (2, 8), (2, 8)),
        (("rules", "x", "where", "ключ", "not", 1, "q"), (3, 46), (3, 48)),
        (("rules", "y", 0, "z"), (5, 1), (5, 5)),
        (("rules", "y", 1, "z", 1), (7, 3), (10, 5)),
        (("rules", "y", 1, "deep", "k"), (12, 1), (12, 5)),
        (("rules", "x", "missing"), (2, 8), (2, 8)),
        (("nothing",), (0, 0), (0, 0)),
    ],
)
def test_every_key_and_value_has_a_place(path: KeyPath, key: tuple[int, int], value: tuple[int, int]) -> None:
    text = TEXT.replace("é", '"é"')
    positions = Positions(text.encode())

    assert positions.key(path) == Place(*key)
    assert positions.value(path) == Place(*value)


def syntax_mistake(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    document = Document(path)
    assert not document.is_readable
    (finding,) = document.findings
    return str(finding).removeprefix(f"{tmp_path}/x.toml:").strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = soon\n", '1:5: invalid value (texts stand in quotes: key = "text")'),
        ("a = 1\na = 2\n", "2:6: cannot overwrite a value (this key is written twice; keep one)"),
        (
            "a 1\n",
            "1:3: expected '=' after a key in a key/value pair (write key = value; keys with spaces stand in quotes)",
        ),
        ("a = [1\n", "2:1: unclosed array (put commas between, and close it with ])"),
        ('a = ["b" "c"]\n', "1:10: unclosed array (put commas between, and close it with ])"),
        ("a = { b = 1; c = 2 }\n", "1:12: unclosed inline table (put commas between, and close it with })"),
        ("a = { b = 1, }\n", "1:14: invalid initial character for a key part (remove the comma before it)"),
        (
            "[客户]\n",
            (
                "1:2: invalid initial character for a key part"
                " (names are written with small letters, digits, - and _ only)"
            ),
        ),
        (
            "[a b]\n",
            (
                "1:4: expected ']' at the end of a table declaration"
                " (write [rules.name]; names are written with small letters, digits, - and _ only)"
            ),
        ),
        ("[a.b]\n[a.b]\n", "2:5: the table [a.b] is written twice (keep one of them)"),
        ("[a]\n[a]\n", "2:3: the table [a] is written twice (keep one of them)"),
        ("a = “b”\n", '1:5: invalid value (write straight quotes: "text")'),
        ("a = 「b」\n", '1:5: invalid value (write straight quotes: "text")'),
        ("a = True\n", "1:5: invalid value (write true or false, in small letters)"),
        ("a = no\n", "1:5: invalid value (write true or false, in small letters)"),
        ("a = nothing\n", '1:5: invalid value (texts stand in quotes: key = "text")'),
        (
            "a = 1d\n",
            '1:6: expected newline or end of document after a statement (texts stand in quotes: key = "text")',
        ),
        ("a = 1,\n", "1:6: expected newline or end of document after a statement (a line ends without a comma)"),
        ("a = 1;\n", "1:6: expected newline or end of document after a statement (a line ends without a comma)"),
        ("a = 1 b = 2\n", "1:7: expected newline or end of document after a statement (one key a line)"),
        ("— = 1\n", "1:1: invalid statement (write key = value or a [table] heading)"),
        ('a = "b\n', "1:7: illegal character '\\n' (a text on one line ends with its quote on that line)"),
        ('a = "C:\\path"\n', "1:10: unescaped '\\' in a string (write \\\\ for one backslash)"),
        ('a = """b\n', "2:1: unterminated string (close it with the quotes it began with)"),
        (
            "[rules.x]\nwhere = { order.total = { min = 'a' }\n",
            (
                "2:9: rules.x.where: what stands in { } must stand on one line"
                " (for several lines write a table: [rules.x.where] and one key a line)"
            ),
        ),
        (
            "[rules.x]\nwhere = { a = 1,\n          b = 2 }\n",
            (
                "2:9: rules.x.where: what stands in { } must stand on one line"
                " (for several lines write a table: [rules.x.where] and one key a line)"
            ),
        ),
        (
            "where = {\n a = 1 }\n",
            (
                "1:9: where: what stands in { } must stand on one line"
                " (for several lines write a table: [where] and one key a line)"
            ),
        ),
        ("a = '{'\nb = soon\n", '2:5: invalid value (texts stand in quotes: key = "text")'),
    ],
)
def test_broken_toml_says_where_and_how_to_mend_it(tmp_path: Path, text: str, expected: str) -> None:
    assert syntax_mistake(tmp_path, text.encode()) == expected


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    assert (
        syntax_mistake(tmp_path, b'a = 1\nb = "\xff"\n') == "2:6: is not UTF-8 text: byte 0xff (save the file as UTF-8)"
    )


def whole_finding(path: Path) -> Finding:
    document = Document(path)
    assert not document.is_readable
    assert (document.values, document.line(("a",))) == ({}, 0)
    (finding,) = document.findings
    return finding


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    assert whole_finding(path) == Finding(str(path), 0, 0, "", "there is no such file", "'messenger init' writes one")
    path.mkdir()
    assert whole_finding(path) == Finding(str(path), 0, 0, "", "cannot be read: Is a directory")


def test_what_python_cannot_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"a = " + b"[" * 5000 + b"]" * 5000)
    assert whole_finding(path) == Finding(
        str(path), 0, 0, "", "is nested too deeply", "a table holds at most a few tables"
    )
    path.write_bytes(b"a = " + b"1" * 5000)
    assert whole_finding(path) == Finding(str(path), 0, 0, "", "holds a number of thousands of digits")


def test_a_mistake_in_the_syntax_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"[a]\r\nb = 1,\r\n")
    finding = whole_finding(path)
    assert (finding.file, finding.line, finding.column, finding.key) == (str(path), 2, 6, "")
    path.write_bytes(b"a = {\n")
    assert (whole_finding(path).file, whole_finding(path).key) == (str(path), "a")


def test_a_mistake_in_a_file_without_places_has_none(tmp_path: Path) -> None:
    document = Document(tmp_path / "x.toml")
    document.add(("a", 0, 'b"c', "é"), "is wrong")

    assert document.findings[-1] == Finding(str(tmp_path / "x.toml"), 0, 0, 'a."b\\"c"."\\xe9"', "is wrong")


def test_marks_of_other_systems_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n[t]\r\nb = 2\r\n")
    document = Document(path)
    document.add(("t", "b"), "is wrong")

    assert document.values == {"a": 1, "t": {"b": 2}}
    assert str(document.findings[0]) == f"{path}:3:5: t.b: is wrong"


def test_a_long_dotted_key_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(".".join(["a"] * 3000) + " = 1\n", encoding="utf-8")

    assert Document(path).line(("a", "a")) == 1
