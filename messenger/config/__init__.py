"""Reads messenger.toml and schedules.toml, and says exactly what is wrong with them."""
