"""Turns of pollers: news is accepted before the cursor moves, trouble keeps what came before it, people are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event as Signal

import pytest

from messenger.domain.alerts import AlertKind
from messenger.errors import ConfigurationError, Finding, SourceAway, SourceShut
from messenger.ports import Line, Page, Poller, Turn
from messenger.services.polling import FIRST_PAUSE, LONGEST_PAUSE, LONGEST_TURN, Polling, pause_after
from tests.builders import event
from tests.stage import HEAD, START, Stage
from tests.stage import stage as a_stage

EVERY = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    opened = a_stage(tmp_path)
    (opened.folder / "schedules.toml").write_text(HEAD, encoding="utf-8")
    yield opened
    opened.close()


@dataclass
class Feed:
    """A poller whose source is a list of pages, each of so many orders; it goes wrong where a page is an error."""

    pages: list[tuple[str, ...] | Exception]
    name: str = "ae"
    shop: str = "toys"
    every: timedelta = EVERY
    turns: list[Turn] = field(default_factory=list)
    between: Callable[[], None] = lambda: None

    def poll(self, turn: Turn) -> Iterator[Page]:
        self.turns.append(turn)
        if turn.hints:
            yield Page(lines=[line(f"hint-{one}") for one in turn.hints], cursor=turn.cursor, hints=turn.hints)
        for number, page in enumerate(self.pages[int(turn.cursor or 0) :], start=int(turn.cursor or 0) + 1):
            if isinstance(page, Exception):
                raise page
            yield Page(lines=[line(one) for one in page], cursor=str(number))
            self.between()


def line(order: str) -> Line:
    return Line(file="ae", line=1, event=event("order.paid", order=order, at="2026-03-02T10:00"))


def polling(on: Stage, pollers: Sequence[Poller] = (), *, owner: str = "me") -> Polling:
    engine = on.engine
    return Polling(
        store=engine.store, clock=on.clock, ingest=engine.ingest, owner=owner, pollers=lambda: pollers, chance=lambda: 1.0
    )  # fmt: skip


def orders(on: Stage) -> list[str]:
    on.engine.ingest.take_in()
    return [one.number for one in on.engine.store.find_orders()]


def test_what_a_turn_brings_is_taken_in_and_the_next_goes_on_there(stage: Stage) -> None:
    feed = Feed([("1", "2"), ("3",)])
    desk = polling(stage)

    report = desk.run(feed)

    assert report is not None
    assert (report.new, orders(stage)) == (3, ["1", "2", "3"])
    assert desk.run(feed) is None
    stage.at(START + EVERY)
    desk.run(feed)
    assert feed.turns == [Turn(), Turn(cursor="2")]


def test_a_turn_that_brings_nothing_makes_no_intake_but_was_heard(stage: Stage) -> None:
    polling(stage).run(Feed([()]))

    assert stage.engine.store.heard() == {"ae": START}
    assert stage.engine.store.open_intake(kind="test", name="test", at=START) == 1


def test_all_that_one_turn_brings_is_one_intake_for_the_valve(stage: Stage) -> None:
    report = polling(stage).run(Feed([("1",), ("2",), ("3",)]))

    assert report is not None
    assert report.intake == 1
    assert stage.engine.store.open_intake(kind="test", name="test", at=START) == 2


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        pytest.param(SourceAway("503"), None, id="away: told after some patience"),
        pytest.param(SourceShut("log in again"), AlertKind.ACCESS, id="shut: told at once"),
        pytest.param(
            ConfigurationError([Finding("", 0, 0, "env:X", "is not set")]), AlertKind.ACCESS, id="a secret is not set"
        ),
        pytest.param(ZeroDivisionError("a mistake of ours"), None, id="a mistake"),
    ],
)
def test_trouble_keeps_the_pages_before_it(stage: Stage, trouble: Exception, kind: AlertKind | None) -> None:
    feed = Feed([("1",), trouble, ("2",)])
    desk = polling(stage)

    report = desk.run(feed)

    assert report is not None
    assert (report.new, orders(stage)) == (1, ["1"])
    assert [one.kind for one in stage.engine.store.alerts()] == ([kind] if kind else [])
    assert stage.engine.store.heard() == {}
    state = stage.engine.store.polls()["ae"]
    assert (state.failures, state.next_at) == (1, START + FIRST_PAUSE)

    feed.pages[1] = ()
    stage.at(START + FIRST_PAUSE)
    desk.run(feed)
    assert feed.turns[-1] == Turn(cursor="1")
    assert orders(stage) == ["1", "2"]
    assert stage.engine.store.alerts() == []


def test_people_are_told_after_the_third_turn_in_vain_until_one_goes_well(stage: Stage) -> None:
    feed, desk, store = Feed([SourceAway("503")]), polling(stage), stage.engine.store
    for _ in range(2):
        desk.run(feed, is_asked=True)
    assert store.alerts() == []

    desk.run(feed, is_asked=True)
    assert [(one.kind, one.subject, one.detail) for one in store.alerts()] == [("source_silent", "ae", "503")]

    feed.pages = []
    desk.run(feed, is_asked=True)
    assert store.alerts() == []


def test_a_wait_of_hours_that_the_source_asks_for_is_kept_and_told_at_once(stage: Stage) -> None:
    midnight = START + timedelta(hours=4)
    desk = polling(stage)
    desk.run(Feed([SourceAway("daily limit", again_at=midnight)]))

    assert stage.engine.store.polls()["ae"].next_at == midnight
    assert [one.detail for one in stage.engine.store.alerts()] == ["daily limit"]


def test_pauses_grow_up_to_an_hour_and_half_of_each_is_chance() -> None:
    assert [pause_after(number, 1.0) for number in (0, 1, 2)] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pause_after(500, 1.0) == LONGEST_PAUSE
    assert pause_after(500, 0.0) == LONGEST_PAUSE / 2


def test_a_long_turn_is_cut_after_a_page_and_goes_on_at_once(stage: Stage) -> None:
    feed = Feed([("1",), ("2",)], between=lambda: stage.at(stage.clock.now() + LONGEST_TURN + SECOND))
    desk = polling(stage)
    feed.pages.insert(0, ("0",))

    first = desk.run(feed)
    assert first is not None
    assert first.new == 2
    assert stage.engine.store.heard() == {}
    desk.run(feed)

    assert feed.turns == [Turn(), Turn(cursor="2")]
    assert orders(stage) == ["0", "1", "2"]
    assert "ae" in stage.engine.store.heard()


def test_what_a_push_names_is_read_again_before_anything_else(stage: Stage) -> None:
    desk, store = polling(stage), stage.engine.store
    desk.run(Feed([]))
    store.poll_again("ae", ["8134"], at=START)

    feed = Feed([("1",)])
    desk.run(feed)
    assert feed.turns == [Turn(hints=("8134",))]
    assert orders(stage) == ["1", "hint-8134"]
    assert desk.run(feed) is None


def test_hints_stay_when_the_turn_comes_to_nothing(stage: Stage) -> None:
    class Shut(Feed):
        def poll(self, turn: Turn) -> Iterator[Page]:
            self.turns.append(turn)
            raise SourceAway("503")

    stage.engine.store.poll_again("ae", ["8134"], at=START)
    feed = Shut([])
    for _ in range(2):
        polling(stage).run(feed, is_asked=True)

    assert feed.turns == [Turn(hints=("8134",))] * 2


def test_two_processes_do_not_ask_at_the_same_time(stage: Stage) -> None:
    other = polling(stage, owner="other")
    seen: list[object] = []
    feed = Feed([("1",)])
    feed.between = lambda: seen.append(other.run(Feed([("2",)]), is_asked=True))

    polling(stage).run(feed)

    assert seen == [None]
    assert orders(stage) == ["1"]


def test_every_source_has_its_turn_and_none_waits_for_another(stage: Stage) -> None:
    may_end, waits, quick_ended = Signal(), Signal(), Signal()

    def wait() -> None:
        waits.set()
        may_end.wait(30)

    slow = Feed([("1",), ("2",)], name="slow", between=wait)
    quick = Feed([("3",)], name="quick", between=quick_ended.set)
    desk = polling(stage, [slow, quick])

    desk.start_due()
    assert quick_ended.wait(30)
    assert waits.wait(30)
    desk.start_due()
    desk.stop(wait=0)
    may_end.set()
    desk.stop(wait=30)

    assert (len(slow.turns), len(quick.turns)) == (1, 1)
    assert orders(stage) == ["1", "2", "3"]


def test_one_that_is_asked_to_stop_goes_on_where_it_was(stage: Stage) -> None:
    feed = Feed([("1",), ("2",), ("3",)])
    desk = polling(stage, [feed])
    feed.between = lambda: desk.stop(wait=0)
    desk.run(feed)
    assert orders(stage) == ["1", "2"]

    polling(stage).run(feed)
    assert orders(stage) == ["1", "2", "3"]


def test_one_that_waits_within_a_turn_is_woken_and_goes_on_where_it_was(stage: Stage) -> None:
    waits = Signal()
    feed = Feed([("1",), ("2",)])
    desk = polling(stage, [feed])

    def wait() -> None:
        waits.set()
        desk.wait(600)

    feed.between = wait
    desk.start_due()
    assert waits.wait(30)
    desk.stop(wait=30)

    assert orders(stage) == ["1"]
    assert stage.engine.store.polls()["ae"].failures == 0
    feed.between = lambda: None
    polling(stage).run(feed)
    assert orders(stage) == ["1", "2"]


def test_what_pollers_keep_open_is_given_up_with_the_last_turn(stage: Stage) -> None:
    closed = Signal()
    desk = polling(stage)
    desk.close = closed.set
    desk.stop()

    assert closed.is_set()


def test_a_page_that_is_read_twice_changes_nothing(stage: Stage) -> None:
    desk = polling(stage)
    desk.run(Feed([("1",)], name="ae"))
    stage.at(START + EVERY)
    report = desk.run(Feed([("1",), ("1",)], name="ae-again"))

    assert report is not None
    assert (report.new, report.duplicate) == (0, 2)


def test_a_process_that_dies_before_its_intake_is_closed_loses_nothing(stage: Stage) -> None:
    class Dies(BaseException):
        """The process ends."""

    def die() -> None:
        raise Dies

    feed = Feed([("1",), ("2",)], between=die)
    with pytest.raises(Dies):
        polling(stage).run(feed)
    assert orders(stage) == []

    feed.between = lambda: None
    stage.at(START + timedelta(minutes=16))
    polling(stage, owner="next life").run(feed)
    assert feed.turns == [Turn(), Turn()]
    assert orders(stage) == ["1", "2"]
