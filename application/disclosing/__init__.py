"""The second door: recipients, what is handed to them, how it is sent, and what they answer."""
