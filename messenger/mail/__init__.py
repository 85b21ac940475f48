"""E-mail: from letter to bytes (``mime``), from bytes to a server (``smtp``), and an inbox of one's own (``inbox``)."""
