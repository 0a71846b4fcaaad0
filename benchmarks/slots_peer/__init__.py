"""The peer of `benchmarks.slots`, from npm; installed by that command, never committed."""
