"""What people of a shop read when something is the matter, in every language; approved text by text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.notices import Notice
from messenger.domain.shops import Shop
from messenger.ports import Bulletin, Needs
from messenger.services.bulletins import Speaker
from messenger.services.speaking.words import LANGUAGES, words_of
from tests.golden.keeping import assert_as_approved

FOLDER = Path(__file__).parent / "alerts"
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHOPS = {
    "toys": Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@toys.example>", zone="Asia/Shanghai"),
    "books": Shop(id="books", name="Blue Books", sender="Blue Books <care@books.example>", zone="Europe/Madrid"),
}
every_language = pytest.mark.parametrize("language", LANGUAGES)


def speaker(language: str) -> Speaker:
    return Speaker(words=words_of(language), shops=SHOPS, zone=ZoneInfo("Asia/Shanghai"))


def alert(kind: AlertKind = AlertKind.ACCOUNT, subject: str = "main", **more: object) -> Alert:
    usual = Alert(id=7, kind=kind, subject=subject, shop="toys", since=NOW, seen_at=NOW)
    return replace(usual, **more)  # type: ignore[arg-type]  # fields of an alert


TROUBLE = alert(shop="", buyers=3, detail="535 5.7.8 authentication failed")
REFUSED = alert(AlertKind.FAILED, "8134", id=9, buyers=1)
SILENT = alert(AlertKind.SOURCE_SILENT, "erp", id=4, shop="books", since=NOW - 30 * HOUR)
OVER = alert(AlertKind.DISK, "/srv/data", id=3, shop="", ended_at=NOW + 2 * HOUR)
DEALT_WITH = alert(AlertKind.UNCERTAIN, "8134", id=2, ended_at=NOW + HOUR, ended_by="ana")


def written(bulletin: Bulletin | None) -> str:
    assert bulletin is not None
    return f"{bulletin.subject}\n\n{bulletin.text}"


@every_language
def test_one_alert_at_once(language: str) -> None:
    assert_as_approved(
        FOLDER / f"{language}.one.txt", written(speaker(language).bulletin(Notice(opened=(TROUBLE,)), {}))
    )


@every_language
def test_everything_in_the_daily_mail(language: str) -> None:
    notice = Notice(opened=(TROUBLE, REFUSED), again=(SILENT,), over=(OVER, DEALT_WITH), others=2, is_digest=True)
    needs = {
        "books": Needs(),
        "toys": Needs(approvals=21, desk=1, uncertain=2, conversations=5, failed=11),
        "gone": Needs(failed=1),
    }

    assert_as_approved(FOLDER / f"{language}.day.txt", written(speaker(language).bulletin(notice, needs)))


@every_language
def test_only_what_waits_for_a_person(language: str) -> None:
    bulletin = speaker(language).bulletin(Notice(is_digest=True), {"toys": Needs(approvals=2)})

    assert_as_approved(FOLDER / f"{language}.needs.txt", written(bulletin))


@every_language
def test_that_all_is_well_again(language: str) -> None:
    assert_as_approved(FOLDER / f"{language}.over.txt", written(speaker(language).bulletin(Notice(over=(OVER,)), {})))


@every_language
def test_every_kind_on_one_line(language: str) -> None:
    said = speaker(language)
    lines = [said.line(alert(kind, "x", buyers=2)) for kind in AlertKind]

    assert_as_approved(
        FOLDER / f"{language}.kinds.txt", "\n".join([*lines, said.line(OVER), said.line(DEALT_WITH)]) + "\n"
    )


@every_language
def test_a_test(language: str) -> None:
    assert_as_approved(FOLDER / f"{language}.test.txt", written(speaker(language).test()))


@every_language
def test_nothing_is_said_about_nothing(language: str) -> None:
    assert speaker(language).bulletin(Notice(is_digest=True, others=3), {"toys": Needs()}) is None


def test_what_a_server_said_stays_on_one_line() -> None:
    line = speaker("en").line(replace(TROUBLE, detail="535-no\r\n535 way\n"))

    assert line.endswith("“535-no 535 way”")
