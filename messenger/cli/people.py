"""Who runs a command, and why: the options of everything a person decides."""

from __future__ import annotations

import getpass

import click


def login_name() -> str:
    """Return who is logged in; ``somebody`` where the machine does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "somebody"


by_option = click.option(
    "--by", default=login_name, show_default="your login name", metavar="NAME", help="Who decides this, for the record."
)
why_option = click.option("--why", metavar="TEXT", default="", help="The reason, for the record.")
