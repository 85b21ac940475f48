"""Keeps events, orders and messages, in SQLite or PostgreSQL behind one interface."""
