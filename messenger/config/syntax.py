"""What is wrong with a text that is no TOML at all, in words that help the person who typed it."""

from __future__ import annotations

import re
from typing import Final

from messenger.errors import Finding

ODD_QUOTES: Final = "“”„‟‘’‚‛«»‹›＂＇「」"
IN_QUOTES: Final = 'texts stand in quotes: key = "text"'
NAMES: Final = "names are written with small letters, digits, - and _ only"


def syntax_finding(file: str, source: str, message: str) -> Finding:
    """Return what ``tomllib`` objected to, with its place and a remedy for the mistakes people make most."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    problem = message[: place.start()] if place else message
    lines = source.split("\n")
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        line, column = len(lines), len(lines[-1]) + 1
    brace = _open_brace(lines, line, column)
    if brace and (brace[0] < line or column > len(lines[line - 1])):
        return _broken_braces(file, lines, *brace)
    text = lines[line - 1]
    return Finding(file, line, column, "", _in_words(problem), _remedy(problem, text[: column - 1], text[column - 1 :]))


def _in_words(problem: str) -> str:
    twice = re.fullmatch(r"Cannot declare \((.*?),?\) twice", problem)
    if twice:
        names = re.findall(r"'([^']*)'", twice[1])
        return f"the table [{'.'.join(names)}] is written twice"
    return problem[:1].lower() + problem[1:]


def _remedy(problem: str, before: str, after: str) -> str:
    """What would be right, judged by what stands before and after the place that ``tomllib`` objected to."""
    if after[:1] and after[0] in ODD_QUOTES:
        return 'write straight quotes: "text"'
    if re.match(r"(true|false|yes|no|on|off)\b", after, re.IGNORECASE):
        return "write true or false, in small letters"
    if problem.startswith("Expected newline") and before[-1:].strip():
        return "a line ends without a comma" if after.startswith((",", ";")) else IN_QUOTES
    if problem.startswith("Invalid initial character for a key part"):
        return "remove the comma before it" if after.startswith("}") else NAMES
    return next((remedy for start, remedy in REMEDIES.items() if problem.startswith(start)), "")


REMEDIES: Final = {
    "Invalid value": IN_QUOTES,
    "Cannot overwrite a value": "this key is written twice; keep one",
    "Cannot declare": "keep one of them",
    "Expected '=' after a key": "write key = value; keys with spaces stand in quotes",
    "Expected ']'": f"write [rules.name]; {NAMES}",
    "Invalid statement": "write key = value or a [table] heading",
    "Illegal character": "a text on one line ends with its quote on that line",
    "Unescaped '\\'": "write \\\\ for one backslash",
    "Unterminated string": "close it with the quotes it began with",
    "Unclosed array": "put commas between, and close it with ]",
    "Unclosed inline table": "put commas between, and close it with }",
    "Expected newline or end of document": "one key a line",
}


TOKENS: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[{}]|\n', re.DOTALL
)


def _open_brace(lines: list[str], line: int, column: int) -> tuple[int, int] | None:
    """Return the place of the outermost ``{`` that is still open at this place."""
    text = "\n".join(lines)
    end = sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
    opened: list[int] = []
    for token in TOKENS.finditer(text, 0, end):
        if token[0] == "{":
            opened.append(token.start())
        elif token[0] == "}" and opened:
            opened.pop()
    if not opened:
        return None
    before = text[: opened[0]].split("\n")
    return len(before), len(before[-1]) + 1


def _broken_braces(file: str, lines: list[str], line: int, column: int) -> Finding:
    name = lines[line - 1][: column - 1].strip().removesuffix("=").strip()
    headings = (re.match(r"\s*\[([^\[\]]+)\]", one) for one in reversed(lines[:line]))
    heading = next((found[1].strip() for found in headings if found), "")
    key = f"{heading}.{name}" if heading else name
    problem = "what stands in { } must stand on one line"
    return Finding(file, line, column, key, problem, f"for several lines write a table: [{key}] and one key a line")
