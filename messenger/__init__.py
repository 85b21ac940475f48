"""An open engine that writes to marketplace buyers at the right moment."""

__version__ = "0.1.0"
