"""Where a run keeps its files; resuming and checkpoints."""
