"""${up_revision}, expand: ${message}.

Older workers keep running: …
Locks: … Undo: …
"""

from __future__ import annotations

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""


def downgrade() -> None:
    """Undo it."""
