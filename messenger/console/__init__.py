"""What is reached over HTTP: pages for buyers, hooks for other programs, and whether all is well."""

from messenger.console.app import Desk, create_app

__all__ = ["Desk", "create_app"]
