"""0012, expand: an index of what went wrong, by due time, for people who look through it.

One index of few rows is added. Older workers keep running.
Locks: ``outbox``, against writing, until the index is built: about a second a million messages.
Undo: ``downgrade`` drops it; looking through what went wrong takes longer then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_WRONG = sa.text("state IN ('uncertain', 'failed')")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_outbox_wrong", "outbox", ["state", "due_at", "id"], sqlite_where=_WRONG, postgresql_where=_WRONG
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_outbox_wrong", table_name="outbox")
