"""Read CSV, JSON, JSON lines, Parquet and Hub snapshots into rows."""
