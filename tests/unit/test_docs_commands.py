"""The pages on commands and messages name everything there is, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from messenger.cli.main import COMMANDS, cli
from messenger.domain.messages import Reason, State

PAGES: Final = Path(__file__).parents[2] / "docs" / "reference"
OPTION: Final = re.compile(r"--[a-z][a-z-]*")


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from ((f"{name} {one}", command) for one, command in found.commands.items())
        else:
            yield name, found


def rows() -> dict[str, str]:
    """The table of commands: what each row says, by the command it begins with; a row may tell two."""
    found: dict[str, str] = {}
    for line in (PAGES / "commands.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            told = line.replace("\\|", "/").split("|")[1]
            names = re.findall(r"`([a-z]+(?: [a-z-]+)?)(?=[ `])", told)
            found |= dict.fromkeys(names, told)
    return found


@pytest.mark.parametrize(("name", "command"), [pytest.param(name, one, id=name) for name, one in commands()])
def test_the_page_tells_each_command_with_all_its_options(name: str, command: click.Command) -> None:
    options = {one for parameter in command.params for one in parameter.opts if one.startswith("--")} - {"--help"}
    row = rows()[name]
    mine = next((part for part in re.findall(r"`[^`]+`", row) if re.match(rf"`{name}\b", part)), row)

    assert options <= set(OPTION.findall(row))
    assert set(OPTION.findall(mine)) <= options


def test_the_page_tells_every_state_and_reason_once() -> None:
    cells = [
        line.split("|")[1]
        for line in (PAGES / "messages.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    words = [word for cell in cells for word in re.findall(r"`([a-z_]+)`", cell)]

    assert sorted(words) == sorted([*State, *Reason])
