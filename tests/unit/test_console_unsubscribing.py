"""One-click unsubscription and the hook for mails that came back, as programs and buyers reach them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from messenger.console import Desk, create_app
from messenger.domain.messages import Category
from messenger.mail.bounces import read_reports
from messenger.services.feedback import Feedback
from messenger.services.tokens import unsubscribe_token
from tests.bounce_samples import SAMPLES
from tests.stage import Stage, stage

CLICK = {"List-Unsubscribe": "One-Click"}
SECRET = "hook-secret"
RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(Path(tmp_path_factory.mktemp("web")))
    made.rules(RULES)
    yield made
    made.close()


@pytest.fixture
def web(shop: Stage) -> TestClient:
    engine = shop.engine
    for one in list(engine.store.suppressions()):
        engine.store.lift(address=one.address)
    feedback = Feedback(engine.store, engine.home, shop.clock, read=read_reports)
    desk = Desk(store=engine.store, feedback=feedback, home=lambda: engine.home, mail_hooks=lambda: {"bounces": SECRET})
    return TestClient(create_app(desk), follow_redirects=False)


@pytest.fixture
def link(shop: Stage) -> str:
    store = shop.engine.store
    token = unsubscribe_token(
        store.secret("unsubscribe"), shop="toys", category=Category.RELATIONAL, address="ana@example.com",
        addresses=store.secret("addresses"),
    )  # fmt: skip
    return f"/u/{token}"


def suppressed(shop: Stage) -> list[tuple[str, str, str]]:
    return [(one.shop, one.category, one.because) for one in shop.engine.store.suppressions()]


def test_one_click_works_in_both_encodings_and_twice(web: TestClient, link: str, shop: Stage) -> None:
    first = web.post(link, data=CLICK)
    second = web.post(link, files={"List-Unsubscribe": (None, "One-Click")})

    assert (first.status_code, second.status_code) == (200, 200)
    assert suppressed(shop) == [("toys", "relational", "one-click")]
    assert "set-cookie" not in first.headers
    assert "location" not in first.headers


def test_looking_changes_nothing(web: TestClient, link: str, shop: Stage) -> None:
    for method in ("GET", "HEAD"):
        web.request(method, link)
    page = web.get(link)

    assert page.status_code == 200
    assert 'name="page"' in page.text
    assert suppressed(shop) == []


def test_the_button_of_the_page_works(web: TestClient, link: str, shop: Stage) -> None:
    page = web.post(link, data={"page": "yes"})

    assert "You are unsubscribed" in page.text
    assert suppressed(shop) == [("toys", "relational", "page")]


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "no"}, {"page": "no"}, {"other": "One-Click"}])
def test_any_other_body_asks_for_nothing(web: TestClient, link: str, shop: Stage, body: dict[str, str]) -> None:
    assert web.post(link, data=body).status_code == 400
    assert suppressed(shop) == []


def test_a_forged_token_gets_a_calm_page(web: TestClient, link: str, shop: Stage) -> None:
    for method in ("GET", "POST"):
        answer = web.request(method, link[:-2] + "zz", data=CLICK if method == "POST" else None)
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
    assert suppressed(shop) == []


def test_a_body_without_end_is_refused(web: TestClient, link: str, shop: Stage) -> None:
    assert web.post(link, content=b"List-Unsubscribe=One-Click&x=" + b"x" * 20_000).status_code == 413
    assert web.post(link, content=iter([b"x" * 9_000] * 3)).status_code == 413
    assert suppressed(shop) == []


@pytest.mark.parametrize(
    ("named", "language", "words"),
    [
        ("ru-RU,ru;q=0.9,en;q=0.5", "ru", "Отписка"), ("es-MX", "es", "Darse de baja"), ("zh-CN,zh", "zh", "退订"),
        ("pt-BR", "pt-BR", "Cancelar inscrição"), ("pt-PT,en", "pt-BR", "Cancelar inscrição"), ("zh-TW,en", "zh", "退订"),
        ("fi,en;q=0.5", "en", "Unsubscribe"), ("", "en", "Unsubscribe"),
        ("x" * 5000, "en", "Unsubscribe"), ("*;q=,,;-_", "en", "Unsubscribe"),
    ],
)  # fmt: skip
def test_the_page_speaks_the_buyers_language(web: TestClient, link: str, named: str, language: str, words: str) -> None:
    page = web.get(link, headers={"accept-language": named})

    assert page.headers["content-language"] == language
    assert f'<html lang="{language}">' in page.text
    assert words in page.text
    assert "Sunny Toys" in page.text
    assert "{" not in page.text


def test_no_answer_runs_a_script_or_tells_where_it_came_from(web: TestClient, link: str) -> None:
    for path in (link, "/u/nothing", "/healthz", "/readyz", "/nowhere"):
        headers = web.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert web.get("/u/style.css").headers["content-type"].startswith("text/css")


def test_all_is_well(web: TestClient) -> None:
    assert web.get("/healthz").text == "ok\n"
    assert web.get("/readyz").status_code == 200


def test_a_mail_that_came_back_is_taken_with_the_secret_only(web: TestClient) -> None:
    raw = SAMPLES[0].raw
    right = {"authorization": f"Bearer {SECRET}"}

    assert web.post("/hooks/bounces", content=raw).status_code == 401
    assert web.post("/hooks/bounces", content=raw, headers={"authorization": "Bearer x"}).status_code == 401
    assert web.post("/hooks/bounces", content=raw, headers={"authorization": f"Basic {SECRET}"}).status_code == 401
    assert web.post("/hooks/other", content=raw, headers=right).status_code == 401
    assert web.post("/hooks/other", content=raw, headers={"authorization": "Bearer "}).status_code == 401
    assert web.post("/hooks/bounces", content=b" \n", headers=right).status_code == 400
    assert web.post("/hooks/bounces", content=b"x" * 5_000_000, headers=right).status_code == 413
    taken = web.post("/hooks/bounces", content=raw, headers=right)
    assert (taken.status_code, taken.text) == (200, "bounce\n")
