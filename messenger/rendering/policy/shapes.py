"""Shapes in a line: addresses, numbers, markup, placeholders that were not filled, letters of two alphabets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from messenger.rendering.policy.book import Language
from messenger.rendering.policy.normal import MIXED
from messenger.rendering.policy.screening import View

_TLDS: Final = "com|net|org|info|biz|shop|store|online|site|xyz|top|club|ru|рф|su|com\\.br|com\\.mx|co\\.uk|example"
# Every run has an end, the longest that a host or an address may have: without one a long word takes its length squared.
_URL: Final = re.compile(
    rf"(?:https?|hxxps?|ftp)://([^\s/)\]>\"'<]+)|(?<![\w@.])(www\.[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,9}})|"
    rf"(?<![\w@.-])((?:[a-z0-9-]{{1,63}}\.){{1,9}}(?:{_TLDS}))(?![\w.-]{{0,253}}\w)"
)
_SPELLED_HOST: Final = re.compile(
    rf"[a-z0-9-]{{2,63}} ?[(\[{{]? ?(?:dot|punto|ponto|точка|点) ?[)\]}}]? ?(?:{_TLDS})(?![a-z])"
)
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}\.[a-z]{2,24}")
_SPELLED_MAIL: Final = re.compile(
    rf"[a-z0-9_-][a-z0-9._-]{{1,63}} ?(?:@|[(\[{{]? ?(?:at|arroba|собака|собачка|艾特) ?[)\]}}]?) ?[a-z0-9-]{{2,63}}"
    rf"(?:\.(?:{_TLDS})| ?[(\[{{]? ?(?:dot|punto|ponto|точка|点) ?[)\]}}]? ?(?:{_TLDS}))(?![a-z])"
)
_MESSENGER: Final = re.compile(
    r"(?<![a-zа-яё])(?:whats?\s?app\w*|telegram\w*|wechat|we chat|viber|skype|instagram|facebook|messenger id|line id|"
    r"snapchat|tiktok|t\.me|wa\.me|vk\.com|"
    r"в?[ао]тс[ао]п\w*|телеграм\w*|вайбер\w*|скайп\w*|инстаграм\w*|вконтакте)(?![a-zа-яё])|微信|威信|薇信|加v|(?<![a-z])qq ?(?:号|群|[:\d])"
)
_HANDLE: Final = re.compile(r"(?<![\w@])@[a-z0-9_]{4,}(?![\w@.])")
_PHONE: Final = re.compile(
    r"\+ ?\d[\d\s().-]{7,}\d|(?<![\w/.-])\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{2}[\s.-]?\d{2}(?!\w)|"
    r"(?<![0-9a-z])[78][\s-]?\(?9\d{2}\)?[\s-]?\d{3}[\s-]?\d{2}[\s-]?\d{2}(?![0-9a-z])|(?<![0-9a-z])1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?![0-9a-z])|"
    r"(?<![\w.-])[6789]\d{2}[ .-]\d{3}[ .-]\d{3}(?!\w)|(?<![\w.-])[679]\d{2}(?: \d{2}){3}(?!\w)|(?<![0-9a-z])\d(?:[\s.*_-]{1,3}\d){6,}(?![0-9a-z])"
)
_AFTER_CUE: Final = re.compile(r"[^\d\n]{0,15}(\+?\d[\d\s().-]{4,}\d)")
_DIGIT: Final = re.compile(r"\d")
_FEWEST_DIGITS: Final = 6
_CARD: Final = re.compile(r"(?<![0-9a-z])\d(?:[ -]?\d){12,18}(?![0-9a-z])")
_IBAN: Final = re.compile(r"(?<![0-9a-z])[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?(?![0-9a-z])")
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|&(?:nbsp|amp|lt|gt|quot|#\d+);")
_MARKDOWN: Final = re.compile(r"\*\*\w[^*\n]*\*\*|__\w[^_\n]*__|!?\[[^\]\n]+\]\([^)\n]+\)|(?m:^#{1,4} )|`[^`\n]+`")
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23f3]")
_UNFILLED: Final = re.compile(r"(?<![\w-])(?:None|nan|NaN|null|NULL|undefined)(?![\w-])|\[object Object\]")
_BRACES: Final = re.compile(r"\{\{|\}\}|\{%|%\}|\{[a-z_]+\}|%\([a-z_]+\)s|%s\b")
_NAMELESS: Final = re.compile(
    r"^\s*(?:(?:dear|estimad[oa]|уважаем(?:ый|ая)|дорог(?:ой|ая)|prezad[oa])\s*[,:!]|(?:尊敬的|亲爱的)\s*[,，:：!！]|[^\W\d_]+ ,)"
)


Shape = tuple[str, str, str]
"""The rule, the words, a note."""


def shapes_of(line: str, views: Sequence[View], lists: Sequence[Language]) -> Iterator[Shape]:
    """Yield what a line holds by its shape.

    Args:
        line: visible text, in its own capitals.
        views: the same in small letters, and with disguises undone where there are any.
        lists: the word lists to read it by.
    """
    yield from _links(views)
    yield from _contact(views, lists)
    yield from _personal_data(views[0], lists)
    for pattern in (_TAG, _MARKDOWN):
        if (found := pattern.search(views[0].text)) is not None:
            yield "L17", found.group(), ""
    if (emoji := _EMOJI.search(line)) is not None:
        yield "L18", emoji.group(), ""
    for pattern, note in ((_UNFILLED, ""), (_BRACES, "braces"), (_NAMELESS, "")):
        text = views[0].text if pattern is _NAMELESS else line
        if (found := pattern.search(text)) is not None:
            yield "L23", found.group().strip().casefold(), note
    for mixed in MIXED.finditer(line):
        yield "L27", mixed.group().casefold(), ""


def _links(views: Sequence[View]) -> Iterator[Shape]:
    """Addresses of pages; the note holds the host."""
    for found in _URL.finditer(views[0].text):
        named = next(one for one in found.groups() if one)
        host = named.rpartition("@")[2].partition(":")[0].partition("?")[0].partition("#")[0].rstrip(".,;")
        yield "L01", found.group(), host
    for view in views:
        if (spelled := _SPELLED_HOST.search(view.text)) is not None:
            yield "L01", spelled.group(), spelled.group()
            return


def _contact(views: Sequence[View], lists: Sequence[Language]) -> Iterator[Shape]:
    """Addresses, telephones and names of messengers, also in disguise."""
    for view in views:
        for pattern in (_MESSENGER, _MAIL, _SPELLED_MAIL, _HANDLE):
            yield from (("L03", found.group(), "") for found in pattern.finditer(view.text))
    text = _digits_for_words(views[0], lists)
    if len(_DIGIT.findall(text)) < _FEWEST_DIGITS:
        return
    yield from (("L03", phone.group(), "") for phone in _PHONE.finditer(text))
    for language in lists:
        cues = language.lists["phone"].finditer(text)
        for number in (found for cue in cues if (found := _AFTER_CUE.match(text, cue.end()))):
            if len(_DIGIT.findall(number.group(1))) >= _FEWEST_DIGITS:
                yield "L03", number.group(1), ""


def _digits_for_words(view: View, lists: Sequence[Language]) -> str:
    """The text with ``eight nine one`` as ``8 9 1``, where there are at least six such words."""
    text = view.text
    for language in lists:
        if "digits" not in view.worth_trying(language.screen):
            continue
        if sum(1 for _ in language.lists["digits"].finditer(text)) >= _FEWEST_DIGITS:
            for value, (_, word) in enumerate(language.lists["digits"].tried):
                text = word.sub(f" {value} ", text)
            text = re.sub(r"(?<=\d) {2,}(?=\d)", " ", text)
    return text


def _personal_data(view: View, lists: Sequence[Language]) -> Iterator[Shape]:
    """Cards, accounts, documents, full addresses."""
    text = view.text
    if len(_DIGIT.findall(text)) > _FEWEST_DIGITS:
        yield from (
            ("L26", one.group(), "") for one in _CARD.finditer(text) if _is_card(re.sub(r"\D", "", one.group()))
        )
        yield from (("L26", one.group(), "") for one in _IBAN.finditer(text) if len(_DIGIT.findall(one.group())) > 9)
    for language in lists:
        for name in ("document", "address"):
            if (match := language.find_in(name, view)) is not None:
                yield "L26", match.group(), ""


def _is_card(digits: str) -> bool:
    """Whether the last digit is the check digit of a card's number (Luhn)."""
    doubled = [int(one) if at % 2 == 0 else sum(divmod(int(one) * 2, 10)) for at, one in enumerate(reversed(digits))]
    return digits[0] in "3456" and sum(doubled) % 10 == 0
