"""The embedded PostgreSQL server and its life cycle."""
