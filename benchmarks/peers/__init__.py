"""What others would use, run as they would run it: each a program of its own that prints how many messages a second it sent."""
