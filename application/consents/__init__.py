"""What people said to purposes and choices, what stands of it, and the receipts they get."""
