"""What `make` runs: checks, tests, lock files."""
