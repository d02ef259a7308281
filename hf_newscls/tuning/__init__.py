"""Search for a better recipe: trials with other values, judged on validation rows; the test rows are not read."""
