"""Evaluate a run on its test set, next to another run, and on other data."""
