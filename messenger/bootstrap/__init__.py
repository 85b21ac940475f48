"""Puts the parts together: the one place that knows every adapter."""

from messenger.bootstrap.engine import Engine, open_app
from messenger.errors import ConfigurationError
from messenger.homes import (
    Present,
    default_home,
    load_home,
    load_settings_only,
    make_home,
    simulated_home,
    template_names,
)

__all__ = [
    "ConfigurationError",
    "Engine",
    "Present",
    "default_home",
    "load_home",
    "load_settings_only",
    "make_home",
    "open_app",
    "simulated_home",
    "template_names",
]
