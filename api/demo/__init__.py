"""The demo franchise, loaded once."""
