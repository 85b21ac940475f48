"""0004, expand: accounts: which are in trouble, what they may still carry, and the line a message waits in.

Two columns and two tables are added, none is changed; the index over urgent messages is made anew, two are added. Rows that
are there have never been tried, as far as lines go. Older workers keep running: they claim from all lines, and find out
about an account in trouble each for itself.
Locks: ``outbox``, exclusively, until the indexes are built: a few seconds a million messages that wait. Undo: ``downgrade``
drops what was added; what waits for an account is then tried again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


_CLAIMABLE = "state IN ('planned', 'held', 'waiting_approval', 'awaiting_staff')"
_FOR_AN_ACCOUNT = "(queue NOT IN ('', 'retry'))"


def upgrade() -> None:
    """Add columns, tables and indexes."""
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("queue", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("claimed_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE outbox SET queue = 'retry' WHERE reason = 'retry' AND state = 'planned'")
    op.execute("UPDATE outbox SET claimed_at = due_at WHERE owner IS NOT NULL")
    op.create_table(
        "breakers",
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pause", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("probe_at", sa.BigInteger(), nullable=True),
        sa.Column("prober", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transport", name=op.f("pk_breakers")),
    )
    op.create_table(
        "allowances",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=True),
        sa.Column("slowness", sa.Integer(), nullable=False),
        sa.Column("slowed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_allowances")),
    )
    op.drop_index("ix_outbox_urgent", table_name="outbox")
    _partial("ix_outbox_urgent", ["queue", "due_at", "id", "shop"], before="urgent")
    _partial("ix_outbox_lane", ["shop", "queue", "due_at", "id"])
    _partial("ix_outbox_account", ["queue", "expires_at", "id"], after=_FOR_AN_ACCOUNT)


def _partial(name: str, columns: list[str], *, before: str = "", after: str = "") -> None:
    """Make an index over what may be claimed, and more conditions before and after that one."""
    ends = f" AND {after}" if after else ""
    on_sqlite = f"{before} = 1 AND {_CLAIMABLE} AND gated = 0" if before else f"{_CLAIMABLE} AND gated = 0"
    on_postgresql = f"{before} AND {_CLAIMABLE} AND NOT gated" if before else f"{_CLAIMABLE} AND NOT gated"
    op.create_index(
        name, "outbox", columns, sqlite_where=sa.text(on_sqlite + ends), postgresql_where=sa.text(on_postgresql + ends)
    )


def downgrade() -> None:
    """Drop what was added, and make the old index again."""
    for name in ("account", "lane", "urgent"):
        op.drop_index(f"ix_outbox_{name}", table_name="outbox")
    for table in ("allowances", "breakers"):
        op.drop_table(table)
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("claimed_at")
        batch.drop_column("queue")
    _partial("ix_outbox_urgent", ["due_at", "id", "shop"], before="urgent")
