"""``kind = "folder"``: what stands in messenger.toml, and what is said about mistakes in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config import sources_folder
from messenger.config.settings import read_settings
from messenger.config.sources import FolderSettings
from messenger.intake import formats

HEAD = '[shops.toys]\nname = "Toys"\nsender = "Toys <a@b.example>"\nplatform = "aliexpress"\n[sources.sheets]\nkind = "folder"\n'


def read(folder: Path, text: str) -> tuple[FolderSettings, list[str]]:
    (folder / "messenger.toml").write_text(HEAD + text, encoding="utf-8")
    settings, findings = read_settings(folder, {})
    found = settings.sources["sheets"]
    assert isinstance(found, FolderSettings)
    return found, [str(one) for one in findings]


def test_a_folder_needs_a_shop_and_a_path(tmp_path: Path) -> None:
    found, mistakes = read(tmp_path, 'shop = "toys"\npath = "inbox"\n')

    assert not mistakes
    assert found == FolderSettings(
        name="sheets", shop="toys", fresh=timedelta(hours=36), path=tmp_path / "inbox", every=timedelta(minutes=1), format="auto", zone=""
    )  # fmt: skip


def test_everything_else_may_be_said(tmp_path: Path) -> None:
    text = 'shop = "toys"\npath = "/srv/sheets"\nevery = "10s"\nformat = "aliexpress"\nzone = "Asia/Shanghai"\nfresh = "3d"\n'

    found, mistakes = read(tmp_path, text)

    assert not mistakes
    assert (found.path, found.every, found.format, found.zone) == (
        Path("/srv/sheets"),
        timedelta(seconds=10),
        "aliexpress",
        "Asia/Shanghai",
    )
    assert found.source.fresh == timedelta(days=3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('shop = "toys"\n', 'sources.sheets.path: is missing (write path = "inbox")'),
        ('path = "inbox"\n', 'sources.sheets.shop: is missing (write shop = "toys")'),
        ('shop = "toys"\npath = "inbox"\nevery = "25h"\n', ":9:9: sources.sheets.every: must be from 1s to 24h, got"),
        ('shop = "toys"\npath = "inbox"\nformat = "amazon"\n', ":9:10: sources.sheets.format: unknown word 'amazon'"),
        ('shop = "toys"\npath = "inbox"\nzone = "Mars"\n', ":9:8: sources.sheets.zone: unknown time zone 'Mars'"),
        ('shop = "toys"\npath = "inbox"\npaht = "x"\n', ":9:1: sources.sheets.paht: unknown key (did you mean 'path'?)"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    _, (mistake,) = read(tmp_path, text)

    assert told in mistake


def test_configuration_and_reader_know_the_same_formats() -> None:
    assert sources_folder.FORMATS == formats.FORMATS
