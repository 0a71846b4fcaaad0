"""The HTTP API: routes, what they take and refuse, and the pages beside them."""
