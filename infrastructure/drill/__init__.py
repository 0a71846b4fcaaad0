"""What the erasure drill looks with, and what it takes away beforehand: a search, and old copies."""
