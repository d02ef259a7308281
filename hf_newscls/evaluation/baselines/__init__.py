"""Simpler classifiers on the same split."""
