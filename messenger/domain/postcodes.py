"""Where a postcode's clocks stand: the countries with several zones whose postcodes tell one.

Source: docs/sources.md, S9 (zones), S21 (postcodes).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from messenger.domain.regions import ZoneNames, rows

SHAPES: Final[Mapping[str, tuple[str, int]]] = {
    "US": (r"(\d{4,5})(-?\d{4})?", 5),
    "CA": (r"([A-Z]\d[A-Z])-?(\d[A-Z]\d)?", 3),
    "AU": (r"(\d{3,4})", 4),
    "BR": (r"(\d{4,5})-?\d{3}", 5),
    "ES": (r"(\d{4,5})", 5),
    "PT": (r"(\d{4})(-?\d{3})?", 4),
    "RU": (r"(\d{6})", 6),
}
"""By country: how a postcode looks without spaces, and the length of its part that matters."""

POSTCODES: Final[Mapping[str, str]] = {
    "US": """
America/New_York: 005 010-089 100-212 214-268 270-323 326-339 341-342 344 346-347 349 374 376-379 398-418 425
    430-459 480-497 569
America/New_York America/Chicago: 426-427 498-499
America/Indiana/Indianapolis: 460-462 466-474 478
America/Indiana/Indianapolis America/Chicago: 465 475 479
America/Chicago America/New_York: 373
America/Chicago: 324-325 350-372 375 380-397 420-424 463-464 476-477 500-567 570-574 580-584 587-588 600-676 679-689
    700-797
America/Chicago America/Denver: 575-576 585 677-678 690 692
America/Denver America/Chicago: 691 798
America/Denver: 577 586 590-599 693 799-831 840-847 870-885
America/Boise: 832-834 836-837 979
America/Los_Angeles: 835 838 889-961 970-978 980-994
America/Phoenix: 850-859 863-864
America/Phoenix America/Denver: 860
America/Denver America/Phoenix: 865
America/Anchorage: 995-999
Pacific/Honolulu: 967-968
America/Puerto_Rico: 006-009
Pacific/Guam: 969
""",
    "CA": """
America/Goose_Bay: A0P A0R A2V
America/St_Johns: A
America/Halifax: B-C
America/Moncton: E
America/Toronto: G-P
America/Winnipeg: R
America/Regina: S
America/Edmonton: T X0E X0G X1
America/Iqaluit: X0A
America/Cambridge_Bay: X0B
America/Rankin_Inlet: X0C
America/Vancouver: V
America/Whitehorse: Y
""",
    "AU": """
Australia/Darwin: 08-09
Australia/Sydney: 02 1 2000-2879 2881-2897
Australia/Broken_Hill: 2880
Australia/Lord_Howe: 2898
Australia/Melbourne: 3 8
Australia/Brisbane: 4 9
Australia/Adelaide: 5
Australia/Perth: 60-66 6700-6797
Australia/Hobart: 7
""",
    "BR": """
America/Sao_Paulo: 01-39 700-767 80-99
America/Bahia: 40-48
America/Maceio: 49 57
America/Recife: 50-56
America/Fortaleza: 58-65
America/Belem: 66-68
America/Manaus: 690-692
America/Boa_Vista: 693
America/Manaus America/Eirunepe: 694-698
America/Rio_Branco: 699
America/Porto_Velho: 768-769 789
America/Araguaina: 77
America/Cuiaba: 780-788
America/Campo_Grande: 79
""",
    "ES": """
Atlantic/Canary: 35 38
Europe/Madrid: 01-34 36-37 39-52
""",
    "PT": """
Atlantic/Madeira: 90-94
Atlantic/Azores: 95-99
Europe/Lisbon: 1-8
""",
    "RU": """
Europe/Kaliningrad: 236-238
Europe/Moscow: 101-135 140-144 150-157 160-188 190-199 214-216 241-243 248-249 300-309 344-369 385-386 390-399
    420-425 428-431 440-442 600-607
Europe/Volgograd: 400-404
Europe/Saratov: 410-413
Europe/Astrakhan: 414-416
Europe/Samara: 426-427 443-446
Europe/Ulyanovsk: 432-433
Europe/Kirov: 610-613
Asia/Yekaterinburg: 450-457 460-462 614-629 640-641
Asia/Novosibirsk: 630-633
Asia/Tomsk: 634-636
Asia/Omsk: 644-646
Asia/Krasnoyarsk: 647-648 655 660-663 667-668
Asia/Barnaul: 649 656-659
Asia/Novokuznetsk: 650-654
Asia/Irkutsk: 664-666 669-671
Asia/Chita: 672-674
Asia/Yakutsk: 675-676
Asia/Yakutsk Asia/Ust-Nera Asia/Srednekolymsk: 677-678
Asia/Vladivostok: 679-682 690-692
Asia/Kamchatka: 683-684 688
Asia/Magadan: 685-686
Asia/Anadyr: 689
Asia/Sakhalin: 693-694
""",
}
"""By country: zones, then the beginnings of their postcodes, ``from-to`` included; the first row that fits counts.

A beginning that is in no row tells nothing.
"""


def zones_of_postcode(country: str, told: str) -> ZoneNames:
    """Return the zones of a postcode; empty when its country has no table, or the table no such beginning.

    Zeros in front that a sheet cut off, because it took the code for a number, are put back.
    """
    if country not in SHAPES:
        return ()
    pattern, length = SHAPES[country]
    found = re.fullmatch(pattern, re.sub(r"\s", "", unicodedata.normalize("NFKC", told)).upper(), re.ASCII)
    if not found:
        return ()
    code = found[1].zfill(length)
    return next((zones for first, last, zones in _beginnings(country) if first <= code[: len(first)] <= last), ())


@cache
def _beginnings(country: str) -> tuple[tuple[str, str, ZoneNames], ...]:
    parts = ((*part.partition("-"), zones) for zones, text in rows(POSTCODES[country]) for part in text.split())
    return tuple((first, last or first, zones) for first, _, last, zones in parts)
