"""The peer of `benchmarks.ledger_proofs`: run by an interpreter of its own, never imported."""
