"""Every error messenger raises on purpose, as one tree.

The branches are told apart by who must act: whoever wrote the configuration or a template, whoever sent the event, or
whoever runs the machine. Each message shows the value received and what would be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


class MessengerError(Exception):
    """Anything messenger refuses to do, with a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a file that a person wrote, and where it stands.

    Args:
        file: the path as the user would type it.
        line: 1-based, or 0 when the whole file is meant.
        column: 1-based, or 0 when the whole line is meant.
        key: the dotted key or placeholder that is wrong; empty when there is none.
        problem: what is wrong, with the value found.
        remedy: what would be right; empty when the problem says it all.
        severity: ``error`` stops the file from being used, ``warning`` does not, ``notice`` only says what is so.
    """

    file: str
    line: int
    column: int
    key: str
    problem: str
    remedy: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        key = f"{self.key}: " if self.key else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}: {key}{self.problem}{remedy}"


class ConfigurationError(MessengerError):
    """A file of the home cannot be used. Carries every mistake found, not only the first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class TemplateError(ConfigurationError):
    """A template cannot be compiled; the last good version stays in use."""


class EventError(MessengerError):
    """An event cannot be taken in.

    Args:
        field: dotted path of the offending field, for example ``data.order.total``; empty for the whole event.
        problem: what is wrong, with the value found, and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}" if field else problem)


class RenderError(MessengerError):
    """A message cannot be written from what is known about the order.

    Args:
        missing: the placeholder that had no value, or the problem in words.
    """

    def __init__(self, template: str, locale: str, missing: str) -> None:
        self.template = template
        self.locale = locale
        self.missing = missing
        super().__init__(f"{locale}/{template}: {missing}")


class MessageRefused(MessengerError):
    """A message cannot be put into a form that is safe to send: an address or a header would not survive."""


class StorageError(MessengerError):
    """The database cannot be used as it is: unreachable, too new, too old, not a messenger database."""


class MailboxError(MessengerError):
    """A mailbox that cannot be read; the message says why, without the password."""


class SourceAway(MessengerError):
    """A source cannot be read now; it is tried again.

    Args:
        problem: why, without secrets.
        again_at: not before then, if it said so: an aware instant.
    """

    def __init__(self, problem: str, *, again_at: datetime | None = None) -> None:
        self.again_at = again_at
        super().__init__(problem)


class SourceShut(MessengerError):
    """A source does not let us in, and only a person can change that: log in again, ask for a permission, mend a setting."""


class NotTold(MessengerError):
    """People could not be told of an alert this way; others may work, and it is tried again."""


class UsageError(MessengerError):
    """A command was asked for something that does not exist or cannot be done."""
