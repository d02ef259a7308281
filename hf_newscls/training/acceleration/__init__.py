"""What makes a training step faster on a CPU."""
