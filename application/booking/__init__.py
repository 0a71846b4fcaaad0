"""Slots, holds and bookings, from the offer to the agenda."""
