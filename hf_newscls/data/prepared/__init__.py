"""Prepared rows: how they are saved, and the cache of them."""
