"""From a model folder or a Hub id to predictions."""
