"""The queue in the console: every reason a sentence, nothing leaves unseen, and nobody touches what is not theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from messenger.console.queue import SHOWN
from messenger.domain.access import Role
from messenger.domain.messages import State
from messenger.services.users import Staff
from messenger.services.wording import sentence
from tests.console_bench import QUICK, WORDS, browser, come_in
from tests.stage import Stage, shipped, stage

RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\napproval = "staff"\n'
LANGUAGES = ("es", "ru", "en")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.rules(RULES)
    for number in range(1, 7):
        made.ingest(*shipped(str(number), language=LANGUAGES[number % 3]))
    made.run()
    people = Staff(made.engine.store, made.engine.home, made.clock, QUICK)
    for role in (Role.OPERATOR, Role.VIEWER):
        people.add(str(role), WORDS, role=role)
    yield made
    made.close()


def post(web: TestClient, token: str, verb: str, stage_: Stage, *orders: str, **more: str) -> str:
    chosen = {f"m{stage_.row(order=order).id}": more.pop("was", str(stage_.row(order=order).state)) for order in orders}
    answer = web.post(f"/queue/{verb}", data={"csrf": token} | chosen | more)
    assert answer.status_code == 200, answer.text
    return answer.text


def states(shop: Stage) -> list[str]:
    return [str(shop.row(order=str(number)).state) for number in range(1, 7)]


def test_each_message_is_listed_with_its_reason(shop: Stage) -> None:
    web = browser(shop, language="zh")
    come_in(web, "viewer")
    text = web.get("/queue").text

    assert text.count("<li>") == 6
    assert text.count(sentence("waiting_approval", "approval", "zh")) == 6
    assert 'type="checkbox"' not in text
    assert "formaction" not in text


def test_a_lot_is_shown_in_each_language_before_it_is_approved(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "operator")
    asked = post(web, token, "approve", shop, all="yes", why="looked at")

    assert states(shop) == ["waiting_approval"] * 6
    assert "would be approved: 6" in asked
    assert sorted(re.findall(r'<p class="tag">(\w+)</p>', asked)) == ["en", "es", "ru"]
    fields = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"', asked))
    shop.ingest(*shipped("7"))
    shop.run()
    done = web.post("/queue/approve", data=fields).text
    assert "Done with 6; 0 left" in done
    assert states(shop) == ["planned"] * 6
    assert shop.row(order="7").state is State.WAITING_APPROVAL
    assert {shop.row(order=str(number)).approved_by for number in range(1, 7)} == {"operator"}


def test_chosen_messages_are_held_released_and_cancelled(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "operator")
    post(web, token, "hold", shop, "1", "2", why="asked by the buyer")
    assert states(shop)[:3] == ["held", "held", "waiting_approval"]
    assert shop.row(order="1").because == "staff operator: asked by the buyer"
    assert web.get("/queue", params={"state": "held"}).text.count(f"<p>{sentence('held', 'hold')}</p>") == 2
    post(web, token, "release", shop, "1", state="held")
    post(web, token, "cancel", shop, "2", "3")
    assert states(shop)[:3] == ["planned", "cancelled", "cancelled"]


def test_what_moved_meanwhile_is_left_and_told(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "operator")
    post(web, token, "cancel", shop, "1")
    told = post(web, token, "hold", shop, "1", was="waiting_approval")

    assert "Done with 0; 1 left" in told
    assert "moved meanwhile" in told
    assert states(shop)[0] == "cancelled"


def test_a_viewer_and_a_stranger_to_the_shop_change_nothing(shop: Stage) -> None:
    store = shop.engine.store
    Staff(store, shop.engine.home, shop.clock, QUICK).add("other", WORDS, role=Role.OPERATOR)
    kept = store.user("other")
    assert kept is not None
    store.change_user(replace(kept, shops=frozenset({"shoes"})))
    viewer, other = browser(shop), browser(shop)
    looking, foreign = come_in(viewer, "viewer"), come_in(other, "other")

    assert (
        viewer.post("/queue/cancel", data={"csrf": looking, f"m{shop.row().id}": "waiting_approval"}).status_code == 403
    )
    assert "<li>" not in other.get("/queue").text
    for verb in ("cancel", "approve"):
        for more in ({}, {"all": "yes"}, {"all": "yes", "shop": "toys"}):
            post(other, foreign, verb, shop, "1", sure="yes", **more)
    assert states(shop) == ["waiting_approval"] * 6


def test_what_no_page_of_ours_sends_does_nothing(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "operator")
    for fields in (
        {"m": "planned"},
        {"m1": "no-state"},
        {"m-1": "planned"},
        {"m١": "planned"},
        {f"m{10**30}": "planned"},
    ):
        answer = web.post("/queue/cancel", data={"csrf": token} | fields)
        assert "Done with 0; 0 left" in answer.text
    assert web.post("/queue/drop", data={"csrf": token}).status_code == 403
    assert web.post("/queue/sent", data={"csrf": token}).status_code == 403
    for query in ("state=nothing", "after=x", "after=1-", "after=-1-2", f"after={10**40}-1", "shop=none", "after=1-1"):
        assert web.get(f"/queue?{query}").status_code == 200


def test_a_long_queue_is_told_page_by_page_without_gaps(shop: Stage) -> None:
    for number in range(7, 2 * SHOWN + 8):
        shop.ingest(*shipped(str(number)))
    for _ in range(2):
        shop.run()
    web = browser(shop)
    come_in(web, "viewer")
    found: list[str] = []
    link = "/queue?state=waiting_approval"
    while link:
        text = web.get(link).text
        found += re.findall(r'href="/orders/toys/(\d+)"', text)
        following = re.search(r'href="(/queue\?[^"]*after=[^"]*)"', text)
        link = following[1].replace("&amp;", "&") if following else ""

    assert sorted(found, key=int) == [str(number) for number in range(1, 2 * SHOWN + 8)]
