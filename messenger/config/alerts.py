"""Reading ``[alerts]``: who is told when something is the matter, how, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from messenger.config.secrets import Secret, secret
from messenger.config.tables import Reader, Table, Wrong, a_text, list_of, nearest, one_of, shown
from messenger.config.transports import TransportSettings, Way
from messenger.config.values import CLOCK_PATTERN, address, sender, window, zone
from messenger.domain.notices import Manner
from messenger.domain.shops import Shop

LANGUAGES: Final = ("en", "zh", "ru")
UTC_NAME: Final = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Who is told, how, and when; nobody by mail without ``mail``, and nobody otherwise without ``urls``.

    Args:
        mail: bare addresses.
        transport: which of the mail servers carries it.
        sender: ``Name <address>``.
        urls: addresses of apprise.
        manner: when.
        language: in which words.
    """

    mail: tuple[str, ...] = ()
    transport: str = ""
    sender: str = ""
    urls: tuple[Secret, ...] = ()
    manner: Manner = field(default_factory=lambda: Manner(zone=ZoneInfo(UTC_NAME)))
    language: str = "en"


def read_alerts(
    root: Table,
    *,
    home: Path,
    environ: Mapping[str, str],
    shops: Mapping[str, Shop],
    ways: Mapping[str, Way | None],
) -> AlertSettings:
    """Return the settings as far as they can be read; mistakes are noted. What is left out is as for the first shop."""
    table = root.table("alerts")
    first = next(iter(shops.values()), None)
    mail: tuple[str, ...] = table.take("mail", _addresses, ())
    transport = table.take("transport", _server(ways), _usual_server(shops, ways))
    settings = AlertSettings(
        mail=mail,
        transport=transport,
        sender=table.take("sender", sender, _usual_sender(shops, transport)),
        urls=table.take("urls", list_of(secret(home, environ), alone=True), ()),
        manner=Manner(
            zone=ZoneInfo(table.take("zone", zone, first.zone if first else UTC_NAME)),
            digest_at=table.take("digest", _hour, time(9)),
            quiet=table.take("quiet", _quiet, None),
        ),
        language=table.take("language", one_of(LANGUAGES), _usual_language(first)),
    )
    _check_together(root, table, settings)
    table.close()
    return settings


def _check_together(root: Table, table: Table, settings: AlertSettings) -> None:
    if settings.mail and not settings.transport:
        table.wrong("mail", "no mail server carries it", 'write transport = "main", a transport with kind = "smtp"')
    if settings.mail and settings.transport and not settings.sender:
        table.wrong("mail", "nobody is named as its sender", 'write sender = "Sunny Toys <care@sunny-toys.example>"')
    if settings.urls and find_spec("apprise") is None:
        table.wrong(
            "urls", "apprise, which carries them, is not installed", "pip install 'marketplace-messenger[alerts]'"
        )
    if "alerts" in root and not ("mail" in table or "urls" in table):
        table.slip("", "tells nobody", 'write mail = "owner@example.com", or urls = ["env:ALERT_URL"]')


def _addresses(value: object) -> tuple[str, ...]:
    return list_of(address, alone=True)(value)


def _server(ways: Mapping[str, Way | None]) -> Reader[str]:
    def read(value: object) -> str:
        text = a_text(value)
        if text not in ways:
            raise Wrong(f"unknown transport {shown(text)}", nearest(text, ways) or f"write [transports.{text}]")
        if ways[text] is not None and not isinstance(ways[text], TransportSettings):
            raise Wrong(f"{shown(text)} carries no mail", 'name a transport with kind = "smtp"')
        return text

    return read


def _usual_server(shops: Mapping[str, Shop], ways: Mapping[str, Way | None]) -> str:
    """The one that carries the first shop's mail, else the first there is."""
    servers = [name for name, way in ways.items() if isinstance(way, TransportSettings)]
    carriers = [shop.channels.get("email", "") for shop in shops.values()]
    return next((one for one in (*carriers, *servers) if one in servers), "")


def _usual_sender(shops: Mapping[str, Shop], transport: str) -> str:
    """That of the first shop whose mail goes the same way, else of the first shop."""
    same = [shop.sender for shop in shops.values() if shop.channels.get("email") == transport]
    return next((one for one in (*same, *(shop.sender for shop in shops.values())) if one), "")


def _usual_language(shop: Shop | None) -> str:
    found = shop.staff_language.partition("-")[0] if shop else "en"
    return found if found in LANGUAGES else "en"


def _hour(value: object) -> time:
    text = a_text(value)
    if not re.fullmatch(CLOCK_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot read {shown(text)}", 'write the time of the daily mail, for example "09:00"')
    return time.fromisoformat(text)


def _quiet(value: object) -> tuple[time, time] | None:
    try:
        begins, ends = window(value)
    except Wrong as wrong:
        raise Wrong(wrong.problem, 'write "22:00-07:00"') from None
    if begins == ends:
        raise Wrong(f"{shown(value)} would leave no hour to tell anything", 'write "22:00-07:00"')
    return begins, ends
