"""Text files: their encoding, and how to open them."""
