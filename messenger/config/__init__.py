"""The files of a home: messenger.toml says where things are, schedules.toml when what is written."""

from messenger.config.check import check_home
from messenger.config.schedules import load_schedule
from messenger.config.settings import load_settings

__all__ = ["check_home", "load_schedule", "load_settings"]
