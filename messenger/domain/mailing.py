"""How mail of this installation leaves: the few settings that decide what a letter carries besides its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """What letters need to know about the way they take.

    Args:
        public_url: where buyers reach our pages, ASCII, no slash at its end; empty when they cannot.
        bounces: the domain that receives what comes back, by transport; a transport without one uses the shop's own address.
    """

    public_url: str = ""
    bounces: Mapping[str, str] = field(default_factory=dict)
