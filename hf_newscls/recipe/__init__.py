"""What a recipe may say, section by section; loading, overrides and schema."""
