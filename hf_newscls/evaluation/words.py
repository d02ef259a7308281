"""What counts as a word where texts are split into words: in scripts without spaces, each character."""

# Thai and Lao, Burmese, Khmer, kana, Chinese characters.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
"""Characters of scripts without spaces between words, for a set in a regular expression."""
