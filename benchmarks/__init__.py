"""Side-by-side measurements: each a command that prints a small table, both sides in one run."""
