"""Compiling a template once, at load: three bodies and two lines, each a sandboxed Jinja template of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import css_inline
from babel import Locale
from jinja2 import Environment, StrictUndefined, Template, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from messenger.errors import Finding, TemplateError
from messenger.rendering import allowlist
from messenger.rendering.formats import plural_categories
from messenger.rendering.masking import Mask, parsed, to_html, to_text
from messenger.rendering.source import Source

BODY_MARK = "zzmessengerbodyzz"
FORMATS = "formats_"
"""Under this name filters find the formats of their message; templates cannot say it."""


class MissingValue(Exception):  # it is caught and told as RenderError
    """A placeholder was printed that has no value."""


def _printable(value: object) -> object:
    if value is None:
        raise MissingValue
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A template ready to be rendered; nothing in it can be changed by data."""

    name: str
    locale: str
    variant: str
    file: str
    version: str
    subject: Template
    preheader: Template
    html: Template
    text: Template
    placeholders: frozenset[str]


@lru_cache(maxsize=2)
def environment(*, escaping: bool) -> Environment:
    """Return the sandbox of one kind of part: HTML escapes, a subject or plain text does not."""
    made = ImmutableSandboxedEnvironment(
        autoescape=escaping, undefined=StrictUndefined, finalize=_printable, keep_trailing_newline=True,
    )  # fmt: skip
    made.globals.clear()
    made.filters.clear()
    made.tests.clear()
    for name in allowlist.FILTERS:
        made.filters[name] = _filter(name)
    return made


def _filter(name: str) -> Callable[..., str]:
    """The filter of this name, as the message being rendered has it."""

    @pass_context
    def apply(context: Context, value: object, *arguments: object, **named: object) -> str:
        if value is None:
            raise MissingValue
        written: str = getattr(context[FORMATS], name)(value, *arguments, **named)
        return written

    return apply


def compile_template(source: Source, *, name: str, locale: str, variant: str, layout: str) -> Compiled:
    """Return the template, compiled.

    Raises:
        TemplateError: something in it is not allowed, unknown or broken; every such place is named.
    """
    findings = _findings(source, locale)
    if findings:
        raise TemplateError(findings)
    mask = Mask(source.body + layout)
    tokens = parsed(mask.hide(source.body), mask)
    plain = mask.show(to_text(tokens))
    html = mask.show(_in_layout(to_html(tokens), mask.hide_layout(bodyless(layout)) if layout else BODY_MARK))
    text, rich = environment(escaping=False), environment(escaping=True)
    version = hashlib.sha256((source.text + layout).encode()).hexdigest()[:12]
    try:
        return Compiled(
            name=name, locale=locale, variant=variant, file=source.file, version=version, subject=text.from_string(source.subject),
            preheader=text.from_string(source.preheader), html=rich.from_string(html), text=text.from_string(plain),
            placeholders=allowlist.placeholders(text, "\n".join((source.subject, source.preheader, source.body))),
        )  # fmt: skip
    except Exception as error:  # whatever a compiler may raise on odd input, only this template is refused
        raise TemplateError(
            [Finding(source.file, source.body_line, 1, "", f"cannot be compiled: {error}", "")]
        ) from error


def _findings(source: Source, locale: str) -> list[Finding]:
    parser = environment(escaping=False)
    parts = (
        (source.subject, source.subject_line),
        (source.preheader, source.subject_line + 1),
        (source.body, source.body_line),
    )
    found = [one for text, line in parts for one in allowlist.check(parser, text, file=source.file, line=line)]
    return found or [
        one for text, line in parts for one in _plurals(parser, text, file=source.file, line=line, locale=locale)
    ]


def _plurals(parser: Environment, text: str, *, file: str, line: int, locale: str) -> list[Finding]:
    """Every plural gives every form its language has."""
    wanted = plural_categories(Locale.parse(locale.replace("-", "_")))
    found: list[Finding] = []
    for node in parser.parse(text).find_all(nodes.Filter):
        missing = wanted - {keyword.key for keyword in node.kwargs} if node.name == "plural" else set()
        if missing:
            found.append(
                Finding(
                    file,
                    line + node.lineno - 1,
                    1,
                    "plural",
                    f"lacks {', '.join(sorted(missing))}",
                    f"{locale} has {', '.join(sorted(wanted))}",
                )
            )
    return found


def _in_layout(body: str, layout: str) -> str:
    """The body in its layout with the CSS written into the elements; media queries stay where they are."""
    whole = layout.replace(BODY_MARK, body)
    if "<html" not in whole:
        return whole
    inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(whole)


def bodyless(layout: str) -> str:
    """Return a layout with the place of the body marked."""
    return re.sub(r"\{\{\s*body\s*\}\}", BODY_MARK, layout)


__all__ = ["Compiled", "MissingValue", "compile_template", "environment"]
