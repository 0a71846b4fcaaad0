"""The driving side: HTTP, command line, workers, and the composition root."""
