"""Predict texts, the rows of files, and rows on a cluster."""
