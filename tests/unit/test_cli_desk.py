"""``messenger desk``: what people see and press, in their own language, and what programs read."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any, Final

import orjson
import pytest
from click.testing import CliRunner, Result

from messenger.cli.desk_loop import DeskLoop
from messenger.cli.desk_words import _all, desk_words
from messenger.cli.desktop import copy, open_link
from messenger.cli.main import cli
from messenger.domain.messages import State
from messenger.services.clocks import SetClock
from messenger.services.desk import Desk, Obstacle, Sheet, Word
from messenger.services.speaking.words import LANGUAGES
from tests.builders import event
from tests.stage import Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
LINK: Final = "https://orders.example/1"
LONG: Final = "Ana María del Carmen Fernández-Villaverde y Rodríguez de los Ángeles Santísimos"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    """A shop with a desk, at the present time, whose staff read Russian."""
    opened = stage(tmp_path)
    opened.clock = SetClock(datetime.now(UTC))
    opened.settings(
        ('platform = "none"', 'platform = "aliexpress"\nstaff_language = "ru"'),
        ('channels = { email = "main" }', 'channels = { platform = "desk" }'),
        more='\n[transports.desk]\nkind = "assisted"\n',
    )
    opened.rules(SHIPPED)
    yield opened
    opened.close()


def lie(shop: Stage, *orders: str, **more: str) -> list[int]:
    at = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for order in orders or ("1",):
        shop.ingest(
            *shipped(order, at=at, **more),
            event("order.updated", at=at, order=order, told={"url": f"https://orders.example/{order}"}),
        )
    shop.run()
    return [shop.row(order=order).id for order in orders or ("1",)]


def run(shop: Stage, *words: object, typed: str = "", env: Mapping[str, str] | None = None) -> Result:
    shop.close()
    return CliRunner().invoke(
        cli, ["--home", str(shop.folder), "desk", *map(str, words)], input=typed, standalone_mode=False, env=env
    )  # fmt: skip


def told(result: Result) -> Any:
    return orjson.loads(result.stdout)


# --- for people ----------------------------------------------------------------------------------------------------------


def test_one_message_is_shown_with_all_that_a_person_needs_the_text_alone_between_rulers(shop: Stage) -> None:
    (id_,) = lie(shop, name=LONG)
    found = run(shop, "next", "--by", "Ann")

    lines = found.stdout.split("\n")
    assert found.return_value == 0
    assert lines[0] == "Sunny Toys (toys) · shipped"
    assert lines[1].startswith(f"Заказ 1 · {LONG} · Испания · там ")
    assert lines[2] == LINK
    assert lines[3].startswith(f"сообщение {id_} · у вас до ")
    first, last = [number for number, line in enumerate(lines) if line.startswith("──")]
    assert re.match(r"── отправить · испанский · \d+ знак\w* ─+$", lines[first])
    again = Desk(shop.engine.store, shop.engine.home, shop.clock).open(id_, "Ann")
    assert isinstance(again, Sheet)
    assert "\n".join(lines[first + 1 : last]) == again.text.strip()
    assert lines[last + 1] == "о чём это (русский):"
    assert lines[last + 2].startswith("  │ Здравствуйте, ")


@pytest.mark.parametrize(("language", "nothing"), [
    ("en", "There is nothing to send now."), ("zh", "现在没有要发送的消息。"), ("ru", "Сейчас отправлять нечего."),
])  # fmt: skip
def test_nothing_to_do_is_said_in_the_language_of_the_staff(language: str, nothing: str, shop: Stage) -> None:
    shop.settings(('staff_language = "ru"', f'staff_language = "{language}"'))

    assert (run(shop, "next").return_value, run(shop, "next").stderr.split("\n")[0]) == (1, nothing)
    assert run(shop).stderr == run(shop, "list").stderr == f"{nothing}\n"
    assert "toyz" in run(shop, "next", "--shop", "toyz").stderr


def test_the_list_goes_shop_by_shop_and_says_who_has_what(shop: Stage) -> None:
    first, second = lie(shop, "1", "2")
    run(shop, "show", first, "--by", "Ann")

    lines = run(shop, "list", "--language", "zh").stdout.split("\n")
    assert lines[0] == "Sunny Toys (toys)"
    assert re.match(rf" +{first}  1  shipped  \[Ann，至 \d\d:\d\d\]$", lines[1])
    assert lines[2].split() == [str(second), "2", "shipped"]


def test_what_is_not_sent_any_more_is_told_with_what_happened(shop: Stage) -> None:
    (id_,) = lie(shop)
    shop.close()
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"
    shop.ingest(event("message.received", at=now, order="1", message={"text": "?"}))

    found = run(shop, "show", id_, "--language", "en")
    assert found.return_value == 1
    assert found.stderr.startswith("not sent: shipped of order 1: it waits")
    assert found.stderr.endswith("(the buyer waits for an answer)\n")


@pytest.mark.parametrize(("words", "said", "state"), [
    (["confirm"], "Записано: отправлено.", State.SENT),
    (["skip", "--why", "x"], "Записано: не отправляется.", State.CANCELLED),
    (["refused", "--why", "x"], "Записано: площадка отказала.", State.FAILED),
    (["already-told"], "Записано: покупатель уже знает.", State.SKIPPED),
    (["buyer-wrote", "--text", "?", "--in", "es"], "Записано: покупатель написал.", State.HELD),
])  # fmt: skip
def test_what_a_person_says_is_taken_down_and_taken_back(
    words: list[str], said: str, state: State, shop: Stage
) -> None:
    (id_,) = lie(shop)
    run(shop, "show", id_, "--by", "Ann")

    found = run(shop, words[0], id_, *words[1:], "--by", "Ann")
    assert (found.return_value, found.stdout.startswith(said)) == (0, True), found.output
    assert shop.row().state is state
    back = run(shop, "undo", "--by", "Ann", "--json")
    assert (told(back)["undone"], told(back)["id"]) == (True, id_)
    assert run(shop, "undo", "--by", "Ann").stderr.startswith("За последние десять минут нет ничего")


def test_a_text_is_changed_from_a_file_or_in_the_editor_and_what_is_forbidden_says_what_would_be_right(
    shop: Stage, tmp_path: Path
) -> None:
    (id_,) = lie(shop)
    found = run(shop, "edit", id_, "--text", "-", "--by", "Ann", typed="Escríbame por WhatsApp")
    assert found.return_value == 1
    assert found.stderr.startswith("Площадка запрещает такой текст:\n  L03 contact-data: ")

    assert "Hola: RR1" in run(shop, "edit", id_, "--text", "-", "--by", "Ann", typed="Hola: RR1\n").stdout
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'Hola otra vez: RR1' > \"$1\"\n", encoding="utf-8")
    editor.chmod(0o755)
    assert "ваш текст" in run(shop, "edit", id_, "--by", "Ann", env={"EDITOR": str(editor)}).stdout
    run(shop, "confirm", id_, "--by", "Ann")
    frozen = shop.engine.store.frozen(id_)
    assert frozen is not None
    assert frozen.letter is not None
    assert frozen.letter.platform_text == "Hola otra vez: RR1"


def test_the_order_is_opened_by_its_link_and_a_conversation_ends_by_the_persons_word(shop: Stage) -> None:
    (id_,) = lie(shop)

    assert run(shop, "open", id_, "--by", "Ann").stdout == f"{LINK}\n"
    run(shop, "buyer-wrote", id_, "--by", "Ann")
    assert run(shop, "answered", "toys/1", "--by", "Ann").stdout == "Записано: покупателю ответили.\n"
    shop.run()
    assert shop.row().state is State.AWAITING_STAFF
    assert "no event has named" in run(shop, "answered", "toys/9").stderr


def test_who_is_late_is_told_who_has_it(shop: Stage) -> None:
    (id_,) = lie(shop)
    run(shop, "show", id_, "--by", "Ann")

    assert re.match(r"Это сообщение у Ann до \d\d:\d\d\.\n$", run(shop, "skip", id_, "--by", "Bob").stderr)
    assert run(shop, "put-back", id_, "--by", "Ann").return_value == 0
    assert run(shop, "skip", id_, "--by", "Bob").return_value == 0
    assert run(shop, "skip", id_, "--by", "Bob", "--language", "en").stderr == (
        f"Message {id_} does not wait to be sent by hand: it was cancelled: a person stopped it.\n"
    )
    assert run(shop, "skip", 999, "--language", "en").stderr == "There is no message 999.\n"


def test_what_a_buyer_typed_cannot_move_the_cursor_or_turn_the_line_around(shop: Stage) -> None:
    (id_,) = lie(shop, name="Ana\x1b[2J\u202egpj.exe\x07")

    out = run(shop, "show", id_, "--by", "Ann").stdout
    assert [one for one in out if not (one.isprintable() or one == "\n")] == []


# --- for programs --------------------------------------------------------------------------------------------------------


def test_a_program_reads_the_message_what_was_found_on_the_way_and_what_came_of_it(shop: Stage) -> None:
    (id_,) = lie(shop)
    found = told(run(shop, "next", "--by", "Ann", "--json"))

    given = found["message"]
    assert (given["id"], given["shop"], given["order"], given["rule"], given["by"], given["link"]) == (
        id_,
        "toys",
        "1",
        "shipped",
        "Ann",
        LINK,
    )
    assert (given["locale"], given["meaning_locale"], given["edited"], given["warnings"]) == ("es", "ru", False, [])
    assert given["buyer"] == {"name": "Ana", "country": "ES", "language": "es"}
    assert (found["gone"], found["left"], found["later"], found["in_other_hands"], found["paused"]) == ([], 0, 0, 0, 0)
    assert told(run(shop, "list", "--json"))["by"] == "Ann"
    refused = run(shop, "skip", id_, "--by", "Bob", "--json")
    assert (refused.return_value, told(refused)["refused"], told(refused)["person"]) == (1, "in_other_hands", "Ann")
    said = told(run(shop, "confirm", id_, "--by", "Ann", "--json"))
    assert (said["said"], said["was"], said["state"], said["second"]) == ("sent", "awaiting_staff", "sent", False)
    empty = run(shop, "next", "--json")
    assert (empty.return_value, told(empty)["message"]) == (1, None)


def test_a_forbidden_text_names_its_rules_to_a_program(shop: Stage) -> None:
    (id_,) = lie(shop)
    found = told(run(shop, "edit", id_, "--text", "-", "--json", typed="WhatsApp +34 600 123 456"))

    assert found["refused"] == "text"
    assert {one["rule"] for one in found["breaches"]} == {"L03"}


# --- the clipboard -------------------------------------------------------------------------------------------------------


def tool(folder: Path, name: str, *, works: bool = True) -> Path:
    found = folder / name
    found.write_text(f'#!/bin/sh\ncat > "{folder}/{name}.got"\nexit {0 if works else 1}\n', encoding="utf-8")
    found.chmod(0o755)
    return folder / f"{name}.got"


@pytest.mark.parametrize(
    ("needed", "name"), [("WAYLAND_DISPLAY", "wl-copy"), ("DISPLAY", "xclip"), ("DISPLAY", "xsel")]
)
def test_a_clipboard_tool_is_used_where_its_desktop_is(needed: str, name: str, tmp_path: Path) -> None:
    got = tool(tmp_path, name)
    path = f"{tmp_path}:/usr/bin:/bin"

    assert copy("Привет\n您好", {"PATH": path, needed: "x"}) == name
    assert got.read_text(encoding="utf-8") == "Привет\n您好"
    assert copy("x", {"PATH": str(tmp_path)}) == ""


def test_a_tool_that_fails_makes_room_for_the_next(tmp_path: Path) -> None:
    tool(tmp_path, "wl-copy", works=False)
    got = tool(tmp_path, "xclip")

    assert copy("x", {"PATH": f"{tmp_path}:/usr/bin:/bin", "WAYLAND_DISPLAY": "x", "DISPLAY": "x"}) == "xclip"
    assert got.read_text(encoding="utf-8") == "x"


def test_copy_without_any_clipboard_says_so(shop: Stage, tmp_path: Path) -> None:
    (id_,) = lie(shop)
    got = tool(tmp_path, "xclip")
    with_tool = {"PATH": f"{tmp_path}:/usr/bin:/bin", "DISPLAY": "x", "WAYLAND_DISPLAY": ""}

    assert run(shop, "copy", id_, env={"PATH": "/nowhere"}).return_value == 1
    assert run(shop, "copy", id_, env=with_tool).stderr == "скопировано (xclip)\n"
    assert "RR1" in got.read_text(encoding="utf-8")


def test_a_link_is_opened_only_where_there_is_a_screen() -> None:
    assert not open_link(LINK, {})


# --- one key each --------------------------------------------------------------------------------------------------------


class Keys:
    """Keys pressed one after the other; the end of them is the end of the day."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = iter(keys)

    def __call__(self) -> str:
        return next(self._keys, "\x04")


