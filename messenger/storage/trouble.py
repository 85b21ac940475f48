"""What a database's refusals mean for whoever runs the program: a sentence each, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from messenger.errors import StorageError

OURS: Final = (IntegrityError, DataError, ProgrammingError)
"""Errors about what was said to the database, not about the database."""
_CROSSED: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of transactions that got in each other's way: the one that was ended may simply be tried again."""


class ConnectionDropped(StorageError):
    """The line to the database broke in the middle of a transaction."""


_DAMAGED: Final = "the file is damaged: stop messenger, keep the file as it is, and put the last backup in its place"
_ON_SQLITE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: "another program has kept the file locked for half a minute: close whatever else has it open",
    sqlite3.SQLITE_LOCKED: "another program has kept the file locked for half a minute: close whatever else has it open",
    sqlite3.SQLITE_READONLY: "the file cannot be written: give the user who runs messenger the right to write it and its folder",
    sqlite3.SQLITE_PERM: "the file cannot be used: give the user who runs messenger the right to write it and its folder",
    sqlite3.SQLITE_FULL: "its disk is full: make room on it; work goes on by itself then",
    sqlite3.SQLITE_IOERR: "its disk refuses to work: is it full, or at a limit (ulimit -f)? Else see the system's log: it may be failing",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is no database, or is damaged: if it should be one, put the last backup in its place",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: are its folder there and its rights in order, and are not too many files open (ulimit -n)?",
    sqlite3.SQLITE_NOMEM: "there is no memory left on this machine",
}  # fmt: skip
_ON_POSTGRESQL: Final[Mapping[str, str]] = {
    "53100": "the server's disk is full: make room on it; work goes on by itself then",
    "53200": "the server has no memory left",
    "53300": "the server has too many connections: raise its max_connections, or run fewer workers",
    "25006": "the server only lets itself be read: is it a standby? The url has to name the primary",
    "42501": "the user of the url may not do this: grant it the rights on messenger's tables",
    "28P01": "the server refuses the password of the url",
    "28000": "the server refuses the user of the url",
    "3D000": "there is no such database on the server: create it",
    "57P01": "the server was stopped: work goes on by itself when it is there again",
    "57P02": "the server has crashed: work goes on by itself when it is there again",
    "57P03": "the server is starting: work goes on by itself when it is there",
    "XX001": "the server has found damaged data: see its log",
    "XX002": "the server has found a damaged index: see its log",
}
_AT_THE_DOOR: Final = (
    (("database", "does not exist"), "3D000"),
    (("role", "does not exist"), "28000"),
    (("pg_hba.conf",), "28000"),
    (("password",), "28P01"),
    (("too many clients",), "53300"),
    (("remaining connection slots",), "53300"),
    (("starting up",), "57P03"),
    (("shutting down",), "57P01"),
)
"""Words by which a server refuses a connection: the driver tells no SQLSTATE then."""
_UNREACHED: Final = (
    "the server cannot be reached, or the line to it broke: work goes on by itself when it is there again"
)


def is_crossed(error: DBAPIError) -> bool:
    """Whether two transactions got in each other's way, so that trying again is all that is needed."""
    return getattr(error.orig, "sqlstate", None) in _CROSSED


def is_trouble(error: DBAPIError) -> bool:
    """Whether the database is in trouble, not what was said to it."""
    return _says_what_to_do(error) or not (isinstance(error, OURS) or is_crossed(error))


def worded(error: DBAPIError) -> StorageError:
    """Return what has happened, and what to do, in words; the database's own words follow."""
    kind = ConnectionDropped if error.connection_invalidated else StorageError
    said = " ".join(str(error.orig).split())
    return kind(f"the database cannot be used: {_meaning(error)} ({said})")


def file_in_use(error: sqlite3.Error) -> StorageError:
    """Return what it means that SQLite's file could not be opened."""
    return StorageError(f"the database cannot be used: {_of_sqlite(error)} ({error})")


def _meaning(error: DBAPIError) -> str:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    state = getattr(error.orig, "sqlstate", None) or _state_of(str(error.orig))
    return _ON_POSTGRESQL.get(state, _UNREACHED)


def _state_of(said: str) -> str:
    return next((state for words, state in _AT_THE_DOOR if all(word in said for word in words)), "")


def _of_sqlite(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _ON_SQLITE.get(code, "see what SQLite says")


def _says_what_to_do(error: DBAPIError) -> bool:
    """A refusal for want of rights counts as one of ours to SQLAlchemy."""
    return getattr(error.orig, "sqlstate", None) in _ON_POSTGRESQL
