from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.policies import policies
from messenger.config.settings import Settings, WebSettings, WorkerSettings, load_settings, read_settings
from messenger.domain.shops import Mode, Shop
from messenger.errors import ConfigurationError

SHOP = '[shops.toys]\nname = "Toys"\nsender = "Toys <care@toys.example>"\n'


def mistakes(folder: Path, text: str) -> list[str]:
    (folder / "messenger.toml").write_text(text, encoding="utf-8")
    return [str(one).removeprefix(f"{folder}/messenger.toml:") for one in read_settings(folder, {})[1]]


def settings_of(folder: Path, text: str) -> Settings:
    (folder / "messenger.toml").write_text(text, encoding="utf-8")
    return load_settings(folder, {})


def test_what_a_shop_leaves_out(tmp_path: Path) -> None:
    assert settings_of(tmp_path, SHOP).shops == {
        "toys": Shop(
            id="toys",
            name="Toys",
            sender="Toys <care@toys.example>",
            mode=Mode.REHEARSE,
            platform="none",
            default_language="en",
            staff_language="en",
            zone="UTC",
            channels={},
            reply_to="",
            url="",
            desks={},
            policy=policies()["none"],
            sources=(),
        )
    }


def test_everything_a_shop_can_say(tmp_path: Path) -> None:
    text = (
        f'{SHOP}mode = "approve"\nplatform = "ebay"\ndefault_language = "ru"\nstaff_language = "zh"\nzone = "Asia/Shanghai"\n'
        'channels = { email = "main" }\nreply_to = "help@toys.example"\nurl = "https://toys.example"\n'
        'survey_url = "https://toys.example/survey?lang=en"\n'
        '[transports.main]\nkind = "smtp"\nhost = "localhost"\n'
    )

    assert settings_of(tmp_path, text).shops == {
        "toys": Shop(
            id="toys",
            name="Toys",
            sender="Toys <care@toys.example>",
            mode=Mode.APPROVE,
            platform="ebay",
            default_language="ru",
            staff_language="zh",
            zone="Asia/Shanghai",
            channels={"email": "main"},
            reply_to="help@toys.example",
            url="https://toys.example",
            survey_url="https://toys.example/survey?lang=en",
            policy=policies()["ebay"],
        )
    }


