"""What holds for every test: the machine's own time zone never matters, and mutants meet the same examples each time."""

from __future__ import annotations

import os
import time

from hypothesis import settings

os.environ["TZ"] = "Asia/Kathmandu"  # no machine of ours, and not a whole hour away from anything
time.tzset()

settings.register_profile("mutants", derandomize=True, deadline=None, database=None)
if "MUTANT_UNDER_TEST" in os.environ:
    settings.load_profile("mutants")
