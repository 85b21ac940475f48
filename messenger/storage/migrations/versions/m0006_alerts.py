"""0006, expand: alerts, who tells people of them, and a way to what failed.

Two tables and an index are added, none is changed. Older workers keep running, but raise no alerts.
Locks: ``outbox``, exclusively, until the index over failed messages is built: one walk over the table, a second a million
rows. Undo: ``downgrade`` drops what was added; what is the matter then is raised anew, and told again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    """Add tables and the index."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("buyers", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("over_told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("shop", "kind", "subject", name=op.f("uq_alerts_shop_kind_subject")),
    )
    op.create_table(
        "telling",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("digest_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_telling")),
    )
    op.create_index(
        "ix_outbox_failed", "outbox", ["claimed_at", "shop"], sqlite_where=_FAILED, postgresql_where=_FAILED
    )


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("ix_outbox_failed", table_name="outbox")
    for table in ("telling", "alerts"):
        op.drop_table(table)
