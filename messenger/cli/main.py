"""The ``messenger`` command: finds the command asked for and turns our errors into sentences and exit codes.

Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from messenger import __version__
from messenger.errors import ConfigurationError, MessengerError

COMMANDS: Final = {
    "init": "home", "check": "home", "schema": "home", "demo": "demo", "ingest": "ingest", "poll": "poll", "intake": "intake",
    "run": "run", "worker": "run", "explain": "explain", "simulate": "simulate", "preview": "preview", "rules": "rules",
    "outbox": "outbox", "desk": "desk", "pause": "pausing",
    "resume": "pausing", "publish": "publish", "db": "database", "dkim": "dkim", "suppress": "suppress", "feedback": "feedback", "console": "console",
    "user": "user", "alerts": "alerts", "aliexpress": "aliexpress", "ebay": "ebay",
    "doctor": "doctor", "coverage": "coverage", "translations": "translations",
}  # fmt: skip
"""Which module holds which command; modules are imported only when they are needed, so that help appears at once."""


@dataclass(slots=True)
class App:
    """What every command is given: where the home is, and the environment."""

    home: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return every command's name, in the order of a first day with messenger."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return the command, importing its module."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: click.Command = getattr(importlib.import_module(f"messenger.cli.{module}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, HELP[name]) for name in COMMANDS])


HELP: Final = {
    "init": "Make a working home: configuration, rules, templates.",
    "check": "Find every mistake in configuration, rules and templates.",
    "schema": "Print the JSON Schema of schedules.toml.",
    "demo": "Play a sample shop end to end into a local mailbox.",
    "ingest": "Take in files of events.",
    "poll": "Ask sources for news now.",
    "intake": "Show where facts come from, and look after what was posted.",
    "run": "Take in, plan and send, all in one process.",
    "worker": "Only send: one of several workers on one database.",
    "explain": "Tell an order's story, and why a message was (not) sent.",
    "simulate": "Play events on a virtual clock; nothing is sent.",
    "preview": "Show what a buyer would get.",
    "rules": "Tell what each rule does, in plain sentences.",
    "outbox": "Look into the queue of messages, and decide about them.",
    "desk": "Send by hand what a platform lets only a person send.",
    "pause": "Stop sending for a shop, or for everything.",
    "resume": "Let a shop, or everything, go on.",
    "alerts": "Tell what is the matter, and what has been dealt with.",
    "publish": "Make the home's files the generation that is worked by.",
    "db": "Look after the database.",
    "dkim": "Make keys that mail is signed with.",
    "suppress": "Say whom not to write to, and see why.",
    "feedback": "Take in mails that came back.",
    "console": "Serve the console, the pages for buyers, and hooks.",
    "user": "Say who may log in to the console.",
    "aliexpress": "Log in at AliExpress.",
    "ebay": "Log in at eBay.",
    "doctor": "Find out what works: mail servers, logins, sources.",
    "coverage": "Tell which texts each language has, and whom it concerns.",
    "translations": "Give texts to translators, and take them back.",
}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="messenger")
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), default=None, envvar="MESSENGER_HOME",
    help="Folder with messenger.toml, schedules.toml and templates/; default: the current folder.",
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context, home: Path | None) -> None:
    """Write to marketplace buyers at the right moment, in their language and waking hours, and be able to say why."""
    ctx.obj = App(home=home or Path())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        result: Any = cli.main(
            args=arguments, prog_name="messenger", standalone_mode=False
        )  # Any: click returns what commands return
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except MessengerError as error:
        click.echo(f"messenger: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(result if isinstance(result, int) else 0)
