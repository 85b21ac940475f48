"""What ``messenger check`` says of texts that compile: against English, against the rules, against the content rules."""

from messenger.rendering.checking.uses import NO_USES, PLATFORMS, Use, Uses, of_rules, uses_of

__all__ = ["NO_USES", "PLATFORMS", "Use", "Uses", "of_rules", "uses_of"]
