"""The pages for the people of a shop: who may open which, what every answer carries, and what a stranger can do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from messenger.console.office import Need
from messenger.domain.access import RIGHTS, Right, Role
from messenger.services.logins import OF_ACCOUNT
from messenger.services.users import Staff
from tests.console_bench import QUICK, WORDS, app_of, browser, come_in, csrf_of
from tests.stage import Stage, shipped, stage

RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
STRANGE: Final = re.compile(r"<script(?![^>]* src=\"/assets/)|<style|<[^>]*\s(style|on[a-z]+)=|<[^>]*https?://")
"""A script or a style in the page itself, or anything from elsewhere."""
OPEN: Final = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/u/style.css"), ("GET", "/u/{token}"), ("POST", "/u/{token}"),
    ("GET", "/assets/{name}"), ("GET", "/login"), ("POST", "/login"), ("POST", "/hooks/{source}"), ("GET", "/hooks/{source}"),
    ("POST", "/api/v1/events"), ("OPTIONS", "/api/v1/events"), ("OPTIONS", "/hooks/{source}"), ("POST", "/hooks/mail/{source}"),
}  # fmt: skip
"""What answers strangers: health, hooks, buyers, and the door."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(tmp_path_factory.mktemp("console"))
    made.rules(RULES)
    made.ingest(*shipped("1", name=EVIL), *shipped("2"))
    made.run()
    people = Staff(made.engine.store, made.engine.home, made.clock, QUICK)
    for role in Role:
        people.add(str(role), WORDS, role=role)
    people.add("stranger-to-toys", WORDS, role=Role.ADMIN)
    kept = made.engine.store.user("stranger-to-toys")
    assert kept is not None
    made.engine.store.change_user(replace(kept, shops=frozenset({"shoes"})))
    yield made
    made.close()


def routes(app: FastAPI) -> list[tuple[str, str, Right | None, bool]]:
    """Every route: verb, path, the right it needs, and whether it needs somebody at all."""
    found = []
    for route in every_route(app.routes):
        needs = [one.call for one in route.dependant.dependencies if isinstance(one.call, Need)]
        found += [
            (verb, route.path, needs[0].right if needs else None, bool(needs)) for verb in sorted(route.methods or ())
        ]
    assert len({path for _, path, _, is_closed in found if is_closed}) >= 8
    return found


