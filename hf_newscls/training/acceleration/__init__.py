"""Speed-ups of a training step that leave its results as they are; `apply.py` has the table."""
