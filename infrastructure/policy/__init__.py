"""The privacy policy as data, and how it is read."""
