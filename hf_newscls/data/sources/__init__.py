"""Addresses of data files: local paths, files in packages, Kaggle and the Hub."""
