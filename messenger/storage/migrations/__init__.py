"""Numbered steps from one version's tables to the next; see ``storage.schema``."""
