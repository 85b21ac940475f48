"""``messenger simulate orders.xls``: no home, no configuration; one page that says what buyers heard, and what they could have."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import click
import orjson
import pytest
from babel import Locale
from click.testing import CliRunner, Result

from messenger.cli.main import cli
from messenger.cli.simulate_sheet import ORDER_OF_LACKS
from messenger.cli.simulate_words import all_phrases
from messenger.services.knowable import Lack
from messenger.services.speaking.words import LANGUAGES
from tests.homes import live_home
from tests.sheets import ORDER, orders, table, write_csv, write_xls, write_xlsx


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_xls(tmp_path_factory.mktemp("sheets") / "orders.xls", table(*orders(60)))


def simulate(*arguments: str | Path, home: Path | None = None) -> Result:
    options = ["--home", str(home or "/nowhere"), "simulate", *map(str, arguments)]
    return CliRunner().invoke(cli, options, standalone_mode=False)


def words_on(page: str) -> str:
    """What a reader sees."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "buyers heard nothing for 10 days or longer"), ("zh", "位买家有 10 天或更久没有收到任何消息"),
        ("ru", "покупателей ничего не слышали 10 дней или дольше"),
    ],
)  # fmt: skip
def test_a_sheet_alone_makes_a_page_in_each_language(sheet: Path, language: str, told: str) -> None:
    result = simulate(sheet, "--as", "html", "--language", language)

    assert result.return_value == 0
    page = words_on(result.stdout)
    phrases = all_phrases()[language]
    assert told in page
    assert phrases["sheet.private"] in page
    assert phrases["sheet.mutes"] in page
    assert phrases["lack.tracking"] in page
    assert "customs-delay" in page


def test_the_page_counts_what_is_in_the_sheet(tmp_path: Path) -> None:
    waited = {
        **ORDER,
        "number": "1",
        "placed": "2026-03-01 10:00:00",
        "paid": "2026-03-01 10:05:00",
        "shipped": "2026-03-03 10:00:00",
    }
    told = [
        {**waited, "received": "2026-03-30 10:00:00", "status": "订单结束"},
        {
            **waited,
            "number": "2",
            "received": "2026-03-10 10:00:00",
            "status": "订单结束",
            "sent_with": "EMS:LK123456789CN",
        },
        {**waited, "number": "3", "paid": "", "shipped": "", "sent_with": "", "status": "等待买家付款"},
        {**waited, "number": "4", "placed": "soon"},
    ]

    result = simulate(write_xlsx(tmp_path / "a.xlsx", table(*told)), "--as", "html")

    page = words_on(result.stdout)
    assert result.return_value == 1, "an order was refused"
    assert "1 of 2 buyers heard nothing for 10 days or longer" in page
    assert "1 of them would have been written to in that time" in page
    assert "1 would still have heard nothing for 10 days" in page
    # an hour less than 27 days: the clocks went forward meanwhile
    assert "The longest wait: 26 days, from 3 Mar 2026 on (order 1)." in page
    assert "1 cell kept its order out" in page
    assert "a.xlsx:5: 下单时间: must be a time like 2026-03-02 10:15:00, got 'soon'" in page


def test_the_page_tells_what_each_buyer_would_have_received(tmp_path: Path) -> None:
    page = words_on(simulate(write_csv(tmp_path / "a.csv", table(ORDER)), "--as", "html").stdout)

    assert "8134567890123456 Ivan Petrov · Russia" in page
    assert "LP00123456789012" in page
    assert "platform message, by hand" in page


def test_nothing_leaves_this_computer(sheet: Path) -> None:
    """Any socket but those within this machine ends the process; the page names no address that a browser would load."""
    guard = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event in {'socket.connect', 'socket.getaddrinfo', 'socket.sendto', 'smtplib.connect'}:\n"
        "        raise SystemExit(f'{event} {args}')\n"
        "sys.addaudithook(hook)\n"
        "from messenger.cli.main import main\n"
        f"main(['--home', '/nowhere', 'simulate', {str(sheet)!r}, '--as', 'html'])\n"
    )

    done = subprocess.run([sys.executable, "-c", guard], capture_output=True, check=False)

    assert (done.returncode, done.stderr[-300:].count(b"socket")) == (0, 0)
    page = done.stdout.decode()
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r"<(img|link|iframe|script|form)\b[^>]*(src|href|action)=", page)


def test_rules_that_would_speak_of_unseen_parcels_are_left_out(sheet: Path) -> None:
    told = {orjson.loads(line)["rule"] for line in simulate(sheet, "--json").stdout.splitlines()}

    assert "shipped" in told
    assert "review-request" in told
    assert not told & {"no-first-scan", "care", "customs-delay", "delay-apology"}


def test_equal_sheets_make_equal_pages(sheet: Path, tmp_path: Path) -> None:
    other = write_xlsx(tmp_path / "other.xlsx", table(*orders(60)))

    first, second = (simulate(one, "--json").stdout for one in (sheet, other))

    assert first == second
    assert first


def test_with_a_home_its_shop_its_rules_and_its_texts_count(sheet: Path, tmp_path: Path) -> None:
    home = live_home(tmp_path / "home", port=2525)
    settings = home / "messenger.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace('platform = "none"', 'platform = "aliexpress"'), encoding="utf-8"
    )

    result = simulate(sheet, "--json", home=home)

    assert {orjson.loads(line)["shop"] for line in result.stdout.splitlines()} == {"toys"}
    unknown = simulate(sheet, "--shop", "nobody", home=home)
    assert isinstance(unknown.exception, click.BadParameter)
    assert "no shop 'nobody' in messenger.toml (known: toys)" in str(unknown.exception)


def test_a_name_may_be_given_to_the_shop(sheet: Path) -> None:
    told = simulate(sheet, "--json", "--shop", "bazaar").stdout.splitlines()

    assert {orjson.loads(line)["shop"] for line in told} == {"bazaar"}


def test_every_lack_has_words_in_every_language() -> None:
    assert set(ORDER_OF_LACKS) == set(Lack)
    for language in LANGUAGES:
        phrases = all_phrases()[language]
        assert all(f"lack.{lack}" in phrases and f"lack_more.{lack}" in phrases for lack in Lack)
        forms = Locale(language).plural_form.rules.keys() | {"other"}
        for counted in ("sheet.days", "sheet.refused"):
            assert {key.rpartition(".")[2] for key in phrases if key.startswith(f"{counted}.")} == forms
