"""Erasing: what destroys keys, and what has to be true before anyone says so."""
