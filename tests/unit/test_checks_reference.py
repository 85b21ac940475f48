"""Every check that the page on checks tells exists, and says what the page says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from messenger.cli.main import cli
from messenger.rendering.checking.reference import Check, groups
from messenger.rendering.policy import rulebook

SETTINGS: Final = """[shops.toys]
name = "Toys"
sender = "Toys <care@toys.example>"
platform = "none"
default_language = "es"
channels = { email = "main" }

[shops.more]
name = "More"
sender = "More <care@more.example>"
platform = "amazon"

[transports.main]
kind = "smtp"
host = "127.0.0.1"
port = 1025
security = "none"
"""
RULES: Final = 'version = 1\n\n[rules.usual]\ntemplate = "note"\non = "order.paid"\n'
NOTE: Final = '+++\nsubject = "{0}"\n+++\n{{{{ order.number }}}}\n'
FRONT: Final = "+++\n{0}\n+++\n{{{{ order.number }}}}\n"
PHRASES: Final = 'greeting_named = "{name},"\ngreeting_plain = "Hi,"\n'
USUAL: Final[Mapping[str, str]] = {
    "_layout/email.html": "<html><body>{{ body }}</body></html>",
    "en/_phrases.toml": PHRASES, "es/_phrases.toml": PHRASES, "ru/_phrases.toml": PHRASES,
    "en/note.md": NOTE.format("Hello"), "es/note.md": NOTE.format("Hola"), "ru/note.md": NOTE.format("Привет"),
}  # fmt: skip


def link(folder: Path) -> None:
    (folder / "en" / "linked.md").symlink_to(folder.parent / "schedules.toml")


def put(name: str, content: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return make


def remove(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink()

    return make


def gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


BY_HAND: Final[Mapping[str, Callable[[Path], None]]] = {
    "no template folder": gone,
    "link out of the folder": link,
    "no file": lambda folder: os.mkfifo(folder / "en" / "pipe.md"),
    "size of a text": put("en/note.md", b"x" * 70_000),
    "encoding": put("en/note.md", b"\xff"),
    "e-mail layout": remove("_layout/email.html"),
    "phrases": remove("es/_phrases.toml"),
    "language of a shop": remove("es/note.md"),
    "long words in a tag": put("en/note.md", NOTE.format("x").encode() + b"{{ '" + b"x" * 500 + b"' }}"),
    "too deep, too many": put("en/note.md", NOTE.format("x").encode() + b"{% if greeting %}" * 80 + b"{% endif %}" * 80),
    "unknown trouble": put("en/note.md", NOTE.format("x").encode() + b"{{ " + b"(" * 3000 + b"greeting" + b")" * 3000 + b" }}"),
}  # fmt: skip
"""What no text file could hold, or what would be too long to read in one."""


def made(home: Path, check: Check) -> Path:
    """A home without a mistake but the one that a check is there for."""
    contents = dict(USUAL) | dict(check.files)
    if check.head:
        contents["en/note.md"] = FRONT.format(check.head)
    if check.text:
        contents["en/note.md"] = USUAL["en/note.md"] + check.text + "\n"
    for name, content in contents.items():
        path = home / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    rules = RULES + "\n" + check.rules
    (home / "messenger.toml").write_text(SETTINGS, encoding="utf-8")
    (home / "schedules.toml").write_text(rules, encoding="utf-8")
    if check.name in BY_HAND:
        BY_HAND[check.name](home / "templates")
    return home


def found(home: Path) -> list[dict[str, Any]]:  # Any: JSON
    ran = CliRunner().invoke(cli, ["--home", str(home), "check", "--json"])
    told: list[dict[str, Any]] = json.loads(ran.stdout)  # Any: JSON
    return told


def is_told(check: Check, finding: Mapping[str, Any]) -> bool:  # Any: JSON
    says = ".*".join(map(re.escape, check.says.split("…")))
    return finding["severity"] == check.severity and re.search(says, str(finding["problem"]), re.DOTALL) is not None


def all_checks() -> Iterator[Check]:
    for group in groups():
        yield from group.checks


@pytest.mark.parametrize("check", [pytest.param(one, id=f"{at}, {one.name}") for at, one in enumerate(all_checks())])
def test_its_example_is_found(check: Check, tmp_path: Path) -> None:
    told = found(made(tmp_path, check))

    assert any(is_told(check, one) for one in told), told


def test_a_home_without_mistakes_is_told_nothing(tmp_path: Path) -> None:
    told = found(made(tmp_path, Check(name="none", says="", right="")))

    assert [str(one["problem"]) for one in told] == []


def test_every_planted_finding_is_on_the_page() -> None:
    planted = found(Path(__file__).parents[1] / "planted" / "home")

    unknown = [one for one in planted if not of_content(one) and not any(is_told(check, one) for check in all_checks())]

    assert unknown == []


def of_content(finding: Mapping[str, Any]) -> bool:  # Any: JSON
    ids = {finding["key"], *re.findall(r"\((L\d\d) ", finding["problem"])}
    return bool(ids & rulebook().rules.keys())
