"""How fast messenger is, as figures from one run on one machine: trust the ratios between lines, not the numbers."""
