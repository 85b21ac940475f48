"""Reading ``[transports.<name>]`` of the kind ``aliexpress``: the old message calls, which most accounts may no longer make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from messenger.config.platform_transports import PlatformSettings, read_platform
from messenger.config.sources_aliexpress import GATEWAYS, NEW, SIGNS
from messenger.config.tables import Table, a_text, nearest, one_of, shown
from messenger.domain.shops import Desk

ALIEXPRESS: Final = "aliexpress"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliExpressMessages(PlatformSettings):
    """The message calls of one shop.

    Args:
        gateway: ``new`` or ``top``.
        sign: how calls are signed.
        desk: the transport whose people take over when the platform does not let us; empty: people, at any hour.
    """

    gateway: str = NEW
    sign: str = SIGNS[NEW][0]
    desk: str = ""


def check_takers(tables: Iterable[tuple[str, Table]], ways: Mapping[str, object]) -> None:
    """Note where the desk that is to take over is none."""
    for name, table in tables:
        way = ways.get(name)
        if isinstance(way, AliExpressMessages) and way.desk and not isinstance(ways.get(way.desk), Desk):
            known = [other for other, one in ways.items() if isinstance(one, Desk)]
            remedy = nearest(way.desk, known) or f'write [transports.{way.desk}] with kind = "assisted"'
            table.wrong("desk", f"{shown(way.desk)} is no desk", remedy)


def read_messages(
    name: str, table: Table, *, shops: Collection[str], home: Path, environ: Mapping[str, str]
) -> AliExpressMessages:
    """Return the settings as far as they can be read; mistakes are noted."""
    gateway = table.take("gateway", one_of(GATEWAYS), NEW) or NEW
    sign = table.take("sign", one_of(SIGNS[gateway]), SIGNS[gateway][0])
    desk = table.take("desk", a_text, "")
    common = read_platform(name, ALIEXPRESS, table, shops=shops, home=home, environ=environ)
    told = {one.name: getattr(common, one.name) for one in fields(common)}
    return AliExpressMessages(**told, gateway=gateway, sign=sign, desk=desk)
