"""The offline verifier: it trusts nothing of ours, and imports nothing of ours."""
