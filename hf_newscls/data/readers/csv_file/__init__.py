"""CSV files: header, rows, bad lines, and quotes that swallow rows."""
