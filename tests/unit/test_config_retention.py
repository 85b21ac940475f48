"""How long what is over stays at hand: what may be written, and what rules need."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.check import check_home
from messenger.config.schedules import load_schedule
from messenger.config.settings import read_settings
from messenger.domain.retention import Retention
from messenger.domain.rules import Schedule
from messenger.errors import ConfigurationError, Finding
from messenger.homes import load_home, load_settings_only
from tests.homes import live_home

DAYS = timedelta(days=1)
HEAD = "version = 1\n"
RULE = '[rules.review]\ntemplate = "review-request"\non = "order.delivered"\n'


def schedule(folder: Path, text: str) -> Schedule:
    (folder / "schedules.toml").write_text(HEAD + text, encoding="utf-8")
    return load_schedule(folder / "schedules.toml", shops=None, templates=None)


def read(folder: Path, text: str) -> tuple[Retention, list[Finding]]:
    home = live_home(folder, port=25)
    with (home / "messenger.toml").open("a", encoding="utf-8") as file:
        file.write(text)
    settings, findings = read_settings(home, {})
    return settings.retention, findings


def test_what_is_not_written_is_as_usual(tmp_path: Path) -> None:
    found, findings = read(tmp_path, "")

    assert (found.finished, found.bodies, findings) == (None, 90 * DAYS, [])


def test_both_are_read(tmp_path: Path) -> None:
    found, findings = read(tmp_path, '[retention]\nfinished = "400d"\nbodies = "4w"\n')

    assert (found.finished, found.bodies, findings) == (400 * DAYS, 28 * DAYS, [])


def test_texts_never_outlive_their_messages(tmp_path: Path) -> None:
    found, findings = read(tmp_path, '[retention]\nfinished = "40d"\n')

    assert (found.bodies, findings) == (40 * DAYS, [])


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        pytest.param('finished = "12h"', "retention.finished", "must be a day at least, got '12h'", id="hours"),
        pytest.param('finished = "3bd"', "retention.finished", "cannot count business days here, got '3bd'", id="business days"),
        pytest.param("finished = 180", "retention.finished", "cannot read 180", id="a number"),
        pytest.param('finishd = "180d"', "retention.finishd", "unknown key", id="misspelt"),
        pytest.param('finished = "40d"\nbodies = "41d"', "retention.bodies", "is longer than finished (40d)", id="texts longer"),
    ],
)  # fmt: skip
def test_mistakes_are_told(text: str, key: str, problem: str, tmp_path: Path) -> None:
    _, (finding,) = read(tmp_path, f"[retention]\n{text}\n")

    assert (finding.key, finding.problem) == (key, problem)
    assert finding.line > 1


@pytest.mark.parametrize(
    ("text", "days"),
    [
        pytest.param('delay = "200d"\nexpiry = "3d"\nmax_age = "7d"', 210, id="it may leave late"),
        pytest.param('once_per = "buyer/300d"', 300, id="once to a buyer"),
        pytest.param('cap = { per_order = "1/250d" }', 250, id="cap of the order"),
        pytest.param('cap = { per_buyer = "1/260d" }', 260, id="cap of the buyer"),
        pytest.param('enabled = false\nonce_per = "buyer/300d"', 300, id="switched off for now"),
        pytest.param("", 180, id="nothing far"),
    ],
)
def test_messages_are_at_hand_for_as_long_as_rules_look_back(text: str, days: int, tmp_path: Path) -> None:
    found = schedule(tmp_path, f"{RULE}{text}\n")

    assert Retention().kept(found) == days * DAYS
    assert Retention(finished=500 * DAYS).kept(found) == 500 * DAYS
    assert Retention(finished=30 * DAYS).kept(found) == max(30, days if text else 0) * DAYS


def test_a_shorter_time_is_refused_and_each_rule_named_once(tmp_path: Path) -> None:
    home = live_home(tmp_path, port=25)
    (home / "schedules.toml").write_text(
        f'{HEAD}{RULE}once_per = "buyer/90d"\ncap = {{ per_buyer = "1/80d" }}\n'
        '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n',
        encoding="utf-8",
    )
    with (home / "messenger.toml").open("a", encoding="utf-8") as file:
        file.write('\n[retention]\nbodies = "7d"\nfinished = "60d"\n')
    line = len((home / "messenger.toml").read_text(encoding="utf-8").splitlines())

    (finding,) = check_home(home, {})

    assert str(finding).endswith(
        f"messenger.toml:{line}:12: retention.finished: 60d is shorter than the rule 'review' looks back (once_per: 90d) "
        "(write 90d or more)"
    )
    with pytest.raises(ConfigurationError, match="the rule 'review' looks back"):
        load_home(home, load_settings_only(home, {}))