SENDER_REMEDY = "(write Sunny Toys <care@sunny-toys.example>)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[shops.toys]\nsender = "T <t@t.example>"\n', '1:8: shops.toys.name: is missing (write name = "Sunny Toys")'),
        ('[shops.toys]\nname = "T"\n', f'1:8: shops.toys.sender: is missing (write sender = "Sunny Toys {SENDER_REMEDY[18:-1]}")'),
        (SHOP.replace("Toys <care@", "<care@"), ("3:10: shops.toys.sender: must be a name and an address, got '<care@toys.example>'"
                                                f" {SENDER_REMEDY}")),
        (SHOP.replace("<care@toys.example>", "care@toys.example"),
         f"3:10: shops.toys.sender: must be a name and an address, got 'Toys care@toys.example' {SENDER_REMEDY}"),
        (SHOP.replace("care@toys.example", "care"), f"3:10: shops.toys.sender: 'care' is not an e-mail address {SENDER_REMEDY}"),
        (f'{SHOP}mode = "dry"\n', "4:8: shops.toys.mode: unknown word 'dry' (known: approve, live, rehearse)"),
        (f'{SHOP}platform = "ebey"\n', "4:12: shops.toys.platform: unknown word 'ebey' (did you mean 'ebay'?)"),
        (f'{SHOP}default_language = "English"\n', ("4:20: shops.toys.default_language: must be a language tag, got 'English'"
                                                  " (for example ru or pt-BR)")),
        (f'{SHOP}staff_language = "中文"\n', ("4:18: shops.toys.staff_language: must be a language tag, got '中文'"
                                           " (for example ru or pt-BR)")),
        (f'{SHOP}zone = "Asia/Beijing"\n', ("4:8: shops.toys.zone: unknown time zone 'Asia/Beijing'"
                                          " (did you mean 'Asia/Shanghai'?)")),
        (f'{SHOP}reply_to = "help"\n', "4:12: shops.toys.reply_to: is not an e-mail address: 'help' (write care@shop.example)"),
        (f'{SHOP}reply_to = " "\n', "4:12: shops.toys.reply_to: must not be empty"),
        (f'{SHOP}url = "toys.example"\n', "4:7: shops.toys.url: must be a link, got 'toys.example' (links start with https://)"),
        (f'{SHOP}survey_url = "toys"\n', "4:14: shops.toys.survey_url: must be a link, got 'toys' (links start with https://)"),
        (f'{SHOP}url = "https://a b"\n', "4:7: shops.toys.url: must be a link, got 'https://a b' (links start with https://)"),
        (f'{SHOP}channels = "main"\n', ("4:12: shops.toys.channels: must be a table, got 'main'"
                                       " (tables stand in { }, or below a [heading])")),
        (f'{SHOP}channels = {{ email = "main" }}\n', "4:22: shops.toys.channels.email: unknown transport 'main' (write [transports.main])"),
        (f'{SHOP}colour = "red"\n', ("4:1: shops.toys.colour: unknown key (known: channels, default_language, mode, name, platform,"
                                    " reply_to, sender, staff_language, survey_url, url, zone)")),
        (f'{SHOP}[worker]\nlease = "301s"\n', ("5:9: worker.lease: must be from 1s to 5m, got '301s' (write 60s: a sign of life comes"
                                             " three times as often, and no message is held for longer than 15m)")),
        (f"{SHOP}[worker]\nbatch = 0\n", "5:9: worker.batch: must be a whole number from 1 to 10000, got 0"),
        (f"{SHOP}[worker]\nbatch = 10001\n", "5:9: worker.batch: must be a whole number from 1 to 10000, got 10001"),
        (f"{SHOP}[worker]\nleases = 1\n", "5:1: worker.leases: unknown key (did you mean 'lease'?)"),
        (f'{SHOP}[web]\npublic_url = "x"\n', "5:14: web.public_url: must be a link, got 'x' (links start with https://)"),
        (f'{SHOP}[web]\nurl = "x"\n', "5:1: web.url: unknown key (known: public_url, tokens)"),
        (f'{SHOP}[database]\nuri = "x"\n', "5:1: database.uri: unknown key (did you mean 'url'?)"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(tmp_path, text) == [expected]


def test_what_stands_beside_the_shops(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, f'{SHOP}[worker]\nlease = "5m"\nbatch = 10000\n[web]\npublic_url = "http://x.example"\n'
    )

    assert settings.worker == WorkerSettings(lease=timedelta(minutes=5), batch=10_000)
    assert settings.web == WebSettings(public_url="http://x.example")
    assert settings.home == tmp_path
    assert settings_of(tmp_path, f"{SHOP}[worker]\nbatch = 1\n").worker == WorkerSettings(batch=1)


def test_an_unusable_file_tells_every_mistake(tmp_path: Path) -> None:
    (tmp_path / "messenger.toml").write_text(f"{SHOP}x = 1\ny = 2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, {})

    assert [one.key for one in caught.value.findings] == ["shops.toys.x", "shops.toys.y"]


def test_a_source_is_not_asked_for_a_shop_where_there_is_none(tmp_path: Path) -> None:
    assert mistakes(tmp_path, '[sources.erp]\nkind = "file"\n') == [
        " has no shop (write [shops.toys] with name and sender)",
        '1:10: sources.erp.shop: is missing (write shop = "toys")',
    ]
    assert mistakes(tmp_path, '[sources.erp]\nkind = "file"\nshop = "any"\n') == [
        " has no shop (write [shops.toys] with name and sender)"
    ]
