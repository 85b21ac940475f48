"""0010, expand: what people have in hand at a desk, and what they said became of it.

Two tables are added, none is changed. Older workers keep running, but give each message a place at its desk, however many
there are in a day.
Locks: none on existing tables.
Undo: ``downgrade`` drops what was added: what people have in hand is anybody's then, and nothing more can be taken back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables."""
    op.create_table(
        "desk_openings",
        sa.Column("outbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("along", sa.Text(), nullable=False),
        sa.Column("edited", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", "person", name=op.f("pk_desk_openings")),
    )
    op.create_index("ix_desk_openings_until", "desk_openings", ["until"])
    op.create_table(
        "desk_acts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_acts")),
    )
    op.create_index("ix_desk_acts_at", "desk_acts", ["at"])


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("ix_desk_acts_at", table_name="desk_acts")
    op.drop_index("ix_desk_openings_until", table_name="desk_openings")
    for table in ("desk_acts", "desk_openings"):
        op.drop_table(table)
