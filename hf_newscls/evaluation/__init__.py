"""From probabilities and references to a report."""
