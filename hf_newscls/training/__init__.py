"""From a recipe and tokenized rows to a trained model."""
