"""Describe a news file before training: an Overview and the page that shows it."""
