"""People's requests: received, answered, and the duties that follow."""
