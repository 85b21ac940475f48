"""Telling: what happened to an order, what stands between a message and its buyer, and why a rule said nothing."""
