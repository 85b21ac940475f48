"""What a locale lacks: told file by file where buyers depend on it, in one line where another language stands in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli

NAMES = ("birch", "maple", "willow")
RULE = '[rules.{0}]\ntemplate = "{0}"\non = "order.shipped"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    settings = '[shops.toys]\nname = "Toys"\nsender = "Toys <a@x.example>"\ndefault_language = "es"\n'
    rules = "version = 1\n[defaults]\nholds = []\n" + "".join(map(RULE.format, ("birch", "willow")))
    files = {"messenger.toml": settings, "schedules.toml": rules}
    files["templates/_layout/email.html"] = "<html><body>{{ body }}</body></html>"
    for locale in ("en", "es", "pt-BR"):
        files[f"templates/{locale}/_phrases.toml"] = ""
        files |= {f"templates/{locale}/{name}.md": '+++\nsubject = "x"\n+++\n{{ order.number }}\n' for name in NAMES}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def check(home: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), "check", *options])


def test_a_whole_set_is_nothing_to_speak_of(home: Path) -> None:
    assert check(home).output == "no mistakes\n"


def test_a_locale_that_has_some_is_one_line_and_no_warning(home: Path) -> None:
    for name in ("birch", "willow"):
        (home / "templates" / "pt-BR" / f"{name}.md").unlink()

    ran = check(home)

    told = "has 1 of 3 messages; buyers get another language for the others (see messenger coverage)"
    assert ran.stdout == f"templates/pt-BR: {told} [notice]\n"
    assert ran.stderr == "no mistakes\n"
    assert ran.exit_code == 0


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_a_rule_uses_is_a_warning_in_english_and_in_the_shops_language(home: Path, locale: str) -> None:
    (home / "templates" / locale / "willow.md").unlink()

    ran = check(home)

    told = f"templates/{locale}/willow.md: is missing (buyers get another language until it is there) [warning]"
    assert ran.stdout == f"{told}\n"
    assert ran.stderr == "no mistakes, 1 warning\n"


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_no_rule_uses_is_no_warning_anywhere(home: Path, locale: str) -> None:
    (home / "templates" / locale / "maple.md").unlink()

    ran = check(home)

    assert ran.stdout.startswith(f"templates/{locale}: has 2 of 3 messages;")
    assert ran.stderr == "no mistakes\n"


def test_the_shops_language_may_be_written_with_a_region(home: Path) -> None:
    settings = home / "messenger.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"es"', '"es-MX"'), encoding="utf-8")
    (home / "templates" / "es" / "willow.md").unlink()

    assert "templates/es/willow.md: is missing" in check(home).stdout


def test_a_broken_file_is_there_all_the_same(home: Path) -> None:
    (home / "templates" / "pt-BR" / "willow.md").write_text("x", encoding="utf-8")

    assert [line.partition(":")[0] for line in check(home).stdout.splitlines()] == ["templates/pt-BR/willow.md"]


def test_json_and_github_tell_the_same(home: Path) -> None:
    (home / "templates" / "pt-BR" / "willow.md").unlink()
    (home / "templates" / "en" / "maple.md").write_text('+++\nsubject = "x"\n+++\n{{ 100%25 }}\n', encoding="utf-8")

    found = {one["file"]: one for one in json.loads(check(home, "--json").stdout)}
    notes = check(home, "--as", "github").stdout.splitlines()

    assert (found["templates/pt-BR"]["severity"], found["templates/pt-BR"]["line"]) == ("notice", 0)
    assert any(one.startswith("::notice file=templates/pt-BR::has 2 of 3 messages;") for one in notes)
    assert any(one.startswith("::error file=templates/en/maple.md,line=4,col=1::") for one in notes)
    assert all("\n" not in one and "%2" not in one.replace("%25", "") for one in notes)
