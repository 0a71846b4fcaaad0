"""The people a business knows: who they are, how they are found, and what is held of them."""
