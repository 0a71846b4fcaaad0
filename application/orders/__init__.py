"""Who may demand data: legal processes and their gags, and a franchise's office."""
