"""``python -m messenger.cli`` is the ``messenger`` command."""

from messenger.cli.main import main

main()
