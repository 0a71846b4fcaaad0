"""What a business sets up: its locations, services, staff and keys, and who may use them."""
