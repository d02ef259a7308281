"""Read CSV, JSON, Excel, Parquet, folders of text files and datasets of the Hub into rows."""
