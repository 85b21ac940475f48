"""0005, expand: what came back about messages, and which addresses must not be written to.

Two tables and an index are added, none is changed. Older workers keep running, but do not look whether an address is
suppressed: stop them soon.
Locks: ``outbox``, exclusively, until the index over Message-IDs is built: a few seconds a million messages that were sent.
Undo: ``downgrade`` drops what was added; what buyers asked for and what bounced is then forgotten, so export it first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAMED = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    """Add tables and the index."""
    op.create_table(
        "suppressions",
        sa.Column("address", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", "shop", "category", name=op.f("pk_suppressions")),
    )
    op.create_index("ix_suppressions_shop", "suppressions", ["shop", "since", "address"])
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("digest", name=op.f("uq_reports_digest")),
    )
    op.create_index("ix_reports_address", "reports", ["address", "received_at"])
    op.create_index("ix_reports_received", "reports", ["received_at"])
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"], sqlite_where=_NAMED, postgresql_where=_NAMED)


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("ix_outbox_message_id", table_name="outbox")
    op.drop_table("reports")
    op.drop_table("suppressions")
