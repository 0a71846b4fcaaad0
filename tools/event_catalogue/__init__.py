"""The event catalogue: what every event holds, who emits it, which read models take it in; and that none breaks."""
