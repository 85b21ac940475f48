"""A home with a defect for each check and each content rule, in each language: every one is found where it stands, nothing else is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from messenger.cli.main import cli
from messenger.homes import default_home
from messenger.rendering.policy import Facts, judge, rulebook
from messenger.rendering.render import RenderedMessage

HERE: Final = Path(__file__).parent
HOME: Final = HERE / "home"
SENTENCES: Final[Mapping[str, Mapping[str, list[str]]]] = tomllib.loads(
    (HERE / "sentences.toml").read_text(encoding="utf-8")
)
SAYS: Final = {
    "misspelt": "did you mean 'order.number'?", "unclosed": "is never closed", "unopened": "closes nothing", "filter": "unknown filter",
    "tag": "not allowed in templates", "link": "could lead anywhere", "html": "as it is", "plural": "lacks", "lost": "does not speak of",
    "invented": "speaks of buyer.city", "subject": "characters with long data", "english": "still in English",
    "merged": "that are merged", "merged-order": "that are merged", "allow-reason": "says no reason", "allow-never": "cannot be silenced",
    "allow-unknown": "no such content rule", "key": "unknown key", "preposition": "the form of the word",
}  # fmt: skip
"""What a finding says of each planted mistake that is not a content rule."""
NUMBER: Final = "8134567890123456"
FACTS: Final = Facts(channel="platform", now=datetime(2026, 3, 22, tzinfo=UTC), order_number=NUMBER, numbers=(NUMBER,))


def checked(home: Path) -> list[dict[str, Any]]:  # Any: JSON
    ran = CliRunner().invoke(cli, ["--home", str(home), "check", "--json"])
    found: list[dict[str, Any]] = json.loads(ran.stdout)  # Any: JSON
    return found


@pytest.fixture(scope="module")
def findings() -> list[dict[str, Any]]:  # Any: JSON
    return checked(HOME)


def planted() -> Iterator[tuple[str, int, str]]:
    for path in sorted(HOME.rglob("*")):
        if path.suffix in {".md", ".toml"}:
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
                for what in re.findall(r"planted ([\w-]+)", line):
                    yield str(path.relative_to(HOME)), number, what


def is_told(finding: Mapping[str, Any], what: str) -> bool:  # Any: JSON
    if what.startswith("L"):
        return what in (finding["key"], *re.findall(r"\((L\d\d) ", finding["problem"]))
    return SAYS[what] in f"{finding['problem']} ({finding['remedy']})"


@pytest.mark.parametrize(("file", "line", "what"), list(planted()), ids=str)
def test_a_planted_defect_is_found_where_it_stands(
    findings: list[dict[str, Any]], file: str, line: int, what: str
) -> None:
    there = [one for one in findings if one["file"] == file and one["line"] == line]

    assert any(is_told(one, what) for one in there), there


def test_nothing_else_is_accused(findings: list[dict[str, Any]]) -> None:
    places = {(file, line) for file, line, _ in planted()}

    others = [one for one in findings if (one["file"], one["line"]) not in places]

    assert [one["problem"] for one in others] == ["cannot read the selector @colour=red"] * 4


def test_every_content_rule_is_planted_in_every_language() -> None:
    everywhere = {(file.split("/")[1], what) for file, _, what in planted() if file.startswith("templates/")}
    by_schedule = {what for file, _, what in planted() if file == "schedules.toml"}

    assert by_schedule == {"L09", "L15"}
    of_intent = {"L11"}  # told once for a template, not for each of its languages
    assert {rule for rule in rulebook().rules if ("en", rule) not in everywhere} == by_schedule
    for language in ("es", "ru", "zh"):
        assert {rule for rule in rulebook().rules if (language, rule) not in everywhere} == by_schedule | of_intent


def test_the_shipped_folder_is_clean_for_every_platform(tmp_path: Path) -> None:
    with default_home() as folder:
        for name in ("schedules.toml", "templates"):
            (tmp_path / name).symlink_to(folder / name)
        (tmp_path / "messenger.toml").write_text(
            (HOME / "messenger.toml").read_text(encoding="utf-8"), encoding="utf-8"
        )
        found = [one for one in checked(tmp_path) if "templates/" in one["file"]]

    assert [one for one in found if one["severity"] != "notice"] == []
    assert {(one["file"].rpartition("/")[2], one["key"]) for one in found} == {
        ("pt-BR", ""),
        ("departed.md", "L11"), ("first-scan.md", "L11"), ("order-paid.md", "L11"), ("order-received.md", "L11"),
        ("out-for-delivery.md", "L11"), ("partly-shipped.md", "L11"), ("shipped.md", "L11"), ("review-thanks.md", "L12"),
    }  # fmt: skip


def broken(sentence: str, locale: str) -> set[str]:
    text = f"Hello,\n\n{sentence}\n{NUMBER}\n\nBest,\nSunny Toys\n"
    made = RenderedMessage(
        subject=NUMBER, preheader="", text=text, html="", platform_text=text, locale=locale, variant="", version="", direction="ltr"
    )  # fmt: skip
    found = (
        judge(made, platform=platform, template="note", facts=FACTS) for platform in ("amazon", "ebay", "aliexpress")
    )
    return {one.rule.id for several in found for one in several} - {"L12"}


@pytest.mark.parametrize(
    ("rule", "language", "sentence"),
    [(rule, language, one) for rule, by in SENTENCES.items() if rule != "clean" for language, several in by.items() for one in several],
)  # fmt: skip
def test_a_sentence_that_breaks_a_rule_is_found(rule: str, language: str, sentence: str) -> None:
    assert rule in broken(sentence, language)


@pytest.mark.parametrize(
    ("language", "sentence"), [(language, one) for language, several in SENTENCES["clean"].items() for one in several]
)
def test_a_clean_sentence_is_not_accused(language: str, sentence: str) -> None:
    assert broken(sentence, language) == set()
