"""The queue by hand, on SQLite and on PostgreSQL: what people may do, what is refused, and what the record says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.domain.messages import Outcome, PlannedMessage, Reason, State
from messenger.errors import UsageError
from messenger.ports import Change, Entry, OrderKey, Store
from messenger.services.pausing import Pausing
from messenger.services.queueing import Choice, Queue, Verb
from messenger.services.queueing import Outcome as Done
from tests.builders import event, utc
from tests.stage import HEAD, LEASE, START, Crash, DyingTransport, Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
ASKED: Final = SHIPPED + 'approval = "staff"\n'
STAFF: Final = '[rules.sorry]\ntemplate = "delay-apology"\ntrigger = "staff"\n'
VALVE: Final = 'version = 1\n[safety]\nmax_new_messages = 1\n[defaults]\nwindow = "always"\n'
ONE: Final = OrderKey(shop="toys", number="1")


@pytest.fixture
def shop(tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    opened = stage(tmp_path, url=migrated_url)
    yield opened
    opened.close()


def act(shop: Stage, verb: Verb, choice: Choice | None = None, *, by: str = "Ann", why: str = "because") -> Done:
    return shop.queue.act(verb, shop.queue.choose(verb, choice or Choice(order=ONE)), by=by, why=why)


def last(shop: Stage, order: str = "1") -> Entry:
    return shop.engine.store.record_of(OrderKey(shop="toys", number=order))[-1]


def waiting(shop: Stage, *orders: str) -> None:
    shop.rules(ASKED)
    shop.ingest(*[one for order in orders or ("1",) for one in shipped(order)])
    shop.run()


# --- approve -----------------------------------------------------------------------------------------------------------


def test_what_is_approved_leaves_at_once_and_the_record_says_who_and_why(shop: Stage) -> None:
    waiting(shop)
    shop.at("2026-03-02T13:00")

    assert act(shop, Verb.APPROVE, why="looks right").is_whole
    row = shop.row()
    assert (row.state, row.reason, row.approved_by, row.due_at) == (State.PLANNED, None, "Ann", utc("2026-03-02T13:00"))
    assert row.because == "staff Ann: looks right"
    entry = last(shop)
    assert (entry.what, entry.at, entry.because) == ("planned", utc("2026-03-02T13:00"), "staff Ann: looks right")
    assert (entry.detail or {})["by"] == "Ann"
    assert (entry.detail or {})["why"] == "looks right"
    shop.run()
    assert shop.row().state is State.SENT


@pytest.mark.parametrize(("since", "expected"), [
    pytest.param(event("dispute.opened", at="2026-03-02T12:30", order="1", dispute={"id": "d1"}), "held:hold", id="a dispute"),
    pytest.param(event("order.cancelled", at="2026-03-02T12:30", order="1"), "cancelled:event", id="a cancellation"),
    pytest.param(event("buyer.unsubscribed", at="2026-03-02T12:30", order="1"), "sent:", id="nothing that matters"),
])  # fmt: skip
def test_what_is_approved_is_asked_everything_again(since: Any, expected: str, shop: Stage) -> None:
    shop.rules(ASKED + 'cancel_on = ["order.cancelled"]\n')
    shop.ingest(*shipped())
    shop.run()
    act(shop, Verb.APPROVE)
    shop.ingest(since)
    shop.run("2026-03-02T13:00")

    assert f"{shop.row().state}:{shop.row().reason or ''}" == expected


def test_an_intake_a_shop_and_everything_are_approved_as_lots(shop: Stage) -> None:
    shop.settings(
        more='\n[shops.other]\nname = "Other"\nsender = "Other <care@other.example>"\nchannels = { email = "main" }\nmode = "live"\n'
    )
    shop.rules(SHIPPED, head=VALVE)
    for number in range(3):
        shop.ingest(*[one for order in "ab" for one in shipped(f"{number}{order}")])
    shop.ingest(*[replace(one, shop="other") for order in "12" for one in shipped(order)])
    intakes = sorted({row.intake for row in shop.engine.store.waiting_for_approval()})
    assert len(intakes) == 4

    assert len(act(shop, Verb.APPROVE, Choice(intake=intakes[0])).done) == 2
    assert len(act(shop, Verb.APPROVE, Choice(shop="toys")).done) == 4
    assert [row.key.shop for row in shop.engine.store.waiting_for_approval()] == ["other", "other"]
    assert len(act(shop, Verb.APPROVE, Choice()).done) == 2
    assert not act(shop, Verb.APPROVE, Choice()).is_whole


def test_a_large_lot_is_approved_in_several_transactions(shop: Stage) -> None:
    waiting(shop, *map(str, range(120)))
    dealt_with: list[int] = []
    queue = shop.queue

    outcome = queue.act(Verb.APPROVE, queue.choose(Verb.APPROVE, Choice()), by="Ann", progress=dealt_with.append)

    assert (len(outcome.done), dealt_with) == (120, [50, 50, 20])


def test_one_step_of_one_rule_is_approved_and_no_other(shop: Stage) -> None:
    shop.rules(ASKED.replace('"staff"', '"staff"\ndelay = ["1m", "2m"]'))
    shop.ingest(*shipped())
    shop.run()

    assert len(act(shop, Verb.APPROVE, Choice(order=ONE, rule="shipped", step=2)).done) == 1
    assert {row.key.step: row.state for row in shop.rows()} == {1: State.WAITING_APPROVAL, 2: State.PLANNED}


# --- hold and release --------------------------------------------------------------------------------------------------


def test_what_a_person_holds_waits_for_that_person_whatever_the_facts_say(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    act(shop, Verb.HOLD, why="the buyer called")
    row = shop.row()
    assert (row.state, row.reason, row.because) == (State.HELD, Reason.HOLD, "staff Ann: the buyer called")
    assert row.due_at == row.expires_at

    shop.ingest(event("dispute.opened", at="2026-03-02T12:10", order="1", dispute={"id": "d1"}))
    shop.ingest(event("dispute.closed", at="2026-03-02T12:20", order="1", dispute={"id": "d1"}))
    shop.run("2026-03-02T13:00")
    assert shop.row().because == "staff Ann: the buyer called"
    assert act(shop, Verb.RELEASE, by="Bob", why="").is_whole
    assert (shop.row().because, shop.row().released_at) == ("staff Bob", utc("2026-03-02T13:00"))
    shop.run()
    assert shop.row().state is State.SENT


def test_what_nobody_releases_expires_as_held(shop: Stage) -> None:
    shop.rules(SHIPPED + 'expiry = "2d"\n')
    shop.ingest(*shipped())
    act(shop, Verb.HOLD)
    shop.run("2026-03-04T12:00")

    assert (shop.row().state, shop.row().reason) == (State.EXPIRED, Reason.HOLD)


def test_a_release_lifts_what_holds_now_and_nothing_that_comes_later(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), event("dispute.opened", at="2026-03-02T11:00", order="1", dispute={"id": "d1"}))
    shop.ingest(*shipped("2"), event("dispute.opened", at="2026-03-02T11:00", order="2", dispute={"id": "d2"}))
    shop.run()
    act(shop, Verb.RELEASE)
    act(shop, Verb.RELEASE, Choice(order=OrderKey(shop="toys", number="2")))
    wrote = event("message.received", at="2026-03-02T12:01", order="2", message={"id": "m", "text": "?"})
    shop.ingest(wrote, at="2026-03-02T12:02")
    shop.run()

    assert shop.row().state is State.SENT
    assert (shop.row(order="2").state, shop.row(order="2").because.split()[0]) == (State.HELD, "conversation")


def test_holding_twice_is_refused_and_says_who_holds_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    act(shop, Verb.HOLD, why="wait")

    (refused,) = act(shop, Verb.HOLD, by="Bob").refused
    assert refused.why == "is held already, by Ann: wait"


# --- cancel ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rules", "reason"), [
    pytest.param(SHIPPED + 'delay = "1d"\n', Reason.STAFF, id="planned"), pytest.param(ASKED, Reason.DECLINED, id="waits for approval"),
])  # fmt: skip
def test_what_is_cancelled_never_comes_back(rules: str, reason: Reason, shop: Stage) -> None:
    shop.rules(rules)
    shop.ingest(*shipped())
    shop.run()
    assert act(shop, Verb.CANCEL, why="sent by hand").is_whole
    assert (shop.row().state, shop.row().reason, shop.row().because) == (
        State.CANCELLED, reason, "staff Ann: sent by hand",
    )  # fmt: skip
    shop.ingest(event("order.updated", at="2026-03-02T12:30", order="1", told={"end_reason": "x"}))
    shop.run("2026-03-03T12:00")

    assert shop.row().reason is reason
    assert not shop.transport.sent


def test_what_lay_on_a_desk_is_cancelled_too(shop: Stage) -> None:
    shop.settings(('{ email = "main" }', '{ platform = "desk" }'), more='\n[transports.desk]\nkind = "assisted"\n')
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()

    assert act(shop, Verb.CANCEL).is_whole
    assert shop.row().state is State.CANCELLED


# --- what is refused ---------------------------------------------------------------------------------------------------


def was_sent(shop: Stage) -> None:
    shop.run()


def is_claimed(shop: Stage) -> None:
    now = shop.clock.now()
    assert shop.engine.store.claim(owner="w", now=now, lease_until=now + LEASE, limit=1)


def is_sending(shop: Stage) -> None:
    with pytest.raises(Crash):
        shop.run(transport=DyingTransport())


def is_uncertain(shop: Stage) -> None:
    shop.transport.answer(Outcome.UNCERTAIN)
    shop.run()


def has_failed(shop: Stage) -> None:
    shop.transport.answer(Outcome.PERMANENT)
    shop.run()


def was_cancelled(shop: Stage) -> None:
    act(shop, Verb.CANCEL)


@pytest.mark.parametrize("verb", [one for one in Verb if one not in {Verb.RETRY, Verb.SENT}])
@pytest.mark.parametrize(("scene", "said"), [
    (was_sent, "was sent"), (is_claimed, "is being prepared by a worker: try again in a moment"), (is_sending, "is on its way out"),
    (is_uncertain, "may or may not have been sent"), (has_failed, "could not be sent"), (was_cancelled, "was cancelled"),
])  # fmt: skip
def test_what_has_left_or_ended_is_left_as_it_is_and_told(
    scene: Callable[[Stage], None], said: str, verb: Verb, shop: Stage
) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    scene(shop)
    before = shop.row()

    outcome = act(shop, verb, Choice(order=ONE, rule="shipped"))
    assert not outcome.is_whole
    (refused,) = outcome.refused
    assert said in refused.why
    assert shop.row() == before


class Between:
    """A store in which something happens between a choice and the act."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def together(self, work: Any) -> Any:
        self._meanwhile()
        return self._store.together(work)

    def __getattr__(self, name: str) -> Any:  # the rest is the store's own
        return getattr(self._store, name)