def every_route(found: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Newer versions of FastAPI keep what was included as it was, in rooms of its own."""
    for route in found:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from every_route(inside.routes)
        elif isinstance(route, APIRoute):
            yield route


def filled(path: str) -> str:
    return (
        path.replace("{shop}", "toys")
        .replace("{number:path}", "1")
        .replace("{name}", "console.css")
        .replace("{verb}", "hold")
    )


def test_nothing_but_the_door_health_hooks_and_buyers_answers_strangers(shop: Stage) -> None:
    web = browser(shop)
    found = routes(app_of(shop))

    assert {(verb, path) for verb, path, _, is_closed in found if not is_closed} <= OPEN
    for verb, path, _, is_closed in found:
        if is_closed:
            answer = web.request(verb, filled(path))
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")
    assert web.get("/openapi.json").status_code == web.get("/docs").status_code == 404


def test_each_role_may_what_its_rights_say_and_nothing_else(shop: Stage) -> None:
    for role in Role:
        web = browser(shop)
        token = come_in(web, str(role))
        for verb, path, right, is_closed in routes(app_of(shop)):
            if is_closed and path not in ("/logout", "/account/password"):
                answer = web.request(verb, filled(path), data={"csrf": token} if verb == "POST" else None)
                may = right is None or right in RIGHTS[role]
                assert (answer.status_code in (200, 303)) == may, (role, verb, path, answer.status_code)
                assert may or answer.status_code == 403
                assert may or "toys" not in answer.text


def test_pages_show_only_what_a_role_may_open(shop: Stage) -> None:
    links = {}
    for role in Role:
        web = browser(shop)
        come_in(web, str(role))
        links[role] = re.findall(r'<a href="(/[a-z]*)"', web.get("/account").text.partition("<main")[0])

    assert links[Role.TRANSLATOR] == ["/account"]
    assert links[Role.VIEWER] == links[Role.OPERATOR] == ["/", "/queue", "/orders", "/account"]
    viewer, operator = browser(shop), browser(shop)
    come_in(viewer, "viewer")
    come_in(operator, "operator")
    assert "Stop this shop" not in viewer.get("/").text
    assert "Stop this shop" in operator.get("/").text


def test_who_has_other_shops_sees_nothing_of_this_one(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "stranger-to-toys")

    assert "toys" not in web.get("/").text.partition("<main")[2].lower()
    assert web.get("/orders", params={"number": "1"}).status_code == 404
    assert web.get("/orders/toys/1").status_code == 403
    assert web.post("/shops/toys/pause", data={"csrf": token}).status_code == 403
    assert shop.engine.store.pauses() == []


def test_a_form_that_is_not_ours_changes_nothing(shop: Stage) -> None:
    web = browser(shop)
    token = come_in(web, "operator")
    other = browser(shop)
    foreign = come_in(other, "admin")

    for data, headers in (
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": foreign}, {}),
        ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
        ({"csrf": token, "more": "x" * 70_000}, {}),
        ({"csrf": token}, {"Content-Type": "text/plain"}),
    ):
        assert web.post("/shops/toys/pause", data=data, headers=headers).status_code == 403
    assert shop.engine.store.pauses() == []
    assert (
        web.post("/shops/toys/pause", data={"csrf": token}, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        == 303
    )
    assert [(one.shop, one.by) for one in shop.engine.store.pauses()] == [("toys", "operator")]
    assert "stopped by operator" in web.get("/").text
    web.post("/shops/toys/resume", data={"csrf": token})
    assert shop.engine.store.pauses() == []


def test_looking_changes_nothing(shop: Stage) -> None:
    web = browser(shop)
    come_in(web, "admin")
    for path in ("/shops/toys/pause", "/shops/toys/resume", "/logout", "/account/password"):
        assert web.get(path).status_code == 405


def test_nobody_is_logged_in_by_somebody_elses_form(shop: Stage) -> None:
    web, other = browser(shop), browser(shop)
    theirs = csrf_of(other.get("/login").text)
    mine = csrf_of(web.get("/login").text)
    data = {"name": "viewer", "password": WORDS}

    assert mine != theirs
    assert web.post("/login", data=data | {"csrf": theirs}).status_code == 403
    assert browser(shop).post("/login", data=data | {"csrf": mine}).status_code == 403
    assert web.post("/login", data=data | {"csrf": mine}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_wrong_name_and_a_wrong_password_get_the_same_page_and_guesses_run_out(shop: Stage) -> None:
    web = browser(shop)
    token = csrf_of(web.get("/login").text)

    def guess(name: str) -> tuple[int, str]:
        answer = web.post("/login", data={"csrf": token, "name": name, "password": "a wrong password"})
        return answer.status_code, answer.text.replace(name, "NAME")

    assert guess("viewer") == guess("no-such-person")
    found = [guess("no-such-person")[0] for _ in range(OF_ACCOUNT)]
    assert found == [401] * (OF_ACCOUNT - 1) + [429]


@pytest.mark.parametrize(
    ("public_url", "name", "is_secure"),
    [
        ("", "messenger", False),
        ("https://desk.toys.example", "__Host-messenger", True),
    ],
)
def test_the_cookie_is_strict_and_hidden_from_scripts(shop: Stage, public_url: str, name: str, is_secure: bool) -> None:
    web = browser(shop, public_url=public_url)
    token = csrf_of(web.get("/login").text)
    answer = web.post("/login", data={"csrf": token, "name": "viewer", "password": WORDS})

    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}="))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) == is_secure


def test_every_login_gets_a_cookie_of_its_own(shop: Stage) -> None:
    web = browser(shop)
    first = come_in(web, "viewer")
    planted = web.cookies["messenger"]
    assert come_in(web, "viewer") != first
    assert web.cookies["messenger"] != planted


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("/orders?number=1", "/orders?number=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
    ],
)
def test_after_logging_in_one_stays_here(shop: Stage, to: str, leads: str) -> None:
    web = browser(shop)
    token = csrf_of(web.get("/login", params={"to": to}).text)
    answer = web.post("/login", data={"csrf": token, "name": "viewer", "password": WORDS, "to": to})

    assert answer.headers["location"] == leads
    assert "x" not in answer.cookies


def test_every_page_forbids_what_is_not_ours(shop: Stage) -> None:
    web = browser(shop)
    come_in(web, "admin")
    for path in ("/login", "/", "/orders", "/orders/toys/1", "/account", "/orders/shoes/1", "/nowhere"):
        answer = web.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not STRANGE.search(answer.text)


def test_what_a_buyer_typed_is_only_text(shop: Stage) -> None:
    web = browser(shop)
    come_in(web, "viewer")
    text = web.get("/orders/toys/1").text

    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "<img" not in text
    page = web.get("/orders", params={"number": EVIL})
    assert page.status_code == 404
    assert "<img" not in page.text


def test_an_order_is_found_by_its_number_and_tells_its_story(shop: Stage) -> None:
    web = browser(shop)
    come_in(web, "viewer")
    found = web.get("/orders", params={"number": " 2 "})

    assert found.headers["location"] == "/orders/toys/2"
    text = web.get("/orders/toys/2").text
    assert "was sent" in text
    assert "Europe/Madrid" in text
    assert web.get("/orders/toys/none").status_code == 404


def test_a_new_password_is_taken_from_the_page_and_ends_other_logins(shop: Stage) -> None:
    Staff(shop.engine.store, shop.engine.home, shop.clock, QUICK).add("changer", WORDS, role=Role.VIEWER)
    here, elsewhere = browser(shop), browser(shop)
    token, _ = come_in(here, "changer"), come_in(elsewhere, "changer")
    new = "staple under the bridge"

    for old, wanted, status in ((new, new, 422), (WORDS, "short", 422), (WORDS, new, 200)):
        assert here.post("/account/password", data={"csrf": token, "old": old, "new": wanted}).status_code == status
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    here.post("/logout", data={"csrf": token})
    assert here.get("/account").status_code == 303
    come_in(here, "changer", password=new)


def test_today_shows_what_left_and_what_is_the_matter(shop: Stage) -> None:
    web = browser(shop)
    come_in(web, "viewer")
    text = web.get("/").text

    assert re.search(r"<dt>left today</dt><dd>2</dd>", text)
    assert text.count("<rect") == 30
    assert "Nothing is the matter." in text


def test_a_refresh_by_script_of_who_is_logged_out_leads_to_the_door(shop: Stage) -> None:
    answer = browser(shop).get("/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


@pytest.mark.parametrize(("language", "title"), [("zh-CN,en;q=0.5", "登录"), ("ru", "Вход"), ("de", "Log in")])
def test_the_door_speaks_the_browsers_language(shop: Stage, language: str, title: str) -> None:
    page = browser(shop, language=language).get("/login")

    assert f"<h1>{title}</h1>" in page.text


def test_the_vendored_file_is_the_one_that_is_told() -> None:
    import hashlib  # noqa: PLC0415

    room = Path(__file__).parents[2] / "messenger" / "console" / "assets"
    digest = hashlib.sha256((room / "htmx.min.js").read_bytes()).hexdigest()
    assert digest in (room / "VENDORED.md").read_text(encoding="utf-8")


def test_every_pair_of_role_and_right_is_decided() -> None:
    assert all(isinstance(right in RIGHTS[role], bool) for role, right in product(Role, Right))
