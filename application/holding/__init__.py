"""Keeping what has to be kept: legal holds, and the rules of retention; and letting go of the rest."""
