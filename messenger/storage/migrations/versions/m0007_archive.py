"""0007, expand: an archive for what is over, and how old frozen letters and ticks are.

Two tables, three columns, two indexes and a trigger are added, none is changed. Older workers keep running: they do not
look into the archive, but the trigger keeps any key that lies there out of the outbox, so that nothing is said twice. What
they freeze has no age, and is kept until its order moves away.
Locks: ``orders``, ``bodies`` and ``outbox``, exclusively, until the indexes are built and every letter was given its age:
about ten seconds a million messages.
Undo: refused while something lies in the archive; a message that is forgotten would be sent again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HERE = sa.text("archived_at IS NULL")
_KEPT = sa.text("frozen_at IS NOT NULL")
_SAME = " AND ".join(f"archived_keys.{column} = NEW.{column}" for column in ("shop", "rule", "scope", "step"))
_LIES_THERE = f"EXISTS (SELECT 1 FROM archived_keys WHERE {_SAME})"  # noqa: S608  # names of our own columns
_ON_SQLITE = (
    f"CREATE TRIGGER outbox_archived BEFORE INSERT ON outbox WHEN {_LIES_THERE} BEGIN SELECT RAISE(IGNORE); END",
)
_ON_POSTGRESQL = (
    f"""CREATE FUNCTION outbox_archived() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF {_LIES_THERE} THEN RETURN NULL; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER outbox_archived BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION outbox_archived()",
)


def upgrade() -> None:
    """Add tables, columns and indexes, and say of each letter how old it is."""
    op.create_table(
        "archive",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "order_number", name=op.f("pk_archive")),
    )
    op.create_index("ix_archive_left_at", "archive", ["left_at"])
    op.create_table(
        "archived_keys",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("carrier", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "rule", "scope", "step", name=op.f("pk_archived_keys")),
        sa.UniqueConstraint("id", name=op.f("uq_archived_keys_id")),
    )
    for column in ("message_id", "carrier"):
        there = sa.text(f"{column} IS NOT NULL")
        name = f"ix_archived_keys_{column}"
        op.create_index(name, "archived_keys", [column], sqlite_where=there, postgresql_where=there)
    op.add_column("orders", sa.Column("archived_at", sa.BigInteger(), nullable=True))
    op.add_column("bodies", sa.Column("frozen_at", sa.BigInteger(), nullable=True))
    op.add_column("ticks", sa.Column("bought_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE bodies SET frozen_at = (SELECT coalesce(sent_at, claimed_at, due_at) FROM outbox WHERE outbox.id = outbox_id)"
    )
    ripe = ["open_until", "shop", "number"]
    op.create_index("ix_orders_ripe", "orders", ripe, sqlite_where=_HERE, postgresql_where=_HERE)
    op.create_index("ix_bodies_frozen", "bodies", ["frozen_at"], sqlite_where=_KEPT, postgresql_where=_KEPT)
    for statement in _ON_SQLITE if _is_sqlite() else _ON_POSTGRESQL:
        op.execute(statement)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def downgrade() -> None:
    """Drop what was added, if nothing is lost by it."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM archive LIMIT 1")).first() is not None:
        raise RuntimeError("the archive is not empty: without it what it holds would be sent again")
    op.execute("DROP TRIGGER outbox_archived" + ("" if _is_sqlite() else " ON outbox"))
    if not _is_sqlite():
        op.execute("DROP FUNCTION outbox_archived()")
    op.drop_index("ix_bodies_frozen", table_name="bodies")
    op.drop_index("ix_orders_ripe", table_name="orders")
    op.drop_column("ticks", "bought_at")
    op.drop_column("bodies", "frozen_at")
    op.drop_column("orders", "archived_at")
    op.drop_table("archived_keys")
    op.drop_table("archive")
