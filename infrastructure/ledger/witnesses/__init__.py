"""Witnesses: others cosign our logs, and we theirs."""
