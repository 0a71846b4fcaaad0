"""The first door: every opening of personal data inside, every denial, and who looks after them."""
