"""The event store: append, order, reading, and the current state beside it."""
