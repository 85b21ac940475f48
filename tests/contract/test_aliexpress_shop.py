"""A shop that writes by AliExpress's old message calls, from its settings to the buyer, and to the desk where it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.bootstrap.platforms import tell_of_doors
from messenger.cli.main import main
from messenger.domain.alerts import AlertKind
from messenger.domain.messages import Reason, State
from messenger.platforms.aliexpress.messages import SEND, SHOW
from messenger.ports import Credentials
from tests.platforms.aliexpress_server import KEY, SECRET, Platform, aliexpress_server, refused
from tests.stage import Stage, shipped, stage

RULES = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
TRANSPORT = """
[transports.chat]
kind = "aliexpress"
shop = "toys"
app_key = "env:AE_KEY"
app_secret = "env:AE_SECRET"
url = "{url}"
rate = "1000/s"
"""
DESK = '[transports.desk]\nkind = "assisted"\nhours = "09:00-19:00"\n'
HOUR = timedelta(hours=1)
MAY_NOT = [
    pytest.param(refused(11, "Insufficient isv permissions"), id="no permission"),
    pytest.param(refused(22, "Invalid method"), id="no such call"),
]


@dataclass
class Shop:
    """A shop whose texts go to AliExpress, and by mail nowhere."""

    stage: Stage
    platform: Platform

    def log_in(self) -> None:
        self.platform.log_in()
        now, number = self.stage.clock.now(), self.platform.issued
        found = Credentials(
            account="aliexpress/toys", access=f"at-{number}", refresh=f"rt-{number}", ends_at=now + 30 * 24 * HOUR, holder="toys-seller"
        )  # fmt: skip
        self.stage.engine.store.keep_credentials(found, at=now)

    def work(self) -> None:
        """Work until nothing is due, as a worker that looks for what is new."""
        asyncio.run(self.stage.engine.worker().run_until_idle())

    def later(self, span: timedelta = HOUR) -> None:
        self.stage.at(self.stage.clock.now() + span)
        self.work()

    def alerts(self) -> list[tuple[str, str]]:
        tell_of_doors(self.stage.engine)
        return [(str(one.kind), one.subject) for one in self.stage.engine.store.alerts()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = stage(tmp_path)
    opened.environ = {"AE_KEY": KEY, "AE_SECRET": SECRET}
    with aliexpress_server(opened.clock.now) as platform:
        platform.lives = timedelta(days=30)
        opened.settings(
            ('platform = "none"', 'platform = "aliexpress"'), ('{ email = "main" }', '{ platform = "chat" }'),
            more=TRANSPORT.format(url=platform.url),
        )  # fmt: skip
        opened.rules(RULES)
        yield Shop(opened, platform)
        opened.close()


def test_a_message_is_written_into_the_conversation_of_its_order(shop: Shop) -> None:
    shop.log_in()
    shop.stage.ingest(*shipped())

    shop.work()

    (sent,) = shop.platform.sent
    assert (sent["channel_id"], sent["extern_id"], sent["buyer_id"], sent["seller_id"], sent["message_type"]) == (
        "1", "1", "b1", "toys-seller", "order"
    )  # fmt: skip
    assert sent["content"].startswith("Hola")
    assert (shop.stage.row().state, shop.stage.row().transport) == (State.SENT, "chat")


@pytest.mark.parametrize("was_taken", [True, False])
def test_an_answer_that_was_lost_is_looked_for_and_the_buyer_has_it_once(shop: Shop, was_taken: bool) -> None:
    shop.log_in()
    shop.platform.cuts = [was_taken]
    shop.stage.ingest(*shipped())

    shop.work()

    assert shop.stage.row().state is State.SENT
    assert len(shop.platform.texts()) == 1
    assert shop.platform.calls()[SHOW] == 1
    assert shop.platform.calls()[SEND] == (1 if was_taken else 2)


@pytest.mark.parametrize("refusal", MAY_NOT)
def test_where_the_platform_does_not_let_us_the_desk_takes_over_and_nothing_is_lost(
    shop: Shop, refusal: object
) -> None:
    shop.log_in()
    shop.platform.refusals[SEND] = [refusal] * 100  # type: ignore[list-item]  # a refusal
    shop.stage.ingest(*shipped("1"), *shipped("2"))

    shop.work()
    shop.later()

    for order in ("1", "2"):
        row = shop.stage.row(order=order)
        assert (row.state, row.channel, row.transport) == (State.AWAITING_STAFF, "platform", "chat")
    assert shop.platform.texts() == []
    assert shop.platform.calls()[SEND] <= 2
    assert shop.alerts() == [(AlertKind.ACCESS, "chat messages")]
    assert "the desk does it" in str(shop.stage.explain("1"))


def test_what_the_desk_took_over_is_found_there_and_the_doctor_says_why(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.log_in()
    shop.platform.refusals[SEND] = [refused(11, "Insufficient isv permissions")] * 10
    shop.stage.ingest(*shipped())
    shop.work()
    shop.later()
    shop.stage.close()
    monkeypatch.setenv("AE_KEY", KEY)
    monkeypatch.setenv("AE_SECRET", SECRET)

    with pytest.raises(SystemExit) as ended:
        main(["--home", str(shop.stage.folder), "desk", "list", "--json"])
    assert (ended.value.code, '"order":"1"' in capsys.readouterr().out) == (0, True)
    with pytest.raises(SystemExit):
        main(["--home", str(shop.stage.folder), "doctor", "--offline"])
    assert (
        "messages is shut: 11 Insufficient isv permissions (messenger aliexpress login toys)" in capsys.readouterr().out
    )


def test_the_desk_that_is_named_takes_over_in_its_hours(shop: Shop) -> None:
    shop.stage.settings(('rate = "1000/s"', 'rate = "1000/s"\ndesk = "desk"'), more=DESK)
    shop.stage.rules(RULES)
    shop.log_in()
    shop.platform.refusals[SEND] = [refused(11)]
    shop.stage.ingest(*shipped())

    shop.work()
    shop.later()

    assert (shop.stage.row().state, shop.stage.row().transport) == (State.AWAITING_STAFF, "desk")


def test_what_comes_later_goes_to_the_desk_without_asking_the_platform(shop: Shop) -> None:
    shop.log_in()
    shop.stage.engine.store.shut_door("aliexpress/toys", "messages", problem="11 no", at=shop.stage.clock.now())
    shop.stage.ingest(*shipped())

    shop.work()

    assert shop.stage.row().state is State.AWAITING_STAFF
    assert shop.platform.said == []


def test_when_it_lets_us_again_messages_leave_by_themselves(shop: Shop) -> None:
    shop.log_in()
    shop.stage.engine.store.shut_door("aliexpress/toys", "messages", problem="11 no", at=shop.stage.clock.now())
    shop.stage.ingest(*shipped("1"))
    shop.work()
    assert shop.alerts() == [(AlertKind.ACCESS, "chat messages")]

    shop.log_in()
    shop.stage.ingest(*shipped("2"))
    shop.work()

    assert (shop.stage.row(order="1").state, shop.stage.row(order="2").state) == (State.AWAITING_STAFF, State.SENT)
    assert shop.alerts() == []


def test_without_a_login_messages_wait_in_line_and_leave_once_there_is_one(shop: Shop) -> None:
    shop.stage.ingest(*shipped())
    shop.work()
    assert (shop.stage.row().state, shop.stage.row().reason) == (State.PLANNED, Reason.BREAKER)
    assert "messenger aliexpress login toys" in shop.stage.row().because

    shop.log_in()
    shop.later()

    assert shop.stage.row().state is State.SENT


def test_the_days_calls_are_used_up_and_nothing_is_lost(shop: Shop) -> None:
    shop.log_in()
    shop.platform.refusals[SEND] = [refused(7, sub_code="accesscontrol.limited-by-app-access-count")] * 100
    shop.stage.ingest(*shipped())
    shop.work()
    assert (shop.stage.row().state, shop.stage.row().reason) == (State.PLANNED, Reason.BREAKER)
    assert shop.platform.calls()[SEND] < 10

    shop.platform.refusals.clear()
    shop.later(5 * HOUR)
    assert shop.stage.row().state is State.SENT


def test_what_is_refused_has_failed_and_says_why(shop: Shop) -> None:
    shop.log_in()
    shop.platform.strangers = {"b1"}
    shop.stage.ingest(*shipped())

    shop.work()

    row = shop.stage.row()
    assert (row.state, row.reason) == (State.FAILED, Reason.PLATFORM_REFUSED)
    assert "no such buyer" in row.because


@pytest.mark.parametrize(("more", "expected"), [
    ('desk = "desks"\n', "transports.chat.desk: 'desks' is no desk"), ('gateway = "old"\n', "transports.chat.gateway: unknown word 'old'"),
    ('desks = "desk"\n', "transports.chat.desks: unknown key"),
])  # fmt: skip
def test_a_mistake_in_the_settings_is_told(shop: Shop, more: str, expected: str) -> None:
    from messenger.config.settings import read_settings  # noqa: PLC0415  # only here

    shop.stage.close()
    path = shop.stage.folder / "messenger.toml"
    path.write_text(path.read_text(encoding="utf-8") + more + DESK, encoding="utf-8")
    _, findings = read_settings(shop.stage.folder, {})

    assert [str(one).partition(": ")[2].replace('"', "'").startswith(expected) for one in findings] == [True]
