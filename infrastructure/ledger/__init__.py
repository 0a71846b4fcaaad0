"""The ledger: what makes every event provable to someone who does not trust the operator."""
