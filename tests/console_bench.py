"""The console of a stage, and browsers to look at it with."""

from __future__ import annotations

import re
from typing import Final

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from messenger.console import Desk, create_app
from messenger.console.office import Office
from messenger.mail.bounces import read_reports
from messenger.services.feedback import Feedback
from messenger.services.logins import Logins
from messenger.services.passwords import Passwords
from tests.stage import Stage

WORDS: Final = "correct horse battery"
QUICK: Final = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Of no use but in tests: a real one takes a tenth of a second."""


def app_of(shop: Stage, *, public_url: str = "") -> FastAPI:
    engine = shop.engine
    office = Office(
        store=engine.store, clock=shop.clock, home=lambda: engine.home, speaker=engine.speaker, public_url=lambda: public_url,
        logins=Logins.at(engine.store, shop.clock, passwords=QUICK),
    )  # fmt: skip
    feedback = Feedback(engine.store, engine.home, shop.clock, read=read_reports)
    return create_app(
        Desk(store=engine.store, feedback=feedback, home=lambda: engine.home, mail_hooks=dict, office=office)
    )


def browser(shop: Stage, *, public_url: str = "", language: str = "en") -> TestClient:
    scheme = "https" if public_url else "http"
    return TestClient(
        app_of(shop, public_url=public_url), base_url=f"{scheme}://testserver", follow_redirects=False,
        headers={"Accept-Language": language},
    )  # fmt: skip


def csrf_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    assert found is not None
    return found[1]


def come_in(web: TestClient, name: str, *, password: str = WORDS, to: str = "") -> str:
    """Log in; returns what forms carry from then on."""
    token = csrf_of(web.get("/login").text)
    answer = web.post("/login", data={"csrf": token, "name": name, "password": password, "to": to})
    assert answer.status_code == 303, answer.text
    return csrf_of(web.get("/account").text)
