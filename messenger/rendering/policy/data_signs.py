"""Signs in the shape of a text rather than its phrases: addresses, numbers, markup, letters of two alphabets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from messenger.domain.messages import Category
from messenger.rendering.policy.normal import MIXED
from messenger.rendering.policy.signs import Reading, Sign

_TLDS: Final = "com|net|org|info|biz|shop|store|online|site|xyz|top|club|ru|рф|su|com\\.br|com\\.mx|co\\.uk|example"
_URL: Final = re.compile(
    rf"(?:https?|hxxps?|ftp)://([^\s/)\]>\"'<]+)|(?<![\w@.])(www\.[\w-]+(?:\.[\w-]+)+)|(?<![\w@.-])((?:[a-z0-9-]+\.)+(?:{_TLDS}))(?![\w.-]*\w)"
)
_SPELLED_HOST: Final = re.compile(
    rf"[a-z0-9-]{{2,}} ?[(\[{{]? ?(?:dot|punto|ponto|точка|点) ?[)\]}}]? ?(?:{_TLDS})(?![a-z])"
)
_DOT_NEEDLE: Final = re.compile(r"(?<![a-zа-я])dot(?![a-z])|punto|ponto|точка|点")
_AT_NEEDLE: Final = re.compile(r"(?<![a-z])at(?![a-z])|arroba|собака|собачка|艾特|@")
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}")
_SPELLED_MAIL: Final = re.compile(
    rf"[a-z0-9_-][a-z0-9._-]+ ?(?:@|[(\[{{]? ?(?:at|arroba|собака|собачка|艾特) ?[)\]}}]?) ?[a-z0-9-]{{2,}}"
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
    r"(?m)^\s*(?:(?:dear|estimad[oa]|уважаем(?:ый|ая)|дорог(?:ой|ая)|prezad[oa])\s*[,:!]|(?:尊敬的|亲爱的)\s*[,，:：!！]|[^\W\d_]+ ,)"
)


def of_links(reading: Reading) -> Iterator[Sign]:
    """Addresses of pages; ``note`` holds the host."""
    for found in _URL.finditer(reading.whole):
        named = next(one for one in found.groups() if one)
        host = named.rpartition("@")[2].partition(":")[0].partition("?")[0].partition("#")[0].rstrip(".,;")
        yield Sign("L01", found.group(), host)
    for view in reading.views if _DOT_NEEDLE.search(reading.whole) else ():
        if (spelled := _SPELLED_HOST.search(view)) is not None:
            yield Sign("L01", spelled.group(), spelled.group())
            return


def of_contact(reading: Reading) -> Iterator[Sign]:
    """Addresses, telephones and names of messengers, also in disguise."""
    patterns = [_MESSENGER]
    if _AT_NEEDLE.search(reading.whole):
        patterns += [_MAIL, _SPELLED_MAIL, _HANDLE]
    for view in (reading.numberless, *reading.views[1:]):
        yield from (Sign("L03", found.group()) for pattern in patterns for found in pattern.finditer(view))
    text = _digits_for_words(reading)
    if len(_DIGIT.findall(text)) < _FEWEST_DIGITS:
        return
    for phone in _PHONE.finditer(text):
        yield Sign("L03", phone.group())
    for language in reading.languages:
        cues = language.lists["phone"].finditer(text)
        for number in (found for cue in cues if (found := _AFTER_CUE.match(text, cue.end()))):
            if sum(one.isdigit() for one in number.group(1)) >= 6:
                yield Sign("L03", number.group(1))


def _digits_for_words(reading: Reading) -> str:
    """The text with ``eight nine one`` as ``8 9 1``, where there are at least six such words."""
    text = reading.numberless
    for language in reading.languages:
        if sum(1 for _ in language.lists["digits"].finditer(text)) >= _FEWEST_DIGITS:
            for value, (_, word) in enumerate(language.lists["digits"].tried):
                text = word.sub(f" {value} ", text)
            text = re.sub(r"(?<=\d) {2,}(?=\d)", " ", text)
    return text


def of_personal_data(reading: Reading) -> Iterator[Sign]:
    """Cards, accounts, documents, full addresses."""
    many = len(_DIGIT.findall(reading.numberless)) > _FEWEST_DIGITS
    for found in _CARD.finditer(reading.numberless) if many else ():
        if _is_card(re.sub(r"\D", "", found.group())):
            yield Sign("L26", found.group())
    for account in _IBAN.finditer(reading.numberless) if many else ():
        if len(_DIGIT.findall(account.group())) > 9:
            yield Sign("L26", account.group())
    for language in reading.languages:
        for name in ("document", "address"):
            if (match := language.find(name, reading.whole)) is not None:
                yield Sign("L26", match.group())


def _is_card(digits: str) -> bool:
    """Whether the last digit is the check digit of a card's number (Luhn)."""
    doubled = [int(one) if at % 2 == 0 else sum(divmod(int(one) * 2, 10)) for at, one in enumerate(reversed(digits))]
    return digits[0] in "3456" and sum(doubled) % 10 == 0


def of_shape(reading: Reading) -> Iterator[Sign]:
    """Markup, pictures, placeholders that were not filled, words in two alphabets."""
    for pattern in (_TAG, _MARKDOWN):
        if (found := pattern.search(reading.whole)) is not None:
            yield Sign("L17", found.group())
    if (emoji := _EMOJI.search(reading.own_raw)) is not None:
        yield Sign("L18", emoji.group())
    if "<img" in reading.made.html and reading.facts.channel == "email":
        yield Sign("L18", "", "image")
    if (unfilled := _UNFILLED.search(reading.raw)) is not None:
        yield Sign("L23", unfilled.group().casefold())
    for text in (_BRACES.search(reading.own), _NAMELESS.search(reading.own)):
        if text is not None:
            yield Sign("L23", text.group().strip())
    for mixed in MIXED.finditer(reading.own_raw):
        yield Sign("L27", mixed.group().casefold())


def of_the_whole(reading: Reading) -> Iterator[Sign]:
    """What is too long, too late, or lacks something it has to have."""
    facts, book, made = reading.facts, reading.book, reading.made
    if facts.order_number and facts.order_number.casefold() not in reading.whole:
        yield Sign("L13")
    if facts.asked_before and _asks_for_review(reading):
        yield Sign("L09")
    spoken = made.locale.partition("-")[0].lower()
    if facts.buyer_language and facts.buyer_language.replace("_", "-").partition("-")[0].lower() != spoken:
        yield Sign("L14", "", f"{spoken} instead of {facts.buyer_language}")
    if facts.category is Category.PROMOTIONAL and not reading.can_unsubscribe:
        yield Sign("L25")
    yield from (Sign("L15", "", platform) for platform in book.ages if _is_late(reading, platform))


def _asks_for_review(reading: Reading) -> bool:
    return any(one.find("review", reading.own) and one.find("ask", reading.own) for one in reading.languages)


def _is_late(reading: Reading, platform: str) -> bool:
    told = reading.book.ages[platform]
    since = reading.facts.moments.get(str(told["since"]))
    if since is None or (told.get("only") == "review" and not _asks_for_review(reading)):
        return False
    return (reading.facts.now - since).days > int(told["days"])
