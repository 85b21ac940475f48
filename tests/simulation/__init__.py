"""Whole lives of the program under a clock, a network and a fate that a seed decides; the same seed lives the same life."""
