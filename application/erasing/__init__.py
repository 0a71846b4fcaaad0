"""Erasing a person for good: the order and its fence, the keys destroyed, who is told, and the certificate."""
