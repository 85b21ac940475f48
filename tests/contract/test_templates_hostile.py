"""Authors who mean harm, or who slip, against the real program: its commands, its process for drafts, its worker.

The same escapes and bombs, and the same broken files, are tried on the parts in ``tests/unit/test_rendering_sandbox.py``.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from messenger.cli.main import cli
from messenger.domain.messages import Category
from messenger.errors import MessengerError
from messenger.rendering.child import Circumstances, Draft, Judged, Reader
from messenger.rendering.context import words_for
from messenger.rendering.killable import Limits
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from tests.builders import event, utc
from tests.homes import live_home
from tests.unit.test_rendering_sandbox import BOMBS, BROKEN, ESCAPES, HEAD, PATHS, SHOP, short
from tests.whole import whole

CANARY: Final = "Kanarienvogel-5502-horse"
SECRETS: Final = f"""
[transports.other]
kind = "smtp"
host = "mail.example"
security = "tls"
username = "{CANARY}-user"
password = "env:SMTP_PASSWORD"
"""
FEW: Final = ("shipped", "customs-delay", "survey", "refund-issued")
RULE: Final = '[rules.{0}]\ntemplate = "{0}"\non = "order.shipped"\n'
SECONDS: Final = 1.0
MEGABYTES: Final = 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a canary in its settings, in its environment, and in a file beside its texts."""
    monkeypatch.setenv("SMTP_PASSWORD", CANARY)
    monkeypatch.setenv("CANARY", CANARY)
    made = live_home(tmp_path / "home", port=25)
    settings = made / "messenger.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + SECRETS, encoding="utf-8")
    (made / "secret.md").write_text(HEAD.decode() + CANARY, encoding="utf-8")
    (made / "schedules.toml").write_text("version = 1\n" + "".join(map(RULE.format, FEW)), encoding="utf-8")
    for path in (made / "templates").glob("[a-z]*/*.md"):
        if path.stem.partition("@")[0] not in FEW:
            path.unlink()
    return made


def ran(home: Path, *arguments: str) -> str:
    """Everything a command says, wherever it says it."""
    done = CliRunner().invoke(cli, ["--home", str(home), *arguments])
    assert isinstance(done.exception, SystemExit | MessengerError | None), done.exception
    return f"{done.output}\n{done.stderr}\n{done.exception}"


def planted(home: Path, texts: Mapping[str, bytes]) -> None:
    for name, content in texts.items():
        (home / "templates" / "en" / f"{name}.md").write_bytes(content)


