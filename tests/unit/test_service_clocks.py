"""Clocks: what several machines agree on holds although a clock on the wall is set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from messenger.services.clocks import SharedClock
from tests.builders import utc

NOW = utc("2026-03-02T10:00")
SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """Has a clock on the wall, and counts the seconds that it runs."""

    wall: timedelta = timedelta(0)
    seconds: float = 7.0

    def clock(self) -> SharedClock:
        return SharedClock(wall=lambda: NOW + self.wall, seconds=lambda: self.seconds)

    def run(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-1), timedelta(days=2), timedelta(days=-2)])
def test_a_clock_on_the_wall_that_is_set_changes_nothing(jump: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += jump
    machine.run(60.0)

    assert clock.now() == NOW + 60 * SECOND
    clock.agree(-jump.total_seconds())
    assert clock.now() == NOW + 60 * SECOND


@pytest.mark.parametrize(("behind", "taken_over"), [(0.04, 0.0), (-0.04, 0.0), (0.06, 0.06), (-30.0, -30.0)])
def test_what_the_machine_is_behind_is_taken_over_when_it_is_a_difference(behind: float, taken_over: float) -> None:
    clock = Machine().clock()
    clock.agree(behind)

    assert clock.now() == NOW + timedelta(seconds=taken_over)


def test_two_machines_that_agree_show_the_same_however_their_clocks_are_set() -> None:
    machines = [Machine(), Machine(wall=timedelta(hours=5))]
    clocks = [one.clock() for one in machines]
    for machine, clock in zip(machines, clocks, strict=True):
        clock.agree(-machine.wall.total_seconds())
        machine.run(10.0)

    assert {clock.now() for clock in clocks} == {NOW + 10 * SECOND}
