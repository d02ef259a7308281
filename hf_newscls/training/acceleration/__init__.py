"""Speed-ups of a training step; `apply.py` has the table.

They change which values dropout drops, as another seed does; otherwise results differ only by rounding.
"""
