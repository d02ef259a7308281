"""Simpler classifiers on the same split, to compare the model with."""
