"""What the parser of templates complains about, in words for people who do not know it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from jinja2 import TemplateSyntaxError

TAGS: Final = ("if", "elif", "else", "endif", "for", "endfor")
_TAG = re.compile(r"\{%[-+]?\s*(end)?(if|for)\b")
_UNKNOWN = re.compile(r"Encountered unknown tag '(\w+)'(?:.*needs to be closed is '(\w+)')?", re.DOTALL)
_OPEN = re.compile(r"Unexpected end of template.*needs to be closed is '(\w+)'", re.DOTALL)
_LIKE_THIS: Final = "a placeholder looks like {{ order.number }}, a condition like {% if links.tracking %}"


def explained(error: TemplateSyntaxError, text: str) -> tuple[int, str, str]:
    """Return the line of the text that is wrong (from 1), what is wrong with it, and what would be right."""
    message = error.message or "cannot be read"
    if found := _OPEN.search(message):
        return (
            _last_open(text, error.lineno),
            f"'{found.group(1)}' is never closed",
            f"write {{% end{found.group(1)} %}}",
        )
    if found := _UNKNOWN.search(message):
        return error.lineno, *_unknown(found.group(1), found.group(2))
    if "Missing end of" in message or message.startswith("unexpected"):
        return error.lineno, f"cannot be read: {message}", _LIKE_THIS
    return error.lineno, message.rstrip("."), _LIKE_THIS


def _unknown(tag: str, is_open: str | None) -> tuple[str, str]:
    if tag in TAGS and is_open:
        return f"'{tag}' stands where '{is_open}' is still open", f"write {{% end{is_open} %}} first"
    if tag in TAGS:
        return f"'{tag}' closes nothing", f"there is no open {{% {tag.removeprefix('end')} … %}} before it"
    near = get_close_matches(tag, TAGS, n=1)
    return f"there is no tag '{tag}'", f"did you mean '{near[0]}'?" if near else f"known: {', '.join(TAGS)}"


def _last_open(text: str, otherwise: int) -> int:
    """The line of the innermost ``if`` or ``for`` that nothing closes."""
    lines: list[int] = []
    for found in _TAG.finditer(text):
        if not found.group(1):
            lines.append(text.count("\n", 0, found.start()) + 1)
        elif lines:
            lines.pop()
    return lines[-1] if lines else otherwise
