"""A mailbox is read: everything once, nothing marked that was not taken in, and trouble is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from messenger.domain.alerts import AlertKind
from messenger.domain.messages import State
from messenger.errors import MailboxError
from messenger.intake.mailbox import MailboxAccess, visit
from tests.bounce_samples import dsn, failed
from tests.imap_server import PASSWORD, Box, imap_server
from tests.stage import Stage, shipped, stage

MAILS = [b"Subject: one\r\n\r\nx\r\n", b"Subject: two\r\n\r\ny\r\n"]
SOURCE = """
[sources.bounces]
kind = "imap"
host = "127.0.0.1"
port = {port}
security = "none"
username = "bounces"
password = "env:BOUNCES"
done = "Done"
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with imap_server() as serving:
        yield serving


def access(box: Box, *, password: str = PASSWORD, done: str = "") -> MailboxAccess:
    return MailboxAccess(
        host="127.0.0.1", port=box.port, security="none", username="bounces", password=password, done=done
    )


def test_every_mail_is_handed_over_once(box: Box) -> None:
    box.put(*MAILS)
    taken: list[bytes] = []

    assert visit(access(box), taken.append) == 2
    assert visit(access(box), taken.append) == 0
    assert taken == MAILS
    assert len(box.folders["INBOX"]) == 2


@pytest.mark.parametrize("moves", [True, False])
def test_what_was_taken_in_is_moved_into_a_folder_that_is_made(box: Box, moves: bool) -> None:
    box.moves = moves
    box.put(*MAILS)

    assert visit(access(box, done="Done / mine"), lambda _: None) == 2
    assert (box.folders["INBOX"], list(box.folders["Done / mine"].values())) == ({}, MAILS)


def test_a_mail_that_could_not_be_taken_in_comes_again(box: Box) -> None:
    box.put(*MAILS)
    taken: list[bytes] = []

    def second_fails(raw: bytes) -> None:
        taken.append(raw)
        if len(taken) == 2:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        visit(access(box), second_fails)
    assert box.unseen() == [2]
    assert visit(access(box), taken.append) == 1
    assert taken == [*MAILS, MAILS[1]]


@pytest.mark.parametrize("command", ["SELECT", "SEARCH", "FETCH", "STORE"])
@pytest.mark.parametrize("how", ["refuses", "hangs_up"])
def test_a_mailbox_that_goes_wrong_is_told_and_loses_nothing(box: Box, command: str, how: str) -> None:
    box.put(*MAILS)
    setattr(box, how, command)

    with pytest.raises(MailboxError, match=r"not today|stopped answering"):
        visit(access(box), lambda _: None)
    setattr(box, how, "")
    assert visit(access(box), lambda _: None) == 2


def test_a_wrong_password_is_told_without_it(box: Box) -> None:
    with pytest.raises(MailboxError, match=r"does not let 'bounces' in.*wrong password") as found:
        visit(access(box, password="s3cret"), lambda _: None)

    assert "s3cret" not in str(found.value)
    assert "s3cret" not in repr(access(box, password="s3cret"))


@pytest.fixture
def shop(tmp_path: Path, box: Box) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.environ = {"BOUNCES": PASSWORD}
    made.settings(more=SOURCE.format(port=box.port))
    made.rules('\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n')
    yield made
    made.close()


def silent(shop: Stage) -> list[tuple[str, bool]]:
    found = shop.engine.store.alerts(only_open=False)
    return [(one.detail, one.is_open) for one in found if one.kind is AlertKind.SOURCE_SILENT]


def test_a_bounce_in_the_mailbox_reaches_its_message(shop: Stage, box: Box) -> None:
    shop.ingest(*shipped())
    shop.run()
    raw = dsn(failed("5.1.1", "smtp; 550 5.1.1 gone"))
    box.put(raw.replace(b"0d72ac4127c191d4493d4d909432fb85@sunny-toys.example", (shop.row().message_id or "").encode()))

    assert shop.engine.visit_mailboxes(only_due=True) == 1
    assert shop.row().state is State.BOUNCED
    assert list(box.folders["Done"]) == [1]


def test_a_mailbox_is_visited_once_in_its_time_whoever_asks(shop: Stage, box: Box) -> None:
    box.put(MAILS[0])
    assert shop.engine.visit_mailboxes(only_due=True) == 1
    box.put(MAILS[1])
    assert shop.engine.visit_mailboxes(only_due=True) == 0

    shop.at("2026-03-02T12:03")
    assert shop.engine.visit_mailboxes(only_due=True) == 1


def test_a_mailbox_that_lets_nobody_in_is_told_until_it_does(shop: Stage, box: Box) -> None:
    box.refuses = "LOGIN"
    assert [shop.engine.visit_mailboxes() for _ in range(2)] == [0, 0]
    assert silent(shop) == []  # servers are restarted now and then
    assert shop.engine.visit_mailboxes() == 0
    ((detail, is_open),) = silent(shop)
    assert is_open
    assert "does not let 'bounces' in" in detail

    box.refuses = ""
    shop.engine.visit_mailboxes()
    assert [is_open for _, is_open in silent(shop)] == [False]


def test_a_mailbox_that_is_not_there_is_told(shop: Stage, box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        nobody = door.getsockname()[1]
    shop.settings((f"port = {box.port}", f"port = {nobody}"))

    assert [shop.engine.visit_mailboxes() for _ in range(3)] == [0, 0, 0]
    assert "cannot be reached" in silent(shop)[0][0]
