from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.secrets import Secret
from messenger.config.settings import load_settings, read_settings
from messenger.config.sources_17track import SeventeenTrackSettings
from messenger.domain.pacing import Rate

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n[sources.x]\nkind = "17track"\n'


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is found in a source whose keys begin on line 6."""
    (folder / "messenger.toml").write_text(SHOP + text, encoding="utf-8")
    return [str(one).removeprefix(f"{folder}/messenger.toml:") for one in read_settings(folder, {})[1]]


def test_everything_it_can_say(tmp_path: Path) -> None:
    text = 'shop = "toys"\nkey = "env:K"\nevery = "5m"\nurl = "http://127.0.0.1:1/"\nfresh = "1d"\nrate = "3/s"\n'
    (tmp_path / "messenger.toml").write_text(SHOP + text, encoding="utf-8")

    assert load_settings(tmp_path, {}).sources["x"] == SeventeenTrackSettings(
        name="x", shop="toys", fresh=timedelta(days=1), key=Secret("env:K", tmp_path), every=timedelta(minutes=5), url="http://127.0.0.1:1",
        rate=Rate(3, timedelta(seconds=1)),
    )  # fmt: skip


NEEDED = 'shop = "toys"\nkey = "env:K"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('key = "env:K"\n', '4:10: sources.x.shop: is missing (write shop = "toys")'),
        ('shop = "toys"\n', '4:10: sources.x.key: is missing (write key = "env:TRACK17_KEY")'),
        ('shop = "toys"\nkey = "ABC"\n', "7:7: sources.x.key: a secret does not stand in this file (write env:NAME or file:PATH)"),
        (
            f'{NEEDED}every = "1m"\n',
            "8:9: sources.x.every: must be from 5m to 24h, got '1m' (write 30m: what moves is posted to us at once)",
        ),
        (f'{NEEDED}every = "25h"\n', "8:9: sources.x.every: must be from 5m to 24h, got '25h' (write 30m: what moves is posted to us at once)"),
        (f'{NEEDED}url = "http://x.example"\n', "8:7: sources.x.url: the token would travel unprotected to 'x.example' (links start with https://)"),
        (f'{NEEDED}app_key = "env:K"\n', "8:1: sources.x.app_key: unknown key (did you mean 'key'?)"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(tmp_path, text) == [expected]
