"""Rendering: a chosen template and what is known, made into the words that leave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Template, UndefinedError
from jinja2.exceptions import SecurityError

from messenger.errors import RenderError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.compile import FORMATS, MOST_STEPS, STEPS
from messenger.rendering.context import Words, clean
from messenger.rendering.formats import FormatError, Formats, format_locale
from messenger.rendering.isolating import MARKS
from messenger.rendering.missing import Missing, MissingValue

LARGEST: Final = 256 * 1024
AT_ONCE: Final = 256
"""Pieces of a text that are counted together."""
_BAD_VALUES: Final = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessage:
    """The words of one message in three bodies."""

    subject: str
    preheader: str
    text: str
    html: str
    platform_text: str
    locale: str
    variant: str
    version: str
    direction: str


def render(
    chosen: Chosen, words: Words, *, phrases: Mapping[str, str], country: str | None, zone: ZoneInfo
) -> RenderedMessage:
    """Return the message.

    Args:
        chosen: template, locale and variant.
        words: what may be spoken about.
        phrases: the layout's few words in the same locale.
        country: ISO 3166 code; decides how numbers and dates look.
        zone: the buyer's clock.

    Raises:
        RenderError: something the text needs is not known, or the result would not be fit to send.
    """
    compiled = chosen.compiled
    language = format_locale(compiled.locale, None)
    formats = Formats(language, format_locale(compiled.locale, country), zone)
    names = {name: Missing(name) if value is None else value for name, value in words.mapping().items()}
    names[FORMATS], names[STEPS] = formats, [MOST_STEPS]

    def part(template: Template, more: Mapping[str, object] | None = None) -> str:
        try:
            return _within_bounds(template.root_render_func(template.new_context({**names, **(more or {})})))
        except MissingValue as error:
            raise RenderError(compiled.name, compiled.locale, f"not known: {error.args[0]}") from None
        except (UndefinedError, SecurityError, *_BAD_VALUES) as error:
            raise RenderError(compiled.name, compiled.locale, str(error)) from error

    kept = MARKS if compiled.direction == "rtl" else ""
    subject = clean(part(compiled.subject), keeping=kept)
    if not subject:
        raise RenderError(compiled.name, compiled.locale, "the subject is empty")
    preheader = clean(part(compiled.preheader), keeping=kept)
    frame = {
        "lang": compiled.locale,
        "dir": compiled.direction,
        "subject": subject,
        "preheader": preheader,
        "phrases": phrases,
    }
    text = _tidy(part(compiled.text))
    return RenderedMessage(
        subject=subject, preheader=preheader, text=text, html=part(compiled.html, frame), platform_text=text,
        locale=compiled.locale, variant=compiled.variant, version=compiled.version,
        direction=compiled.direction,
    )  # fmt: skip


def _tidy(text: str) -> str:
    """Plain text without trailing blanks, and never more than one empty line in a row."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _within_bounds(pieces: Iterable[str]) -> str:
    """Join the pieces, and stop as soon as there are too many: loops in loops over long lists grow fast."""
    kept: list[str] = []
    size, pieces = 0, iter(pieces)
    while some := list(islice(pieces, AT_ONCE)):
        kept += some
        size += sum(map(len, some))
        if size > LARGEST or len(kept) > LARGEST:
            raise FormatError(f"the text is longer than {LARGEST} characters")
    return "".join(kept)
