"""0011, expand: who may use the console, who is logged in, and how often a password was guessed.

Three tables are added, none is changed: older workers keep running.
Locks: none on existing tables.
Undo: ``downgrade`` drops what was added: nobody can log in then, and users have to be added again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables."""
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("shops", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "guesses",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_guesses")),
    )
    op.create_index("ix_guesses_since", "guesses", ["since"])


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("ix_guesses_since", table_name="guesses")
    op.drop_index("ix_sessions_user", table_name="sessions")
    for table in ("guesses", "sessions", "users"):
        op.drop_table(table)
