"""The public keys of eBay, for hooks: asked for by a program that is configured for the same shop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from messenger.bootstrap.platforms import Means, ebay_desk
from messenger.config.platform_transports import PlatformSettings
from messenger.errors import ConfigurationError, Finding, SourceAway, SourceShut
from messenger.platforms.ebay.keys import PublicKeys
from messenger.platforms.lines import Line

if TYPE_CHECKING:
    from messenger.bootstrap.engine import Engine

KIND = "ebay"


def public_key_of(engine: Engine) -> Callable[[str, str], str]:
    """Return what looks a key up, by source and name of the key.

    Raises:
        ConfigurationError: by what is returned: there is no transport of eBay by which it could be asked for, or eBay gives none.
    """
    made: dict[PlatformSettings, PublicKeys] = {}

    def find(source: str, name: str) -> str:
        one = _program_for(engine, source)
        if one is None:
            raise _wrong(source, 'eBay\'s key cannot be asked for: there is no transport with kind = "ebay"')
        keys = made.setdefault(one, _keys(engine, one))
        try:
            return keys.key(name)
        except (SourceAway, SourceShut) as error:
            raise _wrong(source, str(error)) from error

    return find


def _program_for(engine: Engine, source: str) -> PlatformSettings | None:
    """The program of the same shop, or any: keys are the same for all."""
    known = [one for one in engine.settings.platforms.values() if one.kind == KIND]
    shop = engine.settings.sources[source].shop if source in engine.settings.sources else ""
    return next((one for one in known if one.shop == shop), next(iter(known), None))


def _keys(engine: Engine, one: PlatformSettings) -> PublicKeys:
    means = Means(vault=engine.store, clock=engine.clock, owner="")
    return PublicKeys(desk=ebay_desk(one, means, Line(timeout=one.timeout)))


def _wrong(source: str, problem: str) -> ConfigurationError:
    return ConfigurationError([Finding("messenger.toml", 0, 0, f"sources.{source}", problem)])
