"""``messenger console`` as a process of its own: reached over a real line, keeps up with edits, stops cleanly."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from messenger.cli.main import cli
from messenger.domain.messages import Category
from messenger.errors import UsageError
from messenger.services.tokens import unsubscribe_token
from messenger.storage import migrate, open_store
from tests.bounce_samples import SAMPLES
from tests.homes import live_home

HOOK = '\n[sources.returns]\nkind = "mail"\nsecret = "file:secret"\n'
PATIENCE = 60.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live_home(tmp_path_factory.mktemp("console") / "home", port=9)


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), "console", "--port", "0"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        found = (re.search(r"http://\S+:\d+", line) for line in process.stderr)
        yield process, next(one[0] for one in found if one)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.timeout(180)
def test_a_buyer_unsubscribes_an_edit_is_adopted_and_a_stop_is_clean(home: Path) -> None:
    url = f"sqlite:///{home}/data/messenger.db"
    with serving(home) as (process, address), httpx2.Client(base_url=address) as client:
        assert client.get("/readyz").text == "ready\n"
        store = open_store(url)
        try:
            token = unsubscribe_token(
                store.secret("unsubscribe"), shop="toys", category=Category.PROMOTIONAL, address="ana@example.com",
                addresses=store.secret("addresses"),
            )  # fmt: skip
            answer = client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
            assert (answer.status_code, answer.headers.get("server")) == (200, None)
            assert [(one.shop, one.category) for one in store.suppressions()] == [("toys", "promotional")]
        finally:
            store.close()

        right = {"authorization": "Bearer b0unces"}
        assert client.post("/hooks/returns", content=SAMPLES[0].raw, headers=right).status_code == 401
        (home / "secret").write_text("b0unces", encoding="utf-8")
        (home / "secret").chmod(0o600)
        with (home / "messenger.toml").open("a", encoding="utf-8") as file:
            file.write(HOOK)
        end = time.monotonic() + PATIENCE
        while client.post("/hooks/returns", content=SAMPLES[0].raw, headers=right).status_code != 200:
            assert time.monotonic() < end, "the new hook was never adopted"
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    migrate(f"sqlite:///{home}/data/messenger.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = CliRunner().invoke(cli, ["--home", str(home), "console", "--port", str(port)], standalone_mode=False)

    assert isinstance(found.exception, UsageError)
    assert f"cannot listen at 127.0.0.1, port {port}" in str(found.exception)


def test_an_answer_over_a_line_that_was_used_before_does_not_wait(home: Path) -> None:
    """Without TCP_NODELAY each waits for the other side's delayed acknowledgement: 40 ms."""
    migrate(f"sqlite:///{home}/data/messenger.db")
    with serving(home) as (_, address), httpx2.Client(base_url=address) as client:
        client.get("/healthz")
        waited = [client.get("/healthz").elapsed.total_seconds() for _ in range(30)]

    assert min(waited) < 0.03
