"""Keys, sealing, and the blind index."""
