"""Reading a template file: front matter between ``+++`` lines, then Markdown with Jinja."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from messenger.errors import Finding, TemplateError

LARGEST: Final = 64 * 1024
KNOWN: Final = frozenset({"subject", "preheader", "promises", "source"})
_FENCE = re.compile(r"\+\+\+[ \t]*\n(.*?\n)\+\+\+[ \t]*(?:\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A template as it was written. ``body_line`` is the line of the file on which the body starts."""

    file: str
    subject: str
    preheader: str
    promises: tuple[str, ...]
    body: str
    body_line: int
    subject_line: int
    preheader_line: int
    text: str


def read_source(file: str, raw: bytes) -> Source:
    """Return the parts of a template file.

    Raises:
        TemplateError: it is too large, not UTF-8, or its front matter cannot be read.
    """
    if len(raw) > LARGEST:
        raise _refused(file, 0, f"the file has {len(raw)} bytes", f"at most {LARGEST}")
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _refused(file, raw[: error.start].count(b"\n") + 1, "is not UTF-8", "save the file as UTF-8") from None
    found = _FENCE.match(text)
    if found is None:
        raise _refused(file, 1, "the front matter is missing", 'start with +++, subject = "…", +++')
    values = _front_matter(file, found.group(1))
    return Source(
        file=file,
        subject=str(values["subject"]),
        preheader=str(values.get("preheader", "")),
        promises=tuple(map(str, _listed(values.get("promises")))),
        body=text[found.end() :],
        body_line=text[: found.end()].count("\n") + 1,
        subject_line=_line_of("subject", text),
        preheader_line=_line_of("preheader", text),
        text=text,
    )


def _line_of(key: str, text: str) -> int:
    return 1 + next((number for number, line in enumerate(text.split("\n")) if line.lstrip().startswith(key)), 0)


def _front_matter(file: str, text: str) -> Mapping[str, object]:
    try:
        values: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        raise _refused(
            file, int(place.group(1)) + 1 if place else 1, f"the front matter is not TOML: {error}", ""
        ) from None
    unknown = sorted(set(values) - KNOWN)
    if unknown:
        raise _refused(file, 1, f"unknown key {unknown[0]!r} in the front matter", f"known: {', '.join(sorted(KNOWN))}")
    if not isinstance(values.get("subject"), str) or not str(values["subject"]).strip():
        raise _refused(file, 1, "subject is missing", 'write subject = "…"')
    return values


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _refused(file: str, line: int, problem: str, remedy: str) -> TemplateError:
    return TemplateError([Finding(file, line, 1 if line else 0, "", problem, remedy)])
