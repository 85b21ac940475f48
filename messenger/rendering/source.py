"""Reading a template file: front matter between ``+++`` lines, then Markdown with Jinja."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from messenger.errors import Finding, TemplateError
from messenger.rendering.staleness import WhenStale

LARGEST: Final = 64 * 1024
KNOWN: Final = frozenset({"subject", "preheader", "promises", "source", "when_stale"})
_FENCE = re.compile(r"\+\+\+[ \t]*\n((?:.*?\n)?)\+\+\+[ \t]*(?:\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template as it was written.

    ``body_line`` is the line of the file on which the body starts, ``findings`` what is wrong with the front matter:
    the body is worth checking all the same.
    """

    file: str
    subject: str
    preheader: str
    promises: tuple[str, ...]
    body: str
    body_line: int
    subject_line: int
    preheader_line: int
    text: str
    findings: tuple[Finding, ...] = ()


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
"""What no text has need of, and buyers would see as a box; tabs and line ends are none."""


def read_source(file: str, raw: bytes) -> Source:
    """Return the parts of a template file.

    Raises:
        TemplateError: it is too large, not UTF-8, or has no front matter.
    """
    if len(raw) > LARGEST:
        raise _refused(file, 0, f"the file has {len(raw)} bytes", f"at most {LARGEST}")
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _refused(file, raw[: error.start].count(b"\n") + 1, "is not UTF-8", "save the file as UTF-8") from None
    control = _CONTROL.search(text)
    if control is not None:
        place = text[: control.start()].count("\n") + 1
        raise _refused(file, place, f"has the control character U+{ord(control[0]):04X}", "leave it out")
    found = _FENCE.match(text)
    if found is None:
        raise _refused(file, 1, "the front matter is missing", 'start with +++, subject = "…", +++')
    values, findings = _front_matter(file, found.group(1))
    return Source(
        file=file,
        subject=_text(values, "subject"),
        preheader=_text(values, "preheader"),
        promises=tuple(map(str, _listed(values.get("promises")))),
        body=text[found.end() :],
        body_line=text[: found.end()].count("\n") + 1,
        subject_line=_line_of("subject", text),
        preheader_line=_line_of("preheader", text),
        text=text,
        findings=findings,
    )


def _line_of(key: str, text: str) -> int:
    """The line a key of the front matter stands on, or that of its first fence."""
    lines = enumerate(text.split("\n"), start=1)
    return next((number for number, line in lines if re.match(rf"\s*{re.escape(key)}\s*=", line)), 1)


def _front_matter(file: str, text: str) -> tuple[Mapping[str, object], tuple[Finding, ...]]:
    try:
        values: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column, problem = toml_problem(error)
        return {}, (Finding(file, line + 1, column, "", f"the front matter cannot be read: {problem}"),)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in thousands
        return {}, (
            Finding(file, 1, 1, "", f"the front matter cannot be read: {type(error).__name__}", "make it simpler"),
        )
    return values, tuple(_wrong(file, values, text))


def _wrong(file: str, values: Mapping[str, object], text: str) -> Iterator[Finding]:
    for key in values:
        if key not in KNOWN:
            near = get_close_matches(key, KNOWN, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(KNOWN))}"
            yield Finding(file, _line_of(key, f"\n{text}"), 1, key, "unknown key", remedy)
    for key in ("subject", "preheader", "source"):
        if key in values and not isinstance(values[key], str):
            yield Finding(file, _line_of(key, f"\n{text}"), 1, key, "must be a text", f'write {key} = "…"')
    if (then := values.get("when_stale", WhenStale.SEND)) not in set(WhenStale):
        line, right = _line_of("when_stale", f"\n{text}"), f"write {' or '.join(WhenStale)}"
        yield Finding(file, line, 1, "when_stale", f"cannot be {then!r}", right)
    if "subject" not in values:
        yield Finding(file, 1, 1, "subject", "is missing", 'write subject = "…"')
    elif not str(values["subject"]).strip():
        yield Finding(file, _line_of("subject", f"\n{text}"), 1, "subject", "is empty", 'write subject = "…"')


def toml_problem(error: tomllib.TOMLDecodeError) -> tuple[int, int, str]:
    """Return line, column and words of what a TOML reader complains about; zeros where it does not say."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    if found is None:
        return 0, 0, str(error)
    words = found.group(1)
    return int(found.group(2) or 0), int(found.group(3) or 0), words[:1].lower() + words[1:]


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _refused(file: str, line: int, problem: str, remedy: str) -> TemplateError:
    return TemplateError([Finding(file, line, 1 if line else 0, "", problem, remedy)])
