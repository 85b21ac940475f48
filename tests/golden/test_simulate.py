"""The acceptance test of the rule language: small schedules, a few events, and every message as it must end.

Each folder of ``tests/golden/simulate`` is one case. The first line of its schedules.toml says what it shows; a second
comment may say how it is played (``# simulate --staff 0``). Shops and texts are those of ``home``.
"""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

import click
import orjson
import pytest

from messenger.cli.simulate import simulate
from messenger.config.places import country_zones
from messenger.config.schedules import load_schedule
from messenger.config.settings import load_settings
from messenger.domain.events import Event
from messenger.homes import template_names
from messenger.intake.files import read_json_lines
from messenger.ports import Line
from messenger.rendering.catalogue import Catalogue, load
from messenger.services.home import Home
from messenger.services.simulating import Simulator
from tests.golden.keeping import assert_as_approved

FOLDER = Path(__file__).parent / "simulate"
HOME = FOLDER / "home"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/events.jsonl"))


@cache
def texts() -> Catalogue:
    return load(HOME / "templates")


def home_of(case: Path) -> Home:
    settings = load_settings(HOME, {})
    schedule = load_schedule(case / "schedules.toml", shops=settings.shops, templates=template_names(HOME))
    return Home(shops=settings.shops, schedule=schedule, catalogue=texts(), zones=country_zones())


def events_of(case: Path) -> list[Event]:
    lines = list(read_json_lines((case / "events.jsonl").read_bytes().splitlines(), file="events.jsonl"))
    events = [line.event for line in lines if isinstance(line, Line)]
    assert len(events) == len(lines), f"unreadable: {[str(one) for one in lines if not isinstance(one, Line)]}"
    return events


def simulator_for(case: Path) -> Simulator:
    """The simulator, as the command would make it of the options in the head of the file."""
    head = (case / "schedules.toml").read_text(encoding="utf-8").splitlines()[1]
    options = shlex.split(head.removeprefix("# simulate")) if head.startswith("# simulate") else []
    with simulate.make_context("simulate", options) as context:
        told = context.params
    assert isinstance(context, click.Context)
    return Simulator(home_of(case), at=told["at"], start=told["start"], end=told["end"], staff=told["staff"])


@pytest.mark.parametrize("name", CASES)
def test_a_play_ends_as_approved(name: str) -> None:
    lines = simulator_for(FOLDER / name).play(events_of(FOLDER / name))

    made = b"".join(orjson.dumps(line.document()) + b"\n" for line in lines).decode()
    assert_as_approved(FOLDER / name / "expected.jsonl", made)


def test_every_case_says_what_it_shows() -> None:
    heads = [(FOLDER / name / "schedules.toml").read_text(encoding="utf-8").splitlines()[0] for name in CASES]

    assert len(CASES) > 40
    assert all(head.startswith("# ") and len(head) > 20 for head in heads)
