"""Countries by the names that exports write: codes, and names in English, Chinese, Russian and other languages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale

from messenger.intake.sheets.words import normal

LANGUAGES: Final = ("en", "zh", "ru", "es", "pt", "fr", "de")
OTHER_NAMES: Final[Mapping[str, str]] = {
    "UK": "GB", "Great Britain": "GB", "England": "GB", "USA": "US", "United States of America": "US", "Russian Federation": "RU",
    "俄罗斯联邦": "RU", "Korea": "KR", "Republic of Korea": "KR", "Korea, Republic of": "KR", "South Korea": "KR", "Viet Nam": "VN",
    "Czech Republic": "CZ", "Turkey": "TR", "Turkiye": "TR", "Macedonia": "MK", "SRB": "RS", "MNE": "ME", "KS": "XK", "GGY": "GG",
    "JEY": "JE", "Republic of Moldova": "MD", "Moldova, Republic of": "MD", "Hong Kong": "HK", "Hongkong": "HK", "香港": "HK",
    "Macau": "MO", "澳门": "MO", "Taiwan, China": "TW", "中国台湾": "TW", "Brunei Darussalam": "BN", "Iran, Islamic Republic of": "IR",
    "Lao People's Democratic Republic": "LA", "Syrian Arab Republic": "SY", "Tanzania, United Republic of": "TZ", "Swaziland": "SZ",
    "Republic of Ireland": "IE", "Holland": "NL", "The Netherlands": "NL", "Slovak Republic": "SK", "Cote D'Ivoire": "CI",
    "Bosnia": "BA", "Palestine": "PS", "Vatican": "VA", "UAE": "AE", "中华人民共和国": "CN", "Mainland China": "CN",
}  # fmt: skip
"""What CLDR does not say; the codes of three letters are AliExpress's own (docs/sources.md, S30)."""


def country_of(text: str) -> str | None:
    """Return the ISO 3166 code of a country; None for a name that nobody knows."""
    return _known().get(normal(text))


@cache
def _known() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for language in reversed(LANGUAGES):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in {"ZZ", "EU", "EZ", "UN", "XA", "XB"}:
                found[normal(name)] = code
                found[normal(code)] = code
    return {**found, **{normal(name): code for name, code in OTHER_NAMES.items()}}