def queue_in_which(shop: Stage, meanwhile: Callable[[], object]) -> Queue:
    return Queue(Between(shop.engine.store, meanwhile), shop.engine.home, shop.clock)


@pytest.mark.parametrize("verb", [Verb.HOLD, Verb.CANCEL])
def test_what_a_worker_took_meanwhile_is_told_and_left_to_it(verb: Verb, shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    queue = queue_in_which(shop, lambda: is_claimed(shop))

    outcome = queue.act(verb, queue.choose(verb, Choice(order=ONE)), by="Ann")
    assert (outcome.done, outcome.refused) == ([], [])
    assert outcome.moved[0].why == "moved meanwhile: it is being prepared by a worker"
    assert shop.row().state is State.CLAIMED


def test_facts_that_came_meanwhile_are_kept(shop: Stage) -> None:
    """An order's deadline moves while a person looks at the list: the approval keeps the new times."""
    shop.rules('[rules.late]\ntemplate = "shipped"\nafter = "ship_by"\napproval = "staff"\n')
    ship_by = {"ship_by": "2026-03-02T11:00:00Z"}
    shop.ingest(*shipped(), event("order.updated", at="2026-03-02T09:30", order="1", told=ship_by))
    shop.run()
    later = event("order.updated", at="2026-03-02T11:30", order="1", told={"ship_by": "2026-03-03T11:00:00Z"})
    queue = queue_in_which(shop, lambda: shop.ingest(later))
    targets = queue.choose(Verb.APPROVE, Choice(order=ONE))
    assert [one.state for one in targets] == [State.WAITING_APPROVAL]
    queue.act(Verb.APPROVE, targets, by="Ann")

    assert shop.row("late").wanted_at == utc("2026-03-03T11:00")


def test_of_two_people_who_approve_at_once_one_does(shop: Stage) -> None:
    waiting(shop, *map(str, range(30)))
    store = shop.engine.store
    targets = shop.queue.choose(Verb.APPROVE, Choice())

    def approve(by: str) -> Done:
        return Queue(store, shop.engine.home, shop.clock).act(Verb.APPROVE, targets, by=by)

    with ThreadPoolExecutor(2) as pool:
        ann, bob = pool.map(approve, ("Ann", "Bob"))

    assert len(ann.done) + len(bob.done) == 30
    assert len(ann.moved) + len(bob.moved) == 30
    assert sum(sum("by" in (one.detail or {}) for one in store.record_of(_key(number))) for number in range(30)) == 30


def _key(number: int) -> OrderKey:
    return OrderKey(shop="toys", number=str(number))


@pytest.mark.parametrize(("choice", "said"), [
    pytest.param(Choice(order=OrderKey(shop="toys", number="11")), "(did you mean toys/1?)", id="order"),
    pytest.param(Choice(order=ONE, rule="shiped"), "there is no rule 'shiped' (did you mean 'shipped'?)", id="rule"),
    pytest.param(Choice(shop="toy"), "there is no shop 'toy' (did you mean 'toys'?)", id="shop"),
])  # fmt: skip
def test_what_is_not_there_is_refused_with_what_is(choice: Choice, said: str, shop: Stage) -> None:
    waiting(shop)

    with pytest.raises(UsageError) as refused:
        act(shop, Verb.APPROVE, choice)

    assert said in str(refused.value)


# --- start -------------------------------------------------------------------------------------------------------------


def moving(shop: Stage, rules: str = STAFF) -> None:
    shop.rules(rules)
    seen = event("shipment.in_transit", at="2026-03-02T10:30", order="1", shipment={"number": "RR1"})
    shop.ingest(*shipped(), seen)


def test_a_rule_that_a_person_starts_writes_once_and_says_who_started_it(shop: Stage) -> None:
    moving(shop, STAFF + 'once_per = "order"\n')
    started = shop.queue.start(ONE, "sorry", by="Ann", why="it is late")
    assert started.is_new
    shop.run()
    assert shop.row("sorry").state is State.SENT
    assert any("Ann started the rule sorry" in step.text for step in shop.explain().steps)
    assert any("Ann: it is late started" in step.text for step in shop.explain().steps)

    assert not shop.queue.start(ONE, "sorry", by="Bob").is_new
    shop.run()
    assert len(shop.transport.sent) == 1


def test_a_rule_that_may_be_said_each_time_is_said_each_time(shop: Stage) -> None:
    moving(shop)
    for hour in (13, 14):
        shop.at(f"2026-03-02T{hour}:00")
        assert shop.queue.start(ONE, "sorry", by="Ann").is_new
        shop.run()

    assert len(shop.transport.sent) == 2


@pytest.mark.parametrize(("rules", "order", "rule", "said"), [
    pytest.param(STAFF + SHIPPED, ONE, "shipped", "starts by itself, not by a person (rules that a person starts: sorry)", id="not staff"),
    pytest.param(STAFF + "enabled = false\n", ONE, "sorry", "is switched off", id="switched off"),
    pytest.param(STAFF, ONE, "sory", "(did you mean 'sorry'?)", id="no such rule"),
    pytest.param(STAFF, OrderKey(shop="toys", number="12"), "sorry", "(did you mean toys/1?)", id="no such order"),
])  # fmt: skip
def test_what_nobody_can_start_is_refused(rules: str, order: OrderKey, rule: str, said: str, shop: Stage) -> None:
    moving(shop, rules)

    with pytest.raises(UsageError) as refused:
        shop.queue.start(order, rule, by="Ann")

    assert said in str(refused.value)
    assert not [one for one in shop.rows() if one.key.rule == "sorry"]


# --- pauses ------------------------------------------------------------------------------------------------------------


def test_after_a_long_pause_what_is_due_is_spread_and_after_a_short_one_not(shop: Stage) -> None:
    shop.rules(SHIPPED)
    pausing = Pausing(shop.engine.store, shop.engine.home, shop.clock)
    assert pausing.pause("", by="Ann")[1]
    assert not pausing.pause("", by="Bob")[1]
    shop.ingest(*[one for number in range(4) for one in shipped(str(number))])
    shop.run("2026-03-02T17:00")
    short = pausing.resume("")
    assert (short.ended is not None, short.spread) == (True, 0)
    pausing.pause("toys", by="Ann")
    shop.at("2026-03-03T00:00")
    resumed = pausing.resume("toys")

    assert (resumed.spread, resumed.until) == (4, utc("2026-03-03T02:00"))
    assert sorted(row.due_at for row in shop.engine.store.outbox()) == [
        utc("2026-03-03T00:00") + timedelta(minutes=30 * place) for place in range(4)
    ]
    assert pausing.resume("toys").ended is None


def test_a_shop_goes_on_only_when_nothing_else_stops_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    pausing = Pausing(shop.engine.store, shop.engine.home, shop.clock)
    pausing.pause("", by="Ann")
    pausing.pause("toys", by="Bob")

    assert [one.shop for one in pausing.resume("toys").still] == [""]
    pausing.pause("toys", by="Bob")
    assert [one.shop for one in pausing.resume("").still] == ["toys"]
    with pytest.raises(UsageError, match="there is no shop 'toy'"):
        pausing.pause("toy", by="Ann")


# --- the commands ------------------------------------------------------------------------------------------------------


def command(shop: Stage, *arguments: str, answer: str = "") -> Result:
    """Run a command in a process of its own, as far as the database is concerned."""
    shop.close()
    home = ("--home", str(shop.folder))
    return CliRunner(env=dict(shop.environ)).invoke(cli, [*home, *arguments], input=answer, standalone_mode=False)


def documents(result: Result) -> list[Any]:
    return [orjson.loads(line) for line in result.stdout.splitlines()]


NOW: Final = "2026-03-02T10:00:00Z"


def in_the_future(shop: Stage) -> None:
    """Messages that wait for approval also by the machine's own clock."""
    far = {"ship_by": "2100-01-01T00:00:00Z"}
    shop.rules('[rules.late]\ntemplate = "shipped"\nbefore = "ship_by"\nlead = "30d"\n')
    names = {"1": ("ru", "Константин Вознесенский"), "2": ("es", "Ana"), "3": ("en", "Joe")}
    for order, (language, name) in names.items():
        shop.ingest(*shipped(order, language=language, name=name))
        shop.ingest(event("order.updated", at="2026-03-02T09:30", order=order, told=far))


def test_the_commands_answer_in_json_and_by_their_exit_code(shop: Stage) -> None:
    in_the_future(shop)

    held = command(shop, "outbox", "hold", "toys/1", "--by", "Ann", "--why", "wait", "--json")
    assert documents(held) == [
        {
            "changed": [{"shop": "toys", "order": "1", "rule": "late", "step": 1, "was": "planned", "state": "held"}],
            "refused": [], "moved": [],
        }
    ]  # fmt: skip
    assert held.return_value == 0
    again = command(shop, "outbox", "hold", "toys/1", "--rule", "late")
    assert (again.return_value, again.stderr) == (1, "left as it is: toys/1 late is held already, by Ann: wait\n")
    listed = documents(command(shop, "outbox", "list", "--state", "held", "--json"))
    assert [(one["order"], one["state"], one["because"]) for one in listed] == [("1", "held", "staff Ann: wait")]
    nothing = command(shop, "outbox", "approve", "toys/1")
    assert nothing.return_value == 1
    assert (
        "toys/1 has nothing that could be approved:\n  late waits until what holds it has been settled"
        in nothing.stderr
    )
    assert command(shop, "outbox", "release", "toys/1", "--by", "Ann").stdout == "released toys/1 late\n"


def test_the_list_is_aligned_and_filtered(shop: Stage) -> None:
    in_the_future(shop)

    lines = command(shop, "outbox", "list").stdout.splitlines()
    assert lines == [f"2099-12-02 00:00Z  toys/{order}  late  will be sent when it is due" for order in "123"]
    assert len(command(shop, "outbox", "list", "--order", "toys/2").stdout.splitlines()) == 1
    assert len(command(shop, "outbox", "list", "--order", "2", "--rule", "late").stdout.splitlines()) == 1
    empty = command(shop, "outbox", "list", "--rule", "lat")
    assert (empty.stdout, empty.stderr) == ("", "no messages of a rule 'lat' (did you mean 'late'?)\n")


def waiting_in_the_future(shop: Stage) -> None:
    in_the_future(shop)
    store = shop.engine.store
    for order in "123":
        row = shop.row("late", order)
        asked: PlannedMessage = replace(row, state=State.WAITING_APPROVAL, reason=Reason.APPROVAL, because="valve 1")
        store.together(lambda unit, was=row, now=asked: unit.change([Change(message=now, was=was.state)], at=START))  # type: ignore[misc]


def test_before_everything_is_approved_three_are_shown_each_in_its_language(shop: Stage) -> None:
    waiting_in_the_future(shop)

    refused = command(shop, "outbox", "approve", "--all", answer="n\n")
    assert refused.return_value == 1
    assert all(f" in {locale}: " in refused.stdout for locale in ("en", "es", "ru"))
    assert "approve 3 messages?" in refused.stdout
    assert {row.state for row in shop.engine.store.outbox()} == {State.WAITING_APPROVAL}
    agreed = command(shop, "outbox", "approve", "--all", "--by", "Ann", answer="y\n")
    assert agreed.return_value == 0
    assert [row.approved_by for row in shop.engine.store.outbox()] == ["Ann"] * 3


@pytest.mark.parametrize(
    "arguments", [(), ("toys/1", "--all"), ("--intake", "1", "--rule", "late"), ("--all", "--json")]
)
def test_what_is_to_be_approved_is_one_thing(arguments: tuple[str, ...], shop: Stage) -> None:
    in_the_future(shop)

    assert command(shop, "outbox", "approve", *arguments).exception is not None


def test_ingest_says_what_the_valve_held_back_and_how_to_let_it_go(shop: Stage, tmp_path: Path) -> None:
    shop.rules(
        '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nmax_age = "3600d"\nexpiry = "3600d"\n',
        head=VALVE,
    )
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(_envelope(one)) for order in "12" for one in shipped(order)))

    result = command(shop, "ingest", str(file))
    assert "2 messages of intake 1 wait for a person" in result.stderr
    assert f"messenger --home {shop.folder} outbox approve --intake 1 lets them go" in result.stderr
    approved = command(shop, "outbox", "approve", "--intake", "1", "--json")
    assert [one["was"] for one in documents(approved)[0]["changed"]] == ["waiting_approval"] * 2


