"""`daybook erase-drill`: the whole proof that an erasure holds, on a deployment of its own."""
