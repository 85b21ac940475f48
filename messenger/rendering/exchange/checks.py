"""What a translation may change of a unit: its words, and neither placeholders nor structure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from babel import Locale
from jinja2 import TemplateError as JinjaError
from jinja2 import nodes
from markdown_it import MarkdownIt

from messenger.rendering.blocks import TAG, spaced
from messenger.rendering.compile import environment
from messenger.rendering.formats import plural_categories
from messenger.rendering.masking import OPTIONS, Mask
from messenger.rendering.segments import Kind, Unit

Problem = tuple[str, str]
"""What is wrong, and what would be right."""
_BRACES: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_HTML: Final = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*(\n|$)")
_SLOT: Final = re.compile(r"\{\w*\}")
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ONE_LINE: Final = frozenset({Kind.SUBJECT, Kind.PREHEADER, Kind.PHRASE, Kind.HEADING})


@dataclass(frozen=True, slots=True)
class _Tags:
    """The tags of a text by what they mean; what they mean to the way they are written."""

    expressions: Mapping[str, str]
    statements: tuple[str, ...]
    plurals: tuple[tuple[str, frozenset[str]], ...]


def problems(source: Unit, old: str | None, new: str, *, locale: str) -> list[Problem]:
    """Return why a translation cannot be taken in; nothing when it can.

    Args:
        source: the English unit.
        old: the translation that is there now; what it already does differently from the source is no mistake.
        new: the translation that would take its place.
        locale: the translation's language.
    """
    found = list(_plain(source, new))
    if source.kind is Kind.PHRASE:
        return found or list(_slots(source.text, new))
    if found := found or list(_broken(new)):
        return found
    return [*_placeholders(source.text, old, new, locale), *_structure(source, old, new)]


def _plain(source: Unit, new: str) -> Iterator[Problem]:
    if not new.strip():
        yield "is empty", "write a text, or take the unit out of the file"
    if "\n" in new and source.kind in _ONE_LINE:
        yield f"has {new.count(chr(10)) + 1} lines", f"a {source.kind} is one line"
    elif source.kind is not Kind.CODE and _EMPTY_LINE.search(TAG.sub("x", new)):
        yield "has an empty line", f"a {source.kind} has none"
    for one in sorted(set(new)):
        if (unicodedata.category(one) == "Cc" and one not in "\n\t") or one in _DIRECTIONS:
            yield f"has the unseen character U+{ord(one):04X}", "leave it out"
    for tag in _HTML.findall(TAG.sub("", new)):
        if tag not in source.text:
            yield f"has HTML: {tag}", "write Markdown, for example **bold**"


def _broken(new: str) -> Iterator[Problem]:
    left = _BRACES.search(TAG.sub("", new))
    if left:
        yield f"has a {left.group()} that belongs to no placeholder", "a placeholder looks like {{ order.number }}"
    for tag in TAG.findall(new):
        if tag.startswith("{{") and _meaning(tag) is None:
            yield f"cannot read {tag}", "copy the placeholder from the English text"


def _slots(source: str, new: str) -> Iterator[Problem]:
    wanted, there = set(_SLOT.findall(source)), set(_SLOT.findall(new))
    for one in sorted(wanted - there):
        yield f"lacks {one}", "copy it from the English text"
    for one in sorted(there - wanted):
        yield f"has {one}, which the English text does not", f"it has {', '.join(sorted(wanted)) or 'none'}"
    if set(_SLOT.sub("", new)) & set("{}"):
        yield "has a { or } that belongs to no placeholder", "leave it out"


def _placeholders(source: str, old: str | None, new: str, locale: str) -> Iterator[Problem]:
    wanted, there, was = _tags(source), _tags(new), _tags(old) if old else None
    known = dict(wanted.expressions) | (dict(was.expressions) if was else {})
    for key, tag in there.expressions.items():
        if key not in known:
            near = get_close_matches(tag, known.values(), n=1, cutoff=0.5)
            has = f"did you mean {near[0]}?" if near else f"it has {', '.join(known.values()) or 'none'}"
            yield f"has {tag}, which the English text does not", has
    for key, tag in wanted.expressions.items():
        if key not in there.expressions and (was is None or key in was.expressions):
            yield f"lacks {tag}", "copy it from the English text"
    if there.statements != wanted.statements and (was is None or there.statements != was.statements):
        told = " … ".join(there.statements) or "none"
        yield f"has the tags {told}", f"the English text has {' … '.join(wanted.statements) or 'none'}"
    forms = plural_categories(Locale.parse(locale.replace("-", "_")))
    for tag, given in there.plurals:
        if lacking := forms - given:
            yield f"{tag} lacks {', '.join(sorted(lacking))}", f"{locale} has {', '.join(sorted(forms))}"
        if more := given - forms:
            yield f"{tag} has {', '.join(sorted(more))}", f"{locale} has only {', '.join(sorted(forms))}"


def _tags(text: str) -> _Tags:
    expressions: dict[str, str] = {}
    plurals: list[tuple[str, frozenset[str]]] = []
    for tag in (one for one in TAG.findall(text) if one.startswith("{{")):
        meaning = _meaning(tag)
        if meaning is None:
            continue
        key, forms = meaning
        expressions.setdefault(key, tag)
        if forms is not None:
            plurals.append((f"{tag.partition('plural')[0].removeprefix('{{').strip()} plural", forms))
    statements = tuple(spaced(one).replace("'", '"') for one in TAG.findall(text) if one.startswith("{%"))
    return _Tags(expressions, statements, tuple(plurals))


def expressions(text: str) -> list[str]:
    """Return the placeholders of a text as they are written, each meaning once."""
    return list(_tags(text).expressions.values())


def _meaning(tag: str) -> tuple[str, frozenset[str] | None] | None:
    """What a placeholder says, blanks and quotes aside, and the forms of its plural; None when it cannot be read."""
    try:
        tree = environment(escaping=False).parse(tag)
    except JinjaError:
        return None
    outputs = [one for one in tree.body if isinstance(one, nodes.Output)]
    if len(tree.body) != 1 or not outputs or len(outputs[0].nodes) != 1:
        return None
    forms = [
        frozenset(str(keyword.key) for keyword in node.kwargs)
        for node in tree.find_all(nodes.Filter)
        if node.name == "plural"
    ]
    for node in tree.find_all(nodes.Filter):
        if node.name == "plural":
            node.kwargs = []
    return repr(outputs[0].nodes[0]), forms[0] if forms else None


def _structure(source: Unit, old: str | None, new: str) -> Iterator[Problem]:
    if source.kind in {Kind.SUBJECT, Kind.PREHEADER}:
        return
    (blocks, links), (now, goes) = _markdown(source, source.text), _markdown(source, new)
    was = _markdown(source, old) if old else (blocks, links)
    if now not in {blocks, was[0]}:
        yield f"is {_named(now)}", f"the English text is {_named(blocks)}"
    if goes not in {links, was[1]}:
        yield f"links to {', '.join(goes) or 'nothing'}", f"the English text links to {', '.join(links) or 'nothing'}"


def _markdown(unit: Unit, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The blocks a text makes in its place, and where its links and images lead."""
    indented = text.replace("\n", "\n" + unit.indent)
    whole = unit.lead.lstrip() + indented
    mask = Mask(whole)
    tokens = MarkdownIt("commonmark", OPTIONS).parse(mask.hide(whole))
    blocks = tuple(token.tag or token.type for token in tokens if token.nesting >= 0 and token.type != "inline")
    goes = [
        re.sub(r"\s+", "", mask.show(str(one.attrs.get("href", one.attrs.get("src", "")))))
        for token in tokens
        for one in token.children or ()
        if one.type in {"link_open", "image"}
    ]
    return blocks, tuple(sorted(goes))


_BLOCKS: Final = {
    "p": "a paragraph",
    "ul": "a list",
    "ol": "a numbered list",
    "blockquote": "a quotation",
    "hr": "a line",
}


def _named(blocks: tuple[str, ...]) -> str:
    named = [_BLOCKS.get(one, f"a heading ({one})" if re.fullmatch(r"h\d", one) else f"<{one}>") for one in blocks]
    if any(one in {"ul", "ol", "blockquote"} for one in blocks):
        named = [one for one, tag in zip(named, blocks, strict=True) if tag not in {"p", "li"}]
    return " and ".join(named) or "nothing"
