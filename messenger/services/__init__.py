"""The use cases: each takes ports, does one thing, and records what it did."""
