"""Platforms: one folder each. ``policy.toml`` says what the platform does by itself, as data with its source."""