def test_no_canary_in_a_preview_a_mail_or_a_sheet(home: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"

    said = [ran(home, "preview", name, "--locale", locale, "--as", shape)
            for name in FEW for locale in ("en", "ru") for shape in ("text", "html", "eml")]  # fmt: skip
    said.append(ran(home, "preview", "--all", "--output", str(sheet)))

    assert len(sheet.read_text(encoding="utf-8")) > 10_000
    assert CANARY not in sheet.read_text(encoding="utf-8")
    assert [one for one in said if CANARY in one] == []


def test_no_canary_in_what_is_said_of_hostile_texts(home: Path) -> None:
    planted(home, {f"escape-{at}": HEAD + text.encode() for at, text in enumerate(ESCAPES)})

    said = {
        "check": ran(home, "check"), "json": ran(home, "check", "--json"), "coverage": ran(home, "coverage"),
        "stale": ran(home, "translations", "stale"), "preview": ran(home, "preview", "escape-3", "--locale", "en"),
        "publish": ran(home, "publish"), "export": ran(home, "translations", "export", "--locale", "es"),
    }  # fmt: skip

    assert all(f"en/escape-{at}.md:" in said["check"] for at in range(len(ESCAPES)))
    assert [name for name, one in said.items() if CANARY in one or "root:x:" in one] == []


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader(Limits(seconds=SECONDS))
    yield one
    one.stop()


def drafted(reader: Reader, body: str) -> Judged:
    draft = Draft(
        text=HEAD.decode() + body, file="draft.md", name="draft", locale="en", layout="<html><body>{{ body }}</body></html>"
    )  # fmt: skip
    words = words_for(SAMPLES["typical"], shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings={})
    met = Circumstances(
        platform="none", channel="email", category=Category.TRANSACTIONAL, now=SAMPLE_NOW, language="en", country="US", zone="UTC"
    )  # fmt: skip
    return reader.read(draft, words, phrases={}, met=met)


@pytest.mark.parametrize("payload", ESCAPES, ids=short)
def test_no_draft_reaches_beyond_its_words(reader: Reader, payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)

    with pytest.raises(MessengerError) as refused:
        drafted(reader, payload)

    assert CANARY not in str(refused.value)


def test_bombs_in_drafts_are_answered_soon_and_the_next_draft_is_shown(reader: Reader) -> None:
    drafted(reader, "{{ order.number }}")
    before, slow = _memory(), []

    for payload in BOMBS:
        started = time.monotonic()
        with pytest.raises(MessengerError):
            drafted(reader, payload)
        slow += [payload[:50]] if time.monotonic() - started > 2 * SECONDS else []
        assert drafted(reader, "{{ order.number }}").message.text == "8134567890123456\n"

    assert slow == []
    assert _memory() - before < MEGABYTES


def test_bombs_in_a_folder_are_told_soon_and_stop_no_other(home: Path) -> None:
    planted(home, {f"bomb-{at}": HEAD + text.encode() for at, text in enumerate(BOMBS)})
    before, started = _memory(), time.process_time()

    said = ran(home, "check")

    assert time.process_time() - started < SECONDS * len(BOMBS) / 2
    assert all(f"en/bomb-{at}.md:" in said for at in range(len(BOMBS)))
    assert _memory() - before < 3 * MEGABYTES  # the texts themselves, and every sample, are looked at as well
    assert "8134567890123456" in ran(home, "preview", "shipped", "--locale", "en")


def _memory() -> float:
    """The most memory this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


AT: Final = utc("2026-03-03T10:00")


@pytest.mark.parametrize("content", [BROKEN[name] for name in ("a recursion", "an indentation", "very large", "not UTF-8")],
                         ids=["a recursion", "an indentation", "very large", "not UTF-8"])  # fmt: skip
def test_while_a_text_is_broken_messages_go_on_leaving(tmp_path: Path, content: bytes) -> None:
    async def scenario() -> None:
        async with whole(tmp_path, at=AT) as shop:
            shop.rules(RULE.format("shipped"))
            shop.ingest(shipped("1"))
            await shop.run()
            for name in ("en/shipped.md", "es/shipped.md", "en/other.md"):
                (shop.folder / "templates" / name).write_bytes(content)
            shop.ingest(shipped("2"), at=utc("2026-03-03T11:00"))
            await shop.run()

            assert sorted(one.to for one in shop.inbox.messages()) == ["b1@example.com", "b2@example.com"]
            assert set(shop.states().values()) == {"sent:"}

    asyncio.run(scenario())


def shipped(number: str) -> Any:  # Any: an event
    return event(
        "order.shipped", order=number, at="2026-03-03T09:00", buyer={"email": f"b{number}@example.com", "country": "US"},
        shipment={"number": f"RR{number}CN"},
    )  # fmt: skip


NAMES: Final = [one for one in PATHS if one and "\x00" not in one and "\ud800" not in one and len(one) < 200]
"""What can be typed at all."""


def listed(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_no_name_and_no_locale_on_the_command_line_leads_out_of_the_home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "shipped.md").write_bytes(HEAD + CANARY.encode())
    before, said = listed(tmp_path), []

    for name in NAMES:
        said += [
            ran(home, "preview", "--locale", "en", "--", name),
            ran(home, "preview", "shipped", f"--locale={name}"),
            ran(home, "translations", "export", f"--locale={name}"),
            ran(home, "translations", "stale", f"--locale={name}"),
            ran(home, "translations", "accept", "--locale", "es", "--", name),
            ran(home, "translations", "pseudo", f"--locale={name}"),
        ]

    assert len(NAMES) >= 55
    assert [one for one in said if CANARY in one or "root:x:" in one] == []
    assert listed(tmp_path) == before


def test_a_locale_in_a_file_for_translators_leads_nowhere_else(home: Path, tmp_path: Path) -> None:
    before = listed(tmp_path)
    book = tmp_path / "x.po"

    for name in NAMES:
        shown = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        book.write_text(
            f'msgid ""\nmsgstr ""\n"Language: {shown}\\n"\n\nmsgctxt "shipped/subject"\nmsgid "x"\nmsgstr "y"\n',
            encoding="utf-8",
        )
        ran(home, "translations", "import", str(book))
    book.unlink()

    assert listed(tmp_path) == before


@pytest.mark.parametrize("what", ["a link to a folder", "a link to a file", "a pipe", "a folder"])
def test_commands_for_translators_follow_no_link_and_wait_for_no_pipe(home: Path, tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(home / "templates" / "es", outside)
    es = home / "templates" / "es"
    if what == "a link to a folder":
        shutil.rmtree(es)
        es.symlink_to(outside)
    else:
        (es / "shipped.md").unlink()
        make: dict[str, Callable[[], object]] = {
            "a link to a file": lambda: (es / "shipped.md").symlink_to(outside / "shipped.md"),
            "a pipe": lambda: os.mkfifo(es / "shipped.md"),
            "a folder": (es / "shipped.md").mkdir,
        }
        make[what]()
    before = listed(outside)
    book = tmp_path / "es.po"

    ran(home, "translations", "export", "--locale", "es", "--output", str(book))
    if book.exists():
        book.write_text(book.read_text(encoding="utf-8").replace("pedido", "PEDIDO"), encoding="utf-8")
        ran(home, "translations", "import", str(book))
    ran(home, "translations", "accept", "--locale", "es", "--all")
    ran(home, "translations", "stale")
    ran(home, "coverage")

    assert listed(outside) == before
