"""Whom each leaf is about: the index, the maps, and evidence."""
