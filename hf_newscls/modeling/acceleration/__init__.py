"""Faster ways to compute what a classifier computes, for as long as a context lasts: for training and prediction."""
