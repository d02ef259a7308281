"""What is in a news file."""
