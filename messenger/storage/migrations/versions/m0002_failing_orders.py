"""0002, expand: count failed taking-ins of an order, not only of its events.

An event about a buyer belongs to no single order, so an order that cannot take it in had nowhere to be counted and was
tried for ever. Older workers keep running: one column is added with a default.
Locks: ``orders``, briefly. Undo: drop the column.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count."""
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("failures", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Drop the count."""
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("failures")
