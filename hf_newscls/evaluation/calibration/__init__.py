"""How well the model's probabilities match its accuracy."""