def work(shop: Stage, keys: Iterable[str], *, edits: Iterable[str | None] = (), person: str = "Ann") -> None:
    texts = iter(edits)
    loop = DeskLoop(
        shop.engine, person, key=Keys(keys), edit=lambda _: next(texts, None), launch=lambda link: link == LINK, language="en"
    )  # fmt: skip
    loop.run()


def test_a_day_at_the_desk_goes_message_by_message(shop: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    lie(shop, "1", "2", "3")
    work(shop, ["s", "Ы", "A", "q"])

    assert [shop.row(order=order).state for order in "123"] == [State.SENT, State.SENT, State.SKIPPED]
    out = capsys.readouterr().out
    assert out.count("Noted: sent.") == 2
    assert out.endswith("There is nothing to send now.\n[u] undo  [q] quit\nsent: 2, otherwise dealt with: 1\n")


def test_what_was_said_last_is_taken_back_and_lies_there_again_also_at_the_end(
    shop: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    lie(shop, "1", "2")
    work(shop, ["s", "u", "a", "s", "u", "q"])

    assert [shop.row(order=order).state for order in "12"] == [State.SKIPPED, State.AWAITING_STAFF]
    assert capsys.readouterr().out.endswith("sent: 0, otherwise dealt with: 1\n")
    assert [one.person for one in Desk(shop.engine.store, shop.engine.home, shop.clock).lying()] == [""]


def test_later_passes_a_message_over_and_lets_others_have_it(shop: Stage) -> None:
    first, _ = lie(shop, "1", "2")
    work(shop, ["l", "s"])

    assert [shop.row(order=order).state for order in "12"] == [State.AWAITING_STAFF, State.SENT]
    assert isinstance(Desk(shop.engine.store, shop.engine.home, shop.clock).open(first, "Bob"), Sheet)


def test_a_text_the_platform_forbids_is_not_lost_and_can_be_put_right(
    shop: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = lie(shop)
    seen: list[str] = []
    texts = iter(["WhatsApp me", None, "Hola: RR1"])

    def edit(text: str) -> str | None:
        seen.append(text)
        return next(texts)

    DeskLoop(shop.engine, "Ann", key=Keys("eees"), edit=edit, language="en").run()

    out = capsys.readouterr().out
    assert "The platform forbids this text:\n  L03" in out
    assert seen[1:] == ["WhatsApp me", "WhatsApp me"]
    frozen = shop.engine.store.frozen(id_)
    assert frozen is not None
    assert frozen.letter is not None
    assert frozen.letter.platform_text == "Hola: RR1"


def test_keys_without_a_meaning_and_nothing_to_take_back_change_nothing(
    shop: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    lie(shop)
    work(shop, ["x", "\x1b", "u", "o", "c"])

    out = capsys.readouterr().out
    assert "There is no key x." in out
    assert "You have said nothing in the last ten minutes" in out
    assert f"opened: {LINK}" in out
    assert shop.row().state is State.AWAITING_STAFF


def test_what_somebody_else_has_meanwhile_goes_on_with_the_next(
    shop: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = lie(shop, "1", "2")

    def keys() -> Iterator[str]:
        shop.clock.advance_to(shop.clock.now() + timedelta(minutes=11))
        Desk(shop.engine.store, shop.engine.home, shop.clock).open(first, "Bob")
        yield "a"
        yield "s"

    work(shop, keys())

    assert "Bob has this message until" in capsys.readouterr().out
    assert [shop.row(order=order).state for order in "12"] == [State.AWAITING_STAFF, State.SENT]


def test_on_a_real_terminal_a_key_is_enough(shop: Stage) -> None:
    (id_,) = lie(shop)
    shop.close()
    command = [
        sys.executable,
        "-m",
        "messenger.cli",
        "--home",
        str(shop.folder),
        "desk",
        "--by",
        "Ann",
        "--language",
        "en",
    ]
    process, terminal = pty.fork()
    if not process:  # pragma: no cover  # the child
        os.execve(sys.executable, command, {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LC_ALL": "C.UTF-8"})  # noqa: S606  # as a shell would
    screen = Screen(terminal)
    screen.wait_for("[q] quit")
    screen.press("c", until="copied (OSC 52)")
    screen.press("s", until="[u] undo")
    screen.press("q", until="sent: 1")
    assert os.waitpid(process, 0)[1] == 0

    given = re.search(r"\x1b]52;c;([A-Za-z0-9+/=]+)\x07", screen.seen)
    assert given is not None
    frozen = shop.engine.store.frozen(id_)
    assert frozen is not None
    assert frozen.letter is not None
    assert base64.b64decode(given[1]).decode() == frozen.letter.platform_text.strip()


class Screen:
    """What a program shows on a terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._looked = 0
        self.seen = ""

    def wait_for(self, text: str, *, pressing: str = "", seconds: float = 100) -> None:
        until = time.monotonic() + seconds
        while text not in self.seen[self._looked :]:
            assert time.monotonic() < until, self.seen
            if select.select([self._terminal], [], [], 1)[0]:
                try:
                    self.seen += os.read(self._terminal, 65536).decode("utf-8", "replace")
                except OSError:  # the program has ended
                    break
            elif pressing:
                os.write(self._terminal, pressing.encode())
        assert text in self.seen[self._looked :], self.seen
        self._looked = len(self.seen)

    def press(self, key: str, *, until: str) -> None:
        """Press a key, again and again: what is typed before the program waits for it is thrown away."""
        os.write(self._terminal, key.encode())
        self.wait_for(until, pressing=key)


# --- words ---------------------------------------------------------------------------------------------------------------


def flat(tree: Mapping[str, Any], room: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= flat(value, f"{room}{key}.") if isinstance(value, Mapping) else {f"{room}{key}": value}
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_with_the_same_places(language: str) -> None:
    english, other = flat(_all()["en"]), flat(_all()[language])
    plurals = {"one", "few", "many", "other"}

    def plain(keys: Iterable[str]) -> set[str]:
        return {key.rpartition(".")[0] if key.rpartition(".")[2] in plurals else key for key in keys}

    assert plain(other) == plain(english)
    for key, text in other.items():
        twin = english.get(key) or english[f"{key.rpartition('.')[0]}.other"]
        assert places(text) == places(twin), key
    forms = set(desk_words(language).spoken.locale.plural_form.tags) | {"other"}
    for counted in ("left", "later", "in_other_hands", "paused", "characters"):
        assert {key.rpartition(".")[2] for key in other if key.startswith(f"{counted}.")} >= forms


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_and_every_obstacle_can_be_said(language: str) -> None:
    words = desk_words(language)
    filled = dict.fromkeys(("id", "told", "person", "time", "problem"), "x")

    assert all(words.say(f"said.{one}", **filled) for one in Word)
    assert all(words.say(f"obstacles.{one}", **filled) for one in Obstacle)


def test_a_language_that_messenger_does_not_speak_is_spoken_to_in_english() -> None:
    assert desk_words("fr") == desk_words("en")
    assert desk_words("zh-CN") == desk_words("zh")
