"""Keeps events, orders and messages, in SQLite or PostgreSQL behind one interface."""

from messenger.storage.documents import event_document
from messenger.storage.schema import Status, migrate, status
from messenger.storage.store import SqlStore, create, open_store

__all__ = ["SqlStore", "Status", "create", "event_document", "migrate", "open_store", "status"]
