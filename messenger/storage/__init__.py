"""Keeps events, orders and messages, in SQLite or PostgreSQL behind one interface."""

from messenger.storage.schema import Status, migrate, status
from messenger.storage.store import SqlStore, open_store

__all__ = ["SqlStore", "Status", "migrate", "open_store", "status"]
