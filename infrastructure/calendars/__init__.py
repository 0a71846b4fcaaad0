"""iCalendar files read and written, and public holidays."""
