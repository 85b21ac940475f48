"""How Alembic runs the steps: on the connection it is handed, in one transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True, target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
