"""``messenger user``: the first admin is made here, and passwords are never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.errors import UsageError
from tests.homes import live_home

WORDS = "correct horse battery\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live_home(tmp_path_factory.mktemp("users") / "home", port=9)


def user(home: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), "user", *arguments], input=typed, standalone_mode=False)


def test_a_user_is_added_listed_given_a_new_password_and_disabled(home: Path) -> None:
    assert "nobody may log in yet" in user(home, "list").stdout
    added = user(
        home, "add", "Mei", "--role", "admin", "--shop", "toys", "--language", "zh", "--password-stdin", typed=WORDS
    )
    assert added.stdout == "mei may log in as admin, only toys\n"

    listed = json.loads(user(home, "list", "--json").stdout)
    assert (listed["name"], listed["role"], listed["shops"], listed["language"]) == ("mei", "admin", ["toys"], "zh")
    assert set(listed) == {"name", "role", "shops", "language", "since", "disabled_at"}
    assert "logged out everywhere" in user(home, "password", "mei", "--password-stdin", typed=WORDS).stdout
    first, again = user(home, "disable", "mei"), user(home, "disable", "mei")
    assert (first.return_value, again.return_value) == (0, 1)
    assert "disabled since" in user(home, "list").stdout


def test_a_mistake_is_told(home: Path) -> None:
    user(home, "add", "ana", "--password-stdin", typed=WORDS)
    for arguments, typed, told in (
        (["add", "ana", "--password-stdin"], WORDS, "there is a user ana already"),
        (["add", "bo", "--password-stdin"], "short\n", "this one has 5"),
        (["add", "bo"], WORDS, "use --password-stdin"),
        (["disable", "anna"], "", "there is no user 'anna'"),
    ):
        found = user(home, *arguments, typed=typed)
        assert isinstance(found.exception, UsageError)
        assert told in str(found.exception)
