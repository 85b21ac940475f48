"""Turns template files and an order into the text that a buyer reads."""