def _envelope(one: Any) -> dict[str, Any]:
    data = {
        name: {key: list(map(_item, value)) if key == "items" else value for key, value in told.items()}
        for name, told in one.data.items()
    }
    return {
        "specversion": "1.0", "id": one.id, "source": one.source, "type": one.type, "time": one.time.isoformat(), "subject": one.order,
        "data": {"shop": one.shop, **data},
    }  # fmt: skip


def _item(value: Any) -> dict[str, Any]:
    return {"title": value.title}


def test_an_empty_file_is_a_sign_of_life_of_its_source(shop: Stage, tmp_path: Path) -> None:
    shop.settings(more='\n[sources.erp]\nkind = "file"\nshop = "toys"\n')
    shop.rules(SHIPPED)
    file = tmp_path / "empty.jsonl"
    file.touch()

    assert command(shop, "ingest", str(file), "--source", "erp").return_value == 0
    assert set(shop.engine.store.heard()) == {"erp"}
    unknown = command(shop, "ingest", str(file), "--source", "epr")
    assert "no source 'epr' in messenger.toml (did you mean 'erp'?)" in str(unknown.exception)


def test_publish_makes_a_generation_only_of_files_that_can_be_used_and_have_changed(shop: Stage) -> None:
    (shop.folder / "schedules.toml").write_text(HEAD + SHIPPED, encoding="utf-8")

    assert command(shop, "publish").stdout.startswith("published generation 1")
    assert command(shop, "publish").stdout == "nothing has changed: these files are generation 1 already\n"
    (shop.folder / "schedules.toml").write_text(
        HEAD + SHIPPED.replace("order.shipped", "order.shiped"), encoding="utf-8"
    )
    broken = command(shop, "publish")
    assert (broken.return_value, broken.stdout) == (2, "")
    assert "order.shiped" in broken.stderr
    assert shop.engine.store.newest_generation() == 1
    (shop.folder / "schedules.toml").write_text(HEAD + SHIPPED + STAFF, encoding="utf-8")
    shop.close()
    assert command(shop, "publish").stdout == "published generation 2; new rules: sorry\n"


