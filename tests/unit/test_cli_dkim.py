"""``messenger dkim``: a key nobody else can read, and the record that publishes it."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.config.keys import private_key
from messenger.config.settings import load_settings
from messenger.errors import ConfigurationError, UsageError
from messenger.mail.dkim import record_of

HOME = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n'


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--home", str(folder), "dkim", *arguments], standalone_mode=False)


def refusal(folder: Path, *arguments: str) -> str:
    found = run(folder, *arguments).exception
    assert isinstance(found, UsageError | ConfigurationError)
    return str(found)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_what_is_printed_is_all_it_takes(tmp_path: Path, kind: str) -> None:
    printed = run(tmp_path, "new", "Toys.example", "--kind", kind).output
    (tmp_path / "messenger.toml").write_text(HOME + printed[printed.index("[[signing") :], encoding="utf-8")
    (key,) = load_settings(tmp_path, {}).signing

    assert (key.domain, key.selector, key.host) == ("toys.example", "m1", "m1._domainkey.toys.example")
    assert f"name   {key.host}\ntype   TXT\nvalue  {record_of(private_key(key))}\n" in printed
    assert run(tmp_path, "show").output in printed


def test_only_its_owner_can_read_a_new_key(tmp_path: Path) -> None:
    run(tmp_path, "new", "toys.example")

    assert stat.S_IMODE((tmp_path / "dkim" / "toys.example.m1.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "dkim").stat().st_mode) == 0o700


def test_the_key_itself_is_never_printed(tmp_path: Path) -> None:
    result = run(tmp_path, "new", "toys.example")
    lines = (tmp_path / "dkim" / "toys.example.m1.pem").read_text(encoding="ascii").splitlines()[1:-1]

    assert [line for line in lines if line in result.output + result.stderr] == []


def test_a_record_is_cut_into_strings_that_a_zone_file_can_hold(tmp_path: Path) -> None:
    printed = run(tmp_path, "new", "toys.example").output
    zone = next(line for line in printed.splitlines() if " IN TXT " in line)
    pieces = re.findall('"([^"]*)"', zone)

    assert zone.startswith("m1._domainkey.toys.example. IN TXT ( ")
    assert max(map(len, pieces)) <= 255
    assert f"value  {''.join(pieces)}\n" in printed


def test_each_new_key_takes_the_next_selector(tmp_path: Path) -> None:
    names = [
        json.loads(run(tmp_path, "new", "toys.example", "--kind", "ed25519", "--json").output)["name"] for _ in range(3)
    ]

    assert names == [f"m{number}._domainkey.toys.example" for number in (1, 2, 3)]


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    run(tmp_path, "new", "toys.example", "--selector", "S2")
    before = (tmp_path / "dkim" / "toys.example.s2.pem").read_bytes()

    assert refusal(tmp_path, "new", "toys.example", "--selector", "s2") == (
        f"{tmp_path}/dkim/toys.example.s2.pem is there already; choose another --selector"
    )
    assert (tmp_path / "dkim" / "toys.example.s2.pem").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["toys"], "is not a domain: 'toys' (for example sunny-toys.example)"),
        (["../x.example"], "is not a domain: '../x.example' (for example sunny-toys.example)"),
        (
            ["toys.example", "--selector", "../../x"],
            "is not a selector: '../../x' (letters, digits and - only, for example m1)",
        ),
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, arguments: list[str], problem: str) -> None:
    assert refusal(tmp_path, "new", *arguments) == problem
    assert list(tmp_path.iterdir()) == []


def test_all_keys_are_shown(tmp_path: Path) -> None:
    lines = ""
    for kind in ("rsa", "ed25519"):
        printed = run(tmp_path, "new", "toys.example", "--kind", kind).output
        lines += printed[printed.index("[[signing") :]
    (tmp_path / "messenger.toml").write_text(HOME + lines, encoding="utf-8")

    shown = json.loads(run(tmp_path, "show", "--json").output)

    assert [(one["domain"], one["selector"], one["type"]) for one in shown] == [
        ("toys.example", "m1", "TXT"),
        ("toys.example", "m2", "TXT"),
    ]
    assert [re.match(r"v=DKIM1; k=(\w+); p=", one["value"])[1] for one in shown] == ["rsa", "ed25519"]  # type: ignore[index]  # they match


def test_a_home_without_keys_has_no_record(tmp_path: Path) -> None:
    (tmp_path / "messenger.toml").write_text(HOME, encoding="utf-8")
    result = run(tmp_path, "show")

    assert (result.return_value, result.output.strip()) == (
        1,
        "no mail is signed: messenger dkim new DOMAIN makes a key",
    )


def test_a_key_that_others_can_read_is_not_shown(tmp_path: Path) -> None:
    printed = run(tmp_path, "new", "toys.example").output
    (tmp_path / "messenger.toml").write_text(HOME + printed[printed.index("[[signing") :], encoding="utf-8")
    (tmp_path / "dkim" / "toys.example.m1.pem").chmod(0o644)

    assert "has mode 644: others can read the key" in refusal(tmp_path, "show")
