"""Checks of a text as it was written: its placeholders against English, HTML, what was left untranslated, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from messenger.errors import Finding
from messenger.rendering import allowlist
from messenger.rendering.allowances import allowed_ids
from messenger.rendering.checking.languages import other_language
from messenger.rendering.checking.uses import Use
from messenger.rendering.compile import Compiled, environment
from messenger.rendering.policy import rulebook
from messenger.rendering.policy.normal import visible
from messenger.rendering.source import Source

SOURCE_LOCALE: Final = "en"
_HTML: Final = re.compile(r"<[A-Za-z][A-Za-z0-9]*(?:\s[^<>\n]*)?/?>")
_JINJA: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_AFTER_A_PREPOSITION: Final = re.compile(
    r"(?<!\w)(к|ко|в|во|из|изо|за|через|до|от|с|со|по|на|для|о|об|при|без|около|после|у|над|под|между|перед)\s+"
    r"\{\{(?:(?!\}\}).)*\|\s*(country|duration)\b(?:(?!\}\}).)*\}\}",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as it was written and as it was compiled."""

    source: Source
    compiled: Compiled

    @property
    def language(self) -> str:
        """The first part of its locale."""
        return self.compiled.locale.partition("-")[0].lower()

    def finding(self, line: int, column: int, key: str, problem: str, remedy: str, severity: str = "error") -> Finding:
        """Return a finding about this file."""
        return Finding(self.source.file, line, column, key, problem, remedy, severity)

    def place(self, words: str) -> tuple[int, int]:
        """Return line and column of some words, or of the line that has most of them; where the body starts at worst."""
        lines = [visible(line).casefold() for line in self.source.text.split("\n")]
        for number, line in enumerate(lines, start=1):
            if words and words in line:
                return number, line.index(words) + 1
        wanted = set(re.findall(r"\w+", words)) or {""}
        found = [(len(wanted & set(re.findall(r"\w+", line))), -number) for number, line in enumerate(lines, start=1)]
        most, number = max(found, default=(0, 0))
        return (-number, 1) if most else (self.source.body_line, 1)


def blocks(source: Source) -> list[tuple[int, str]]:
    """Return subject, preheader and each paragraph of the body with the line it starts on."""
    found = [(source.subject_line, source.subject), (source.preheader_line, source.preheader)]
    line = source.body_line
    for block in re.split(r"(\n\s*\n)", source.body):
        if block.strip():
            found.append((line + len(block) - len(block.lstrip("\n")), block.strip("\n")))
        line += block.count("\n")
    return [(at, text) for at, text in found if text]


def of_source(text: Text, english: Text | None, use: Use) -> Iterator[Finding]:
    """Yield everything that can be said of a text without rendering it."""
    yield from _html(text)
    yield from _comments(text)
    yield from _merged(text, use)
    if text.language == "ru":
        yield from _prepositions(text)
    if english is not None:
        yield from _placeholders(text, english)
    yield from _in_another_language(text, english)


def _html(text: Text) -> Iterator[Finding]:
    for number, line in enumerate(text.source.text.split("\n"), start=1):
        for found in _HTML.finditer(_JINJA.sub(lambda tag: "□" * len(tag.group()), line)):
            problem = f"{found.group()} would be shown to the buyer as it is"
            yield text.finding(
                number, found.start() + 1, "", problem, "Markdown only: **bold**, [words](link), - items"
            )


def _comments(text: Text) -> Iterator[Finding]:
    rules = rulebook().rules
    for one in text.compiled.allowances:
        place = (one.line, one.column, f"allow {one.rule}".strip())
        if one.rule not in rules:
            near = get_close_matches(one.rule, rules, n=1)
            yield text.finding(
                *place, "there is no such content rule", f"did you mean '{near[0]}'?" if near else "L01 to L27"
            )
        elif not one.reason:
            yield text.finding(*place, "says no reason", f"write {{# allow {one.rule}: why it is fine here #}}")
        elif not one.holds:
            yield text.finding(*place, "this rule cannot be silenced", "change the words: platforms close shops for it")


