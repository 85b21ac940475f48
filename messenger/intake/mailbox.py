"""A mailbox read over IMAP: every mail is handed over once it is known to be there, and marked only when it was taken in."""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from messenger.errors import MailboxError

TIMEOUT: Final = 30.0
"""Seconds for each step."""
MOST: Final = 200
"""Mails in one visit; what is left waits for the next."""
LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a mail that are fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAccess:
    """Where a mailbox is and how to get in.

    Args:
        security: ``tls``, ``starttls`` or ``none``.
        ca_file: authorities to trust besides the system's; None for the system's alone.
        folder: what is read.
        done: where mails go that were taken in; empty: they are only marked as seen.
    """

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    ca_file: Path | None = None
    folder: str = "INBOX"
    done: str = ""

    def context(self) -> ssl.SSLContext:
        """Return what the server's certificate is checked by."""
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


def visit(access: MailboxAccess, take: Callable[[bytes], object]) -> int:
    """Hand over every mail that has not been seen; returns how many.

    A mail is marked only after ``take`` has returned, so that one whose taking-in failed, or was cut short, comes again.

    Raises:
        MailboxError: the server cannot be reached, is not who it should be, or does not let us in.
        Exception: whatever ``take`` raises; mails before that one are marked.
    """
    taken, failure = 0, None
    with _opened(access) as box:
        for uid in _unseen(box, access):
            raw = _content(box, uid)
            try:
                if raw is not None:
                    take(raw)
            except Exception as error:  # noqa: BLE001  # raised below, where nobody takes it for the mailbox's
                failure = error
                break
            _mark(box, uid, access.done)
            taken += 1
    if failure is not None:
        raise failure
    return taken


def _unseen(box: imaplib.IMAP4, access: MailboxAccess) -> list[str]:
    _told(box.select(_quoted(access.folder)), f"the folder {access.folder!r} cannot be opened")
    found = _told(box.uid("SEARCH", "UNSEEN"), "the mailbox cannot be searched")
    numbers = found[0].split()[:MOST] if found and isinstance(found[0], bytes) else []
    if numbers and access.done:
        box.create(_quoted(access.done))  # refused where it exists; where it cannot be made, moving tells why
    return [number.decode("ascii", "replace") for number in numbers]


@contextmanager
def _opened(access: MailboxAccess) -> Iterator[imaplib.IMAP4]:
    try:
        box = _connected(access)
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise MailboxError(f"the mailbox at {access.host}:{access.port} cannot be reached: {error}") from error
    try:
        try:
            box.login(access.username, access.password)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(
                f"the mailbox at {access.host} does not let {access.username!r} in: {_words(error)}"
            ) from error
        yield box
    except (OSError, imaplib.IMAP4.error) as error:
        raise MailboxError(f"the mailbox at {access.host} stopped answering: {_words(error)}") from error
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            box.logout()
        with contextlib.suppress(OSError):
            box.shutdown()


def _connected(access: MailboxAccess) -> imaplib.IMAP4:
    if access.security == "tls":
        return imaplib.IMAP4_SSL(access.host, access.port, ssl_context=access.context(), timeout=TIMEOUT)
    box = imaplib.IMAP4(access.host, access.port, timeout=TIMEOUT)
    if access.security == "starttls":
        try:
            box.starttls(access.context())
        except BaseException:
            box.shutdown()
            raise
    return box


def _content(box: imaplib.IMAP4, uid: str) -> bytes | None:
    """The mail, unmarked; None when somebody else has taken it away meanwhile."""
    answer = _told(box.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"), f"mail {uid} cannot be read")
    return next((one[1] for one in answer if isinstance(one, tuple) and isinstance(one[1], bytes)), None)


def _mark(box: imaplib.IMAP4, uid: str, done: str) -> None:
    if not done:
        _told(box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"), f"mail {uid} cannot be marked")
        return
    if "MOVE" in box.capabilities:
        _told(box.uid("MOVE", uid, _quoted(done)), f"mail {uid} cannot be moved to {done!r}")
        return
    _told(box.uid("COPY", uid, _quoted(done)), f"mail {uid} cannot be copied to {done!r}")
    _told(box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen \Deleted)"), f"mail {uid} cannot be marked")


def _told(answer: tuple[str, Sequence[object]], what: str) -> Sequence[object]:
    status, found = answer
    if status != "OK":
        raise MailboxError(f"{what}: {_words(found)}")
    return found


def _words(said: object) -> str:
    if isinstance(said, Exception):
        said = list(said.args)
    if isinstance(said, list | tuple):
        said = b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in said)
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return "".join(one if one.isprintable() else " " for one in text)[:300]


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
