"""Which language a text reads as."""

from __future__ import annotations

import re

from messenger.rendering.policy import rulebook


def other_language(text: str, locale: str) -> str | None:
    """Return which language a text is in when that is clearly not the language of its locale; else None."""
    spoken = locale.partition("-")[0].lower()
    letters = re.findall(r"[^\W\d_]", text)
    cyrillic = sum("\u0400" <= one <= "\u04ff" for one in letters)
    han = sum("\u4e00" <= one <= "\u9fff" for one in letters)
    latin = len(letters) - cyrillic - han
    if spoken in {"ru", "zh"}:
        own = cyrillic if spoken == "ru" else han * 3
        return "another script" if latin > 2 * own and latin > 40 else None
    languages = rulebook().languages
    if spoken not in languages:
        return None
    if cyrillic > latin or han * 3 > latin:
        return "another script"
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts = {name: sum(one in known.common for one in words) for name, known in languages.items() if known.spaced}
    best = max(counts, key=counts.__getitem__)
    return best if best != spoken and counts[best] > 2 * counts[spoken] and counts[best] >= 6 else None
