"""Recovery: a database that was restored from a backup gets back from the mirror what it lacks. README D8."""
