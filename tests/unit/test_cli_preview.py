"""``messenger preview`` from the outside: what it prints, what it hides, and the sheet it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.errors import MessengerError
from tests.homes import live_home

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]
EVENT = {
    "specversion": "1.0", "id": "e1", "source": "erp", "type": "order.shipped", "time": "2026-03-02T10:00:00Z", "subject": "8134",
    "data": {
        "shop": "toys", "order": {"items": [{"title": "Mug", "quantity": 1}], "total": "9.90", "currency": "EUR"},
        "buyer": {"name": "Zacarías Quintero", "email": "zq.private@example.com", "phone": "+34600123987", "country": "ES", "language": "es"},
        "shipment": {"number": "LP00123456789CN", "carrier": "China Post"},
    },
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def with_home(*arguments: str, home: Path | None = None) -> Result:
        return CliRunner().invoke(cli, ["--home", str(home or tmp_path / "none"), *arguments])

    return with_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = live_home(tmp_path_factory.mktemp("home") / "home", port=1025)
    file = made / "event.jsonl"
    file.write_text(json.dumps(EVENT) + "\n", encoding="utf-8")
    taken = CliRunner().invoke(cli, ["--home", str(made), "ingest", str(file)])
    assert taken.exit_code == 0, taken.output
    return made


def test_it_tells_the_text_and_how_it_was_chosen(run: Run) -> None:
    told = run("preview", "shipped", "--locale", "pt-PT").output

    for line in (
        "Text: templates/pt-BR/shipped.md (version ", "Tried before: pt-PT, pt", "Fallback: pt-PT is not there: pt-BR, ",
        "Passed over: templates/pt-BR/shipped@channel=platform.md", "Shown with: sample typical, as of 2026-03-22 10:30 UTC",
    ):  # fmt: skip
        assert f"\n{line}" in told


def test_a_channel_has_its_own_text(run: Run) -> None:
    told = json.loads(run("preview", "shipped", "--locale", "en", "--channel", "platform", "--json").stdout)

    assert (told["variant"], told["passed_over"]) == ("channel=platform", ["templates/en/shipped.md"])


def test_a_mail_is_printed_as_it_would_leave(run: Run) -> None:
    sent = run("preview", "review-request", "--locale", "ru", "--as", "eml").stdout_bytes

    mail = message_from_bytes(sent, policy=default)
    assert str(mail["From"]) == "Sunny Toys <care@sunny-toys.example>"
    assert str(mail["Subject"]).endswith("8134567890123487?")
    assert mail["List-Unsubscribe"] is not None
    assert b"\r\n" in sent


def test_a_real_order_names_nobody_unless_asked(run: Run, home: Path) -> None:
    hidden = run("preview", "shipped", "--order", "toys/8134", home=home)
    eml = run("preview", "shipped", "--order", "toys/8134", "--as", "eml", home=home)
    shown = run("preview", "shipped", "--order", "toys/8134", "--unmask", home=home)

    assert (hidden.exit_code, shown.exit_code) == (0, 0)
    for told in (hidden.output, eml.output):
        assert not re.search("Zacar|Quintero|zq.private|600123987", told)
    assert "To: Z. Q. <z***@example.com>" in hidden.output
    assert "LP00123456789CN" in hidden.output
    assert "To: Zacarías Quintero <zq.private@example.com>" in shown.output


def test_a_real_order_is_shown_as_it_was_at_a_time(run: Run, home: Path) -> None:
    before = run("preview", "shipped", "--order", "toys/8134", "--at", "2026-03-01T00:00:00Z", home=home)

    assert isinstance(before.exception, MessengerError)
    assert "by then" in str(before.exception)


def test_a_file_that_nobody_saved_is_shown(run: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text('+++\nsubject = "Pedido {{ order.number }}"\n+++\n{{ greeting }}\n', encoding="utf-8")

    told = run("preview", str(draft), "--locale", "es").output

    assert "Subject: Pedido 8134567890123456" in told
    assert "Hola, María López:" in told


@pytest.mark.parametrize(("content", "told"), [
    pytest.param(b'+++\nsubject = "x"\n+++\n{{ order.nmber }}', "draft.md:4:4: order.nmber: there is no such placeholder", id="misspelt"),
    pytest.param(b"\xff\xfe", "is not UTF-8", id="no text"),
    pytest.param(b"x" * 70_000, "70000 bytes", id="too large"),
])  # fmt: skip
def test_a_file_that_cannot_be_shown_is_refused(run: Run, tmp_path: Path, content: bytes, told: str) -> None:
    draft = tmp_path / "draft.md"
    draft.write_bytes(content)

    result = run("preview", str(draft), "--locale", "es")

    assert isinstance(result.exception, MessengerError)
    assert told in str(result.exception)


def test_a_file_whose_language_nothing_tells_is_refused(run: Run, tmp_path: Path) -> None:
    assert "write --locale es" in str(run("preview", str(tmp_path / "draft.md")).exception)


def test_secrets_reach_no_draft(run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSENGER_CANARY", "canary-7f3a")
    draft = tmp_path / "draft.md"
    draft.write_text(
        '+++\nsubject = "x"\n+++\n{{ config }} {{ environ }} {{ shop.__init__.__globals__ }}\n', encoding="utf-8"
    )

    result = run("preview", str(draft), "--locale", "es", home=home)

    assert "canary-7f3a" not in f"{result.output}{result.exception}"
    assert "sqlite" not in f"{result.output}{result.exception}"


@pytest.mark.parametrize(
    "arguments",
    [("preview",), ("preview", "shipped", "--all"), ("preview", "shipped", "--order", "a/1", "--sample", "paid")],
)
def test_wrong_usage_is_told(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


# --- the contact sheet --------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sheet")
    written = CliRunner().invoke(
        cli,
        [
            "--home",
            str(folder / "none"),
            "preview",
            "--all",
            "--locales",
            "en,pt-BR",
            "--output",
            str(folder / "sheet.html"),
        ],
    )
    assert written.exit_code == 0, written.output
    return (folder / "sheet.html").read_text(encoding="utf-8")


def test_the_sheet_has_every_message_in_every_language(page: str) -> None:
    ids = {attrs.get("id") for _, attrs in Page(page).found}
    names = {
        path.stem for path in (ROOT / "templates" / "en").glob("*.md") if path.stem != "STYLE" and "@" not in path.stem
    }

    assert {f"{name}.{locale}" for name in names for locale in ("en", "pt-BR")} <= ids
    assert "Missing: buyers get en" in page


def test_the_sheet_fetches_nothing_and_its_mails_can_do_nothing(page: str) -> None:
    found = Page(page).found

    assert not [attrs for tag, attrs in found if tag in {"link", "img"} or attrs.get("src")]
    assert not re.search(r"url\(|@import", page)
    frames = [attrs for tag, attrs in found if tag == "iframe"]
    assert frames
    assert all(attrs["sandbox"] in {None, ""} and attrs["srcdoc"] for attrs in frames)


def test_a_language_that_is_not_there_is_refused(run: Run) -> None:
    assert "there are no texts in tlh" in str(run("preview", "--all", "--locales", "tlh").exception)
