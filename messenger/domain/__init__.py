"""What is true about orders, and what should be said: pure functions and values, no I/O."""
