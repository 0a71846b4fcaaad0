"""From the stored log to what is published: mirror, publisher, fork guard, and reading it."""