def _merged(text: Text, use: Use) -> Iterator[Finding]:
    """In a text of merged messages, what belongs to one of them only."""
    single = {"order": ("shipment",), "buyer": ("shipment", "order")}.get(use.merged, ())
    told: set[str] = set()
    for path, line in _spoken(text):
        name = path.partition(".")[0]
        if name in single and path not in told:
            told.add(path)
            yield text.finding(
                *_at(text, line, path),
                path,
                "speaks of one of the messages that are merged",
                f"loop: {{% for one in {name}s %}}",
            )


def _prepositions(text: Text) -> Iterator[Finding]:
    for number, line in enumerate(text.source.text.split("\n"), start=1):
        for found in _AFTER_A_PREPOSITION.finditer(line):
            problem = f"after «{found.group(1)}» the form of the word is wrong more often than not"
            yield text.finding(
                number,
                found.start() + 1,
                found.group(2),
                problem,
                "turn the sentence: «страна: …», «срок: …»",
                "warning",
            )


def _spoken(text: Text) -> list[tuple[str, int]]:
    """Every placeholder of a text with the line of the file it stands on."""
    source, parser = text.source, environment(escaping=False)
    parts = (
        (source.subject, source.subject_line),
        (source.preheader, source.preheader_line),
        (source.body, source.body_line),
    )
    return [(path, line + at - 1) for part, line in parts for path, at in allowlist.located(parser, part)]


def _at(text: Text, line: int, path: str) -> tuple[int, int]:
    lines = text.source.text.split("\n")
    return line, max(lines[line - 1].find(path), 0) + 1


def _placeholders(text: Text, english: Text) -> Iterator[Finding]:
    own, theirs = text.compiled.placeholders, english.compiled.placeholders
    for path in sorted(own - theirs):
        line = next((at for name, at in _spoken(text) if name == path), text.source.body_line)
        yield text.finding(
            *_at(text, line, path), path, f"speaks of {path}", f"the {SOURCE_LOCALE} text does not", "warning"
        )
    paired = _paired(text.source, english.source)
    for path in sorted(theirs - own):
        there = next((at for name, at in _spoken(english) if name == path), 0)
        line = paired.get(there, text.source.body_line)
        yield text.finding(
            line, 1, path, f"does not speak of {path}", f"the {SOURCE_LOCALE} text does, in line {there}", "warning"
        )


def _paired(source: Source, english: Source) -> Mapping[int, int]:
    """English lines to the line of the same paragraph here, where both have as many."""
    ours, theirs = blocks(source), blocks(english)
    if len(ours) != len(theirs):
        return {}
    return {
        line + more: at
        for (at, _), (line, words) in zip(ours, theirs, strict=True)
        for more in range(words.count("\n") + 1)
    }


def _in_another_language(text: Text, english: Text | None) -> Iterator[Finding]:
    """The whole text, or else those of its paragraphs that are still English."""
    rule = rulebook().rules["L14"]
    other = other_language(_JINJA.sub(" ", f"{text.source.subject}\n{text.source.body}"), text.compiled.locale)
    if other is not None and rule.id not in allowed_ids(text.compiled.allowances):
        problem = f"{rule.name}: the text reads as {other}, not as {text.compiled.locale}"
        yield text.finding(text.source.body_line, 1, rule.id, problem, rule.right)
    elif english is not None and text.language != SOURCE_LOCALE:
        yield from _untranslated(text, english)


def _untranslated(text: Text, english: Text) -> Iterator[Finding]:
    theirs = {_words(block) for _, block in blocks(english.source)}
    for line, block in blocks(text.source):
        words = _words(block)
        if len(words) >= 3 and (words in theirs or _is_english(words, text.language)):
            shown = " ".join(words[:6])
            yield text.finding(
                line, 1, "", f"is still in English: {shown}…", f"translate it into {text.compiled.locale}"
            )


def _words(block: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W\d_]+", _JINJA.sub(" ", block).casefold()))


def _is_english(words: Sequence[str], language: str) -> bool:
    """Whether most of what can be told apart is English."""
    languages = rulebook().languages
    english = sum(one in languages[SOURCE_LOCALE].common for one in words)
    if language in {"ru", "zh"}:
        latin = sum(one.isascii() for one in words)
        return latin >= 4 and latin * 2 > len(words) and english >= 2
    own = languages.get(language)
    return (
        own is not None and len(words) >= 5 and english >= 3 and english > 2 * sum(one in own.common for one in words)
    )
