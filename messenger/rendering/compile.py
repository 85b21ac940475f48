"""Compiling a template once, at load: three bodies and two lines, each a sandboxed Jinja template of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

import css_inline
from babel import Locale
from jinja2 import Environment, StrictUndefined, Template, nodes, pass_context
from jinja2.runtime import Context
from markdown_it.token import Token

from messenger.errors import Finding, TemplateError
from messenger.rendering import allowlist
from messenger.rendering.allowances import Allowance, allowances
from messenger.rendering.formats import FormatError, plural_categories
from messenger.rendering.isolating import direction_of, isolate_html, isolate_text
from messenger.rendering.masking import Mask, parsed, to_html, to_text
from messenger.rendering.missing import Missing, MissingValue
from messenger.rendering.narrow import COUNTED, Narrow
from messenger.rendering.shape import KINDS, SHAPE, attribute_of
from messenger.rendering.source import Source

BODY_MARK = "zzmessengerbodyzz"
FRAME = {
    **dict.fromkeys(("lang", "dir", "subject", "preheader", "body"), "str"),
    "phrases": "phrases",
}
"""What a layout may name besides the words of the message."""
_SAFE_ADDRESS = re.compile(r"\{\{\s*(links\.\w+|(\w+\.)+(tracking_)?url)\s*\}\}$|https?://[^/{}]+/|mailto:[^{}]+@")
FORMATS = "formats_"
"""Under this name filters find the formats of their message; templates cannot say it."""
STEPS = "steps_"
"""Under this one they find how many steps of inner loops are left."""
MOST_STEPS: Final = 400_000
"""In all parts of a message together: ten thousand turns through twenty names, tags and values, twice."""


def _printable(value: object) -> object:
    """What may stand in a text as it is; dates and whole things may not."""
    if type(value) is str or type(value) is int:
        return value
    if isinstance(value, Missing):
        raise MissingValue(value.name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise FormatError(f"cannot write {type(value).__name__} as it is: name one of its fields, or use a filter")
    return value


FIELDS_OF: Final[Mapping[type, Mapping[str, str]]] = {
    kind: {name: attribute_of(name) for name in SHAPE[word]} for kind, word in KINDS.items()
}
"""The fields of each thing texts speak about, by the name they say: what is not here is asked of the sandbox."""


class _Sandbox(Narrow):
    """Reads fields of the context, and nothing else; a field without a value knows its name."""

    def getattr(self, obj: Any, attribute: str) -> Any:  # Any: as in jinja2
        kind = type(obj)
        known = FIELDS_OF.get(kind)
        if known is not None and attribute in known:
            value = getattr(obj, known[attribute])
            return Missing(f"{KINDS[kind]}.{attribute}") if value is None else value
        if kind is Missing:
            return Missing(f"{obj.name}.{attribute}")
        return super().getattr(obj, attribute)


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
    promises: tuple[str, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    """Content rules that a comment in the file silences, each with its reason."""
    direction: str = "ltr"
    """``rtl`` for a language that is written from right to left."""


@lru_cache(maxsize=2)
def environment(*, escaping: bool) -> Environment:
    """Return the sandbox of one kind of part: HTML escapes, a subject or plain text does not."""
    made = _Sandbox(
        autoescape=escaping, undefined=StrictUndefined, finalize=_printable, keep_trailing_newline=True, optimized=False,
    )  # fmt: skip
    made.globals.clear()
    made.filters.clear()
    made.tests.clear()
    for name in allowlist.FILTERS:
        made.filters[name] = _filter(name)
    made.filters[COUNTED] = _counted
    return made


@pass_context
def _counted(context: Context, value: object, parts: int) -> object:
    """What an inner loop goes through; its steps are taken off those the message has left, as they grow fast."""
    if isinstance(value, tuple):
        left = context[STEPS]
        left[0] -= len(value) * parts
        if left[0] < 0:
            raise FormatError(f"loops within loops take more than {MOST_STEPS} steps")
    return value


def _filter(name: str) -> Callable[..., str]:
    """The filter of this name, as the message being rendered has it."""

    @pass_context
    def apply(context: Context, value: object, *arguments: object, **named: object) -> str:
        for one in (value, *arguments, *named.values()):
            if isinstance(one, Missing):
                raise MissingValue(one.name)
        written: str = getattr(context[FORMATS], name)(value, *arguments, **named)
        return written

    return apply


def compile_template(source: Source, *, name: str, locale: str, variant: str, layout: str) -> Compiled:
    """Return the template, compiled.

    Raises:
        TemplateError: something in it is not allowed, unknown or broken; every such place is named.
    """
    findings = [*source.findings, *_findings(source, locale)]
    if findings:
        raise TemplateError(findings)
    text, rich = environment(escaping=False), environment(escaping=True)
    version = hashlib.sha256((source.text + layout).encode()).hexdigest()[:12]
    try:
        mask = Mask(source.body + layout)
        tokens = parsed(mask.hide(source.body), mask)
        parts = _parts(source, layout, tokens, mask, is_rtl=direction_of(locale) == "rtl")
        _recheck(text, (parts.text, parts.html), source)
        _check_links(tokens, mask, source)
        return Compiled(
            name=name, locale=locale, variant=variant, file=source.file, version=version, subject=text.from_string(parts.subject),
            preheader=text.from_string(parts.preheader), html=rich.from_string(parts.html), text=text.from_string(parts.text),
            placeholders=allowlist.placeholders(text, "\n".join((source.subject, source.preheader, source.body))),
            promises=source.promises, allowances=allowances(source.text), direction=direction_of(locale),
        )  # fmt: skip
    except TemplateError:
        raise
    except Exception as error:  # whatever a compiler may raise on odd input, only this template is refused
        raise TemplateError(
            [Finding(source.file, source.body_line, 1, "", f"cannot be compiled: {error}", "")]
        ) from error


class _Parts(NamedTuple):
    """A text as the sandbox gets it."""

    subject: str
    preheader: str
    text: str
    html: str


def _parts(source: Source, layout: str, tokens: list[Token], mask: Mask, *, is_rtl: bool) -> _Parts:
    body = mask.keep_braces(to_html(tokens))
    plain = mask.show(mask.keep_braces(to_text(tokens)))
    page = _in_layout(body, mask.hide_layout(bodyless(layout)) if layout else BODY_MARK)
    if not is_rtl:
        return _Parts(source.subject, source.preheader, plain, mask.show(page))
    subject, preheader, plain = map(isolate_text, (source.subject, source.preheader, plain))
    return _Parts(subject, preheader, plain, mask.show(isolate_html(page, mask.printed)))


def _recheck(parser: Environment, finished: Iterable[str], source: Source) -> None:
    """Refuse a text in which Markdown made tags come, go or change places: what is compiled is what was checked."""
    for text in finished:
        found = allowlist.check(parser, text, file=source.file, line=source.body_line, more=FRAME)
        if found:
            raise TemplateError([replace(found[0], line=source.body_line, column=1)])


def _check_links(tokens: Iterable[Token], mask: Mask, source: Source) -> None:
    """Refuse every address that a fact could turn into something else than a web page."""
    findings: list[Finding] = []
    for token in (one for block in tokens for one in block.children or () if one.type in {"link_open", "image"}):
        address = mask.show(str(token.attrs.get("href", token.attrs.get("src", ""))))
        if "{" in address and not _SAFE_ADDRESS.match(address):
            problem = f"the link to {address} could lead anywhere"
            remedy = "link to links.tracking, links.order or a …url, or write https://host/ first"
            findings.append(Finding(source.file, *_place(address, source), "", problem, remedy))
    if findings:
        raise TemplateError(findings)


def _place(words: str, source: Source) -> tuple[int, int]:
    """Line and column of some words of the body; where the body starts when they stand there in another form."""
    for number, line in enumerate(source.body.split("\n"), start=source.body_line):
        if words in line:
            return number, line.index(words) + 1
    return source.body_line, 1


def check_layout(file: str, layout: str) -> list[Finding]:
    """Return everything in a layout that is not allowed, unknown or broken."""
    parser = environment(escaping=True)
    found = allowlist.check(parser, layout, file=file, line=1, more=FRAME)
    if not found and BODY_MARK not in bodyless(layout):
        found = [Finding(file, 0, 0, "body", "the layout has no place for the text", "write {{ body }}")]
    return found


def _findings(source: Source, locale: str) -> list[Finding]:
    parser = environment(escaping=False)
    parts = (
        (source.subject, source.subject_line),
        (source.preheader, source.preheader_line),
        (source.body, source.body_line),
    )
    found = [one for text, line in parts for one in allowlist.check(parser, text, file=source.file, line=line)]
    found = found or [
        one for text, line in parts for one in _plurals(parser, text, file=source.file, line=line, locale=locale)
    ]
    return [_placed(one, source.text.split("\n")) for one in found]


def _placed(finding: Finding, lines: Sequence[str]) -> Finding:
    """The finding with its column: where the word it is about stands in its line."""
    quoted = re.search(r"'([^']+)'", finding.problem)
    word = finding.key or (quoted.group(1) if quoted else "")
    line = lines[finding.line - 1] if 0 < finding.line <= len(lines) else ""
    return replace(finding, column=max(line.find(word), 0) + 1) if word else finding


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


__all__ = ["FORMATS", "Compiled", "MissingValue", "check_layout", "compile_template", "environment"]
