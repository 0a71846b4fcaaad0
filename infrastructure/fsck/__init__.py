"""`daybook fsck`: everything that is stored, derived again from the stored bytes and compared."""
