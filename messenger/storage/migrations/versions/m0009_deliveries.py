"""0009, expand: on PostgreSQL a table for what others post to us. On SQLite it stands in a file of its own (``storage.spool``).

Older workers keep running: a table is added, none is changed. They read no deliveries.
Locks: none on existing tables. Undo: ``downgrade`` drops the table; what was not read yet is lost, so that it is refused then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RECEIVED = sa.text("state = 'received'")
_FIRST = sa.text("state <> 'conflict'")


def upgrade() -> None:
    """Add the table."""
    if _is_sqlite():
        return
    op.create_table(
        "deliveries",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'processed', 'unknown', 'person', 'failed', 'conflict')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_deliveries")),
    )
    op.create_index("uq_deliveries_content", "deliveries", ["source", "name", "fingerprint"], unique=True)
    op.create_index("uq_deliveries_first", "deliveries", ["source", "name"], unique=True, postgresql_where=_FIRST)
    op.create_index("ix_deliveries_received", "deliveries", ["due_at"], postgresql_where=_RECEIVED)
    op.create_index("ix_deliveries_ended", "deliveries", ["state", "received_at"])


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def downgrade() -> None:
    """Drop the table, if nothing in it waits to be read."""
    if _is_sqlite():
        return
    if op.get_bind().execute(sa.text("SELECT 1 FROM deliveries WHERE state = 'received' LIMIT 1")).first() is not None:
        raise RuntimeError("deliveries wait to be read: without the table they would be lost")
    op.drop_table("deliveries")
