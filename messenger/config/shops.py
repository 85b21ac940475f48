"""Reading ``[shops.<name>]``: who writes, and which transport carries which channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from messenger.config.policies import policies
from messenger.config.sources import SourceSettings
from messenger.config.tables import Reader, Table, Wrong, a_text, nearest, one_of, shown
from messenger.config.transports import ASSISTED, SMTP, PlatformSettings, TransportSettings, Way
from messenger.config.values import PLATFORMS, address_or_nothing, language, link, sender, zone
from messenger.domain.messages import EMAIL, PLATFORM
from messenger.domain.shops import Desk, Mode, Policy, Shop

CARRIED_BY: Final[Mapping[str, tuple[type[Way], ...]]] = {
    EMAIL: (TransportSettings,),
    PLATFORM: (Desk, PlatformSettings),
}
"""The channels, and what can carry each."""

Ways = Mapping[str, Way | None]
"""Every transport by name; ``None`` for one that cannot be read, which is told elsewhere."""


def read_shop(name: str, table: Table, ways: Ways, sources: Collection[SourceSettings]) -> Shop:
    """Return the shop as far as it can be read; mistakes are noted."""
    platform = table.take("platform", one_of(PLATFORMS), "none")
    mode = table.take("mode", one_of(Mode), Mode.REHEARSE)
    channels = read_channels(table.table("channels"), ways, platform)
    shop = Shop(
        id=name,
        name=table.need("name", a_text, name, remedy='write name = "Sunny Toys"'),
        sender=table.need("sender", sender, "", remedy='write sender = "Sunny Toys <care@sunny-toys.example>"'),
        mode=mode,
        platform=platform,
        default_language=table.take("default_language", language, "en"),
        staff_language=table.take("staff_language", language, "en"),
        zone=table.take("zone", zone, "UTC"),
        channels=channels,
        reply_to=table.take("reply_to", address_or_nothing, ""),
        url=table.take("url", link, ""),
        survey_url=table.take("survey_url", link, ""),
        desks={way: desk for way in channels.values() if isinstance(desk := ways.get(way), Desk)},
        policy=policies().get(platform, Policy(platform=platform)),
        sources=tuple(one.source for one in sources if one.shop == name),
    )
    if mode is not Mode.REHEARSE and not table.table("channels").values:
        table.slip("mode", f"is {mode}, but no channel carries anything", 'write channels = { email = "main" }')
    table.close()
    return shop


def read_channels(table: Table, ways: Ways, platform: str) -> Mapping[str, str]:
    """Return which transport carries which channel of a shop on this platform; what cannot be read is left out."""
    found = {channel: table.take(channel, _carrier(channel, ways, platform), "") for channel in CARRIED_BY}
    table.close()
    return {channel: way for channel, way in found.items() if way}


def _carrier(channel: str, ways: Ways, platform: str) -> Reader[str]:
    def read(value: object) -> str:
        text = a_text(value)
        if text not in ways:
            raise Wrong(f"unknown transport {shown(text)}", nearest(text, ways) or f"write [transports.{text}]")
        way = ways[text]
        if way is not None and not isinstance(way, CARRIED_BY[channel]):
            raise Wrong(f"{shown(text)} is {_kind(way)} and cannot carry {channel}", _REMEDIES[channel])
        if isinstance(way, PlatformSettings) and way.kind != platform:
            problem = f"{shown(text)} is {way.kind}, and this shop is not there: its platform is {platform}"
            raise Wrong(problem, f'write platform = "{way.kind}", or another transport')
        return text

    return read


def _kind(way: Way) -> str:
    match way:
        case TransportSettings():
            return SMTP
        case PlatformSettings():
            return way.kind
        case Desk():
            return ASSISTED


_REMEDIES: Final = {
    EMAIL: 'email goes through a transport with kind = "smtp"',
    PLATFORM: 'platform goes through a transport with kind = "assisted", or that of the platform',
}
