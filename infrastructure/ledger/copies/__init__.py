"""Copies of a ledger for others: bundles and exports."""
