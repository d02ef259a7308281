"""From a recipe's model section to a `PreTrainedModel` and its tokenizer."""