# --- retry and sent ----------------------------------------------------------------------------------------------------


def failed(shop: Stage, *orders: str) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(*[Outcome.PERMANENT] * max(1, len(orders)))
    shop.ingest(*[one for order in orders or ("1",) for one in shipped(order)])
    shop.run()


def perhaps_sent(shop: Stage) -> None:
    shop.rules(SHIPPED + 'uncertain = "ask"\n')
    shop.transport.answer(Outcome.UNCERTAIN)
    shop.ingest(*shipped())
    shop.run()


def test_what_has_failed_is_tried_again_under_the_same_key_and_message_id(shop: Stage) -> None:
    failed(shop)
    before = shop.row()
    shop.at("2026-03-02T13:00")

    assert act(shop, Verb.RETRY, why="the server is mended").is_whole
    row = shop.row()
    assert (row.state, row.reason, row.due_at, row.attempts) == (State.PLANNED, None, utc("2026-03-02T13:00"), 0)
    assert (row.key, row.message_id) == (before.key, before.message_id)
    assert (last(shop).what, last(shop).because) == ("planned", "staff Ann: the server is mended")
    shop.run()
    assert shop.row().state is State.SENT
    assert f"Message-ID: <{before.message_id}>".encode() in shop.transport.sent[0].content


def test_poison_is_forgiven_when_a_person_lets_it_be_tried_again(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    for number in range(5):
        now = shop.clock.now()
        shop.engine.store.claim(owner=f"w{number}", now=now, lease_until=now + LEASE, limit=1)
        shop.at(now + 2 * LEASE)
        shop.engine.store.rescue(now=shop.clock.now())
    shop.run()
    assert shop.row().reason is Reason.POISON

    act(shop, Verb.RETRY)
    shop.run()

    assert shop.row().state is State.SENT


def test_what_was_perhaps_sent_goes_out_once_more_on_a_persons_word(shop: Stage) -> None:
    perhaps_sent(shop)
    shop.run("2026-03-02T13:00")
    assert shop.row().state is State.UNCERTAIN

    assert act(shop, Verb.RETRY, why="the buyer has nothing").is_whole
    shop.run()

    assert shop.row().state is State.SENT
    assert [one.content for one in shop.transport.sent] == [one.content for one in shop.transport.lost]
    assert "staff Ann: the buyer has nothing" in [one.because for one in shop.engine.store.record_of(ONE)]


@pytest.mark.parametrize("scene", [failed, perhaps_sent])
def test_a_person_says_that_it_did_go_out(scene: Callable[[Stage], None], shop: Stage) -> None:
    scene(shop)
    shop.at("2026-03-02T13:00")

    assert act(shop, Verb.SENT, why="the buyer has answered").is_whole
    row = shop.row()
    assert (row.state, row.reason, row.sent_at, row.because) == (
        State.SENT, None, utc("2026-03-02T13:00"), "staff Ann: the buyer has answered",
    )  # fmt: skip
    assert (last(shop).what, (last(shop).detail or {})["by"]) == ("sent", "Ann")
    shop.run("2026-03-03T13:00")
    assert shop.transport.sent == []


@pytest.mark.parametrize("verb", [Verb.RETRY, Verb.SENT])
def test_what_went_as_it_should_is_neither_tried_again_nor_noted(verb: Verb, shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    planned = act(shop, verb, Choice(order=ONE, rule="shipped"))
    shop.run()
    sent = act(shop, verb, Choice(order=ONE, rule="shipped"))

    assert not planned.done
    assert not sent.done
    assert "only" in planned.refused[0].why
    assert sent.refused[0].why.startswith("was sent: only")


def test_what_is_no_longer_true_is_not_tried_again(shop: Stage) -> None:
    failed(shop)
    shop.at(shop.row().expires_at)

    (refusal,) = act(shop, Verb.RETRY).refused

    assert refusal.why == "is not tried again: what it says was true until 2026-03-05 10:00 UTC"


def test_what_is_being_sent_again_at_this_moment_is_left_to_its_worker(shop: Stage) -> None:
    perhaps_sent(shop)
    act(shop, Verb.RETRY)
    now = shop.clock.now()
    assert shop.engine.store.claim(owner="w", now=now, lease_until=now + LEASE, limit=1)

    (refusal,) = act(shop, Verb.RETRY).refused

    assert refusal.why == "is just being sent once more: try again in a moment"
    assert act(shop, Verb.SENT).is_whole


def test_a_lot_is_tried_again_only_when_its_size_is_what_was_expected(shop: Stage) -> None:
    failed(shop, "1", "2", "3")
    shop.close()

    def run(*more: str) -> Result:
        return command(shop, "outbox", "retry", "--state", "failed", *more)

    assert (run().return_value, run("--count", "2").return_value) == (1, 1)
    assert "3 messages are meant: to try them again, say --count 3" in run().output
    assert "3 messages are meant, not 2: nothing was changed" in run("--count", "2").output
    assert "there is no such message" in run("--count", "3", "--reason", "poison").output
    done = orjson.loads(run("--count", "3", "--reason", "refused", "--shop", "toys", "--by", "Ann", "--json").stdout)
    assert len(done["refused"]) == 3  # by the clock of a real process they have expired long ago


def test_one_message_is_named_by_its_id(shop: Stage) -> None:
    failed(shop, "1", "2")
    (first, _) = sorted(shop.rows("1") + shop.rows("2"), key=lambda row: row.id)

    assert [one.order for one, _ in act(shop, Verb.RETRY, Choice(id=first.id)).done] == [first.order]
    with pytest.raises(UsageError, match="there is no message 4711"):
        shop.queue.choose(Verb.RETRY, Choice(id=4711))


def test_accounts_are_shown_and_tried_at_once_when_somebody_says_so(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(*[Outcome.ACCOUNT] * 5)
    shop.ingest(*shipped())
    shop.run()
    shop.close()

    def run(*more: str) -> Result:
        return command(shop, "outbox", "accounts", *more)

    (told,) = [orjson.loads(line) for line in run("--json").stdout.splitlines()]
    assert (told["account"], told["state"], told["waiting"]) == ("main", "open", 1)
    assert "main  in trouble since 2026-03-02 12:00Z: 535 5.7.8 authentication failed" in run().stdout
    assert run("--try", "mian").return_value == 1
    assert run("--try", "main").return_value == 0
    shop.run("2026-03-02T12:05")
    assert run("--try", "main").return_value == 1
