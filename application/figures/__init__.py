"""What a business makes of its time, in numbers and with no personal data."""
