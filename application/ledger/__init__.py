"""The ledger as it is read, proved, exported and witnessed; and what is withheld under a gag."""
