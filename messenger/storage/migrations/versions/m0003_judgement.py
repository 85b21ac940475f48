"""0003, expand: what messages need to be judged together: buyer, valve, approval, carrier; pauses, generations, lanes.

Columns and tables are added, none is changed; two indexes are made anew because what a worker may claim has widened. Rows
that are there keep their meaning: each is given its order as buyer, one that waits for a person is due when it expires, and
an order that was taken in counts as open for 90 days after it last changed, so that the first generation of rules finds it.
Older workers keep running, but know neither valve nor pause, and look for what is due without an index: stop them soon, and
before anything new is taken in.
Locks: ``outbox`` and ``orders``, exclusively, until every row was written once and the indexes are built: about ten seconds
a million messages. Undo: ``downgrade`` drops what was added; merged and approved messages stay as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CLAIMABLE = "state IN ('planned', 'held', 'waiting_approval', 'awaiting_staff')"
_OPEN = "state IN ('planned', 'held', 'waiting_approval', 'awaiting_staff', 'claimed', 'sending', 'uncertain')"
_GONE = "state IN ('sent', 'bounced', 'complained', 'merged')"


def upgrade() -> None:
    """Add columns, tables and indexes, and fill what old rows need."""
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("buyer", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("urgent", sa.Boolean(), server_default="0", nullable=False))
        batch.add_column(sa.Column("gated", sa.Boolean(), server_default="0", nullable=False))
        batch.add_column(sa.Column("intake", sa.BigInteger(), server_default="0", nullable=False))
        batch.add_column(sa.Column("cleared_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("approved_by", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("released_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("carrier", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("paid_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("open_until", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("generation", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("intakes") as batch:
        batch.add_column(sa.Column("let_go", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("held_back", sa.Boolean(), server_default="0", nullable=False))
    op.execute(
        "UPDATE outbox SET buyer = 'order:' || order_number, "
        "due_at = CASE WHEN state IN ('waiting_approval', 'awaiting_staff') THEN expires_at ELSE due_at END"
    )
    op.execute("UPDATE orders SET open_until = updated_at + 7776000000000 WHERE updated_at IS NOT NULL")  # 90 days
    op.execute(
        "UPDATE orders SET open_until = (SELECT max(expires_at) FROM outbox "
        "WHERE outbox.shop = orders.shop AND order_number = orders.number AND state IN "
        "('planned', 'held', 'waiting_approval', 'awaiting_staff', 'claimed', 'sending', 'uncertain')) "
        "WHERE EXISTS (SELECT 1 FROM outbox "
        "WHERE outbox.shop = orders.shop AND order_number = orders.number AND state IN "
        "('planned', 'held', 'waiting_approval', 'awaiting_staff', 'claimed', 'sending', 'uncertain') "
        "AND expires_at > coalesce(orders.open_until, 0))"
    )
    _make_tables()
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_index("ix_orders_needs_fold", table_name="orders")
    _make_indexes()


def _make_tables() -> None:
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_table(
        "journeys",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("shipment", sa.Text(), nullable=False),
        sa.Column("shipped_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "order_number", "shipment", name=op.f("pk_journeys")),
    )
    op.create_index("ix_journeys_lane", "journeys", ["shop", "country", "method", "order_number", "shipment"])
    op.create_table(
        "lanes",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("parcels", sa.Integer(), nullable=False),
        sa.Column("p50_days", sa.String(length=24), nullable=True),
        sa.Column("p90_days", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("shop", "country", "method", name=op.f("pk_lanes")),
    )
    op.create_table(
        "pauses",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_pauses")),
    )
    op.create_table(
        "generations",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_generations")),
    )
    op.create_table(
        "ticks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_ticks")),
    )
    op.create_table(
        "alive",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alive")),
    )


def _make_indexes() -> None:
    # SQLite uses a partial index only for a query that states its condition in the same words, and SQLAlchemy's for a
    # truth value are "x = 1" there.
    _partial("ix_outbox_due", ["due_at", "id", "shop"], f"{_CLAIMABLE} AND gated = 0", f"{_CLAIMABLE} AND NOT gated")
    _partial(
        "ix_outbox_urgent",
        ["due_at", "id", "shop"],
        f"urgent = 1 AND {_CLAIMABLE} AND gated = 0",
        f"urgent AND {_CLAIMABLE} AND NOT gated",
    )
    aside = "state IN ('held', 'waiting_approval', 'awaiting_staff')"
    _partial("ix_outbox_aside", ["state", "due_at", "id"], aside, aside)
    _partial("ix_outbox_gated", ["intake", "id"], "gated = 1", "gated = true")
    _partial("ix_outbox_buyer_open", ["shop", "buyer"], _OPEN, _OPEN)
    _partial("ix_outbox_buyer_gone", ["shop", "buyer", "sent_at"], _GONE, _GONE)
    _partial("ix_outbox_carrier", ["carrier"], "carrier IS NOT NULL", "carrier IS NOT NULL")
    left = "sent_at IS NOT NULL AND carrier IS NULL"
    _partial("ix_outbox_left", ["sent_at"], left, left)
    _partial("ix_orders_needs_fold", ["shop", "number"], "needs_fold = 1", "needs_fold = true", table="orders")
    _partial("ix_inbox_failed", ["shop", "order_number"], "state = 'failed'", "state = 'failed'", table="inbox")
    _partial("ix_orders_given_up", ["shop", "number"], "failures >= 5", "failures >= 5", table="orders")
    _partial("ix_intakes_open", ["id"], "closed_at IS NULL", "closed_at IS NULL", table="intakes")
    op.create_index("ix_orders_generation", "orders", ["generation", "open_until", "shop", "number"])


def _partial(name: str, columns: list[str], on_sqlite: str, on_postgresql: str, table: str = "outbox") -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(on_sqlite), postgresql_where=sa.text(on_postgresql))


def downgrade() -> None:
    """Drop what was added, and make the old indexes again."""
    op.drop_index("ix_orders_generation", table_name="orders")
    op.drop_index("ix_intakes_open", table_name="intakes")
    op.drop_index("ix_orders_given_up", table_name="orders")
    op.drop_index("ix_inbox_failed", table_name="inbox")
    op.drop_index("ix_orders_needs_fold", table_name="orders")
    for name in ("left", "carrier", "buyer_gone", "buyer_open", "gated", "aside", "urgent", "due"):
        op.drop_index(f"ix_outbox_{name}", table_name="outbox")
    for table in ("alive", "ticks", "generations", "pauses", "lanes", "journeys", "sources"):
        op.drop_table(table)
    added = {
        "intakes": ("let_go", "held_back"),
        "orders": ("paid_at", "open_until", "generation"),
        "outbox": ("buyer", "urgent", "gated", "intake", "cleared_at", "approved_by", "released_at", "carrier"),
    }
    for table, columns in added.items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
    _partial("ix_outbox_due", ["due_at", "id"], "state IN ('planned', 'held')", "state IN ('planned', 'held')")
    _partial("ix_orders_needs_fold", ["shop", "number"], "needs_fold", "needs_fold", table="orders")
