"""What the commands print: tables, texts, progress and messages."""
