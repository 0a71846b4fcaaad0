"""The read side: tables derived from events, disposable."""
