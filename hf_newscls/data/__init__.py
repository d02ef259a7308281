"""From a news file to a `DatasetDict` with a manifest of its split."""
