"""Reading what comes back by mail: delivery reports, complaints, and what servers write in their own words."""

from messenger.mail.bounces.reading import LARGEST, read_reports

__all__ = ["LARGEST", "read_reports"]
